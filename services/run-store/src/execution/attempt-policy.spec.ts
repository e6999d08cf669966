import fc from 'fast-check'
import { ATTEMPT_OUTCOMES, ATTEMPT_TRANSITIONS, RUN_TRANSITIONS } from '@lucihub/analog'
import { UNSTARTED_MAX, verdictOf, type AttemptEnd, type RunBudget } from './attempt-policy.ts'

const END: AttemptEnd = { outcome: 'ok', reason: '', started: true, gaps: 0, mismatch: '' }
const BUDGET: RunBudget = {
  maxAttempts: 2,
  acceptGaps: false,
  cancelRequested: false,
  timedOut: false,
  counted: 0,
  attempt: 1,
}

test.each<[string, Partial<AttemptEnd>, Partial<RunBudget>, string, string, string]>([
  ['a whole journal that ended ok completes the run', {}, {}, 'ENDED', 'COMPLETED', ''],
  [
    'a request that came from the clock times the run out',
    { outcome: 'canceled' },
    { cancelRequested: true, timedOut: true },
    'CANCELED',
    'TIMED_OUT',
    'it ran longer than its timeout',
  ],
  ['completion wins over a late request to cancel', {}, { cancelRequested: true }, 'ENDED', 'COMPLETED', ''],
  ['a failed attempt is repeated', { outcome: 'device_error', reason: 'overload' }, {}, 'ENDED', 'QUEUED', ''],
  [
    'the last failed attempt fails the run',
    { outcome: 'device_error', reason: 'overload' },
    { counted: 1, attempt: 2 },
    'ENDED',
    'FAILED',
    'attempt 2 ended device_error: overload',
  ],
  [
    'an attempt that never started does not count',
    { outcome: 'lease_lost', started: false },
    { counted: 1, attempt: 2 },
    'ABORTED',
    'QUEUED',
    '',
  ],
  [
    'but not for ever',
    { outcome: 'lease_lost', started: false },
    { counted: 1, attempt: UNSTARTED_MAX + 2 },
    'ABORTED',
    'FAILED',
    'attempt 12 ended lease_lost',
  ],
  [
    'a refused configuration counts',
    { outcome: 'rejected', reason: 'no such block', started: false },
    { maxAttempts: 1 },
    'ABORTED',
    'FAILED',
    'attempt 1 ended rejected: no such block',
  ],
  ['no word counts', { outcome: 'lost', started: false }, { maxAttempts: 1 }, 'LOST', 'FAILED', 'attempt 1 ended lost'],
  ['canceled stays canceled', { outcome: 'canceled' }, {}, 'CANCELED', 'CANCELED', 'canceled by its user'],
  [
    'a failure after a request to cancel is not repeated',
    { outcome: 'device_error' },
    { cancelRequested: true },
    'ENDED',
    'CANCELED',
    'canceled by its user',
  ],
  [
    'gaps make an attempt incomplete',
    { gaps: 2 },
    { maxAttempts: 1 },
    'ENDED',
    'FAILED',
    'attempt 1 ended incomplete: the device or its network lost samples in 2 places',
  ],
  ['accepted gaps do not', { gaps: 2 }, { acceptGaps: true }, 'ENDED', 'COMPLETED', ''],
  [
    'nor does an executor that calls them incomplete',
    { outcome: 'incomplete', gaps: 2 },
    { acceptGaps: true },
    'ENDED',
    'COMPLETED',
    '',
  ],
  [
    'a manifest that does not match is never ok',
    { mismatch: 'channel 0 has another digest' },
    { maxAttempts: 1, acceptGaps: true },
    'ENDED',
    'FAILED',
    'attempt 1 ended incomplete: channel 0 has another digest',
  ],
])('%s', (_, end, budget, attemptState, runState, runReason) => {
  expect(verdictOf({ ...END, ...end }, { ...BUDGET, ...budget })).toMatchObject({ attemptState, runState, runReason })
})

test('every verdict is a step of the declared tables, and only a whole journal completes a run', () => {
  const ends = fc.record({
    outcome: fc.constantFrom(...ATTEMPT_OUTCOMES, 'lost' as const),
    reason: fc.constantFrom('', 'why'),
    started: fc.boolean(),
    gaps: fc.constantFrom(0, 1),
    mismatch: fc.constantFrom('', 'no'),
  })
  const budgets = fc.record({
    maxAttempts: fc.integer({ min: 1, max: 5 }),
    acceptGaps: fc.boolean(),
    cancelRequested: fc.boolean(),
    timedOut: fc.constant(false),
    counted: fc.integer({ min: 0, max: 5 }),
    attempt: fc.integer({ min: 1, max: 20 }),
  })
  fc.assert(
    fc.property(ends, budgets, (end, budget) => {
      const verdict = verdictOf(end, budget)
      expect(ATTEMPT_TRANSITIONS.CLAIMED).toContain(verdict.attemptState)
      expect(RUN_TRANSITIONS.RUNNING).toContain(verdict.runState)
      if (verdict.runState === 'COMPLETED')
        expect([end.mismatch, end.gaps > 0 && !budget.acceptGaps]).toEqual(['', false])
      if (verdict.runState === 'QUEUED') expect(budget.cancelRequested).toBe(false)
    }),
  )
})
