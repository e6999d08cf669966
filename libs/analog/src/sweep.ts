/**
 * Parameter sweeps: many runs that differ in a few values. The matrix names lists of values; `product` takes every
 * combination, the last name varying fastest, `zip` takes the lists side by side. Values enter a program where it says
 * `{{name}}`, or in place of what `let name = …;` says; everything else about the runs is the same.
 */
import type { Violation } from './problem.ts'

export const SWEEP_MODES = ['product', 'zip'] as const
export type SweepMode = (typeof SWEEP_MODES)[number]

/** Runs of one sweep. Each is compiled before any is accepted, which has to fit into one request. */
export const SWEEP_RUNS_MAX = 200

/** The values of one run, by name. */
export type SweepPoint = Readonly<Record<string, unknown>>

/** The points in order, or what is wrong with the matrix; an empty matrix is one point without values. */
export function sweepPoints(
  matrix: unknown,
  mode: SweepMode,
): { readonly points: readonly SweepPoint[] } | { readonly violations: readonly Violation[] } {
  if (typeof matrix !== 'object' || matrix === null || Array.isArray(matrix))
    return wrong('', matrix, 'The matrix is not an object of lists.', 'Send one such as {"mu": [1, 2, 5]}.')
  const lists: (readonly [name: string, values: readonly unknown[]])[] = []
  const violations: Violation[] = []
  for (const [name, values] of Object.entries(matrix)) {
    const at = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
    if (!Array.isArray(values))
      violations.push(violation(at, values, `"${name}" is not a list.`, 'Send a list of values.'))
    else if (values.length === 0)
      violations.push(violation(at, values, `"${name}" is an empty list.`, 'Send at least one value, or leave it out.'))
    else lists.push([name, values])
  }
  if (violations.length > 0) return { violations }
  const lengths = lists.map(([, values]) => values.length)
  if (mode === 'zip' && new Set(lengths).size > 1)
    return wrong(
      '',
      Object.fromEntries(lists.map(([name, values]) => [name, values.length])),
      'The lists have different lengths.',
      'Give all lists the same length, or use the mode "product".',
    )
  const size = mode === 'zip' ? (lengths[0] ?? 1) : lengths.reduce((product, length) => product * length, 1)
  if (size > SWEEP_RUNS_MAX)
    return wrong('', size, `The sweep would have ${size} runs.`, `Use at most ${SWEEP_RUNS_MAX}; make several sweeps.`)
  if (mode === 'zip') return { points: Array.from({ length: size }, (_, at) => pick(lists, () => at)) }
  return {
    points: Array.from({ length: size }, (_, at) => {
      let rest = at
      const indices = lengths.toReversed().map((length) => {
        const index = rest % length
        rest = Math.floor(rest / length)
        return index
      })
      indices.reverse()
      return pick(lists, (list) => indices[list] ?? 0)
    }),
  }
}

/** A text with values in place of `{{name}}`; `used` says which were asked for. */
export function withValues(
  text: string,
  point: SweepPoint,
): { readonly text: string; readonly used: ReadonlySet<string> } {
  const used = new Set<string>()
  const filled = text.replace(/\{\{\s*([A-Za-z_]\w*)\s*\}\}/g, (placeholder, name: string) => {
    if (!Object.hasOwn(point, name)) return placeholder
    used.add(name)
    return shown(point[name])
  })
  return { text: filled, used }
}

/** An analang program with values in place of `{{name}}` and of what `let name = …;` says. */
export function programWithValues(
  source: string,
  point: SweepPoint,
): { readonly text: string; readonly used: ReadonlySet<string> } {
  const template = withValues(source, point)
  const used = new Set(template.used)
  let text = template.text
  for (const [name, value] of Object.entries(point)) {
    if (!/^[\p{L}_][\p{L}\p{N}_]*$/u.test(name)) continue
    // Comments keep their length, so that a place found in the one text is a place of the other.
    const bare = text.replace(/(#|\/\/)[^\n]*/g, (comment) => ' '.repeat(comment.length))
    const found = new RegExp(`(?<=(?:^|;)\\s*let\\s+${name}\\s*=)[^;]*(?=;)`, 'u').exec(bare)
    if (!found) continue
    used.add(name)
    text = `${text.slice(0, found.index)} ${shown(value)}${text.slice(found.index + found[0].length)}`
  }
  return { text, used }
}

function pick(lists: readonly (readonly [string, readonly unknown[]])[], at: (list: number) => number): SweepPoint {
  return Object.fromEntries(lists.map(([name, values], list) => [name, values[at(list)]]))
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function wrong(pointer: string, value: unknown, message: string, remedy: string) {
  return { violations: [violation(pointer, value, message, remedy)] }
}

function violation(pointer: string, value: unknown, message: string, remedy: string): Violation {
  return { pointer: `/matrix${pointer}`, value: (JSON.stringify(value) ?? '').slice(0, 80), message, remedy }
}
