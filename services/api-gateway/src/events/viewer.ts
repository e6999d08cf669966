/**
 * One reader of one run's events. It reads the past from the store and takes the present from the run's feed. To leave
 * no hole between the two, the feed is connected first and waits in a bounded queue until the store has been read; to
 * leave no duplicate, what the journal says is sent only behind the last place sent. A reader that does not keep up
 * loses live samples, is told so, and gets everything else from the store once it has room.
 */
import type { ServerResponse } from 'node:http'
import { isTerminal, type RunState } from '@lucihub/analog'
import { runState, type ReadEventsReply } from '@lucihub/contracts'
import { instant } from '../runs/run-resource.ts'
import {
  BEGINNING,
  HEARTBEAT,
  LOST,
  encodeEvent,
  encodeState,
  isAfter,
  type EncodedEvent,
  type Position,
} from './run-events.ts'

/** Bytes that may wait for one reader, in each of the two queues. */
const QUEUE_BYTES_MAX = 262_144
/** A reader that takes nothing for this long is gone. */
const BLOCKED_MS_MAX = 30_000
/** A stream ends after this long; its reader resumes with a fresh authorization. */
const AGE_MS_MAX = 3_600_000

/** Reads the story behind a position, one page. */
export type ReadStory = (after: Position) => Promise<ReadEventsReply>

export class Viewer {
  #mode: 'reading' | 'live' | 'stalled' | 'closed' = 'reading'
  #position: Position
  #samplesPosition: Position
  #state: RunState | null = null
  /** What came from the feed while the store was read. */
  #waiting: EncodedEvent[] = []
  #waitingBytes = 0
  /** Something from the feed was dropped since the reader was last up to date. */
  #dropped = false
  /** Since when the reader's queue is full; null while it is not. */
  #blockedSince: number | null = null
  readonly #openedAt = performance.now()

  constructor(
    private readonly response: ServerResponse,
    readonly read: ReadStory,
    private readonly from: Position,
  ) {
    this.#position = from
    this.#samplesPosition = from
    response.on('close', () => (this.#mode = 'closed'))
    response.on('drain', () => {
      this.#blockedSince = null
      if (this.#mode !== 'stalled') return
      this.#mode = 'reading'
      this.catchUp().catch(() => response.destroy()) // The reader comes again with its last event id.
    })
  }

  /** The last place of the story that was sent. */
  get position(): Position {
    return this.#position
  }

  get live(): boolean {
    return this.#mode === 'live'
  }

  /** Sends where the run is and what the store knows of its past, then goes live. `begin` is called when the store has answered. */
  async begin(begin: () => void): Promise<void> {
    const reply = await this.read(this.#position)
    begin()
    const state = runState.fromProto(reply.state)
    if (this.from !== BEGINNING) {
      // Which samples this reader has seen nobody knows: it gets those from now on.
      this.#samplesPosition = { attempt: Infinity, seq: 0 }
      if (!isTerminal(state)) this.#write(LOST.bytes)
    } else if (!isTerminal(state)) this.#sendState(state, BEGINNING_OF_RUN)
    await this.catchUp(reply)
  }

  /** Sends what the store knows behind the reader's place, then goes live. `page`: the first page, read already. */
  async catchUp(page: ReadEventsReply | null = null): Promise<void> {
    for (;;) {
      if (this.#dropped) {
        // What waits may lie behind a hole now; the store has all of it but the samples.
        this.#waiting = []
        this.#waitingBytes = 0
        this.#tellLoss()
      }
      const { events, more, state } = page ?? (await this.read(this.#position))
      page = null
      for (const event of events) {
        const encoded = encodeEvent(event)
        if (encoded) this.#send(encoded)
      }
      await this.#room()
      if (this.#mode === 'closed') return
      if (more || this.#dropped) continue
      if (this.#samplesPosition.attempt === Infinity) this.#samplesPosition = BEGINNING
      for (const event of this.#waiting) this.#send(event)
      this.#waiting = []
      this.#waitingBytes = 0
      this.conclude(runState.fromProto(state))
      if (this.#mode === 'reading') this.#mode = 'live'
      this.#stallWhenFull()
      return
    }
  }

  /** Takes an event of the feed. */
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

  /** Ends the stream of a run that is over, whether or not somebody told so. */
  conclude(state: RunState): void {
    if (isTerminal(state)) this.#sendState(state, this.#position)
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

  #send(event: EncodedEvent): void {
    const { kind, position, bytes } = event
    if (kind === 'story') {
      if (!isAfter(position, this.#position)) return
      this.#position = position
    } else if (kind === 'samples') {
      if (!isAfter(position, this.#samplesPosition)) return
      this.#samplesPosition = position
    } else if (kind === 'state') {
      if (event.state === this.#state) return
      this.#state = event.state
      if (isTerminal(event.state)) this.#tellLoss()
    }
    this.#write(bytes)
    if (kind === 'state' && isTerminal(event.state)) this.end()
  }

  #sendState(state: RunState, { attempt, seq }: Position): void {
    this.#send(encodeState({ attempt, seq, at: instant(Date.now()), state, reason: '' }))
  }

  #write(bytes: Buffer): void {
    if (this.#mode !== 'closed') this.response.write(bytes)
  }

  #tellLoss(): void {
    if (this.#dropped) this.#write(LOST.bytes)
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

const BEGINNING_OF_RUN: Position = { attempt: 0, seq: 0 }
