import { flatten, setAt, stepsOf, unstorableIn, valueAt } from './flatten.ts'

const flat = (value: Readonly<Record<string, unknown>>) =>
  Object.fromEntries([...flatten(value)].map(([path, leaf]) => [path, leaf.value]))

test.each([
  [
    { a: { b: [1, 2], c: 1 }, a2: 4 },
    { 'a.b[0]': 1, 'a.b[1]': 2, 'a.c': 1, a2: 4 },
  ],
  [{ m: [[1, 2], [3]] }, { 'm[0][0]': 1, 'm[0][1]': 2, 'm[1][0]': 3 }],
  [{ a: [], b: {}, c: { d: [] } }, {}],
  [{ l: [{ x: 1 }, null] }, { 'l[0]': { x: 1 }, 'l[1]': null }],
  [{ 'a.b': 1, a: { b: 2 } }, { 'a.b': 2 }],
])('%j is flat as %j', (nested, expected) => {
  expect(flat(nested)).toEqual(expected)
})

test('leaves keep their types', () => {
  expect([...flatten({ n: 1, t: '1', b: true, z: null }).values()].map(({ kind }) => kind)).toEqual([
    'number',
    'text',
    'bool',
    'json',
  ])
})

test.each(['', '.', 'a.', 'a..b', 'a[', 'a[x]', '[0]', 'a.__proto__', 'constructor.x', 'x'.repeat(501)])(
  '"%s" is no path',
  (path) => {
    expect(stepsOf(path)).toBeNull()
  },
)

test('a path is walked through own properties only, and made where it is missing', () => {
  expect(stepsOf('a.b[0][12].c-d')).toEqual(['a', 'b', '0', '12', 'c-d'])
  expect(valueAt({ a: { b: [7] } }, ['a', 'b', '0'])).toBe(7)
  expect(valueAt({}, ['toString'])).toBeUndefined()
  const target = {}
  expect(setAt(target, ['a', 'b'], 1)).toBe(true)
  expect(setAt(target, ['a', 'b', 'c'], 1)).toBe(false)
  expect(target).toEqual({ a: { b: 1 } })
})

test('what Postgres cannot keep is found with its place', () => {
  expect(unstorableIn({ a: [{ 'b/c': 'x\0' }] })).toBe('/a/0/b~1c')
  expect(unstorableIn({ a: '\ud800' })).toBe('/a')
  expect(unstorableIn({ 'k\0': 1 })).not.toBeNull()
  expect(unstorableIn({ a: '😀', b: 1, c: null })).toBeNull()
})
