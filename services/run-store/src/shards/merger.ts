/**
 * Merges the results of shards: MERGE_QUEUED, MERGING, then one page after the other, then COMPLETED. Every step is
 * one transaction that holds the run's row lock and finds out from what is stored which page comes next. So nothing
 * is owned between two steps: a process may die at any of them, another one goes on, and replicas pass over the run
 * that one of them is at.
 */
import { gunzipSync, gzipSync } from 'node:zlib'
import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common'
import type { RunState } from '@lucihub/analog'
import { Database, type Statement, type Transaction } from '../database/database.ts'
import { DEFAULT_MERGE, reductionOf, type MergePolicy } from '../runs/division.ts'
import { HotView } from '../view/hot-view.ts'
import { DeviceMerge } from './device-merge.ts'
import { STD_SUFFIX } from './merged-channels.ts'
import { mergePages, type PageBody } from './reduction.ts'
import { putChannels, putPage, WHOLE, type ChannelRow, type PageRow } from './result-repository.ts'
import { enter, shardsOf } from './shard-rows.ts'

/** What a step did. */
export type Step =
  { readonly kind: 'went on' } | { readonly kind: 'done' } | { readonly kind: 'failed'; readonly reason: string }

export interface MergedRun {
  readonly id: string
  readonly state: RunState
  readonly engine: 'hub' | 'worker'
  readonly merge_policy: Partial<MergePolicy>
  readonly partial: boolean
}

const PICK: Statement = {
  name: 'merge-pick',
  text: `SELECT id, state, engine, merge_policy, partial FROM run WHERE state IN ('MERGE_QUEUED', 'MERGING')
    ORDER BY seq LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED`,
}
/** The next page that a completed shard has and the run has not. $2: positions of channels that are left as they are. */
const NEXT: Statement = {
  name: 'merge-next',
  text: `SELECT c.position, c.name, c.source_name, c.unit, c.metadata, p.number
    FROM channel c JOIN result_page p ON p.run_id = c.run_id AND p.position = c.position
      JOIN shard s ON s.run_id = p.run_id AND s.index = p.shard AND s.state = 'COMPLETED'
    WHERE c.run_id = $1 AND c.position <> ALL ($2::int[])
      AND NOT EXISTS (SELECT FROM result_page m WHERE m.run_id = p.run_id AND m.position = p.position AND m.number = p.number AND m.shard = ${WHOLE})
    ORDER BY c.position, p.number LIMIT 1`,
}
const CHANNELS: Statement = {
  name: 'merge-channels',
  text: 'SELECT position, name FROM channel WHERE run_id = $1',
}
const PAGES: Statement = {
  name: 'merge-pages',
  text: `SELECT p.position, p.number, p.name, p.dimension, p.shape, p.kind, p.encoding, p.body
    FROM result_page p JOIN shard s ON s.run_id = p.run_id AND s.index = p.shard AND s.state = 'COMPLETED'
    WHERE p.run_id = $1 AND p.position = $2 AND p.number = $3 ORDER BY p.shard`,
}

@Injectable()
export class Merger implements BeforeApplicationShutdown {
  private readonly logger = new Logger(Merger.name)
  private working: Promise<void> | null = null
  private again = false
  private stopped = false

  constructor(
    private readonly database: Database,
    private readonly devices: DeviceMerge,
    private readonly view: HotView,
  ) {}

  /** There may be something to merge: merges soon, once for all calls that come while it is at work. */
  wake(): void {
    this.again = true
    if (this.stopped) return
    this.working ??= this.work().finally(() => {
      this.working = null
      if (this.again) this.wake()
    })
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true
    await this.working
  }

  private async work(): Promise<void> {
    while (this.again && !this.stopped) {
      this.again = false
      try {
        while (!this.stopped && (await this.step()));
      } catch (error) {
        this.logger.warn(`Merging goes on with the next tick: ${String(error)}`)
      }
    }
  }

  /** False when there is nothing to merge. */
  private async step(): Promise<boolean> {
    const done = await this.database.transaction(async (transaction) => {
      const [run] = await transaction.query<MergedRun>(PICK)
      if (!run) return null
      const shards = await shardsOf(transaction, run.id)
      const become = async (
        state: RunState,
        reason = '',
      ): Promise<{ runId: string; state: RunState; reason: string }> => {
        await enter(transaction, run.id, { state, reason, partial: run.partial, shards })
        return { runId: run.id, state, reason }
      }
      if (run.state === 'MERGE_QUEUED') return become('MERGING')
      const step = run.engine === 'hub' ? await this.devices.step(transaction, run) : await mergeNext(transaction, run)
      if (step.kind === 'went on') return { runId: run.id, state: run.state, reason: '' }
      return step.kind === 'done' ? become('COMPLETED') : become('FAILED', `merging failed: ${step.reason}`)
    })
    if (!done) return false
    if (done.state !== 'MERGING') this.view.entered(done.runId, { attempt: 0, ...done })
    return true
  }
}

/** One page of what workers handed in; channels are matched by name, whatever order a shard had them in. */
async function mergeNext(transaction: Transaction, run: MergedRun): Promise<Step> {
  const merge: MergePolicy = { ...DEFAULT_MERGE, ...run.merge_policy }
  const channels = await transaction.query<Pick<ChannelRow, 'position' | 'name'>>(CHANNELS, [run.id])
  const kept = channels.filter(({ name }) => reductionOf(merge, name) === 'none').map(({ position }) => position)
  const [next] = await transaction.query<ChannelRow & { readonly number: number }>(NEXT, [run.id, kept])
  if (!next) return { kind: 'done' }
  const reduce = reductionOf(merge, next.name)
  if (reduce === 'none') return { kind: 'done' }
  const pages = await transaction.query<PageRow>(PAGES, [run.id, next.position, next.number])
  const merged = mergePages(pages.map(bodyOf), reduce)
  const [first] = pages
  if (!first || merged.kind === 'differs')
    return {
      kind: 'failed',
      reason: `channel ${next.name} page ${next.number}: ${merged.kind === 'differs' ? merged.why : 'no page'}`,
    }
  const page = { ...first, shard: WHOLE, kind: reduce === 'concat' ? first.kind : 'mean' }
  if (merged.std) {
    const std = {
      name: `${next.name}${STD_SUFFIX}`,
      sourceName: `${next.source_name}${STD_SUFFIX}`,
      unit: next.unit,
      metadataJson: JSON.stringify(next.metadata),
    }
    const position = (await putChannels(transaction, run.id, [std])).get(std.name) ?? 0
    await putPage(transaction, run.id, { ...page, position, kind: 'std', ...stored(merged.std) })
  }
  await putPage(transaction, run.id, { ...page, ...stored(merged.mean) })
  return { kind: 'went on' }
}

function bodyOf({ body }: PageRow): PageBody {
  return JSON.parse(gunzipSync(body ?? Buffer.alloc(0)).toString()) as PageBody
}

function stored(body: PageBody): { body: Buffer; shape: number[] } {
  return { body: gzipSync(JSON.stringify(body)), shape: [body.data?.values?.length ?? 0] }
}
