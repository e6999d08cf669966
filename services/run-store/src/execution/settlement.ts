/**
 * Settling: the attempt gets its last state and the run its next one, in one transaction that holds the run's
 * row lock. `run_terminal` has one row per run, so no path can end a run twice.
 */
import type { RunState } from '@lucihub/analog'
import type { Statement, Transaction } from '../database/database.ts'
import { reduceParent, type RunEntered } from '../shards/shard-rows.ts'
import type { Verdict } from './attempt-policy.ts'

/** $1 run, $2 state, $3 reason, $4 winning attempt or null, $5 overloads, $6 final values. */
export const ENTER_TERMINAL: Statement = {
  name: 'enter-terminal',
  text: `WITH ended AS (INSERT INTO run_terminal (run_id, state) VALUES ($1, $2::text))
    UPDATE run SET state = $2::text, reason = $3, live_attempt = NULL, winning_attempt = $4::int, overloads = $5::int[],
      final_values = $6::real[], ended_at = now()
    WHERE id = $1 RETURNING parent_id`,
}

/** Waiting again: for a new attempt, in its old place of the queue. */
const ENTER_QUEUE: Statement = {
  name: 'enter-queue',
  text: `UPDATE run SET state = 'QUEUED', live_attempt = NULL WHERE id = $1 RETURNING parent_id`,
}

const END_ATTEMPT: Statement = {
  name: 'end-attempt',
  text: `UPDATE attempt SET state = $3, outcome = $4, reason = $5, counted = $6, digests = $7, ended_at = now()
    WHERE run_id = $1 AND number = $2`,
}

export interface Settlement {
  readonly runId: string
  readonly attempt: number
  readonly verdict: Verdict
  /** From the end record; empty for an attempt without one. */
  readonly overloads: readonly number[]
  readonly finalValues: readonly number[]
  /** 32 bytes per channel, or null where nothing was verified. */
  readonly digests: Buffer | null
}

/** A run that entered a state, to be told after the commit. */
export interface StateEntered {
  readonly runId: string
  readonly attempt: number
  readonly state: RunState
  readonly reason: string
  /** What became of the run that this one is a shard of; null when it is none, or that stayed what it was. */
  readonly parent: RunEntered | null
}

/** The caller holds the run's row lock and has seen the attempt DISPATCHED or CLAIMED under it. */
export async function settle(
  transaction: Transaction,
  { runId, attempt, verdict, overloads, finalValues, digests }: Settlement,
): Promise<StateEntered> {
  await transaction.query(END_ATTEMPT, [
    runId,
    attempt,
    verdict.attemptState,
    verdict.outcome,
    verdict.reason,
    verdict.counted,
    digests,
  ])
  const { runState: state, runReason: reason } = verdict
  const won = state === 'COMPLETED' ? attempt : null
  const rows =
    state === 'QUEUED'
      ? await transaction.query<OfParent>(ENTER_QUEUE, [runId])
      : await transaction.query<OfParent>(ENTER_TERMINAL, [runId, state, reason, won, overloads, finalValues])
  return { runId, attempt, state, reason, parent: await parentOf(transaction, rows) }
}

export interface OfParent {
  readonly parent_id: string | null
}

/** Reduces the run that the changed one is a shard of, if it is one. */
export async function parentOf(transaction: Transaction, [row]: readonly OfParent[]): Promise<RunEntered | null> {
  return row?.parent_id ? reduceParent(transaction, row.parent_id) : null
}
