/**
 * A run's events as the pushes of a device. Samples go out carrier by carrier, each numbered from 0, as many
 * per message as fit a frame. The next event is taken only when the network has taken the last, so a slow
 * reader slows the computer and costs no memory.
 */
import {
  BYTES_PER_SAMPLE,
  CLANES,
  Problem,
  type AnalogComputer,
  type CarrierConfiguration,
  type DeviceDescription,
  type DevicePhase,
  type RunEvent,
  type SampleChunk,
} from '@lucihub/analog'
import { outputBases, outputCount } from '../codec/entity-path.ts'
import { encodeSamples, encodeValues, type SampleRange } from '../codec/samples.ts'
import { encodeTime } from '../codec/time.ts'
import { anabrid, type MessageToSend } from '../wire/messages.ts'
import type { PushTarget } from './push-target.ts'
import type { RunToStart } from './run-request.ts'

/** Room kept in a data message for what is not samples: ids and path, and some 30 bytes for each channel. */
const HEADER_BYTES = 256
const CHANNEL_HEADER_BYTES = 48
/** Of a state change's reason. */
const REASON_LENGTH_MAX = 128

export interface StreamOptions {
  readonly run: RunToStart
  readonly computer: AnalogComputer
  readonly description: DeviceDescription
  readonly carriers: readonly CarrierConfiguration[]
  /** Phases are told carrier by carrier, as by a proxy, and only the end once. */
  readonly stamped: boolean
  /** Whether a repetitive run ends with the repetition in progress. */
  readonly isLast: () => boolean
  readonly signal: AbortSignal
  readonly target: PushTarget
}

/**
 * Drives the run to its end; never rejects. The last push, always a DONE or an ERROR, is left to the caller
 * to send by what this resolves with: by then the computer is free, so that a client which hears of the
 * end finds it so.
 */
export async function streamRun(options: StreamOptions): Promise<() => void> {
  const { run, computer, signal, target, isLast } = options
  const stream = new RunStream(options)
  const send = async (messages: Iterable<MessageToSend>) => {
    for (const message of messages) {
      target.send(message)
      await target.drained()
    }
    const failure = target.failure()
    if (failure !== null) throw new Problem('device-failed', failure)
  }
  let last: LastPhase = { phase: 'ERROR', timeNs: 0, reason: 'The run ended without a word.' }
  try {
    do {
      for await (const event of computer.run(run.request, signal)) {
        if (event.kind === 'phase' && (event.phase === 'DONE' || event.phase === 'ERROR')) last = event
        else await send(stream.messages(event))
      }
    } while (run.repetitive && !isLast() && !signal.aborted && last.phase === 'DONE')
  } catch (thrown) {
    last = { phase: 'ERROR', timeNs: 0, reason: Problem.from(thrown).message }
  }
  return () => {
    for (const message of stream.messages({ kind: 'phase', ...last })) target.send(message)
  }
}

interface LastPhase {
  readonly phase: DevicePhase
  readonly timeNs: number
  readonly reason: string
}

class RunStream {
  readonly #options: StreamOptions
  readonly #sampled: readonly CarrierConfiguration[]
  #phase: DevicePhase = 'NEW'
  /** Number of the next data message. */
  #number = 0
  /** Samples in each data message but the last, so that a reader who lost one knows how many it lost. */
  #messageSize = 0
  /** Samples in each chunk of the computer but the last. */
  #chunkSize = 0
  /** What did not fill a message yet. */
  #rest: SampleChunk | null = null

  constructor(options: StreamOptions) {
    this.#options = options
    this.#sampled = options.carriers.filter(({ adc }) => adc.length > 0)
  }

  *messages(event: RunEvent): Generator<MessageToSend> {
    switch (event.kind) {
      case 'phase':
        yield* this.#flush()
        return yield* this.#change(event)
      case 'samples':
        return yield* this.#samples(event.chunk)
      case 'gap':
        yield* this.#flush()
        this.#number += Math.ceil(((event.toChunk - event.fromChunk) * this.#chunkSize) / (this.#messageSize || 1))
        return
      case 'final':
        return yield* this.#final(event.values)
    }
  }

  *#change({ phase, timeNs, reason }: LastPhase): Generator<MessageToSend> {
    const old = this.#phase
    // A repetition does not take off anew.
    if (phase === 'TAKE_OFF' && old !== 'NEW') return
    this.#phase = phase
    const over = phase === 'DONE' || phase === 'ERROR'
    if (!this.#options.run.phases && !over) return
    const change = {
      run: { id: this.#options.run.request.id },
      old: anabrid.RunState[old] || null,
      new_: anabrid.RunState[phase] || null,
      time: encodeTime(timeNs),
      reason: reason.slice(0, REASON_LENGTH_MAX) || null,
    }
    const { description, stamped } = this.#options
    if (!stamped) return yield { runStateChangeMessage: change }
    // Of the end only the last carrier's word is passed on.
    for (const { id } of over ? description.carriers.slice(-1) : description.carriers)
      yield { runStateChangeMessage: { ...change, entity: { path: `/${id}` } } }
  }

  *#samples(chunk: SampleChunk): Generator<MessageToSend> {
    if (!this.#options.run.samples || this.#sampled.length === 0) return
    this.#chunkSize ||= chunk.count
    this.#messageSize ||= Math.min(chunk.count, this.#samplesPerMessage())
    const all = this.#rest ? joined(this.#rest, chunk) : chunk
    const size = this.#messageSize
    let from = 0
    for (; from + size <= all.count; from += size) yield* this.#message({ chunk: all, from, count: size })
    this.#rest = from < all.count ? part(all, from) : null
  }

  *#flush(): Generator<MessageToSend> {
    const rest = this.#rest
    this.#rest = null
    if (rest) yield* this.#message({ chunk: rest, from: 0, count: rest.count })
  }

  *#message(range: Omit<SampleRange, 'channels'>): Generator<MessageToSend> {
    for (const { carrier, adc } of this.#sampled) {
      const data = encodeSamples({ ...range, channels: adc.map(({ probe }) => probe) })
      yield {
        runDataMessage: {
          run: { id: this.#options.run.request.id, chunk: this.#number || null },
          entity: { path: `/${carrier}` },
          data: {
            ...data,
            channels: adc.map(({ output, gain, offset, probe }) => ({ idx: output, gain, offset, probe })),
          },
        },
      }
    }
    this.#number += 1
  }

  #samplesPerMessage(): number {
    const widest = Math.max(...this.#sampled.map(({ adc }) => adc.length))
    const room = this.#options.target.messageBytesMax - HEADER_BYTES - widest * CHANNEL_HEADER_BYTES
    return Math.floor(room / (widest * BYTES_PER_SAMPLE.f32))
  }

  *#final(values: Float32Array): Generator<MessageToSend> {
    const { description, run } = this.#options
    for (const [carrier, base] of outputBases(description)) {
      const part = values.subarray(base, base + outputCount(description, carrier))
      if (part.length < CLANES) continue
      yield {
        runDataEndMessage: { run: { id: run.request.id }, entity: { path: `/${carrier}` }, data: encodeValues(part) },
      }
    }
  }
}

/** The samples of a chunk from this one on. */
function part(chunk: SampleChunk, from: number): SampleChunk {
  const bytes = from * BYTES_PER_SAMPLE[chunk.encoding]
  return {
    ...chunk,
    firstIndex: chunk.firstIndex + from,
    count: chunk.count - from,
    blocks: chunk.blocks.map((block) => block.subarray(bytes)),
  }
}

function joined(first: SampleChunk, second: SampleChunk): SampleChunk {
  const blocks = first.blocks.map((block, channel) => {
    const more = second.blocks[channel] ?? new Uint8Array(0)
    const both = new Uint8Array(block.length + more.length)
    both.set(block)
    both.set(more, block.length)
    return both
  })
  return { ...first, count: first.count + second.count, blocks }
}
