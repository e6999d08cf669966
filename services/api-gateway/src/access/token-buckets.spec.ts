import { TokenBuckets } from './token-buckets.ts'

test('a burst is served at once, then requests at the rate', () => {
  const buckets = new TokenBuckets({ perSecond: 2, burst: 3 })
  const allowed = [0, 0, 0, 0, 0.25, 0.5, 0.5, 1].map((now) => buckets.take('key', now).allowed)
  expect(allowed).toEqual([true, true, true, false, false, true, false, true])
})

test('tells what is left and how long to wait', () => {
  const buckets = new TokenBuckets({ perSecond: 4, burst: 1 })
  expect(buckets.take('key', 10)).toEqual({ allowed: true, remaining: 0, waitS: 0.25, resetS: 0.25 })
  expect(buckets.take('key', 10.125)).toEqual({ allowed: false, remaining: 0, waitS: 0.125, resetS: 0.125 })
})

test('one name does not use the tokens of another', () => {
  const buckets = new TokenBuckets({ perSecond: 1, burst: 1 })
  expect(buckets.take('a', 0).allowed).toBe(true)
  expect(buckets.take('b', 0).allowed).toBe(true)
  expect(buckets.take('a', 0).allowed).toBe(false)
})
