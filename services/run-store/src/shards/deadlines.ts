/** Ends what takes too long: runs over their timeout, shards whose worker says nothing any more. */
import { Inject, Injectable, Logger } from '@nestjs/common'
import { isTerminal, Problem } from '@lucihub/analog'
import { broadcasts } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { CONFIG, type RunStoreConfig } from '../config.ts'
import { Database, type Statement, type Transaction } from '../database/database.ts'
import { stop } from '../runs/cancellation.ts'
import { HotView } from '../view/hot-view.ts'
import { HotProgress } from './hot-progress.ts'
import { lockRun, reduceRun, shardsOf, writeShards, type RunEntered } from './shard-rows.ts'

/** At most so many per tick; the next tick goes on. */
const BATCH = 100

const LATE: Statement = {
  name: 'runs-late',
  text: `SELECT id FROM run WHERE timeout_s IS NOT NULL AND ended_at IS NULL AND NOT timed_out
      AND started_at < now() - timeout_s * interval '1 s' LIMIT ${BATCH}`,
}
/** $1: ms of silence; of one run and shard only where $2 and $3 are given. */
const STALLED: Statement = {
  name: 'shards-stalled',
  text: `SELECT run_id, index, worker_id FROM shard WHERE state = 'RUNNING' AND child_run_id IS NULL
      AND last_update_at < now() - $1 * interval '1 ms' AND ($2::uuid IS NULL OR (run_id = $2 AND index = $3)) LIMIT ${BATCH}`,
}

interface Stalled {
  readonly run_id: string
  readonly index: number
  readonly worker_id: string
}

@Injectable()
export class Deadlines {
  private readonly logger = new Logger(Deadlines.name)

  constructor(
    private readonly database: Database,
    private readonly hot: HotProgress,
    private readonly view: HotView,
    private readonly bus: Bus,
    @Inject(CONFIG) private readonly config: RunStoreConfig,
  ) {}

  /** `watchedMs`: how long silence could have been heard. */
  async sweep({ watchedMs }: { readonly watchedMs: number }): Promise<void> {
    for (const { id } of await this.database.query<{ readonly id: string }>(LATE)) {
      const stopped = await this.database
        .transaction((transaction) => stop(transaction, id, 'TIMED_OUT'))
        .catch((error: unknown) => {
          if (error instanceof Problem && error.type === 'state-conflict') return null // It ended meanwhile.
          throw error
        })
      if (!stopped) continue
      const { entered, asked } = stopped
      this.hot.forget(id)
      for (const { host, ...attempt } of asked) this.bus.broadcast(broadcasts.cancelNudge, [host], attempt)
      for (const { runId, ...state } of entered) this.view.entered(runId, state)
      this.logger.warn(`Run ${id} runs longer than its timeout and is stopped.`)
    }
    const { workerStallMs } = this.config
    if (watchedMs < workerStallMs) return
    // What is known here but not stored yet is no silence.
    await this.hot.flush()
    for (const { run_id, index } of await this.database.query<Stalled>(STALLED, [workerStallMs, null, null])) {
      const entered = await this.database.transaction((transaction) =>
        fail(transaction, { runId: run_id, index, silenceMs: workerStallMs }),
      )
      if (entered) this.view.entered(run_id, { attempt: 0, ...entered })
      this.logger.warn(`Shard ${index} of run ${run_id} has stalled.`)
    }
  }
}

async function fail(
  transaction: Transaction,
  { runId, index, silenceMs }: { readonly runId: string; readonly index: number; readonly silenceMs: number },
): Promise<RunEntered | null> {
  const run = await lockRun(transaction, runId)
  const [still] = await transaction.query<Stalled>(STALLED, [silenceMs, runId, index])
  if (!run || !still || isTerminal(run.state)) return null
  const shard = (await shardsOf(transaction, runId)).find((one) => one.index === index)
  if (!shard) return null
  const error = `stalled: no word from worker ${still.worker_id || '(unnamed)'} for ${Math.round(silenceMs / 1_000)} s`
  await writeShards(transaction, runId, [{ ...shard, state: 'FAILED', etaS: null, error }])
  return reduceRun(transaction, run)
}
