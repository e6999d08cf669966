/**
 * Carries the journal of one attempt to the run-store. What is ready travels together, in messages just below the
 * bus's limit, through a window: a tiny run is one message, a fast one few large ones. A record stays in the journal
 * file until the run-store says that it lies in Postgres: the stream's ack alone is not trusted, since a stream can
 * lose everything. The watermark tells what may be pruned and what has to be sent again; what is sent again travels
 * under a new message id, since the stream's duplicate check would swallow the old one.
 */
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Logger } from '@nestjs/common'
import { feeds, joinJournalBatches, store, type WatermarkReply } from '@lucihub/contracts'
import type { Bus } from '@lucihub/messaging'
import { crashPoint } from '@lucihub/service-kit'
import { CANCELED, type Attempt, type Stop } from './attempt.ts'
import { recordsResent } from './executor-metrics.ts'
import type { JournalFile } from './journal-file.ts'

/** Messages in flight. */
const WINDOW_MESSAGES = 32
/** Bytes in flight. */
const WINDOW_BYTES = 8 * 1024 * 1024
/** Bytes of records in one message, unless one record alone is larger; the bus takes 1 MiB. */
const MESSAGE_BYTES = 900 * 1024
/** How long a record waits for company, ms. The end of an attempt waits for nobody. */
const COMPANY_MS = 10
/** First and longest wait between two looks at the watermark, ms. */
const WATERMARK_MS = { first: 250, longest: 2000 }
/** First and longest wait after a refused publish, ms. */
const REFUSED_MS = { first: 100, longest: 5000 }
/** A record that the stream took is sent again only when it is still missing this much later, ms. */
const RESEND_AFTER_MS = 1000
const GIVEN_UP: Stop = { outcome: 'lease_lost', reason: 'The hub gave this attempt up.' }

/** A record as the outbox knows it. */
export interface OutgoingRecord {
  readonly seq: number
  /** Encoded. */
  readonly bytes: number
  /** True for the last record: it takes everything before it along at once. */
  readonly last: boolean
}

interface Message {
  readonly id: string
  readonly seqs: readonly number[]
  readonly bytes: number
}

export class JournalOutbox {
  private readonly log = new Logger('JournalOutbox')
  private readonly address: [host: string, deviceId: string, runId: string]
  private readonly closing = new AbortController()
  private waiting: OutgoingRecord[] = []
  private waitingBytes = 0
  /** Refused, to be tried again. */
  private refused: Message[] = []
  /** Monotonic time of the stream's last ack by seq, or null while a record is on its way; those below `published` and settled are forgotten. */
  private readonly ackedAt = new Map<number, number | null>()
  private messages = 0
  private flying = 0
  private flyingBytes = 0
  private refusedMs = REFUSED_MS.first
  private company: NodeJS.Timeout | undefined
  /** What waits has waited long enough. */
  private due = false
  private complete = false
  /** All below were published at least once. */
  private published = 0
  /** Behind the last record taken. */
  private next = 0
  /** Resolves when the run-store needs nothing more, or after `close`. */
  readonly done: Promise<void>

  /** `endAgain`: an end under this seq is needed, because the store holds records that this journal lost. */
  constructor(
    private readonly bus: Bus,
    private readonly attempt: Attempt,
    private readonly file: JournalFile,
    private readonly endAgain: (seq: number) => void = () => undefined,
  ) {
    this.address = [attempt.host, attempt.command.deviceId, attempt.command.runId]
    // Every refused message waits on it, and the watermark.
    setMaxListeners(WINDOW_MESSAGES + 1, this.closing.signal)
    this.done = this.follow()
  }

  /** Takes a record that the file has. */
  add(record: OutgoingRecord): void {
    this.next = Math.max(this.next, record.seq + 1)
    this.complete ||= record.last
    this.ackedAt.set(record.seq, null)
    this.wait(record)
    this.pump()
  }

  /** Stops carrying; what is not settled by now stays in the file. */
  close(): void {
    this.closing.abort()
    clearTimeout(this.company)
    this.waiting = []
    this.refused = []
  }

  private wait(record: OutgoingRecord): void {
    this.waiting.push(record)
    this.waitingBytes += record.bytes
  }

  private pump(): void {
    while (this.flying < WINDOW_MESSAGES && (this.flying === 0 || this.flyingBytes < WINDOW_BYTES)) {
      const message = this.refused.shift() ?? this.ready()
      if (!message) return
      void this.send(message)
    }
  }

  /** The next message, or null while its records should wait for company. */
  private ready(): Message | null {
    if (this.waiting.length === 0 || this.closing.signal.aborted) return null
    if (this.due || this.complete || this.waitingBytes >= MESSAGE_BYTES) return this.cut()
    this.company ??= setTimeout(() => {
      this.company = undefined
      this.due = true
      this.pump()
    }, COMPANY_MS)
    return null
  }

  private cut(): Message {
    let bytes = 0
    let count = 0
    for (const record of this.waiting) {
      const more = record.bytes
      if (count > 0 && bytes + more > MESSAGE_BYTES) break
      bytes += more
      count++
    }
    this.due = false
    this.waitingBytes -= bytes
    const seqs = this.waiting.splice(0, count).map(({ seq }) => seq)
    const { runId, attempt } = this.attempt.command
    return { id: `${runId}/${attempt}/${this.messages++}`, seqs, bytes }
  }

  private async send(message: Message): Promise<void> {
    this.flying++
    this.flyingBytes += message.bytes
    try {
      const records = await Promise.all(message.seqs.map((seq) => this.file.read(seq)))
      const found = records.filter((record) => record !== null)
      if (found.length > 0)
        await this.bus.publishBytes(feeds.journal, this.address, joinJournalBatches(found), { id: message.id })
      this.acked(message)
    } catch (error) {
      this.log.warn(`message ${message.id} was refused and is tried again: ${String(error)}`)
      await this.pause(this.refusedMs)
      this.refusedMs = Math.min(2 * this.refusedMs, REFUSED_MS.longest)
      if (!this.closing.signal.aborted) this.refused.push(message)
    } finally {
      this.flying--
      this.flyingBytes -= message.bytes
    }
    this.pump()
  }

  private acked({ seqs }: Message): void {
    this.refusedMs = REFUSED_MS.first
    const now = performance.now()
    for (const seq of seqs) {
      if (this.ackedAt.has(seq)) this.ackedAt.set(seq, now)
      this.file.published(seq)
    }
    while (this.published < this.next && this.ackedAt.get(this.published) !== null) this.published++
  }

  private async follow(): Promise<void> {
    let waitMs = WATERMARK_MS.first
    while (!this.closing.signal.aborted) {
      await this.pause(waitMs)
      const reply = await this.watermark(this.published)
      const moved = reply !== null && this.forget(reply.contiguous)
      waitMs = moved ? WATERMARK_MS.first : Math.min(2 * waitMs, WATERMARK_MS.longest)
      if (!reply || this.closing.signal.aborted) continue
      if (reply.cancelRequested) this.attempt.halt(CANCELED)
      // After the end this stops nothing; before it, the run-store has given the attempt up.
      if (reply.givenUp || reply.settled) this.attempt.halt(GIVEN_UP)
      if (reply.settled) {
        crashPoint('journal-settled')
        this.close()
        await this.file.remove()
        return
      }
      await this.file.prune(reply.contiguous)
      this.resend(reply.missing)
      await this.mendEnd(reply)
    }
    await this.file.close()
  }

  /** All is stored and yet nothing is settled: the end's seq was taken by a record that a power cut took from our disk. */
  private async mendEnd({ contiguous }: WatermarkReply): Promise<void> {
    if (!this.complete || contiguous < this.next) return
    const reply = await this.watermark(this.next + LOOK_AHEAD)
    if (reply && !reply.settled) this.endAgain(reply.contiguous)
  }

  /** What the run-store has of the records below `published`, or null when it does not answer: then it is asked again later. */
  private async watermark(published: number): Promise<WatermarkReply | null> {
    const { host, command } = this.attempt
    try {
      return await this.bus.call(store.watermark, { host, runId: command.runId, attempt: command.attempt, published })
    } catch (error) {
      this.log.debug(`no watermark of ${this.attempt.key}: ${String(error)}`)
      return null
    }
  }

  private resend(missing: readonly number[]): void {
    const before = performance.now() - RESEND_AFTER_MS
    for (const seq of missing) {
      const at = this.ackedAt.get(seq)
      if (at === undefined || at === null || at > before) continue
      this.ackedAt.set(seq, null)
      recordsResent.inc()
      this.wait({ seq, bytes: this.file.bytesOf(seq), last: false })
    }
    this.pump()
  }

  /** Forgets all records below `contiguous`; true when there were any. */
  private forget(contiguous: number): boolean {
    let moved = false
    for (const seq of this.ackedAt.keys()) {
      if (seq >= contiguous) continue
      this.ackedAt.delete(seq)
      moved = true
    }
    this.published = Math.max(this.published, Math.min(contiguous, this.next))
    return moved
  }

  /** Waits, but not longer than until `close`. */
  private async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.closing.signal, ref: false }).catch(() => undefined)
  }
}

/** How many records a power cut can take, at most: what 50 ms of journal hold, generously. */
const LOOK_AHEAD = 16_384
