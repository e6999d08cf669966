import { ATTEMPT_TRANSITIONS, RUN_STATES, RUN_TRANSITIONS, canBecome, isTerminal, type RunState } from './run.ts'

function reachable(from: RunState): Set<RunState> {
  const seen = new Set<RunState>([from])
  for (const state of seen) for (const next of RUN_TRANSITIONS[state]) seen.add(next)
  return seen
}

test('every run state can be reached from CREATED', () => {
  expect([...reachable('CREATED')].sort()).toEqual([...RUN_STATES].sort())
})

test('from every state a terminal state can be reached, and terminal states absorb', () => {
  for (const state of RUN_STATES) expect([...reachable(state)].some(isTerminal)).toBe(true)
  expect(RUN_STATES.filter(isTerminal)).toEqual(['COMPLETED', 'FAILED', 'CANCELED', 'TIMED_OUT'])
})

test('a new attempt takes a running run back to the queue, a finished one never', () => {
  expect(canBecome('RUNNING', 'QUEUED')).toBe(true)
  expect(canBecome('COMPLETED', 'QUEUED')).toBe(false)
})

test('an attempt is claimed before it can end', () => {
  expect(ATTEMPT_TRANSITIONS.DISPATCHED).not.toContain('ENDED')
  expect(ATTEMPT_TRANSITIONS.CLAIMED).toContain('ENDED')
})
