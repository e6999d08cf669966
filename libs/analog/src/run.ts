/**
 * Runs and attempts: their states, as declared tables. A run is what a user asked for, an attempt is one
 * try at it on one device. Terminal states absorb. Device phases annotate RUNNING.
 */

export const RUN_STATES = [
  'CREATED',
  'QUEUED',
  'RUNNING',
  'PAUSED',
  'MERGE_QUEUED',
  'MERGING',
  'COMPLETED',
  'FAILED',
  'CANCELED',
  'TIMED_OUT',
] as const
export type RunState = (typeof RUN_STATES)[number]

/** From each state, the states that may follow. RUNNING -> QUEUED is a new attempt. */
export const RUN_TRANSITIONS: Readonly<Record<RunState, readonly RunState[]>> = {
  CREATED: ['QUEUED', 'CANCELED', 'FAILED'],
  QUEUED: ['RUNNING', 'CANCELED', 'FAILED', 'TIMED_OUT'],
  RUNNING: ['PAUSED', 'QUEUED', 'MERGE_QUEUED', 'COMPLETED', 'FAILED', 'CANCELED', 'TIMED_OUT'],
  PAUSED: ['RUNNING', 'QUEUED', 'MERGE_QUEUED', 'COMPLETED', 'FAILED', 'CANCELED', 'TIMED_OUT'],
  MERGE_QUEUED: ['MERGING', 'FAILED', 'CANCELED'],
  MERGING: ['COMPLETED', 'FAILED', 'CANCELED'],
  COMPLETED: [],
  FAILED: [],
  CANCELED: [],
  TIMED_OUT: [],
}

export function isTerminal(state: RunState): boolean {
  return RUN_TRANSITIONS[state].length === 0
}

export function canBecome(from: RunState, to: RunState): boolean {
  return RUN_TRANSITIONS[from].includes(to)
}

/** What a user may ask for. `simulate` is a run on a device of class SIMULATOR, `job` is done by a worker. */
export const RUN_KINDS = ['compile', 'simulate', 'run', 'job'] as const
export type RunKind = (typeof RUN_KINDS)[number]

/** What the device is doing while the run is RUNNING. */
export const DEVICE_PHASES = ['NEW', 'ERROR', 'DONE', 'QUEUED', 'TAKE_OFF', 'IC', 'OP', 'OP_END', 'TMP_HALT'] as const
export type DevicePhase = (typeof DEVICE_PHASES)[number]

/**
 * DISPATCHED: command published. CLAIMED: an executor won it. ENDED: sealed, the device ran.
 * ABORTED: sealed, nothing physical happened. LOST: no word came. CANCELED: stopped on request.
 */
export const ATTEMPT_STATES = ['DISPATCHED', 'CLAIMED', 'ENDED', 'ABORTED', 'LOST', 'CANCELED'] as const
export type AttemptState = (typeof ATTEMPT_STATES)[number]

export const ATTEMPT_TRANSITIONS: Readonly<Record<AttemptState, readonly AttemptState[]>> = {
  DISPATCHED: ['CLAIMED', 'ABORTED', 'LOST', 'CANCELED'],
  CLAIMED: ['ENDED', 'ABORTED', 'LOST', 'CANCELED'],
  ENDED: [],
  ABORTED: [],
  LOST: [],
  CANCELED: [],
}

/** How an attempt ended, as its executor saw it. */
export const ATTEMPT_OUTCOMES = [
  'ok',
  'incomplete',
  'device_error',
  'device_lost',
  'lease_lost',
  'canceled',
  'executor_restarted',
  'rejected',
  'journal_full',
] as const
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number]
