/**
 * The live feed of one run in this process: one subscription on the bus, each event encoded once, the same bytes for
 * every viewer. Broadcasts may be lost, so the store is asked at every heartbeat for what did not come.
 */
import { broadcasts, runState, store, type RunEvent } from '@lucihub/contracts'
import type { Bus } from '@lucihub/messaging'
import type { RunAddress } from '../results/slices.ts'
import { encodeEvent, isAfter } from './run-events.ts'
import type { ReadStory, Viewer } from './viewer.ts'

const PAGE_EVENTS = 500

/** How the story of a run is read. */
export function storyOf(bus: Bus, { ownerId, runId }: RunAddress): ReadStory {
  return ({ attempt, seq }) =>
    bus.call(store.readEvents, { ownerId, runId, afterAttempt: attempt, afterSeqPlusOne: seq + 1, limit: PAGE_EVENTS })
}

export class RunFeed {
  readonly #viewers = new Set<Viewer>()
  readonly #leave: () => void

  constructor(bus: Bus, runId: string) {
    this.#leave = bus.subscribe(broadcasts.view, { address: [runId] }, ({ events }) => this.#deliver(events))
  }

  get viewers(): ReadonlySet<Viewer> {
    return this.#viewers
  }

  add(viewer: Viewer): void {
    this.#viewers.add(viewer)
  }

  remove(viewer: Viewer): void {
    this.#viewers.delete(viewer)
  }

  close(): void {
    this.#leave()
  }

  /** Delivers what the live viewers missed. */
  async reread(): Promise<void> {
    const live = [...this.#viewers].filter((viewer) => viewer.live)
    const [last] = live.toSorted((a, b) => (isAfter(a.position, b.position) ? 1 : -1))
    if (!last) return
    const { events, more, state } = await last.read(last.position)
    this.#deliver(events)
    if (!more) for (const viewer of live) viewer.conclude(runState.fromProto(state))
  }

  #deliver(events: readonly RunEvent[]): void {
    for (const event of events) {
      const encoded = encodeEvent(event)
      if (encoded) for (const viewer of this.#viewers) viewer.deliver(encoded)
    }
  }
}
