/** Ends attempts of which no word will come. */
import { Inject, Injectable, Logger } from '@nestjs/common'
import type { AttemptState } from '@lucihub/analog'
import { crashPoint } from '@lucihub/service-kit'
import { CONFIG, type RunStoreConfig } from '../config.ts'
import { Database, type Statement, type Transaction } from '../database/database.ts'
import { verdictOf, type Verdict } from './attempt-policy.ts'
import { settle, type StateEntered } from './settlement.ts'

/** How long an executor may take to answer a request to cancel. */
const CANCEL_PATIENCE_MS = 30_000

/**
 * Why an attempt is over, or no row. $1 grace, $2 lost after, $3 cancel patience, $4 how long we have watched, all ms.
 * Restricted to one attempt by $5 and $6 where they are given.
 */
const OVER: Statement = {
  name: 'attempts-over',
  text: `SELECT a.run_id, a.number, a.state, CASE
      WHEN a.state = 'DISPATCHED' THEN 'nobody claimed it'
      WHEN r.cancel_requested_at < now() - $3 * interval '1 ms' AND $4::float8 >= $3 THEN 'no answer to the request to cancel it'
      WHEN l.epoch IS DISTINCT FROM a.epoch THEN 'its device has a new holder'
      WHEN l.expires < now() - $2 * interval '1 ms' THEN 'no word from its executor'
      ELSE 'its journal stayed incomplete' END AS reason
    FROM attempt a JOIN run r ON r.id = a.run_id JOIN device d ON d.id = a.device_id LEFT JOIN device_lease l ON l.device_id = a.device_id
    WHERE ($5::uuid IS NULL OR (a.run_id = $5 AND a.number = $6::int)) AND (
      (a.state = 'DISPATCHED' AND (l.device_id IS NULL OR l.host <> a.host OR l.expires < now() - $1 * interval '1 ms'))
      OR (a.state = 'CLAIMED' AND (
        ($4 >= $3 AND r.cancel_requested_at < now() - $3 * interval '1 ms')
        OR ($4 >= $1 AND l.epoch IS DISTINCT FROM a.epoch AND a.progress_at < now() - $1 * interval '1 ms')
        OR ($4 >= $2 AND l.expires < now() - $2 * interval '1 ms')
        OR ($4 >= $2 AND a.last_seq IS NOT NULL AND a.progress_at < now() - $2 * interval '1 ms'))))`,
}
const LOCK: Statement = {
  name: 'reap-lock',
  text: `SELECT a.state, r.max_attempts, r.accept_gaps, r.cancel_requested_at IS NOT NULL AS cancel_requested, r.timed_out,
      (SELECT count(*) FROM attempt e WHERE e.run_id = r.id AND e.counted) AS counted
    FROM run r JOIN attempt a ON a.run_id = r.id WHERE r.id = $1 AND a.number = $2 FOR NO KEY UPDATE OF r, a`,
}

interface Over {
  readonly run_id: string
  readonly number: number
  readonly state: AttemptState
  readonly reason: string
}

interface Locked {
  readonly max_attempts: number
  readonly accept_gaps: boolean
  readonly cancel_requested: boolean
  readonly timed_out: boolean
  readonly counted: number
}

@Injectable()
export class AttemptReaper {
  private readonly logger = new Logger(AttemptReaper.name)

  constructor(
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: RunStoreConfig,
  ) {}

  /** `watchedMs`: how long silence could have been heard. Resolves with what the runs became. */
  async reap({ watchedMs }: { readonly watchedMs: number }): Promise<StateEntered[]> {
    const bounds = [this.config.leaseGraceMs, this.config.lostAfterMs, CANCEL_PATIENCE_MS, watchedMs]
    const entered: StateEntered[] = []
    for (const { run_id, number } of await this.database.query<Over>(OVER, [...bounds, null, null])) {
      const state = await this.database.transaction((transaction) => end(transaction, [...bounds, run_id, number]))
      if (!state) continue
      crashPoint('attempt-reaped')
      entered.push(state)
      this.logger.warn(`Run ${run_id} attempt ${number} was given up; the run is ${state.state}.`)
    }
    return entered
  }
}

/** Null when it turned out, under the lock, not to be over. */
async function end(transaction: Transaction, values: readonly unknown[]): Promise<StateEntered | null> {
  const [runId, number] = values.slice(-2) as [string, number]
  const [locked] = await transaction.query<Locked>(LOCK, [runId, number])
  const [over] = await transaction.query<Over>(OVER, values)
  if (!locked || !over) return null
  const verdict =
    over.state === 'DISPATCHED'
      ? withdrawn(over.reason)
      : verdictOf(
          { outcome: 'lost', reason: over.reason, started: true, gaps: 0, mismatch: '' },
          {
            maxAttempts: locked.max_attempts,
            acceptGaps: locked.accept_gaps,
            cancelRequested: locked.cancel_requested,
            timedOut: locked.timed_out,
            counted: locked.counted,
            attempt: number,
          },
        )
  return settle(transaction, { runId, attempt: number, verdict, overloads: [], finalValues: [], digests: null })
}

/** Nothing physical happened and nobody is at fault: the run waits again, for any device that fits. */
function withdrawn(reason: string): Verdict {
  return { attemptState: 'ABORTED', outcome: '', reason, counted: false, runState: 'QUEUED', runReason: '' }
}
