/**
 * Puts the data messages of a run together. Each carrier numbers its messages from 0 and TCP keeps their
 * order, so a carrier that has sent number n will not send a smaller one any more: a chunk that some carrier
 * passed over is lost, and said so at once. Chunks of several carriers are joined by number, blocks in probe
 * order. After a loss the sample index is counted in chunks of the size of the first one: devices fill every
 * chunk but the last.
 */
import { Problem, type RunEvent, type SampleChunk, type SampleEncoding } from '@lucihub/analog'
import type { DaqData } from '../wire/messages.ts'
import { decodeSamples } from './samples.ts'

/** Chunks that may wait for the other carriers before that counts as a failure. */
const WAITING_CHUNKS_MAX = 256

/** The channels of one carrier: which probes, in ADC order. */
export interface SampledCarrier {
  readonly carrier: string
  readonly probes: readonly number[]
}

interface Draft {
  readonly blocks: (Uint8Array | undefined)[]
  missing: number
  readonly count: number
  readonly encoding: SampleEncoding
}

export class ChunkAssembler {
  readonly #probes: ReadonlyMap<string, readonly number[]>
  readonly #channels: number
  /** By carrier, the number of its latest message. */
  readonly #latest: Map<string, number>
  readonly #waiting = new Map<number, Draft>()
  #next = 0
  #firstIndex = 0
  #chunkSize = 0
  #stale = 0

  constructor(carriers: readonly SampledCarrier[]) {
    this.#probes = new Map(carriers.map(({ carrier, probes }) => [carrier, probes]))
    this.#latest = new Map(carriers.map(({ carrier }) => [carrier, -1]))
    this.#channels = carriers.reduce((sum, { probes }) => sum + probes.length, 0)
  }

  /** Messages dropped because their number had come before. */
  get stale(): number {
    return this.#stale
  }

  /**
   * Takes one message; the samples and gaps that it settles, in order. An empty `carrier` means the only
   * one. Throws a Problem `invalid-request` when the message contradicts itself or what was configured.
   */
  add({ carrier, number, data }: { carrier: string; number: number; data: DaqData }): RunEvent[] {
    const id = carrier === '' && this.#probes.size === 1 ? [...this.#probes.keys()][0] : carrier
    const configured = id === undefined ? undefined : this.#probes.get(id)
    if (id === undefined || !configured)
      throw new Problem('invalid-request', `"${carrier}" sent samples but has no ADC channel configured.`)
    if (number <= (this.#latest.get(id) ?? -1)) {
      this.#stale += 1
      return []
    }
    this.#latest.set(id, number)
    const probes = data.channels.length > 0 ? data.channels.map(({ probe }) => probe) : configured
    if (
      new Set(probes).size !== configured.length ||
      probes.length !== configured.length ||
      probes.some((probe) => !configured.includes(probe))
    ) {
      throw new Problem(
        'invalid-request',
        `"${id}" sent probes ${probes.join(', ')} where ${configured.join(', ')} were configured.`,
      )
    }
    this.#put(number, probes, data)
    return this.#settle(Math.min(...this.#latest.values()))
  }

  /** When the run is over: what still waits for another carrier's part is lost. */
  finish(): RunEvent[] {
    return this.#settle(Math.max(-1, ...this.#latest.values()))
  }

  #put(number: number, probes: readonly number[], data: DaqData): void {
    const { count, encoding, blocks } = decodeSamples(data, probes.length)
    const draft = this.#waiting.get(number) ?? { blocks: [], missing: this.#channels, count, encoding }
    if (draft.count !== count || draft.encoding !== encoding) {
      throw new Problem('invalid-request', `The carriers disagree about the samples of chunk ${number}.`)
    }
    blocks.forEach((block, position) => {
      draft.blocks[probes[position] ?? 0] = block
      draft.missing -= 1
    })
    this.#waiting.set(number, draft)
    if (this.#waiting.size > WAITING_CHUNKS_MAX) {
      throw new Problem('invalid-request', `A carrier is ${WAITING_CHUNKS_MAX} chunks behind the others.`)
    }
  }

  /** Settles every number up to `horizon`: whole chunks are samples, the rest is lost. */
  #settle(horizon: number): RunEvent[] {
    const events: RunEvent[] = []
    const whole = [...this.#waiting].filter(([number, { missing }]) => number <= horizon && missing === 0)
    for (const [number, draft] of whole.toSorted(([a], [b]) => a - b)) {
      this.#chunkSize ||= draft.count
      events.push(...this.#lostUpTo(number), { kind: 'samples', chunk: this.#chunk(draft) })
      this.#next = number + 1
    }
    events.push(...this.#lostUpTo(horizon + 1))
    for (const number of this.#waiting.keys()) if (number <= horizon) this.#waiting.delete(number)
    return events
  }

  #lostUpTo(number: number): RunEvent[] {
    if (number <= this.#next) return []
    const gap: RunEvent = { kind: 'gap', fromChunk: this.#next, toChunk: number }
    this.#firstIndex += (number - this.#next) * this.#chunkSize
    this.#next = number
    return [gap]
  }

  #chunk({ count, encoding, blocks }: Draft): SampleChunk {
    const chunk = {
      firstIndex: this.#firstIndex,
      count,
      encoding,
      blocks: blocks.filter((block) => block !== undefined),
    }
    this.#firstIndex += count
    return chunk
  }
}
