/**
 * Cancelling: at once while nobody has claimed the run, otherwise a request that its executor answers with
 * the end of the attempt. The run's row lock decides a race with completion: the first commit wins.
 */
import { Problem, isTerminal, type RunState } from '@lucihub/analog'
import type { Statement, Transaction } from '../database/database.ts'
import { ENTER_TERMINAL } from '../execution/settlement.ts'
import { noSuchRun } from './run-repository.ts'

/** What was done about a request to cancel. */
export type Cancellation =
  | { readonly kind: 'canceled'; readonly attempt: number }
  | { readonly kind: 'asked'; readonly attempt: number; readonly host: string }
  | { readonly kind: 'already' }

interface Locked {
  readonly state: RunState
  readonly attempts: number
  readonly live_attempt: number | null
}

const LOCK: Statement = {
  name: 'cancel-lock',
  text: 'SELECT state, attempts, live_attempt FROM run WHERE id = $2 AND owner_id = $1 FOR NO KEY UPDATE',
}
const REQUEST: Statement = {
  name: 'cancel-request',
  text: 'UPDATE run SET cancel_requested_at = coalesce(cancel_requested_at, now()) WHERE id = $1',
}
const CANCEL_DISPATCHED: Statement = {
  name: 'cancel-dispatched',
  text: `UPDATE attempt SET state = 'CANCELED', reason = 'canceled before it was claimed', ended_at = now()
    WHERE run_id = $1 AND number = $2 AND state = 'DISPATCHED'`,
}
const CLAIMED_HOST: Statement = {
  name: 'cancel-claimed-host',
  text: `SELECT host FROM attempt WHERE run_id = $1 AND number = $2 AND state = 'CLAIMED'`,
}

/** Problems: `not-found`; `state-conflict` when it has ended otherwise. */
export async function cancel(
  transaction: Transaction,
  { ownerId, runId }: { readonly ownerId: string; readonly runId: string },
): Promise<Cancellation> {
  const [run] = await transaction.query<Locked>(LOCK, [ownerId, runId])
  if (!run) throw noSuchRun(runId)
  if (run.state === 'CANCELED') return { kind: 'already' }
  if (isTerminal(run.state))
    throw new Problem('state-conflict', `The run is ${run.state} and cannot be canceled any more.`)
  await transaction.query(REQUEST, [runId])
  if (run.live_attempt !== null) {
    const [claimed] = await transaction.query<{ readonly host: string }>(CLAIMED_HOST, [runId, run.live_attempt])
    if (claimed) return { kind: 'asked', attempt: run.live_attempt, host: claimed.host }
    await transaction.query(CANCEL_DISPATCHED, [runId, run.live_attempt])
  }
  await transaction.query(ENTER_TERMINAL, [runId, 'CANCELED', 'canceled by its user', null, [], []])
  return { kind: 'canceled', attempt: run.attempts }
}
