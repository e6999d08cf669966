/**
 * JSON Schema (draft 2020-12) for parameters and data. Schemas come from users: one that is not a schema is their
 * mistake, and is told with its place. References lead only into the schema itself, nothing is ever fetched. Patterns
 * are held to a form whose cost is bounded: one that backtracks without end would stop the whole process.
 */
import { Problem, type Violation } from '@lucihub/analog'
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'

/** Compiled schemas kept, by their text. */
const COMPILED_MAX = 200
const VIOLATIONS_MAX = 20
const SCHEMA_BYTES_MAX = 65_536

/** A pattern: its length, its quantifiers without an upper end, the length of the texts that it is tried on. */
const PATTERN = { length: 200, open: 2, text: 1_000 } as const

const compiled = new Map<string, ValidateFunction>()

/** Problem `validation-failed` when the text is not a JSON Schema; `pointer` is where it came in the request. */
export function checkSchema(schemaJson: string, pointer: string): void {
  validatorOf(schemaJson, pointer)
}

/** What is wrong with a value by a schema; empty when nothing is. Pointers lead into the value, below `at`. */
export function schemaViolations(schemaJson: string, value: unknown, at = ''): Violation[] {
  const validate = validatorOf(schemaJson, '')
  if (validate(value)) return []
  return (validate.errors ?? []).slice(0, VIOLATIONS_MAX).map((error) => violationOf(error, value, at))
}

function validatorOf(schemaJson: string, pointer: string): ValidateFunction {
  const known = compiled.get(schemaJson)
  if (known) return known
  const refuse = (message: string, cause?: unknown): Problem =>
    new Problem('validation-failed', `This is not a JSON Schema: ${message}`, {
      violations: [
        { pointer, value: '', message, remedy: 'Send a JSON Schema of draft 2020-12 without outside references.' },
      ],
      cause,
    })
  if (Buffer.byteLength(schemaJson) > SCHEMA_BYTES_MAX) throw refuse(`it has more than ${SCHEMA_BYTES_MAX} bytes.`)
  let validate: ValidateFunction
  try {
    // An instance of its own: names that one schema defines are unknown to the next.
    const ajv = new Ajv2020({
      allErrors: true,
      strict: false,
      validateFormats: false,
      logger: false,
      code: { regExp: boundedPattern },
    })
    validate = ajv.compile(JSON.parse(schemaJson) as object)
  } catch (cause) {
    throw refuse(cause instanceof Error ? `${cause.message.slice(0, 300)}.` : 'it cannot be read.', cause)
  }
  if (compiled.size >= COMPILED_MAX) compiled.clear()
  compiled.set(schemaJson, validate)
  return validate
}

/** Longer texts never match. Throws for a pattern whose cost could grow too fast with the text. */
const boundedPattern = Object.assign(
  (source: string, flags: string) => {
    const bare = source.replace(/\\[^]/g, 'x').replace(/\[[^\]]*\]/g, 'x')
    if (source.length > PATTERN.length) throw new Error(`a pattern may have ${PATTERN.length} characters`)
    if (/\)[*+{]/.test(bare)) throw new Error('a pattern may not repeat a group')
    if ((bare.match(/[*+]|\{\d+,\}/g) ?? []).length > PATTERN.open)
      throw new Error(`a pattern may have ${PATTERN.open} of "*", "+" and "{n,}"`)
    const pattern = new RegExp(source, flags)
    return {
      test: (text: string): boolean => text.length <= PATTERN.text && pattern.test(text),
      // Ajv tells patterns apart by their text.
      toString: (): string => pattern.toString(),
    }
  },
  // What Ajv would write into generated files, of which there are none.
  { code: 'boundedPattern' },
)

function violationOf(error: ErrorObject, value: unknown, at: string): Violation {
  const extra = error.keyword === 'additionalProperties' ? String(error.params['additionalProperty']) : ''
  const missing = error.keyword === 'required' ? String(error.params['missingProperty']) : ''
  const step = extra || missing
  const pointer = `${at}${error.instancePath}${step && `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`}`
  const found = missing ? undefined : valueAt(value, `${error.instancePath}${extra && `/${extra}`}`)
  return {
    pointer,
    value: found === undefined ? '' : (JSON.stringify(found) ?? '').slice(0, 80),
    message: missing ? 'It is required.' : extra ? 'There is no such property.' : `It ${error.message ?? 'is wrong'}.`,
    remedy: remedyOf(error),
  }
}

function remedyOf({ keyword, params }: ErrorObject): string {
  if (keyword === 'enum') return `Send one of ${JSON.stringify(params['allowedValues']).slice(0, 200)}.`
  if (keyword === 'type') return `Send a value of type ${String(params['type'])}.`
  if (keyword === 'required') return 'Add it.'
  if (keyword === 'additionalProperties') return 'Leave it out.'
  if ('limit' in params) return `Send a value ${String(params['comparison'] ?? 'within')} ${String(params['limit'])}.`
  return 'Send a value that the schema allows.'
}

function valueAt(value: unknown, pointer: string): unknown {
  let found = value
  for (const step of pointer.split('/').slice(1)) {
    if (typeof found !== 'object' || found === null) return undefined
    found = (found as Record<string, unknown>)[step.replaceAll('~1', '/').replaceAll('~0', '~')]
  }
  return found
}
