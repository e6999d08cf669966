import { PLAIN_SPEC, type RunSpec } from '@lucihub/contracts'
import { divide, divisionViolations, sharesOf } from './division.ts'

test.each([
  [3, 50_000, [16_667, 16_667, 16_666]],
  [10, 19, [2, 2, 2, 2, 2, 2, 2, 2, 2, 1]],
  [0, 5, [5]],
  [20, 12, Array<number>(12).fill(1)],
  [4, 0, [0, 0, 0, 0]],
])('%d shards of %d are %j: nothing is lost', (shards, total, expected) => {
  const shares = sharesOf({ shards, total, seed: 7 })
  expect(shares.map(({ requested }) => requested)).toEqual(expected)
  expect(shares.map(({ seed }) => seed)).toEqual(expected.map((_, index) => 7 + index))
  expect(shares.reduce((sum, { requested }) => sum + requested, 0)).toBe(total)
})

const split = { shards: 3, requestedWork: 0, workUnit: '', seed: 0, merge: null }
const spec = (changes: object): RunSpec => ({ ...(PLAIN_SPEC as RunSpec), split: { ...split, ...changes } })

test('on a device every shard is the whole run once more', () => {
  const { requestedWork, shares } = divide(spec({}), { expectedSamples: 100, onDevice: true })
  expect([requestedWork, ...shares.map(({ requested }) => requested)]).toEqual([300, 100, 100, 100])
})

test('every breach of a division is reported at once', () => {
  const merge = { mode: 'some', minFraction: 0, reduce: 'sum', byChannel: { x: 'product' } }
  const violations = divisionViolations(spec({ shards: 65, requestedWork: 1e16, merge }), { onDevice: true })
  expect(violations.map(({ pointer, remedy }) => `${pointer}: ${remedy}`)).toEqual([
    '/shards: Use at most 64 shards.',
    '/requestedWork: Use a whole number up to 1000000000000000.',
    '/merge/mode: Use any, all, min_fraction.',
    '/merge/reduce: Use mean, mean_std, concat, none.',
    '/merge/byChannel/x: Use mean, mean_std, concat, none.',
  ])
})
