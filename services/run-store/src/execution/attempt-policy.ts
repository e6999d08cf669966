/**
 * What follows from the end of an attempt, as one pure function. An analog run is never resumed: either its
 * attempt counts as the result, or a new attempt starts from the beginning, or the run has failed.
 */
import type { AttemptOutcome, AttemptState } from '@lucihub/analog'

/** How an attempt ended, after its journal was verified. `lost`: no word came from its executor. */
export interface AttemptEnd {
  readonly outcome: AttemptOutcome | 'lost'
  readonly reason: string
  /** True once the start command may have reached the device. */
  readonly started: boolean
  /** Device gaps in its journal. */
  readonly gaps: number
  /** Why the stored records do not amount to its manifest; empty when they do. */
  readonly mismatch: string
}

/** What the run still allows. */
export interface RunBudget {
  readonly maxAttempts: number
  readonly acceptGaps: boolean
  readonly cancelRequested: boolean
  /** The request to cancel came from the clock. */
  readonly timedOut: boolean
  /** Earlier attempts that count against `maxAttempts`. */
  readonly counted: number
  /** Number of this attempt, 1.. */
  readonly attempt: number
}

export interface Verdict {
  readonly attemptState: AttemptState
  readonly outcome: string
  readonly reason: string
  /** Counts against `maxAttempts`. */
  readonly counted: boolean
  readonly runState: 'COMPLETED' | 'FAILED' | 'CANCELED' | 'TIMED_OUT' | 'QUEUED'
  /** Empty unless the run has failed, was canceled or was halted by a condition of its own. */
  readonly runReason: string
}

export const CANCELED_REASON = 'canceled by its user'
export const TIMED_OUT_REASON = 'it ran longer than its timeout'

/** Attempts that never reached a device are repeated without counting, but not for ever. */
export const UNSTARTED_MAX = 10

export function verdictOf(end: AttemptEnd, budget: RunBudget): Verdict {
  const judged = judgeEnd(end, budget.acceptGaps)
  // A device that refuses the configuration will refuse it again; that is an attempt used.
  const counted = end.started || end.outcome === 'lost' || judged.outcome === 'rejected'
  const attempt = { ...judged, counted, attemptState: attemptStateOf(judged.outcome, end.started) }

  // Of a whole run that ended well, the reason is what halted it; what is forgiven stays with the attempt.
  const halted = end.outcome === 'ok' && end.gaps === 0 ? judged.reason : ''
  if (judged.outcome === 'ok') return { ...attempt, runState: 'COMPLETED', runReason: halted }
  if (judged.outcome === 'canceled' || budget.cancelRequested)
    return budget.timedOut
      ? { ...attempt, runState: 'TIMED_OUT', runReason: TIMED_OUT_REASON }
      : { ...attempt, runState: 'CANCELED', runReason: CANCELED_REASON }
  const spent =
    budget.counted + (counted ? 1 : 0) >= budget.maxAttempts || budget.attempt - budget.counted > UNSTARTED_MAX
  if (!spent) return { ...attempt, runState: 'QUEUED', runReason: '' }
  const text = judged.reason === '' ? judged.outcome : `${judged.outcome}: ${judged.reason}`
  return { ...attempt, runState: 'FAILED', runReason: `attempt ${budget.attempt} ended ${text}` }
}

/** An executor's `ok` holds only for a journal that is whole; its `incomplete` is forgiven where gaps are accepted. */
function judgeEnd(
  { outcome, reason, gaps, mismatch }: AttemptEnd,
  acceptGaps: boolean,
): { outcome: AttemptEnd['outcome']; reason: string } {
  if (outcome !== 'ok' && outcome !== 'incomplete') return { outcome, reason }
  if (mismatch !== '') return { outcome: 'incomplete', reason: mismatch }
  if (gaps > 0 && !acceptGaps)
    return { outcome: 'incomplete', reason: reason || `the device or its network lost samples in ${gaps} places` }
  return outcome === 'incomplete' && !acceptGaps ? { outcome, reason } : { outcome: 'ok', reason }
}

function attemptStateOf(outcome: AttemptEnd['outcome'], started: boolean): AttemptState {
  if (outcome === 'lost') return 'LOST'
  if (outcome === 'canceled') return 'CANCELED'
  return started || outcome === 'ok' ? 'ENDED' : 'ABORTED'
}
