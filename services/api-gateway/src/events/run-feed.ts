/**
 * The live feed of one run in this process: one subscription on the bus, each event encoded once, the same bytes for
 * every viewer. Samples are passed on as they are heard. Of what the journal says, a broadcast is only a hint: it may
 * be lost, and of two replicas of the store one may tell a later record first, so the store is asked and its order is told. The same
 * question at every heartbeat finds what nobody told.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { isTerminal, type RunState } from '@lucihub/analog'
import { broadcasts, runState, store, type ReadEventsReply, type RunEvent } from '@lucihub/contracts'
import type { Bus } from '@lucihub/messaging'
import type { RunAddress } from '../results/slices.ts'
import { BEGINNING, LOST, encodeEvent, isAfter, type Position } from './run-events.ts'
import type { ReadStory, Viewer } from './viewer.ts'

const PAGE_EVENTS = 500
/** Events that may wait while the store is asked; a run makes about twenty frames a second. */
const QUEUE_MAX = 200
/** How far the store may be behind what is heard before samples are passed on without waiting for it. */
const STORE_LAG = { firstMs: 2, maxMs: 300 }

/** How the story of a run is read. */
export function storyOf(bus: Bus, address: RunAddress): ReadStory {
  return ({ attempt, seq }) =>
    bus.call(store.readEvents, { ...address, afterAttempt: attempt, afterSeqPlusOne: seq + 1, limit: PAGE_EVENTS })
}

export class RunFeed {
  readonly viewers = new Set<Viewer>()
  readonly #leave: () => void
  /** Up to here all viewers that are live have been told; null until the first one is. */
  #told: Position | null = null
  #queue: RunEvent[] = []
  #pumping: Promise<void> | null = null

  constructor(bus: Bus, runId: string) {
    this.#leave = bus.subscribe(broadcasts.view, { address: [runId] }, ({ events }) => this.#hear(events))
  }

  /** A viewer has caught up: from the first one on, what is heard is passed on. */
  caughtUp(viewer: Viewer): void {
    this.#told ??= viewer.position
    this.#pump()
  }

  /** Asks the store for what was not heard. Rejects when it does not answer. */
  async refresh(): Promise<void> {
    await this.#pumping
    const state = await this.#tellStory()
    if (state) for (const viewer of this.viewers) if (viewer.live) viewer.conclude(state)
  }

  close(): void {
    this.#leave()
  }

  #hear(events: readonly RunEvent[]): void {
    this.#queue.push(...events)
    if (this.#queue.length > QUEUE_MAX) {
      this.#queue = this.#queue.filter(({ samples }) => !samples).slice(-QUEUE_MAX)
      for (const viewer of this.viewers) viewer.deliver(LOST)
    }
    this.#pump()
  }

  #pump(): void {
    if (this.#told === null || this.#pumping) return
    this.#pumping = this.#pumpQueue()
      .catch(() => {}) // The store does not answer: the next hint or heartbeat asks again.
      .finally(() => {
        this.#pumping = null
      })
  }

  async #pumpQueue(): Promise<void> {
    for (let event = this.#queue.shift(); event; event = this.#queue.shift()) {
      if (event.samples || isPassing(event)) this.#deliver(event)
      else if (event.state) {
        await this.#tellStory() // All of it is stored before a run is told to be over.
        this.#deliver(event)
      } else if (!this.#told || isAfter(event, this.#told)) await this.#tellStory(event)
    }
  }

  /** Tells what the store has behind `#told`, if need be waiting a little until that includes `until`. Returns the run's state. */
  async #tellStory(until: Position = BEGINNING): Promise<RunState | null> {
    const deadline = performance.now() + STORE_LAG.maxMs
    for (let pauseMs = STORE_LAG.firstMs; ; pauseMs *= 2) {
      const reader = [...this.viewers].find((viewer) => viewer.live)
      if (!reader || !this.#told) return null // Whoever is not live reads for itself.
      const { more, state } = await this.#tellPage(reader, this.#told)
      if (more) continue
      if (!isAfter(until, this.#told) || performance.now() > deadline) return runState.fromProto(state)
      await pause(pauseMs)
    }
  }

  async #tellPage(reader: Viewer, told: Position): Promise<ReadEventsReply> {
    const reply = await reader.read(told)
    for (const event of reply.events) {
      if (event.samples) continue // Heard already.
      this.#deliver(event)
      if (isAfter(event, told)) this.#told = { attempt: event.attempt, seq: event.seq }
    }
    return reply
  }

  #deliver(event: RunEvent): void {
    const encoded = encodeEvent(event)
    if (encoded) for (const viewer of this.viewers) viewer.deliver(encoded)
  }
}

/** A state that is not the last. */
function isPassing({ state }: RunEvent): boolean {
  return state ? !isTerminal(runState.fromProto(state.state)) : false
}
