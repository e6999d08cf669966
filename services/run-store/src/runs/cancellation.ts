/**
 * Stopping a run, for its user or for the clock: at once while nobody has claimed it, otherwise by a request that its
 * executor answers with the end of the attempt. The row lock decides a race with completion: the first commit wins.
 * Of a run in parts every part is stopped; parts are locked before the whole, as everywhere.
 */
import { Problem, isTerminal, type RunState } from '@lucihub/analog'
import { allowed, mayReadRun, mayWriteRun, type Asker, type Rights } from '../access/rights.ts'
import type { Queries, Statement, Transaction } from '../database/database.ts'
import { CANCELED_REASON, TIMED_OUT_REASON } from '../execution/attempt-policy.ts'
import { ENTER_TERMINAL, parentOf, type OfParent } from '../execution/settlement.ts'
import { lockRun, reduceRun, shardsOf, writeShards, type RunEntered } from '../shards/shard-rows.ts'

export type Stop = 'CANCELED' | 'TIMED_OUT'
const REASONS: Readonly<Record<Stop, string>> = { CANCELED: CANCELED_REASON, TIMED_OUT: TIMED_OUT_REASON }

/** To be told after the commit. */
export interface Stopped {
  readonly entered: readonly (RunEntered & { readonly attempt: number })[]
  /** Attempts whose executors are asked. */
  readonly asked: readonly { readonly host: string; readonly runId: string; readonly attempt: number }[]
}

interface Locked {
  readonly id: string
  readonly state: RunState
  readonly attempts: number
  readonly live_attempt: number | null
}

const ASKER = { user: '$2', role: '$3' }
const LOOK: Statement = {
  name: 'cancel-look',
  text: `SELECT ${mayReadRun('r', ASKER)} AS may_read, ${mayWriteRun('r', ASKER)} AS may_write FROM run r WHERE r.id = $1`,
}
const DIVIDED: Statement = {
  name: 'stop-divided',
  text: `SELECT engine = 'worker' OR shards_effective > 1 AS divided FROM run WHERE id = $1`,
}
const LOCK: Statement = {
  name: 'stop-lock',
  text: `SELECT id, state, attempts, live_attempt FROM run WHERE id = $1 FOR NO KEY UPDATE`,
}
const LOCK_SHARDS: Statement = {
  name: 'stop-lock-shards',
  text: `SELECT id, state, attempts, live_attempt FROM run WHERE parent_id = $1 ORDER BY id FOR NO KEY UPDATE`,
}
const REQUEST: Statement = {
  name: 'stop-request',
  text: 'UPDATE run SET cancel_requested_at = coalesce(cancel_requested_at, now()), timed_out = timed_out OR $2 WHERE id = $1',
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

/** Problems: `not-found`, and `forbidden` for a run that may only be read. */
export async function mayStop(queries: Queries, { userId, role }: Asker, runId: string): Promise<void> {
  const [row] = await queries.query<Rights>(LOOK, [runId, userId, role])
  allowed(row, 'write', `run ${runId}`)
}

/** Problem `state-conflict` when it is over, with the state. */
export async function stop(transaction: Transaction, runId: string, how: Stop): Promise<Stopped> {
  const [found] = await transaction.query<{ readonly divided: boolean }>(DIVIDED, [runId])
  if (found?.divided) return stopDivided(transaction, runId, how)
  const [run] = await transaction.query<Locked>(LOCK, [runId])
  if (!run) throw new Problem('not-found', `There is no run ${runId}.`)
  refuseEnded(run.state)
  return stopPlain(transaction, run, { how, withParent: true })
}

async function stopPlain(
  transaction: Transaction,
  run: Locked,
  { how, withParent }: { readonly how: Stop; readonly withParent: boolean },
): Promise<Stopped> {
  await transaction.query(REQUEST, [run.id, how === 'TIMED_OUT'])
  const attempt = run.live_attempt
  if (attempt !== null) {
    const [claimed] = await transaction.query<{ readonly host: string }>(CLAIMED_HOST, [run.id, attempt])
    if (claimed) return { entered: [], asked: [{ host: claimed.host, runId: run.id, attempt }] }
    await transaction.query(CANCEL_DISPATCHED, [run.id, attempt])
  }
  const rows = await transaction.query<OfParent>(ENTER_TERMINAL, [run.id, how, REASONS[how], null, [], []])
  const parent = withParent ? await parentOf(transaction, rows) : null
  const own = { runId: run.id, state: how, reason: REASONS[how], attempt: run.attempts }
  return { entered: parent ? [own, { ...parent, attempt: 0 }] : [own], asked: [] }
}

async function stopDivided(transaction: Transaction, runId: string, how: Stop): Promise<Stopped> {
  const children = await transaction.query<Locked>(LOCK_SHARDS, [runId])
  const run = await lockRun(transaction, runId)
  if (!run) throw new Problem('not-found', `There is no run ${runId}.`)
  refuseEnded(run.state)
  await transaction.query(REQUEST, [runId, how === 'TIMED_OUT'])
  const parts: Stopped[] = []
  for (const child of children)
    if (!isTerminal(child.state)) parts.push(await stopPlain(transaction, child, { how, withParent: false }))
  if (run.engine === 'worker') {
    const open = (await shardsOf(transaction, runId)).filter((shard) => !isTerminal(shard.state))
    await writeShards(
      transaction,
      runId,
      open.map((shard) => ({ ...shard, state: how, etaS: null, error: REASONS[how] })),
    )
  }
  const entered = await reduceRun(transaction, run, { state: how, reason: REASONS[how] })
  return {
    entered: [...parts.flatMap((part) => part.entered), ...(entered ? [{ ...entered, attempt: 0 }] : [])],
    asked: parts.flatMap((part) => part.asked),
  }
}

function refuseEnded(state: RunState): void {
  if (isTerminal(state)) throw new Problem('state-conflict', `The run is ${state} and cannot be canceled any more.`)
}
