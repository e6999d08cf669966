/**
 * Carries the records of one attempt to the run-store. A record stays in memory, encoded once, until the
 * run-store says that it lies in Postgres: the stream's ack alone is not trusted, since a stream can lose
 * everything. Publishing runs through a window; the watermark tells what may be forgotten and what has to
 * be sent again. A record that is sent again on request gets a new round and so a new message id: the
 * stream's duplicate check would swallow the old one.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Logger } from '@nestjs/common'
import { feeds, store, type WatermarkReply } from '@lucihub/contracts'
import type { Bus } from '@lucihub/messaging'
import { CANCELED, type Attempt } from './attempt.ts'
import type { JournalBudget } from './journal-budget.ts'
import { recordsResent } from './executor-metrics.ts'

/** Messages in flight. */
const WINDOW_MESSAGES = 32
/** Bytes in flight. */
const WINDOW_BYTES = 8 * 1024 * 1024
/** First and longest wait between two looks at the watermark, ms. */
const WATERMARK_MS = { first: 250, longest: 2000 }
/** First and longest wait after a refused publish, ms. */
const REFUSED_MS = { first: 100, longest: 5000 }
/** A record that the stream took is sent again only when it is still missing this much later, ms. */
const RESEND_AFTER_MS = 1000

/** A journal record as it travels. Samples and events go to streams of their own. */
export interface OutgoingRecord {
  readonly seq: number
  readonly feed: 'event' | 'data'
  readonly bytes: Uint8Array
}

interface Kept extends OutgoingRecord {
  round: number
  /** Monotonic time of the stream's last ack, or null while it is on its way. */
  ackedAt: number | null
}

export class JournalOutbox {
  private readonly log = new Logger('JournalOutbox')
  private readonly records = new Map<number, Kept>()
  private readonly waiting: Kept[] = []
  private readonly address: [host: string, deviceId: string, runId: string]
  private readonly closing = new AbortController()
  private flying = 0
  private flyingBytes = 0
  private refusedMs = REFUSED_MS.first
  /** All below were published at least once. */
  private published = 0
  /** Resolves when the run-store needs nothing more, or after `close`. */
  readonly done: Promise<void>

  constructor(
    private readonly bus: Bus,
    private readonly attempt: Attempt,
    private readonly budget: JournalBudget,
  ) {
    this.address = [attempt.host, attempt.command.deviceId, attempt.command.runId]
    this.done = this.follow()
  }

  /** Takes a record; its `seq` follows the one before. */
  add(record: OutgoingRecord): void {
    const kept = { ...record, round: 0, ackedAt: null }
    this.records.set(record.seq, kept)
    this.budget.take(record.bytes.length)
    this.waiting.push(kept)
    this.pump()
  }

  /** Gives up: what is not settled by now stays unsettled. */
  close(): void {
    this.closing.abort()
    this.forget(Infinity)
  }

  private pump(): void {
    while (this.flying < WINDOW_MESSAGES && (this.flying === 0 || this.flyingBytes < WINDOW_BYTES)) {
      const next = this.waiting.shift()
      if (!next) return
      if (this.records.has(next.seq)) void this.send(next)
    }
  }

  private async send(record: Kept): Promise<void> {
    const { runId, attempt } = this.attempt.command
    const feed = record.feed === 'data' ? feeds.journalData : feeds.journalEvent
    const id = `${runId}/${attempt}/${record.seq}/${record.round}`
    this.flying++
    this.flyingBytes += record.bytes.length
    try {
      await this.bus.publishBytes(feed, this.address, record.bytes, { id })
      record.ackedAt = performance.now()
      this.refusedMs = REFUSED_MS.first
      while ((this.records.get(this.published)?.ackedAt ?? null) !== null) this.published++
    } catch (error) {
      this.log.warn(`record ${id} was refused and is tried again: ${String(error)}`)
      await this.pause(this.refusedMs)
      this.refusedMs = Math.min(2 * this.refusedMs, REFUSED_MS.longest)
      this.waiting.unshift(record)
    } finally {
      this.flying--
      this.flyingBytes -= record.bytes.length
    }
    this.pump()
  }

  private async follow(): Promise<void> {
    let waitMs = WATERMARK_MS.first
    while (!this.closing.signal.aborted) {
      await this.pause(waitMs)
      const reply = await this.watermark()
      const moved = reply !== null && this.forget(reply.contiguous)
      waitMs = moved ? WATERMARK_MS.first : Math.min(2 * waitMs, WATERMARK_MS.longest)
      if (!reply) continue
      if (reply.cancelRequested) this.attempt.halt(CANCELED)
      if (reply.settled) {
        // After the end this stops nothing; before it, the run-store has given the attempt up.
        this.attempt.halt({ outcome: 'lease_lost', reason: 'The hub gave this attempt up.' })
        this.close()
      } else this.resend(reply.missing)
    }
  }

  /** What the run-store has, or null when it does not answer: then it is asked again later. */
  private async watermark(): Promise<WatermarkReply | null> {
    const { host, command } = this.attempt
    try {
      return await this.bus.call(store.watermark, {
        host,
        runId: command.runId,
        attempt: command.attempt,
        published: this.published,
      })
    } catch (error) {
      this.log.debug(`no watermark of ${this.attempt.key}: ${String(error)}`)
      return null
    }
  }

  private resend(missing: readonly number[]): void {
    const before = performance.now() - RESEND_AFTER_MS
    for (const seq of missing) {
      const record = this.records.get(seq)
      if (!record || record.ackedAt === null || record.ackedAt > before) continue
      record.round++
      record.ackedAt = null
      recordsResent.inc()
      this.waiting.push(record)
    }
    this.pump()
  }

  /** Drops all records below `contiguous`; true when there were any. */
  private forget(contiguous: number): boolean {
    const stored = [...this.records.keys()].filter((seq) => seq < contiguous)
    for (const seq of stored) {
      this.budget.give(this.records.get(seq)?.bytes.length ?? 0)
      this.records.delete(seq)
    }
    this.published = Math.max(this.published, Number.isFinite(contiguous) ? contiguous : 0)
    return stored.length > 0
  }

  /** Waits, but not longer than until `close`. */
  private async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.closing.signal, ref: false }).catch(() => undefined)
  }
}
