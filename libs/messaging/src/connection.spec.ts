import { reconnectPace } from './connection.ts'

test('a try is due again after the wait, by the monotonic clock alone', () => {
  let nowMs = 1_000
  const waitMs = reconnectPace(() => nowMs)
  expect(waitMs()).toBe(-Infinity)
  nowMs += 100
  expect(waitMs()).toBeGreaterThanOrEqual(250)
  expect(waitMs()).toBeLessThanOrEqual(750)
  nowMs += 750
  expect(waitMs()).toBe(-Infinity)
  expect(waitMs()).toBeGreaterThan(0)
})
