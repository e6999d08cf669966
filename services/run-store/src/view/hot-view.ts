/**
 * The live view: taps the samples as they pass on the bus (no stream read, no database on the way), decimates
 * them and tells everybody who watches. What is told here may be lost; what is stored cannot. Three rules keep
 * it honest: phases, logs and gaps are told when they are stored, so that whoever hears of one can read it; an
 * end is told only when it is sealed; and samples count only from the host and under the epoch that claimed
 * their attempt.
 */
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common'
import { BYTES_PER_SAMPLE, isTerminal, SAMPLE_ENCODINGS, type Channel, type RunState } from '@lucihub/analog'
import {
  broadcasts,
  ConfigurationMessage,
  feeds,
  runState,
  sampleEncoding,
  type EndRecord,
  type JournalBatch,
  type JournalRecord,
  type RunEvent,
} from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { Database, type Statement } from '../database/database.ts'
import { contentOf } from '../journal/entry.ts'
import { channelsOf } from '../measurements/result-source.ts'
import { isUuid } from '../runs/uuid7.ts'
import { decimate, type RawChunk } from './decimate.ts'
import { HotViewCache } from './hot-view-cache.ts'

/** Frames per second and run. */
const FRAME_INTERVAL_MS = 50
/** Samples held back for the next frame. */
const PENDING_BYTES_MAX = 4 * 1_048_576
/** An attempt that says nothing for so long is forgotten until it speaks again. */
const IDLE_MS = 30_000

const WATCHED: Statement = {
  name: 'view-attempt',
  text: `SELECT a.host, a.epoch, r.sample_rate_hz, c.body AS configuration
    FROM attempt a JOIN run r ON r.id = a.run_id JOIN configuration c ON c.hash = r.configuration_hash
    WHERE a.run_id = $1 AND a.number = $2 AND a.state = 'CLAIMED'`,
}

/** What the view must know of an attempt. */
interface Watched {
  readonly host: string
  readonly epoch: number
  readonly sampleRateHz: number
  readonly channels: readonly Channel[]
}

/** What one attempt has said since its last frame. */
interface Live {
  readonly runId: string
  readonly attempt: number
  readonly watched: Promise<Watched | null>
  pending: { readonly record: JournalRecord; readonly host: string }[]
  pendingBytes: number
  timer: NodeJS.Timeout | null
  lastFrameMs: number
}

@Injectable()
export class HotView implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(HotView.name)
  private readonly live = new Map<string, Live>()
  private unsubscribe: (() => void) | null = null
  private sweep: NodeJS.Timeout | null = null

  constructor(
    private readonly bus: Bus,
    private readonly database: Database,
    private readonly cache: HotViewCache,
  ) {}

  onApplicationBootstrap(): void {
    const hear = ({ records }: JournalBatch, subject: string): void =>
      records.forEach((record) => this.hear(record, subject))
    this.unsubscribe = this.bus.subscribe(feeds.journal, { group: 'run-store-view' }, hear)
    this.sweep = setInterval(() => this.forgetIdle(), IDLE_MS).unref()
  }

  beforeApplicationShutdown(): void {
    this.unsubscribe?.()
    if (this.sweep) clearInterval(this.sweep)
    for (const live of this.live.values()) if (live.timer) clearTimeout(live.timer)
    this.live.clear()
  }

  /** A run entered a state that no end record explains. Call it after the commit. */
  entered(
    runId: string,
    { attempt, state, reason }: { readonly attempt: number; readonly state: RunState; readonly reason: string },
  ): void {
    this.tell(runId, [stateEvent({ attempt, seq: 0, state, reason })])
  }

  /** An attempt was sealed. Call it after the commit. */
  sealed(
    runId: string,
    {
      attempt,
      lastSeq,
      end,
      state,
      reason,
    }: {
      readonly attempt: number
      readonly lastSeq: number
      readonly end: EndRecord
      readonly state: RunState
      readonly reason: string
    },
  ): void {
    const last = [
      { attempt, seq: lastSeq, atMs: Date.now(), end },
      stateEvent({ attempt, seq: lastSeq + 1, state, reason }),
    ]
    const live = this.live.get(keyOf(runId, attempt))
    this.live.delete(keyOf(runId, attempt))
    if (live?.timer) clearTimeout(live.timer)
    const before = live ? this.frame(live) : Promise.resolve()
    void before.then(() => this.tell(runId, last))
  }

  /** Records were stored, sealed or not. Call it after the commit. */
  stored(records: readonly JournalRecord[]): void {
    const byRun = new Map<string, RunEvent[]>()
    for (const record of records) {
      if (record.chunk || record.end) continue
      const { runId, attempt, seq, atMs } = record
      const events = byRun.get(runId) ?? []
      byRun.set(runId, events)
      events.push({ attempt, seq, atMs, ...contentOf(record) })
    }
    for (const [runId, events] of byRun) this.tell(runId, events)
  }

  /** Samples events of the last seconds, oldest first. */
  recent(runId: string): Promise<readonly RunEvent[]> {
    return this.cache.recent(runId)
  }

  private hear(record: JournalRecord, subject: string): void {
    const [, , , host = ''] = subject.split('.')
    if (!record.chunk || !isUuid(record.runId) || record.attempt > 0x7fffffff) return
    const live = this.liveOf(record.runId, record.attempt)
    live.pending.push({ record, host })
    live.pendingBytes += record.chunk.samples.length
    const wait =
      live.pendingBytes > PENDING_BYTES_MAX ? 0 : Math.max(0, live.lastFrameMs + FRAME_INTERVAL_MS - performance.now())
    if (live.timer && wait > 0) return
    if (live.timer) clearTimeout(live.timer)
    live.timer = setTimeout(() => {
      live.timer = null
      void this.frame(live)
    }, wait)
  }

  private liveOf(runId: string, attempt: number): Live {
    const key = keyOf(runId, attempt)
    const known = this.live.get(key)
    if (known) return known
    const live: Live = {
      runId,
      attempt,
      watched: this.watched(runId, attempt),
      pending: [],
      pendingBytes: 0,
      timer: null,
      lastFrameMs: 0,
    }
    this.live.set(key, live)
    return live
  }

  private async watched(runId: string, attempt: number): Promise<Watched | null> {
    try {
      const [row] = await this.database.query<{
        host: string
        epoch: number
        sample_rate_hz: number
        configuration: Buffer
      }>(WATCHED, [runId, attempt])
      return row
        ? {
            host: row.host,
            epoch: row.epoch,
            sampleRateHz: row.sample_rate_hz,
            channels: channelsOf(ConfigurationMessage.decode(row.configuration)),
          }
        : null
    } catch (error) {
      // Forgotten, so that its next record asks again.
      this.live.delete(keyOf(runId, attempt))
      this.logger.warn(`Run ${runId} has no live view for now: ${String(error)}`)
      return null
    }
  }

  private async frame(live: Live): Promise<void> {
    live.lastFrameMs = performance.now()
    const { pending } = live
    live.pending = []
    live.pendingBytes = 0
    const watched = await live.watched
    if (!watched) return
    const records = pending
      .filter(({ host, record }) => host === watched.host && record.epoch === watched.epoch)
      .map(({ record }) => record)
    const samples = decimate(
      records
        .flatMap((record) => rawChunkOf(record, watched.channels.length))
        .sort((a, b) => a.firstIndex - b.firstIndex),
      watched,
    ).map(({ seq, samples: view }): RunEvent => ({ attempt: live.attempt, seq, atMs: Date.now(), samples: view }))
    this.tell(live.runId, samples)
    if (samples.length > 0) void this.cache.append(live.runId, samples)
  }

  private tell(runId: string, events: readonly RunEvent[]): void {
    if (events.length === 0) return
    try {
      this.bus.broadcast(broadcasts.view, [runId], { runId, events })
    } catch (error) {
      // Without a connection nobody listens; whoever comes back reads the events.
      this.logger.debug(`A frame of run ${runId} was not told: ${String(error)}`)
    }
  }

  private forgetIdle(): void {
    const before = performance.now() - IDLE_MS
    for (const [key, live] of this.live) if (!live.timer && live.lastFrameMs < before) this.live.delete(key)
  }
}

function stateEvent({
  attempt,
  seq,
  state,
  reason,
}: {
  attempt: number
  seq: number
  state: RunState
  reason: string
}): RunEvent {
  return {
    attempt,
    seq,
    atMs: Date.now(),
    state: { state: runState.toProto(state), reason: isTerminal(state) ? reason : '' },
  }
}

/** None for a record that is no chunk or whose size is wrong; the writer says why. */
function rawChunkOf({ seq, chunk }: JournalRecord, numChannels: number): RawChunk[] {
  const encoding = SAMPLE_ENCODINGS.find((word) => sampleEncoding.toProto(word) === chunk?.encoding)
  if (
    !chunk ||
    !encoding ||
    chunk.count === 0 ||
    chunk.samples.length !== numChannels * chunk.count * BYTES_PER_SAMPLE[encoding]
  )
    return []
  return [{ seq, firstIndex: chunk.firstIndex, count: chunk.count, encoding, samples: chunk.samples }]
}

function keyOf(runId: string, attempt: number): string {
  return `${runId}/${attempt}`
}
