/** The statements about shards. The run's row lock is the lock of all its shards, and is taken first. */
import { canBecome, isTerminal, type RunState } from '@lucihub/analog'
import type { Queries, Statement, Transaction } from '../database/database.ts'
import { CANCELED_REASON, TIMED_OUT_REASON } from '../execution/attempt-policy.ts'
import { DEFAULT_MERGE, type MergePolicy } from '../runs/division.ts'
import { runStateOf, type RunFrame, type ShardProgress } from './shard-policy.ts'

export interface LockedRun {
  readonly id: string
  readonly state: RunState
  readonly engine: 'hub' | 'worker'
  readonly shards_effective: number
  readonly merge_policy: Partial<MergePolicy>
  readonly cancel_requested: boolean
  readonly timed_out: boolean
  readonly partial: boolean
}

/** A run that entered a state, to be told after the commit. */
export interface RunEntered {
  readonly runId: string
  readonly state: RunState
  readonly reason: string
}

const LOCK: Statement = {
  name: 'shards-lock-run',
  text: `SELECT id, state, engine, shards_effective, merge_policy, cancel_requested_at IS NOT NULL AS cancel_requested, timed_out, partial
    FROM run WHERE id = $1 FOR NO KEY UPDATE`,
}
/** What shards on devices are up to, their own runs say. */
const SYNCHRONIZE: Statement = {
  name: 'shards-synchronize',
  text: `UPDATE shard s SET state = c.state, error = c.reason, started_at = c.started_at, ended_at = c.ended_at, last_update_at = now(),
      attempt = greatest(1, c.attempts), completed = CASE WHEN c.state = 'COMPLETED' THEN s.requested ELSE s.completed END
    FROM run c WHERE c.id = s.child_run_id AND s.run_id = $1 AND s.state <> c.state`,
}
const SHARDS: Statement = {
  name: 'shards-of-run',
  text: `SELECT index, state, requested, completed, eta_s AS "etaS", attempt, worker_id AS "workerId", error FROM shard WHERE run_id = $1 ORDER BY index`,
}
const WRITE: Statement = {
  name: 'shards-write',
  text: `UPDATE shard s SET state = k.state, requested = k.requested, completed = k.completed, eta_s = k.eta_s, attempt = k.attempt,
      worker_id = k.worker_id, error = k.error, last_update_at = now(),
      started_at = CASE WHEN k.state = 'QUEUED' THEN NULL ELSE coalesce(s.started_at, now()) END,
      ended_at = CASE WHEN k.ended THEN coalesce(s.ended_at, now()) END
    FROM unnest($2::int[], $3::text[], $4::bigint[], $5::bigint[], $6::int[], $7::int[], $8::text[], $9::text[], $10::boolean[])
      AS k (index, state, requested, completed, eta_s, attempt, worker_id, error, ended)
    WHERE s.run_id = $1 AND s.index = k.index`,
}
/** started_at and ended_at are set once; an end is one row of run_terminal. Nothing of such a run lies in the streams. */
const ENTER: Statement = {
  name: 'shards-enter',
  text: `WITH ended AS (INSERT INTO run_terminal (run_id, state, purged) SELECT $1, $2::text, true WHERE $7::boolean)
    UPDATE run SET state = $2::text, reason = $3, partial = $4, completed_work = $5, requested_work = $6, eta_s = NULL, live_attempt = NULL,
      started_at = CASE WHEN $2::text = 'QUEUED' THEN started_at ELSE coalesce(started_at, now()) END,
      ended_at = CASE WHEN $7::boolean THEN coalesce(ended_at, now()) END
    WHERE id = $1`,
}

export async function lockRun(transaction: Transaction, runId: string): Promise<LockedRun | null> {
  return (await transaction.query<LockedRun>(LOCK, [runId]))[0] ?? null
}

export function shardsOf(queries: Queries, runId: string): Promise<ShardProgress[]> {
  return queries.query<ShardProgress>(SHARDS, [runId])
}

export async function writeShards(
  transaction: Transaction,
  runId: string,
  shards: readonly ShardProgress[],
): Promise<void> {
  if (shards.length === 0) return
  await transaction.query(WRITE, [
    runId,
    shards.map((shard) => shard.index),
    shards.map((shard) => shard.state),
    shards.map((shard) => shard.requested),
    shards.map((shard) => shard.completed),
    shards.map((shard) => shard.etaS),
    shards.map((shard) => shard.attempt),
    shards.map((shard) => shard.workerId),
    shards.map((shard) => shard.error),
    shards.map((shard) => isTerminal(shard.state)),
  ])
}

/** Brings a locked run into the state that its shards imply. Null when it is in it already. */
export async function reduceRun(
  transaction: Transaction,
  run: LockedRun,
  stopped: RunFrame['stopped'] = null,
): Promise<RunEntered | null> {
  if (run.engine === 'hub') await transaction.query(SYNCHRONIZE, [run.id])
  const shards = await shardsOf(transaction, run.id)
  const merge: MergePolicy = { ...DEFAULT_MERGE, ...run.merge_policy }
  const next = runStateOf(shards, { state: run.state, merge, stopped: stopped ?? stopOf(run) })
  if (next.state === run.state) return null
  // A worker that only says COMPLETED was at work before.
  if (!canBecome(run.state, next.state)) await enter(transaction, run.id, { ...next, state: 'RUNNING', shards })
  await enter(transaction, run.id, { ...next, shards })
  return { runId: run.id, state: next.state, reason: next.reason }
}

/** A shard's run changed: locks the run that it is part of, and reduces. */
export async function reduceParent(transaction: Transaction, parentId: string): Promise<RunEntered | null> {
  const parent = await lockRun(transaction, parentId)
  return parent && reduceRun(transaction, parent)
}

export async function enter(
  transaction: Transaction,
  runId: string,
  {
    state,
    reason,
    partial,
    shards,
  }: {
    readonly state: RunState
    readonly reason: string
    readonly partial: boolean
    readonly shards: readonly ShardProgress[]
  },
): Promise<void> {
  const total = (of: (shard: ShardProgress) => number): number => shards.reduce((sum, shard) => sum + of(shard), 0)
  await transaction.query(ENTER, [
    runId,
    state,
    reason,
    partial,
    total((shard) => shard.completed),
    total((shard) => shard.requested),
    isTerminal(state),
  ])
}

function stopOf({ cancel_requested, timed_out }: LockedRun): RunFrame['stopped'] {
  if (timed_out) return { state: 'TIMED_OUT', reason: TIMED_OUT_REASON }
  return cancel_requested ? { state: 'CANCELED', reason: CANCELED_REASON } : null
}
