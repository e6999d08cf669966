/**
 * A submission as two YAML documents: first a header of whatever keys, then the parameters of tasks by the name of
 * their recipe. The whole file is read, one recipe of it is run. Texts of the second document may name values:
 * `{{ run }}` of the header, `{{ Task.a.b }}` of a task, `{{ $NAME }}` of the environment, with a format as in
 * `{{ run:04d }}`. They are filled in from top to bottom, so a name sees what stands above it as it became, and what
 * stands below as it was written. Texts inside lists stay as they are. Aliases, sizes and depths are bounded.
 */
import { Problem, type Violation } from '@lucihub/analog'
import { LineCounter, parseAllDocuments } from 'yaml'
import { parseJson } from '../http/json-text.ts'
import { RunSubmissionSchema } from './runs.schema.ts'

export interface TwoDocuments {
  /** To be checked as any other submission. */
  readonly submission: Readonly<Record<string, unknown>>
  /** What was left as it is, for people. */
  readonly warnings: readonly string[]
}

const BYTES_MAX = 262_144
/** Of one value that is filled in; a chain of names would otherwise double a text with every line. */
const FILLED_LENGTH_MAX = 16_384
const FILLED_MAX = 10_000
/** How often aliases may be followed in one document. */
const ALIASES_MAX = 100
const WIDTH_MAX = 100

/** Other names of what a header may say. */
const ALIASES: Readonly<Record<string, string>> = {
  experiment: 'project',
  run: 'runNo',
  run_no: 'runNo',
  task: 'recipe',
  task_timeout: 'timeoutS',
  timeout: 'timeoutS',
  timeout_s: 'timeoutS',
  job_type: 'jobType',
  input_kind: 'inputKind',
  op_time_ns: 'opTimeNs',
  sample_rate_hz: 'sampleRateHz',
}
const CONFIG_NAMES: Readonly<Record<string, string>> = {
  date: 'date',
  lute_version: 'softwareVersion',
  software_version: 'softwareVersion',
  softwareVersion: 'softwareVersion',
}
/** Of a header these are numbers, also where they are quoted. */
const NUMBERS = ['runNo', 'timeoutS']

type Dictionary = Record<string, unknown>

/** Problems: `invalid-request` for what is no such file, `too-large`, `validation-failed` for names that mean nothing. */
export function readTwoDocuments(
  text: string,
  { recipe: wanted, environment }: { readonly recipe: string; readonly environment: Readonly<Record<string, string>> },
): TwoDocuments {
  const [header, tasks] = documentsOf(text)
  const submission = submissionOf(header)
  const sections = Object.keys(tasks)
  const recipe = wanted || String(submission['recipe'] ?? (sections.length === 1 ? sections[0] : ''))
  if (recipe === '')
    throw refusal([
      {
        pointer: '/recipe',
        value: '',
        message: 'The file does not say which recipe to run.',
        remedy: 'Name it: POST /runs?recipe=<name>, or `recipe` in the header.',
      },
    ])
  const { violations, warnings } = fillIn(tasks, { header, environment, recipe })
  if (violations.length > 0) throw refusal(violations)
  const parameters = tasks[recipe] ?? {}
  return { submission: { kind: 'job', ...submission, recipe, parameters }, warnings }
}

function documentsOf(text: string): [Dictionary, Dictionary] {
  if (Buffer.byteLength(text) > BYTES_MAX) throw new Problem('too-large', `The file has more than ${BYTES_MAX} bytes.`)
  const lineCounter = new LineCounter()
  const documents = parseAllDocuments(text, { lineCounter, prettyErrors: false, logLevel: 'silent' })
  if (!Array.isArray(documents) || documents.length === 0) throw misshapen('it is empty')
  if (documents.length > 2) throw misshapen(`it has ${documents.length} documents, not two`)
  const values = documents.map((document) => {
    const [error] = document.errors
    if (error) {
      const { line, col } = lineCounter.linePos(error.pos[0])
      throw misshapen(`${error.message.split('\n')[0]} (line ${line}, column ${col})`)
    }
    let value: unknown
    try {
      value = document.toJS({ maxAliasCount: ALIASES_MAX })
    } catch (cause) {
      throw misshapen(cause instanceof Error ? cause.message : 'it cannot be read', cause)
    }
    // What YAML has and JSON has not ends here; depth and names are bounded as for any body.
    const json = JSON.stringify(value ?? {}, (_key, inner: unknown) => {
      if (typeof inner === 'bigint' || (typeof inner === 'number' && !Number.isFinite(inner)))
        throw misshapen(`${String(inner)} is no number of JSON`)
      return inner
    })
    if (Buffer.byteLength(json) > BYTES_MAX)
      throw new Problem('too-large', 'The file becomes too large with its aliases.')
    const plain = parseJson(Buffer.from(json))
    if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) throw misshapen('a document is no mapping')
    return plain as Dictionary
  })
  return [values[0] ?? {}, values[1] ?? {}]
}

/** What of the header says something about the run; other keys are there to be named. */
function submissionOf(header: Dictionary): Dictionary {
  const config: Dictionary = {}
  const submission: Dictionary = {}
  for (const [key, value] of Object.entries(header)) {
    const name = ALIASES[key] ?? key
    const about = CONFIG_NAMES[key]
    if (about !== undefined) config[about] = String(value)
    else if (Object.hasOwn(RunSubmissionSchema.shape, name) && name !== 'parameters')
      submission[name] = NUMBERS.includes(name) && /^\d+$/.test(String(value)) ? Number(value) : value
  }
  for (const name of ['title', 'project'])
    if (typeof submission[name] === 'number') submission[name] = String(submission[name])
  return Object.keys(config).length > 0 ? { config, ...submission } : submission
}

const NAME = /\{\{\s*(\$?[A-Za-z_][\w-]*(?:\.[\w-]+|\[\d{1,6}\])*)\s*(?::\s*([^{}]{0,20}?)\s*)?\}\}/g

interface Filled {
  readonly violations: readonly Violation[]
  readonly warnings: readonly string[]
}

/** Fills in the texts of all tasks, in place. Only what is wrong in the recipe that is run counts. */
function fillIn(
  tasks: Dictionary,
  {
    header,
    environment,
    recipe,
  }: { header: Dictionary; environment: Readonly<Record<string, string>>; recipe: string },
): Filled {
  const violations: Violation[] = []
  const warnings: string[] = []
  let filled = 0

  const valueOf = (name: string): unknown => {
    if (name.startsWith('$')) return Object.hasOwn(environment, name.slice(1)) ? environment[name.slice(1)] : undefined
    const steps = name.replaceAll(/\[(\d+)\]/g, '.$1').split('.')
    const own = steps.length > 1 ? at(tasks, steps) : undefined
    return own === undefined ? at(header, steps) : own
  }
  const fillText = (text: string, pointer: string): unknown => {
    const report = (value: string, message: string, remedy: string): void =>
      void violations.push({ pointer, value: value.slice(0, 80), message, remedy })
    const one = (whole: string, name: string, format: string | undefined): unknown => {
      filled += 1
      if (filled > FILLED_MAX) throw new Problem('too-large', `The file fills in more than ${FILLED_MAX} values.`)
      const value = valueOf(name)
      if (value === undefined) {
        if (name.startsWith('$')) warnings.push(`${name} is not known here; it was left as it is.`)
        else report(whole, `There is no value "${name}".`, 'Name a key of the header or a parameter as Task.a.b.')
        return whole
      }
      if (format === undefined) return value
      const text = formatted(value, format)
      if (text === null)
        report(whole, `"${String(value)}" cannot be written as "${format}".`, 'Use a format such as 04d or .3f.')
      return text ?? whole
    }
    const [only] = [...text.matchAll(NAME)]
    // Nothing around it: the value keeps its type.
    if (only && only[0] === text.trim()) return one(only[0], only[1] ?? '', only[2])
    const result = text.replaceAll(NAME, (whole: string, name: string, format: string | undefined) => {
      const value = one(whole, name, format)
      return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
    })
    if (result.length > FILLED_LENGTH_MAX)
      throw new Problem('too-large', `A text becomes longer than ${FILLED_LENGTH_MAX} characters (${pointer}).`)
    return result
  }
  const walk = (inner: Dictionary, pointer: string): void => {
    for (const [key, value] of Object.entries(inner)) {
      const here = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
      if (typeof value === 'string' && value.includes('{{')) inner[key] = structuredClone(fillText(value, here))
      else if (typeof value === 'object' && value !== null && !Array.isArray(value)) walk(value as Dictionary, here)
    }
  }
  for (const [task, section] of Object.entries(tasks)) {
    if (typeof section !== 'object' || section === null || Array.isArray(section)) continue
    const [faults, told] = [violations.length, warnings.length]
    walk(section as Dictionary, '/parameters')
    if (task === recipe) continue
    violations.length = faults
    warnings.length = told
  }
  return { violations, warnings: [...new Set(warnings)] }
}

function at(value: unknown, steps: readonly string[]): unknown {
  let found = value
  for (const step of steps) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined
    found = (found as Dictionary)[step]
  }
  return found
}

/** `04d`, `6.2f`, `e`, `x`, `s`: a width with or without zeros, digits, a kind. Null where the value does not go with it. */
function formatted(value: unknown, format: string): string | null {
  const [, zero, width = '0', digits, kind = 's'] = /^(0?)(\d{0,3})(?:\.(\d{1,2}))?([dfexs]?)$/.exec(format) ?? [null]
  if (zero === undefined || Number(width) > WIDTH_MAX || typeof value === 'object') return null
  const number = typeof value === 'boolean' || String(value).trim() === '' ? NaN : Number(value)
  const text = {
    d: () => whole(number, 10),
    x: () => whole(number, 16),
    f: () => number.toFixed(Number(digits ?? 6)),
    e: () => number.toExponential(Number(digits ?? 6)),
    s: () => String(value),
  }[(kind || 's') as 'd']()
  if (text === null || (kind !== 's' && kind !== '' && !Number.isFinite(number))) return null
  const [sign, rest] = text.startsWith('-') && zero ? ['-', text.slice(1)] : ['', text]
  return sign + rest.padStart(Number(width) - sign.length, zero ? '0' : ' ')
}

function whole(number: number, base: number): string | null {
  return Number.isSafeInteger(number) ? number.toString(base) : null
}

function misshapen(why: string, cause?: unknown): Problem {
  return new Problem('invalid-request', `This is no file of two YAML documents: ${why.slice(0, 300)}.`, { cause })
}

function refusal(violations: readonly Violation[]): Problem {
  return new Problem('validation-failed', `The file has ${violations.length} faults, see \`violations\`.`, {
    violations,
  })
}
