import { programWithValues, sweepPoints, withValues, type SweepMode } from './sweep.ts'

const pointsOf = (matrix: unknown, mode: SweepMode = 'product') => sweepPoints(matrix, mode)
const messageOf = (matrix: unknown, mode: SweepMode = 'product') => {
  const found = sweepPoints(matrix, mode)
  return 'violations' in found ? found.violations.map(({ pointer, message }) => `${pointer}: ${message}`) : []
}

test('a product takes every combination, the last name fastest; an empty matrix is one run', () => {
  expect(pointsOf({ a: [1, 2], b: ['x', 'y'] })).toEqual({
    points: [
      { a: 1, b: 'x' },
      { a: 1, b: 'y' },
      { a: 2, b: 'x' },
      { a: 2, b: 'y' },
    ],
  })
  expect(pointsOf({})).toEqual({ points: [{}] })
  expect(pointsOf({}, 'zip')).toEqual({ points: [{}] })
})

test('a zip takes the lists side by side', () => {
  expect(pointsOf({ a: [1, 2], b: [true, null] }, 'zip')).toEqual({
    points: [
      { a: 1, b: true },
      { a: 2, b: null },
    ],
  })
})

test('what is no matrix is refused, and said where', () => {
  for (const matrix of [[1], null, 'a', 3, undefined])
    expect(messageOf(matrix)).toEqual(['/matrix: The matrix is not an object of lists.'])
  expect(messageOf({ a: 1, b: [], 'c/d': 'x' })).toEqual([
    '/matrix/a: "a" is not a list.',
    '/matrix/b: "b" is an empty list.',
    '/matrix/c~1d: "c/d" is not a list.',
  ])
  expect(messageOf({ a: [1], b: [1, 2] }, 'zip')).toEqual(['/matrix: The lists have different lengths.'])
  const many = Array.from({ length: 15 }, (_, at) => at)
  expect(messageOf({ a: many, b: many })).toEqual(['/matrix: The sweep would have 225 runs.'])
})

test('values enter a program at placeholders and parameters, never in comments', () => {
  const source = '// let w = 1;\nlet w = 2;  # let w = 3;\nlet  v=w * 2 ;let x(t: 0) = {{ start }};'
  expect(programWithValues(source, { w: -0.5, v: 1e-9, start: 1, other: 2 })).toEqual({
    text: '// let w = 1;\nlet w = -0.5;  # let w = 3;\nlet  v= 1e-9;let x(t: 0) = 1;',
    used: new Set(['start', 'w', 'v']),
  })
  expect(withValues('{{a}} {{b}}', { a: 'one' })).toEqual({ text: 'one {{b}}', used: new Set(['a']) })
})
