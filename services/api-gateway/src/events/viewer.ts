/**
 * One reader of one run's events. It is fed twice: from the store (what happened before) and live. To leave no hole
 * between the two, the live side is connected first and waits in a bounded queue until the store has been read; to
 * leave no duplicate, every event but samples has a place in the run's story and is sent only behind the last one.
 * A reader that does not keep up loses live samples, is told so, and gets the story from the store once it has room.
 */
import type { ServerResponse } from 'node:http'
import { isTerminal, type RunState } from '@lucihub/analog'
import { runState, type ReadEventsReply } from '@lucihub/contracts'
import { instant } from '../runs/run-resource.ts'
import { HEARTBEAT, LOST, encodeEvent, encodeState, isAfter, type EncodedEvent, type Position } from './run-events.ts'

/** Bytes that may wait for one reader, in each of the two queues. */
const QUEUE_BYTES_MAX = 262_144
/** A reader that takes nothing for this long is gone. */
const BLOCKED_MS_MAX = 30_000
/** A stream ends after this long; its reader resumes with a fresh authorization. */
const AGE_MS_MAX = 3_600_000

/** Reads the story behind a position, one page. */
export type ReadStory = (after: Position) => Promise<ReadEventsReply>

export class Viewer {
  #position: Position
  #mode: 'reading' | 'live' | 'stalled' | 'closed' = 'reading'
  /** What came live while the store was read. */
  #waiting: EncodedEvent[] = []
  #waitingBytes = 0
  /** Something live was dropped since the reader was last up to date. */
  #dropped = false
  /** Since when the reader's queue is full; null while it is not. */
  #blockedSince: number | null = null
  readonly #openedAt = performance.now()

  constructor(
    private readonly response: ServerResponse,
    readonly read: ReadStory,
    from: Position,
  ) {
    this.#position = from
    response.on('close', () => (this.#mode = 'closed'))
    response.on('drain', () => {
      this.#blockedSince = null
      if (this.#mode !== 'stalled') return
      this.#mode = 'reading'
      this.catchUp().catch(() => response.destroy()) // The reader comes again with its last event id.
    })
  }

  /** The last place that was sent. */
  get position(): Position {
    return this.#position
  }

  get live(): boolean {
    return this.#mode === 'live'
  }

  /** Takes a live event. */
  deliver(event: EncodedEvent): void {
    if (this.#mode === 'live') {
      this.#send(event)
      this.#stallWhenFull()
    } else if (this.#mode === 'stalled') {
      this.#dropped = true
    } else if (this.#mode === 'reading') {
      this.#dropped ||= this.#waitingBytes + event.bytes.length > QUEUE_BYTES_MAX
      if (this.#dropped) return
      this.#waiting.push(event)
      this.#waitingBytes += event.bytes.length
    }
  }

  /** Sends what the store knows behind the reader's place, then goes live. `begin` is called when the store has answered. */
  async catchUp(begin: () => void = () => {}): Promise<void> {
    for (;;) {
      if (this.#dropped) {
        // What waits may lie behind a hole now; the store has all of it but the samples.
        this.#waiting = []
        this.#waitingBytes = 0
        this.#tellLoss()
      }
      const { events, more, state } = await this.read(this.#position)
      begin()
      for (const event of events) {
        const encoded = encodeEvent(event)
        if (encoded?.position) this.#send(encoded) // Samples of the past are no live view: the plot shows them.
      }
      await this.#room()
      if (more || this.#dropped) continue
      this.#sendWaiting()
      this.conclude(runState.fromProto(state))
      if (this.#mode === 'reading') this.#mode = 'live'
      this.#stallWhenFull()
      return
    }
  }

  /** Ends the stream of a run that is over, even when the event that says so went missing on the way. */
  conclude(state: RunState): void {
    if (!isTerminal(state) || this.#mode === 'closed') return
    const { attempt, seq } = this.#position
    const event = encodeState({ attempt, seq: Math.max(seq, 0), at: instant(Date.now()), state, reason: '' })
    this.#write(event.bytes)
    this.end()
  }

  /** Called every now and then: keeps the connection known to be alive, gives up on one that is not. */
  heartbeat(): void {
    const now = performance.now()
    if (this.#blockedSince !== null && now - this.#blockedSince > BLOCKED_MS_MAX) this.response.destroy()
    else if (now - this.#openedAt > AGE_MS_MAX) this.end()
    else if (this.#mode === 'live') this.#write(HEARTBEAT)
  }

  end(): void {
    if (this.#mode === 'closed') return
    this.#mode = 'closed'
    this.response.end()
  }

  #send({ position, bytes, last }: EncodedEvent): void {
    if (position && !last && !isAfter(position, this.#position)) return
    if (last) this.#tellLoss()
    this.#write(bytes)
    if (position) this.#position = position
    if (last) this.end()
  }

  #sendWaiting(): void {
    for (const event of this.#waiting) this.#send(event)
    this.#waiting = []
    this.#waitingBytes = 0
  }

  #write(bytes: Buffer): void {
    if (this.#mode !== 'closed') this.response.write(bytes)
  }

  #tellLoss(): void {
    if (this.#dropped) this.#write(LOST)
    this.#dropped = false
  }

  #stallWhenFull(): void {
    if (this.#mode !== 'live' || this.response.writableLength <= QUEUE_BYTES_MAX) return
    this.#mode = 'stalled'
    this.#blockedSince = performance.now()
  }

  /** Resolves when the reader has taken what was written, or is gone. */
  async #room(): Promise<void> {
    if (!this.response.writableNeedDrain || this.#mode === 'closed') return
    this.#blockedSince = performance.now()
    await new Promise<void>((resolve) => {
      this.response.once('drain', resolve)
      this.response.once('close', resolve)
    })
  }
}
