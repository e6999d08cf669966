/** What a zod schema finds wrong, in the words of our problems: pointer, value, message, remedy. */
import { Problem, type Violation } from '@lucihub/analog'
import type { z } from 'zod'

type Issue = z.core.$ZodIssue

/** Parses with the schema or throws a Problem: `invalid-request` for a wrong shape, `validation-failed` for wrong values. */
export function parseWith<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value, { reportInput: true })
  if (result.success) return result.data
  throw problemOf(result.error.issues)
}

function problemOf(issues: readonly Issue[]): Problem {
  const misshapen = issues.some(
    ({ code }) => code === 'invalid_type' || code === 'unrecognized_keys' || code === 'invalid_union',
  )
  const violations = issues.flatMap(violationsOf)
  const names = [...new Set(violations.map(({ pointer }) => pointer || 'the request'))].slice(0, 5).join(', ')
  const more = violations.length > 1 ? `${violations.length} things are wrong` : 'One thing is wrong'
  return new Problem(misshapen ? 'invalid-request' : 'validation-failed', `${more}, see \`violations\`: ${names}.`, {
    violations,
  })
}

function violationsOf(issue: Issue): Violation[] {
  const at = pointerOf(issue.path)
  const value = shown(issue.input)
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        pointer: `${at}${pointerOf([key])}`,
        value: shown((issue.input as Record<string, unknown> | undefined)?.[key]),
        message: `There is no field "${key.slice(0, 80)}".`,
        remedy: 'Leave it out, or look up its spelling in /openapi.json.',
      }))
    case 'invalid_type':
      return issue.input === undefined
        ? [{ pointer: at, value: '', message: 'It is required.', remedy: `Send ${article(issue.expected)}.` }]
        : [
            {
              pointer: at,
              value,
              message: `It must be ${article(issue.expected)}.`,
              remedy: `Send ${article(issue.expected)}.`,
            },
          ]
    case 'too_big':
      return [bound(at, value, { origin: issue.origin, limit: Number(issue.maximum), word: 'at most' })]
    case 'too_small':
      return [bound(at, value, { origin: issue.origin, limit: Number(issue.minimum), word: 'at least' })]
    case 'invalid_value': {
      const choices = issue.values.map((choice) => JSON.stringify(choice)).join(', ')
      return [{ pointer: at, value, message: 'It is none of the possible values.', remedy: `Send one of ${choices}.` }]
    }
    case 'invalid_union':
      return [
        {
          pointer: at,
          value,
          message: 'It has none of the possible forms.',
          remedy: 'Look up the forms in /openapi.json.',
        },
      ]
    default: {
      // Our own checks: the message is a sentence on what is wrong, the remedy comes along as a parameter.
      const remedy = 'params' in issue && typeof issue.params?.['remedy'] === 'string' ? issue.params['remedy'] : ''
      return [{ pointer: at, value, message: issue.message, remedy: remedy || 'Look up the format in /openapi.json.' }]
    }
  }
}

function bound(
  pointer: string,
  value: string,
  { origin, limit, word }: { origin: string; limit: number; word: string },
): Violation {
  const unit = origin === 'string' ? ' characters long' : origin === 'array' ? ' long' : ''
  return { pointer, value, message: `It must be ${word} ${limit}${unit}.`, remedy: `Send ${word} ${limit}.` }
}

function article(type: string): string {
  return type === 'int' || /^[aeiou]/.test(type) ? `an ${type === 'int' ? 'integer' : type}` : `a ${type}`
}

/** JSON pointer (RFC 6901). */
function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((step) => `/${String(step).slice(0, 80).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

function shown(value: unknown): string {
  if (value === undefined) return ''
  const text = typeof value === 'string' ? value : typeof value === 'number' ? String(value) : JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}
