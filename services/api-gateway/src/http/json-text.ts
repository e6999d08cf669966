/**
 * JSON from outside. One pass over the text before `JSON.parse` finds what must not get further, with its place:
 * syntax errors (line and column, which V8 does not always tell), nesting beyond a bound, numbers that no double
 * holds (1e999 would become Infinity), and keys that reach for an object's prototype.
 */
import { Problem } from '@lucihub/analog'

/** Levels of arrays and objects; a configuration, our deepest resource, has eight. */
const DEPTH_MAX = 32
const FORBIDDEN_KEYS: readonly string[] = ['__proto__', 'constructor', 'prototype']

const SPACE = /[ \t\n\r]*/y
// eslint-disable-next-line no-control-regex -- these are what JSON forbids in a string
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"/y
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const LITERAL = /true|false|null/y

/** Parses a body. Throws a Problem `invalid-request` that names the place. */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decodeUtf8(bytes)
  scan(text)
  return JSON.parse(text)
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new Problem('invalid-request', 'The body is not UTF-8.', { cause })
  }
}

type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | ', or end'

/** Walks the grammar with an explicit stack, so that depth costs no stack of ours. */
function scan(text: string): void {
  const open: ('[' | '{')[] = []
  let expected: Expected = 'value'
  let at = skip(SPACE, text, 0)
  while (!(expected === ', or end' && open.length === 0)) {
    const character = text[at]
    if (character === undefined) throw refusal(text, at, `it ends where ${wanted(expected, open)} should follow`)
    if (expected === ', or end') {
      const inside = open[open.length - 1]
      if (character === ',') {
        expected = inside === '[' ? 'value' : 'key'
        at += 1
      } else if (character === (inside === '[' ? ']' : '}')) {
        open.pop()
        at += 1
      } else throw refusal(text, at, `${wanted(expected, open)} should be here`)
    } else if (expected === 'key' || expected === 'key or }') {
      if (character === '}' && expected === 'key or }') {
        open.pop()
        expected = ', or end'
        at += 1
      } else {
        const end = skip(STRING, text, at)
        if (end === at) throw refusal(text, at, `${wanted(expected, open)} should be here`)
        checkKey(text, at, end)
        const colon = skip(SPACE, text, end)
        if (text[colon] !== ':') throw refusal(text, colon, 'a colon should be here')
        expected = 'value'
        at = colon + 1
      }
    } else if (character === ']' && expected === 'value or ]') {
      open.pop()
      expected = ', or end'
      at += 1
    } else if (character === '[' || character === '{') {
      if (open.length >= DEPTH_MAX) throw refusal(text, at, `it is nested more than ${DEPTH_MAX} levels deep`)
      open.push(character)
      expected = character === '[' ? 'value or ]' : 'key or }'
      at += 1
    } else {
      const end = scalarEnd(text, at)
      if (end === at) throw refusal(text, at, `${wanted(expected, open)} should be here`)
      expected = ', or end'
      at = end
    }
    at = skip(SPACE, text, at)
  }
  if (at < text.length) throw refusal(text, at, 'nothing may follow the value')
}

function scalarEnd(text: string, at: number): number {
  const end = skip(NUMBER, text, at)
  if (end > at && !Number.isFinite(Number(text.slice(at, end)))) {
    throw refusal(text, at, `${text.slice(at, Math.min(end, at + 40))} is larger than any number can be`)
  }
  return Math.max(end, skip(STRING, text, at), skip(LITERAL, text, at))
}

function checkKey(text: string, start: number, end: number): void {
  const key = JSON.parse(text.slice(start, end)) as string
  if (FORBIDDEN_KEYS.includes(key)) throw refusal(text, start, `the key "${key}" is not allowed`)
}

/** Where the sticky pattern stops matching; `at` when it does not match. */
function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}

function wanted(expected: Expected, open: readonly ('[' | '{')[]): string {
  switch (expected) {
    case 'value':
      return 'a value'
    case 'value or ]':
      return 'a value or "]"'
    case 'key':
      return 'a key in double quotes'
    case 'key or }':
      return 'a key in double quotes or "}"'
    case ', or end':
      return `a comma or "${open[open.length - 1] === '[' ? ']' : '}'}"`
  }
}

function refusal(text: string, at: number, what: string): Problem {
  const before = text.slice(0, at).split('\n')
  const column = (before[before.length - 1]?.length ?? 0) + 1
  return new Problem(
    'invalid-request',
    `The body is not usable JSON: at line ${before.length}, column ${column}, ${what}.`,
  )
}
