/**
 * Progress of workers, as fast as they tell it. A word that only says how far a RUNNING shard is costs a write to
 * memory and one to Redis; Postgres gets what changed as one statement per run and second. Changes of state do not
 * pass here: they are stored before they are answered, and take along what is known here. Redis and this process may
 * lose all of it; what is lost is at most a second of progress, never an end.
 */
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common'
import { counter } from '@lucihub/service-kit'
import { Database, type Statement } from '../database/database.ts'
import { HotViewCache } from '../view/hot-view-cache.ts'
import { updated, type ShardProgress, type ShardWord } from './shard-policy.ts'

const FLUSH_MS = 1_000
/** A shard that says nothing for so long is forgotten until it speaks again. */
const IDLE_MS = 60_000

const flushes = counter('lucihub_progress_flushes_total', 'Writes of the progress of one run to Postgres')

/** The run's lock first, as everywhere; shards that are not at work in this attempt any more are not told back. */
const FLUSH: Statement = {
  name: 'progress-flush',
  text: `WITH r AS (SELECT id FROM run WHERE id = $1 AND state = 'RUNNING' FOR NO KEY UPDATE),
    k AS (SELECT * FROM unnest($2::int[], $3::int[], $4::bigint[], $5::int[], $6::text[], $7::float8[])
      AS k (index, attempt, completed, eta_s, worker_id, age_ms)),
    told AS (
      UPDATE shard s SET completed = greatest(s.completed, k.completed), eta_s = k.eta_s, worker_id = k.worker_id,
        last_update_at = greatest(s.last_update_at, now() - k.age_ms * interval '1 ms')
      FROM k, r WHERE s.run_id = r.id AND s.index = k.index AND s.attempt = k.attempt AND s.state = 'RUNNING'
      RETURNING s.index),
    summed AS (
      UPDATE run SET eta_s = (SELECT max(k.eta_s) FROM k),
        completed_work = (SELECT sum(greatest(s.completed, coalesce(k.completed, 0))) FROM shard s LEFT JOIN k ON k.index = s.index WHERE s.run_id = $1)
      FROM r WHERE run.id = r.id)
    SELECT index FROM told`,
}

interface Hot {
  shard: ShardProgress
  atMs: number
  dirty: boolean
}

@Injectable()
export class HotProgress implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(HotProgress.name)
  private readonly runs = new Map<string, Map<number, Hot>>()
  private timer: NodeJS.Timeout | null = null
  private flushing: Promise<void> | null = null

  constructor(
    private readonly database: Database,
    private readonly cache: HotViewCache,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.flush(), FLUSH_MS)
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.timer) clearInterval(this.timer)
    await this.flush()
  }

  /** Takes a word about a shard that is known to be at work. False when it has to be asked of the database. */
  take(runId: string, index: number, word: ShardWord): boolean {
    const hot = this.runs.get(runId)?.get(index)
    if (!hot || word.state !== undefined || word.requested !== undefined || word.error !== undefined) return false
    const outcome = updated(hot.shard, word)
    if (outcome.kind !== 'accepted') return false
    hot.shard = outcome.shard
    hot.atMs = Date.now()
    hot.dirty = true
    return true
  }

  /** Writes what was taken to Redis, where other processes read it. */
  publish(runId: string, indices: readonly number[]): Promise<void> {
    const told: Record<string, string> = {}
    for (const index of indices) {
      const hot = this.runs.get(runId)?.get(index)
      if (hot) told[index] = textOf(hot)
    }
    return Object.keys(told).length > 0 ? this.cache.keepProgress(runId, told) : Promise.resolve()
  }

  /** What was stored: shards at work are known from here on, others are forgotten. */
  stored(runId: string, shards: readonly ShardProgress[]): void {
    const own = this.runs.get(runId) ?? new Map<number, Hot>()
    for (const shard of shards)
      if (shard.state === 'RUNNING') own.set(shard.index, { shard, atMs: Date.now(), dirty: false })
      else own.delete(shard.index)
    if (own.size > 0) this.runs.set(runId, own)
    else this.runs.delete(runId)
  }

  forget(runId: string): void {
    this.runs.delete(runId)
  }

  /** A stored shard with what is newer here. */
  latest(runId: string, shard: ShardProgress): ShardProgress {
    const hot = this.runs.get(runId)?.get(shard.index)?.shard
    if (!hot || shard.state !== 'RUNNING' || hot.attempt !== shard.attempt) return shard
    return { ...shard, completed: Math.max(shard.completed, hot.completed), etaS: hot.etaS, workerId: hot.workerId }
  }

  /** What is newer than the database, of this process or another one: by index of the shard. */
  async newer(runId: string): Promise<ReadonlyMap<number, Told>> {
    const told = new Map<number, Told>()
    for (const [index, text] of Object.entries(await this.cache.progress(runId))) told.set(Number(index), toldOf(text))
    for (const [index, hot] of this.runs.get(runId) ?? []) {
      const other = told.get(index)
      if (!other || other.attempt < hot.shard.attempt || other.atMs <= hot.atMs) told.set(index, toldOf(textOf(hot)))
    }
    return told
  }

  /** Writes what changed since the last time; one statement per run. */
  flush(): Promise<void> {
    this.flushing ??= this.work().finally(() => {
      this.flushing = null
    })
    return this.flushing
  }

  private async work(): Promise<void> {
    const now = Date.now()
    for (const [runId, shards] of this.runs) {
      const dirty = [...shards.values()].filter((hot) => hot.dirty)
      for (const [index, hot] of shards) if (!hot.dirty && now - hot.atMs > IDLE_MS) shards.delete(index)
      if (shards.size === 0) this.runs.delete(runId)
      if (dirty.length > 0) await this.flushRun(runId, dirty)
    }
  }

  private async flushRun(runId: string, dirty: readonly Hot[]): Promise<void> {
    const now = Date.now()
    for (const hot of dirty) hot.dirty = false
    try {
      flushes.inc()
      const told = await this.database.query<{ readonly index: number }>(FLUSH, [
        runId,
        dirty.map(({ shard }) => shard.index),
        dirty.map(({ shard }) => shard.attempt),
        dirty.map(({ shard }) => shard.completed),
        dirty.map(({ shard }) => shard.etaS),
        dirty.map(({ shard }) => shard.workerId),
        dirty.map(({ atMs }) => now - atMs),
      ])
      const known = new Set(told.map(({ index }) => index))
      const shards = this.runs.get(runId)
      for (const { shard } of dirty) if (!known.has(shard.index)) shards?.delete(shard.index)
    } catch (error) {
      for (const hot of dirty) hot.dirty = true
      this.logger.warn(`Progress of run ${runId} waits for the next second: ${String(error)}`)
    }
  }
}

export interface Told {
  readonly attempt: number
  readonly completed: number
  readonly etaS: number | null
  readonly atMs: number
}

function textOf({ shard, atMs }: Hot): string {
  return `${shard.attempt} ${shard.completed} ${shard.etaS ?? '-'} ${atMs}`
}

function toldOf(text: string): Told {
  const [attempt = '0', completed = '0', eta = '-', at = '0'] = text.split(' ')
  return {
    attempt: Number(attempt),
    completed: Number(completed),
    etaS: eta === '-' ? null : Number(eta),
    atMs: Number(at),
  }
}
