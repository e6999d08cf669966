/** JSON from outside, field by field: what is wrong is noted with its place, and reading goes on, so that all of it is said at once. */
import type { Violation } from '@lucihub/analog'

/** More than anybody reads; a file that is wrong throughout is wrong in the same way. */
const VIOLATIONS_MAX = 100

/** What is wrong with a document. */
export class Findings {
  readonly violations: Violation[] = []

  add({ pointer, value, message, remedy }: Fault): void {
    if (this.violations.length < VIOLATIONS_MAX) this.violations.push({ pointer, value: shown(value), message, remedy })
  }
}

interface Fault {
  /** JSON pointer. */
  readonly pointer: string
  readonly value: unknown
  readonly message: string
  readonly remedy: string
}

/** A value and where it stands. */
export interface Field {
  readonly pointer: string
  readonly value: unknown
}

/** The members of an object by their names without a leading slash; empty, with a finding, when it is none. */
export function membersOf({ pointer, value }: Field, findings: Findings): Map<string, Field> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    findings.add({ pointer, value, message: 'It must be an object.', remedy: 'Send an object.' })
    return new Map()
  }
  const members = new Map<string, Field>()
  for (const [key, member] of Object.entries(value)) {
    const at = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
    const name = key.replace(/^\//, '')
    if (members.has(name))
      findings.add({
        pointer: at,
        value: key,
        message: 'It is given twice, with and without a slash.',
        remedy: 'Keep one.',
      })
    else members.set(name, { pointer: at, value: member })
  }
  return members
}

/** The entries of a list of at most `max`; empty, with a finding, when it is none. Absent is empty. */
export function entriesOf(field: Field | undefined, max: number, findings: Findings): Field[] {
  if (field === undefined || field.value === null) return []
  const { pointer, value } = field
  if (!Array.isArray(value)) {
    findings.add({ pointer, value, message: 'It must be a list.', remedy: `Send a list of at most ${max}.` })
    return []
  }
  if (value.length > max)
    findings.add({
      pointer,
      value: `${value.length} entries`,
      message: `It has at most ${max} entries.`,
      remedy: `Send the first ${max}.`,
    })
  return value.slice(0, max).map((entry, index): Field => ({ pointer: `${pointer}/${index}`, value: entry }))
}

/** A number from `min` to `max`, or null with a finding. */
export function numberIn(
  { pointer, value }: Field,
  { min, max, what }: { min: number; max: number; what: string },
  findings: Findings,
): number | null {
  if (typeof value === 'number' && value >= min && value <= max) return value
  findings.add({
    pointer,
    value,
    message: `${what} is a number from ${min} to ${max}.`,
    remedy: `Send a number from ${min} to ${max}.`,
  })
  return null
}

/** A whole number from 0 to `max`, or null with a finding. */
export function indexUpTo(
  { pointer, value }: Field,
  { max, what }: { max: number; what: string },
  findings: Findings,
): number | null {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max) return value
  findings.add({
    pointer,
    value,
    message: `${what} is a whole number from 0 to ${max}.`,
    remedy: `Send a whole number from 0 to ${max}.`,
  })
  return null
}

/** True or false (absent is false), or false with a finding. */
export function flag({ pointer, value }: Field, findings: Findings): boolean {
  if (typeof value === 'boolean') return value
  if (value !== null)
    findings.add({ pointer, value, message: 'It must be true or false.', remedy: 'Send true or false.' })
  return false
}

/** Says of every member with another name that there is no such field. */
export function refuseOthers(
  members: ReadonlyMap<string, Field>,
  known: readonly (string | RegExp)[],
  findings: Findings,
): void {
  for (const [name, { pointer, value }] of members) {
    if (known.some((one) => (typeof one === 'string' ? one === name : one.test(name)))) continue
    findings.add({
      pointer,
      value,
      message: `There is no field "${name.slice(0, 40)}" here.`,
      remedy: 'Leave it out, or look up its spelling.',
    })
  }
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}
