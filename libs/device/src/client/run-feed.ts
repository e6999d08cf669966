/**
 * One run as its device reports it: the pushes that carry the run's id become events. The feed ends with
 * DONE or ERROR and with nothing else; a device that falls silent, contradicts itself or is lost makes it
 * throw a Problem `device-failed`.
 */
import { DEVICE_PHASES, Problem, type DevicePhase, type RunEvent } from '@lucihub/analog'
import { ChunkAssembler, type SampledCarrier } from '../codec/assembly.ts'
import { decodeFinalValues } from '../codec/samples.ts'
import { decodeTime } from '../codec/time.ts'
import { anabrid, type MessageV1, type Received } from '../wire/messages.ts'
import { EventQueue } from './event-queue.ts'

const PHASE_OF: ReadonlyMap<number, DevicePhase> = new Map(
  DEVICE_PHASES.map((phase) => [anabrid.RunState[phase], phase]),
)

export interface RunFeedOptions {
  readonly runId: string
  readonly carriers: readonly SampledCarrier[]
  /** Where each carrier's final values begin, and how many values there are in all. */
  readonly outputBases: ReadonlyMap<string, number>
  readonly outputCount: number
  /** The longest that the device may stay in one phase, ms. The clock stands while the queue is full. */
  readonly phaseTimeoutMs: number
  readonly queueBytesMax: number
  /** The queue is full, or has room again: read no more, or go on. */
  readonly onFull: () => void
  readonly onRoom: () => void
}

export class RunFeed {
  readonly #options: RunFeedOptions
  readonly #assembler: ChunkAssembler
  readonly #queue: EventQueue
  readonly #final: Float32Array
  #finalParts = 0
  #timer: NodeJS.Timeout | null = null
  #full = false
  #ended = false

  constructor(options: RunFeedOptions) {
    this.#options = options
    this.#assembler = new ChunkAssembler(options.carriers)
    this.#final = new Float32Array(options.outputCount)
    this.#queue = new EventQueue({
      bytesMax: options.queueBytesMax,
      onFull: () => {
        this.#full = true
        this.#arm(null)
        options.onFull()
      },
      onRoom: () => {
        this.#full = false
        this.#arm(options.phaseTimeoutMs)
        options.onRoom()
      },
    })
  }

  /** True once DONE or ERROR has come, or the run has failed. */
  get ended(): boolean {
    return this.#ended
  }

  /** The most bytes that its queue has held. */
  get peakBytes(): number {
    return this.#queue.peakBytes
  }

  events(): AsyncIterable<RunEvent> {
    return this.#queue
  }

  /** Takes a push. False when it is not of this run. */
  receive({ runStateChangeMessage: change, runDataMessage: samples, runDataEndMessage: last }: MessageV1): boolean {
    const { runId } = this.#options
    if (this.#ended || (change ?? samples ?? last)?.run?.id !== runId) return false
    try {
      if (change) this.#change(change)
      if (samples) this.#samples(samples)
      if (last) this.#finalValues(last)
    } catch (thrown) {
      const problem = Problem.from(thrown)
      this.fail(
        new Problem('device-failed', `The device reported run ${runId} wrongly: ${problem.message}`, {
          cause: problem,
        }),
      )
    }
    return true
  }

  /** Ends the run with this problem, after the events that came before. */
  fail(problem: Problem): void {
    this.#ended = true
    this.#arm(null)
    this.#queue.end(problem)
  }

  /** Gives the device this long from now for its next phase, ms; called once it has taken the run. */
  expectPhaseWithin(timeoutMs = this.#options.phaseTimeoutMs): void {
    if (!this.#full) this.#arm(timeoutMs)
  }

  #change(change: Received<anabrid.RunStateChangeMessage.$Properties>): void {
    const phase = PHASE_OF.get(change.new_)
    if (!phase) throw new Problem('invalid-request', `there is no run state ${change.new_}`)
    const over = phase === 'DONE' || phase === 'ERROR'
    if (over) for (const event of this.#assembler.finish()) this.#queue.push(event)
    this.#queue.push({ kind: 'phase', phase, timeNs: decodeTime(change.time), reason: change.reason })
    if (over) {
      this.#ended = true
      this.#arm(null)
      this.#queue.end()
    } else {
      this.expectPhaseWithin()
    }
  }

  #samples({ run, entity, data }: Received<anabrid.RunDataMessage.$Properties>): void {
    if (!data) throw new Problem('invalid-request', 'a data message holds no data')
    for (const event of this.#assembler.add({ carrier: carrierOf(entity?.path), number: run?.chunk ?? 0, data })) {
      this.#queue.push(event)
    }
  }

  /** Final values are one event for the device, so they wait until every carrier has sent its part. */
  #finalValues({ entity, data }: Received<anabrid.RunDataEndMessage.$Properties>): void {
    if (!data) throw new Problem('invalid-request', 'a final data message holds no data')
    const base = this.#options.outputBases.get(carrierOf(entity?.path)) ?? 0
    const values = decodeFinalValues(data)
    if (base + values.length > this.#final.length) {
      throw new Problem('invalid-request', `${values.length} final values are more than the device has outputs`)
    }
    this.#final.set(values, base)
    this.#finalParts += 1
    if (this.#finalParts === this.#options.outputBases.size) this.#queue.push({ kind: 'final', values: this.#final })
  }

  #arm(timeoutMs: number | null): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = timeoutMs === null || this.#ended ? null : setTimeout(() => this.#expire(timeoutMs), timeoutMs)
  }

  #expire(timeoutMs: number): void {
    this.fail(
      new Problem(
        'device-failed',
        `The device did not report the progress of run ${this.#options.runId} for ${timeoutMs / 1000} s.`,
      ),
    )
  }
}

/** The carrier that a data message speaks of: the first segment of its path, without slash. */
function carrierOf(path: string | undefined): string {
  return (path ?? '').replace(/^\//, '').split('/')[0] ?? ''
}
