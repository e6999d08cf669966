import { mergePages, momentsOf } from './reduction.ts'

test('mean and standard deviation, also of large values that differ by little', () => {
  const { mean, std } = momentsOf([
    [1e9 + 4, 1],
    [1e9 + 7, 1],
    [1e9 + 13, 1],
    [1e9 + 16, 1],
  ])
  expect([...mean]).toEqual([1e9 + 10, 1])
  expect(std[0]).toBeCloseTo(Math.sqrt(30), 9)
  expect(std[1]).toBe(0)
})

test('what is no number is left out of sum and divisor', () => {
  const { mean, std } = momentsOf([
    [NaN, 2, NaN],
    [3, 4, NaN],
  ])
  expect([...mean]).toEqual([3, 3, NaN])
  expect([...std]).toEqual([0, Math.SQRT2, NaN])
})

const page = (...values: number[]) => ({
  data: { name: 'd', unit: 'Gy', values },
  axisDim1: { values: values.map((_, i) => i) },
})

test('pages are averaged and keep what belongs to them', () => {
  const merged = mergePages([page(1, 2), page(3, 6)], 'mean_std')
  expect(merged).toEqual({ kind: 'merged', mean: page(2, 4), std: page(Math.SQRT2, Math.sqrt(8)) })
})

test('concatenation is not a mean', () => {
  expect(mergePages([page(1, 2), page(3)], 'concat')).toEqual({
    kind: 'merged',
    mean: { data: { name: 'd', unit: 'Gy', values: [1, 2, 3] }, axisDim1: { values: [0, 1, 0] } },
    std: null,
  })
})

test('pages of different lengths have no mean', () => {
  expect(mergePages([page(1, 2), page(3)], 'mean')).toEqual({ kind: 'differs', why: 'the shards have 2 and 1 values' })
})

test('pages without values are those of the first shard', () => {
  expect(mergePages([{ table: 'a' }, { table: 'b' }], 'mean')).toEqual({
    kind: 'merged',
    mean: { table: 'a' },
    std: null,
  })
})
