/**
 * The events of a run between the socket that brings them and the consumer that takes them. Bounded in
 * bytes: when it is full the socket is paused, so a slow consumer stalls the device and not our memory.
 */
import type { RunEvent } from '@lucihub/analog'

/** What an event costs besides its samples, bytes. */
const EVENT_BYTES = 256

export interface QueueOptions {
  /** Bytes above which the queue is full; it is roomy again below half of that. */
  readonly bytesMax: number
  readonly onFull: () => void
  readonly onRoom: () => void
}

export class EventQueue implements AsyncIterable<RunEvent> {
  readonly #options: QueueOptions
  readonly #events: RunEvent[] = []
  #bytes = 0
  #peakBytes = 0
  #full = false
  #end: { readonly failure: Error | null } | null = null
  #wake: () => void = () => {}

  constructor(options: QueueOptions) {
    this.#options = options
  }

  /** The most bytes it has held. */
  get peakBytes(): number {
    return this.#peakBytes
  }

  push(event: RunEvent): void {
    if (this.#end) return
    this.#events.push(event)
    this.#bytes += bytesOf(event)
    this.#peakBytes = Math.max(this.#peakBytes, this.#bytes)
    if (!this.#full && this.#bytes > this.#options.bytesMax) {
      this.#full = true
      this.#options.onFull()
    }
    this.#wake()
  }

  /** No event follows; what is queued is still delivered, then `failure` is thrown. The first end counts. */
  end(failure: Error | null = null): void {
    this.#end ??= { failure }
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RunEvent, void> {
    for (;;) {
      const event = this.#events.shift()
      if (event) {
        this.#taken(event)
        yield event
      } else if (this.#end) {
        if (this.#end.failure) throw this.#end.failure
        return
      } else {
        await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    }
  }

  #taken(event: RunEvent): void {
    this.#bytes -= bytesOf(event)
    if (this.#full && this.#bytes < this.#options.bytesMax / 2) {
      this.#full = false
      this.#options.onRoom()
    }
  }
}

function bytesOf(event: RunEvent): number {
  if (event.kind === 'samples')
    return EVENT_BYTES + event.chunk.blocks.reduce((sum, block) => sum + block.byteLength, 0)
  return EVENT_BYTES + (event.kind === 'final' ? event.values.byteLength : 0)
}
