/**
 * Puts the data messages of a run together. Each carrier numbers its messages from 0. On their way messages may be
 * lost, come twice or overtake each other (datagrams do, also those between a proxy and its carriers), so a number
 * that is missing is waited for until the same carrier has sent one REORDERED_CHUNKS_MAX further on; then it is lost,
 * and said to be. Chunks of several carriers are joined by number, blocks in probe order. After a loss the sample
 * index is counted in chunks of the largest size seen: devices fill every chunk but the last.
 */
import { Problem, RUN_LIMITS, type RunEvent, type SampleChunk, type SampleEncoding } from '@lucihub/analog'
import type { DaqData } from '../wire/messages.ts'
import { decodeSamples } from './samples.ts'

/** How far a message may fall behind those that were sent after it, in messages of its carrier. */
export const REORDERED_CHUNKS_MAX = 32
/** Chunks that may wait for the other carriers before that counts as a failure. */
const WAITING_CHUNKS_MAX = 256
/** What the waiting chunks may hold, bytes. */
const WAITING_BYTES_MAX = 16 * 1024 * 1024

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
  bytes: number
}

export class ChunkAssembler {
  readonly #probes: ReadonlyMap<string, readonly number[]>
  readonly #channels: number
  readonly #samplesMax: number
  /** By carrier, the largest number that it has sent. */
  readonly #latest: Map<string, number>
  readonly #waiting = new Map<number, Draft>()
  #waitingBytes = 0
  #next = 0
  #firstIndex = 0
  #chunkSize = 0
  #stale = 0

  /** `samplesMax`: samples per channel that no run of this length can have; a device that sends more is flooding. */
  constructor(carriers: readonly SampledCarrier[], samplesMax: number = RUN_LIMITS.samples.max) {
    this.#probes = new Map(carriers.map(({ carrier, probes }) => [carrier, probes]))
    this.#latest = new Map(carriers.map(({ carrier }) => [carrier, -1]))
    this.#channels = carriers.reduce((sum, { probes }) => sum + probes.length, 0)
    this.#samplesMax = samplesMax
  }

  /** Messages dropped because their number had come before, or was given up. */
  get stale(): number {
    return this.#stale
  }

  /** Samples per channel that are accounted for, as samples or as gaps. */
  get settledSamples(): number {
    return this.#firstIndex
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
    if (number - this.#next > this.#samplesMax) throw this.#flood()
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
    if (number < this.#next || this.#waiting.get(number)?.blocks[probes[0] ?? 0]) {
      this.#stale += 1
      return []
    }
    this.#latest.set(id, Math.max(number, this.#latest.get(id) ?? -1))
    this.#put(number, probes, data)
    return this.#settle(Math.min(...this.#latest.values()) - REORDERED_CHUNKS_MAX)
  }

  /**
   * When OP is over: what still waits is lost, and so is what is missing at the end when it is known how many
   * samples per channel there were to be (null: not known). Numbers go on, the sample index starts again at 0.
   */
  finish(samples: number | null = null): RunEvent[] {
    const events = this.#settle(Math.max(-1, ...this.#latest.values()))
    if (samples !== null && this.#channels > 0 && this.#firstIndex < samples)
      events.push(this.#lost(this.#next + Math.ceil((samples - this.#firstIndex) / (this.#chunkSize || samples))))
    this.#firstIndex = 0
    return events
  }

  #put(number: number, probes: readonly number[], data: DaqData): void {
    const { count, encoding, blocks } = decodeSamples(data, probes.length)
    const draft = this.#waiting.get(number) ?? { blocks: [], missing: this.#channels, count, encoding, bytes: 0 }
    if (draft.count !== count || draft.encoding !== encoding) {
      throw new Problem('invalid-request', `The carriers disagree about the samples of chunk ${number}.`)
    }
    blocks.forEach((block, position) => {
      draft.blocks[probes[position] ?? 0] = block
      draft.missing -= 1
      draft.bytes += block.byteLength
      this.#waitingBytes += block.byteLength
    })
    this.#chunkSize = Math.max(this.#chunkSize, count)
    this.#waiting.set(number, draft)
    if (this.#waiting.size > WAITING_CHUNKS_MAX) {
      throw new Problem('invalid-request', `A carrier is ${WAITING_CHUNKS_MAX} chunks behind the others.`)
    }
    if (this.#waitingBytes > WAITING_BYTES_MAX) {
      throw new Problem('invalid-request', `More than ${WAITING_BYTES_MAX} bytes of samples wait for what is missing.`)
    }
  }

  /** Gives out whole chunks in order; what is not whole ends that, unless it lies at or below `horizon`: then it is lost. */
  #settle(horizon: number): RunEvent[] {
    const events: RunEvent[] = []
    for (;;) {
      const draft = this.#waiting.get(this.#next)
      if (draft?.missing === 0) {
        this.#forget(this.#next, draft)
        events.push({ kind: 'samples', chunk: this.#chunk(draft) })
        this.#next += 1
      } else if (this.#next <= horizon) {
        const whole = [...this.#waiting].flatMap(([number, { missing }]) => (missing === 0 ? [number] : []))
        events.push(this.#lost(Math.min(horizon + 1, ...whole)))
      } else {
        return events
      }
    }
  }

  #lost(toChunk: number): RunEvent {
    const gap: RunEvent = { kind: 'gap', fromChunk: this.#next, toChunk }
    this.#firstIndex += (toChunk - this.#next) * this.#chunkSize
    this.#next = toChunk
    for (const [number, draft] of this.#waiting) if (number < toChunk) this.#forget(number, draft)
    return gap
  }

  #forget(number: number, draft: Draft): void {
    this.#waiting.delete(number)
    this.#waitingBytes -= draft.bytes
  }

  #chunk({ count, encoding, blocks }: Draft): SampleChunk {
    const chunk = {
      firstIndex: this.#firstIndex,
      count,
      encoding,
      blocks: blocks.filter((block) => block !== undefined),
    }
    this.#firstIndex += count
    if (this.#firstIndex > this.#samplesMax) throw this.#flood()
    return chunk
  }

  #flood(): Problem {
    return new Problem('invalid-request', `More samples came than the run has time for: over ${this.#samplesMax}.`)
  }
}
