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
import { encodeSamples, encodeValues } from '../codec/samples.ts'
import { encodeTime } from '../codec/time.ts'
import { MESSAGE_BYTES_MAX } from '../wire/framing.ts'
import { anabrid, type MessageToSend } from '../wire/messages.ts'
import type { RunToStart } from './run-request.ts'

/** Room kept in a data message for what is not samples: ids and path, and some 30 bytes for each channel. */
const HEADER_BYTES = 256
const CHANNEL_HEADER_BYTES = 48
/** Of a state change's reason. */
const REASON_LENGTH_MAX = 128

/** Where pushes go: `send` queues a message, `drained` resolves when more may follow. */
export interface PushTarget {
  send(message: MessageToSend): void
  drained(): Promise<void>
}

export interface StreamOptions {
  readonly run: RunToStart
  readonly computer: AnalogComputer
  readonly description: DeviceDescription
  readonly carriers: readonly CarrierConfiguration[]
  readonly signal: AbortSignal
  readonly target: PushTarget
}

/**
 * Drives the run to its end; never rejects. The last push, always a DONE or an ERROR, is left to the caller
 * to send by what this resolves with: by then the computer is free, so that a client which hears of the
 * end finds it so.
 */
export async function streamRun(options: StreamOptions): Promise<() => void> {
  const { run, computer, signal, target } = options
  const stream = new RunStream(options)
  let last: LastPhase = { phase: 'ERROR', timeNs: 0, reason: 'The run ended without a word.' }
  try {
    for await (const event of computer.run(run.request, signal)) {
      if (event.kind === 'phase' && (event.phase === 'DONE' || event.phase === 'ERROR')) last = event
      else stream.push(event)
      await target.drained()
    }
  } catch (thrown) {
    last = { phase: 'ERROR', timeNs: 0, reason: Problem.from(thrown).message }
  }
  return () => stream.change(last)
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
  /** Number of the next data message, and how many messages one chunk of the computer makes. */
  #number = 0
  #piecesPerChunk = 1

  constructor(options: StreamOptions) {
    this.#options = options
    this.#sampled = options.carriers.filter(({ adc }) => adc.length > 0)
  }

  push(event: RunEvent): void {
    switch (event.kind) {
      case 'phase':
        return this.change(event)
      case 'samples':
        return this.#samples(event.chunk)
      case 'gap':
        this.#number += (event.toChunk - event.fromChunk) * this.#piecesPerChunk
        return
      case 'final':
        return this.#final(event.values)
    }
  }

  change({ phase, timeNs, reason }: LastPhase): void {
    const old = this.#phase
    this.#phase = phase
    if (!this.#options.run.phases && phase !== 'DONE' && phase !== 'ERROR') return
    this.#options.target.send({
      runStateChangeMessage: {
        run: { id: this.#options.run.request.id },
        old: anabrid.RunState[old] || null,
        new_: anabrid.RunState[phase] || null,
        time: encodeTime(timeNs),
        reason: reason.slice(0, REASON_LENGTH_MAX) || null,
      },
    })
  }

  #samples(chunk: SampleChunk): void {
    if (!this.#options.run.samples || this.#sampled.length === 0) return
    const widest = Math.max(...this.#sampled.map(({ adc }) => adc.length))
    const countMax = Math.floor(
      (MESSAGE_BYTES_MAX - HEADER_BYTES - widest * CHANNEL_HEADER_BYTES) / (widest * BYTES_PER_SAMPLE.f32),
    )
    this.#piecesPerChunk = Math.ceil(chunk.count / countMax)
    // Pieces of equal size: a reader that lost one counts on it.
    const size = Math.ceil(chunk.count / this.#piecesPerChunk)
    for (let from = 0; from < chunk.count; from += size) {
      const count = Math.min(size, chunk.count - from)
      for (const { carrier, adc } of this.#sampled) {
        const data = encodeSamples({ chunk, channels: adc.map(({ probe }) => probe), from, count })
        this.#options.target.send({
          runDataMessage: {
            run: { id: this.#options.run.request.id, chunk: this.#number || null },
            entity: { path: `/${carrier}` },
            data: {
              ...data,
              channels: adc.map(({ output, gain, offset, probe }) => ({ idx: output, gain, offset, probe })),
            },
          },
        })
      }
      this.#number += 1
    }
  }

  #final(values: Float32Array): void {
    const { description, run, target } = this.#options
    for (const [carrier, base] of outputBases(description)) {
      const part = values.subarray(base, base + outputCount(description, carrier))
      if (part.length < CLANES) continue
      target.send({
        runDataEndMessage: { run: { id: run.request.id }, entity: { path: `/${carrier}` }, data: encodeValues(part) },
      })
    }
  }
}
