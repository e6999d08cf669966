/**
 * The live view: is told of the samples of every batch before it is stored, so that no database is on the way,
 * decimates them and tells everybody who watches. What is told here may be lost; what is stored cannot. Three rules keep
 * it honest: phases, logs and gaps are told when they are stored, so that whoever hears of one can read it; an
 * end is told only when it is sealed; and samples count only from the host and under the epoch that claimed
 * their attempt.
 */
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common'
import { BYTES_PER_SAMPLE, isTerminal, type Channel, type RunState } from '@lucihub/analog'
import {
  broadcasts,
  ConfigurationMessage,
  runState,
  type EndRecord,
  type JournalRecord,
  type RunEvent,
} from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { Database, type Statement } from '../database/database.ts'
import { contentOf, type Entry } from '../journal/entry.ts'
import { channelsOf } from '../measurements/result-source.ts'
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
  pending: Entry[]
  pendingBytes: number
  timer: NodeJS.Timeout | null
  lastFrameMs: number
}

@Injectable()
export class HotView implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(HotView.name)
  private readonly live = new Map<string, Live>()
  private sweep: NodeJS.Timeout | null = null

  constructor(
    private readonly bus: Bus,
    private readonly database: Database,
    private readonly cache: HotViewCache,
  ) {}

  onApplicationBootstrap(): void {
    this.sweep = setInterval(() => this.forgetIdle(), IDLE_MS).unref()
  }

  beforeApplicationShutdown(): void {
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

  /** Samples came in, verified; whether they will be stored is not known yet. */
  hear(entries: readonly Entry[]): void {
    for (const entry of entries) if (entry.chunk) this.take(entry)
  }

  private take(entry: Entry): void {
    const live = this.liveOf(entry.runId, entry.attempt)
    live.pending.push(entry)
    live.pendingBytes += bytesOf(entry)
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
    const chunks = pending
      .filter(({ host, epoch }) => host === watched.host && epoch === watched.epoch)
      .flatMap((entry) => rawChunkOf(entry, watched.channels.length))
    const samples = decimate(
      chunks.sort((a, b) => a.firstIndex - b.firstIndex),
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

/** None for a chunk of other channels than the run has; the writer says so. */
function rawChunkOf({ seq, chunk }: Entry, numChannels: number): RawChunk[] {
  return chunk?.blocks.length === numChannels ? [{ seq, ...chunk }] : []
}

function bytesOf({ chunk }: Entry): number {
  return chunk ? chunk.count * chunk.blocks.length * BYTES_PER_SAMPLE[chunk.encoding] : 0
}

function keyOf(runId: string, attempt: number): string {
  return `${runId}/${attempt}`
}
