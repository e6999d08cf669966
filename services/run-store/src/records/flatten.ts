/**
 * Parameters by path: `{"a": {"b": [1, 2]}}` is `a.b[0]` = 1 and `a.b[1]` = 2. Empty lists and objects vanish, an object
 * inside a list stays one value: a path then always leads through objects first and lists last.
 */

export type Leaf =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'bool'; readonly value: boolean }
  /** null, or an object inside a list. */
  | { readonly kind: 'json'; readonly value: unknown }

/** In the order of appearance. Where two ways lead to one path (`{"a.b": 1, "a": {"b": 2}}`) the last one counts. */
export function flatten(parameters: Readonly<Record<string, unknown>>): Map<string, Leaf> {
  const leaves = new Map<string, Leaf>()
  const walk = (value: unknown, path: string, inList: boolean): void => {
    if (Array.isArray(value)) value.forEach((inner, at) => walk(inner, `${path}[${at}]`, true))
    else if (typeof value === 'object' && value !== null && !inList)
      for (const [key, inner] of Object.entries(value)) walk(inner, path === '' ? key : `${path}.${key}`, false)
    else leaves.set(path, leafOf(value))
  }
  walk(parameters, '', false)
  return leaves
}

function leafOf(value: unknown): Leaf {
  switch (typeof value) {
    case 'number':
      return { kind: 'number', value }
    case 'string':
      return { kind: 'text', value }
    case 'boolean':
      return { kind: 'bool', value }
    default:
      return { kind: 'json', value }
  }
}

const PATH = /^[^.[\]]+(?:\.[^.[\]]+|\[\d{1,6}\])*$/
const FORBIDDEN = ['__proto__', 'constructor', 'prototype']

/** The steps of a path, `a.b[0]` = a, b, 0; null for what is no path. */
export function stepsOf(path: string): string[] | null {
  if (path.length > PATH_LENGTH_MAX || !PATH.test(path)) return null
  const steps = path.replaceAll(/\[(\d+)\]/g, '.$1').split('.')
  return steps.some((step) => FORBIDDEN.includes(step)) ? null : steps
}

/** A path is the key of an index, which takes no longer ones. */
export const PATH_LENGTH_MAX = 500

/** Undefined where nothing is. */
export function valueAt(value: unknown, steps: readonly string[]): unknown {
  let found = value
  for (const step of steps) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined
    found = (found as Record<string, unknown>)[step]
  }
  return found
}

/** Sets a value, makes the objects on the way. False when something else is in the way. */
export function setAt(target: Record<string, unknown>, steps: readonly string[], value: unknown): boolean {
  let inner: Record<string, unknown> = target
  for (const step of steps.slice(0, -1)) {
    if (!Object.hasOwn(inner, step) || inner[step] === null) inner[step] = {}
    const next = inner[step]
    if (typeof next !== 'object' || next === null) return false
    inner = next as Record<string, unknown>
  }
  const last = steps.at(-1)
  if (last === undefined) return false
  inner[last] = value
  return true
}

/** A path as a JSON pointer. */
export function pointerOf(steps: readonly string[]): string {
  return steps.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** Pointer to the first text that Postgres cannot keep in JSON (a NUL, half a surrogate pair); null when there is none. */
export function unstorableIn(value: unknown, pointer = ''): string | null {
  if (typeof value === 'string') return UNSTORABLE.test(value) ? pointer : null
  if (typeof value !== 'object' || value === null) return null
  for (const [key, inner] of Object.entries(value)) {
    const at = `${pointer}${pointerOf([key])}`
    const found = UNSTORABLE.test(key) ? at : unstorableIn(inner, at)
    if (found !== null) return found
  }
  return null
}

// eslint-disable-next-line no-control-regex -- a NUL is what is looked for
const UNSTORABLE = /\u0000|\p{Surrogate}/u
