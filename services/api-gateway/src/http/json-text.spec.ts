import fc from 'fast-check'
import { parseJson } from './json-text.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

test('reads what JSON.stringify wrote', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const text = JSON.stringify(value)
      expect(parseJson(bytes(text))).toEqual(JSON.parse(text))
    }),
  )
})

test('agrees with JSON.parse about what is JSON', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"',
    '1',
    '-',
    '.5',
    'e9',
    'true',
    'nul',
    ' ',
    '\n',
    '\\',
    '\u0001',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const text = parts.join('')
      expect(accepts(() => parseJson(bytes(text)))).toBe(accepts(() => JSON.parse(text)))
    }),
    { numRuns: 3000 },
  )
})

const refused: readonly (readonly [text: string, place: string])[] = [
  ['', 'line 1, column 1, it ends where a value should follow'],
  ['{"a": 1,\n "b": }', 'line 2, column 7, a value should be here'],
  ['{"a" 1}', 'line 1, column 6, a colon should be here'],
  ["{'a': 1}", 'line 1, column 2, a key in double quotes or "}" should be here'],
  ['{"a": 1,}', 'line 1, column 9, a key in double quotes should be here'],
  ['[1 2]', 'line 1, column 4, a comma or "]" should be here'],
  ['{"a": [1, 2', 'line 1, column 12, it ends where a comma or "]" should follow'],
  ['{} {}', 'line 1, column 4, nothing may follow the value'],
  ['[01]', 'line 1, column 3, a comma or "]" should be here'],
  ['NaN', 'line 1, column 1, a value should be here'],
  ['{"opTimeNs": 1e999}', 'line 1, column 14, 1e999 is larger than any number can be'],
  ['[-1e400]', 'line 1, column 2, -1e400 is larger than any number can be'],
  ['{"__proto__": {}}', 'line 1, column 2, the key "__proto__" is not allowed'],
  ['{"\\u005f_proto__": {}}', 'line 1, column 2, the key "__proto__" is not allowed'],
  ['{"a": {"constructor": 1}}', 'line 1, column 8, the key "constructor" is not allowed'],
  ['['.repeat(33) + ']'.repeat(33), 'line 1, column 33, it is nested more than 32 levels deep'],
  ['['.repeat(1_000_000), 'line 1, column 33, it is nested more than 32 levels deep'],
]

test('refuses what is not usable, and names the place', () => {
  for (const [text, place] of refused) {
    expect(() => parseJson(bytes(text))).toThrow(`The body is not usable JSON: at ${place}.`)
  }
})

test('a string of a megabyte is read in one go', () => {
  const text = JSON.stringify('\u00e4"\\ '.repeat(200_000))
  expect(parseJson(bytes(text))).toBe(JSON.parse(text))
})

test('refuses bytes that are not UTF-8', () => {
  expect(() => parseJson(Uint8Array.of(0x22, 0xc0, 0xaf, 0x22))).toThrow('The body is not UTF-8.')
})

function accepts(parse: () => unknown): boolean {
  try {
    parse()
    return true
  } catch {
    return false
  }
}
