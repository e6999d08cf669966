/**
 * One run as its device reports it: the pushes that carry the run's id become events. The feed ends with
 * DONE or ERROR and with nothing else; a device that falls silent, contradicts itself or is lost makes it
 * throw a Problem `device-failed`. Phases only go forward, each within its time, so that no run lasts for ever.
 */
import { DEVICE_PHASES, Problem, sampleCount, type DevicePhase, type RunEvent, type RunRequest } from '@lucihub/analog'
import { ChunkAssembler, type SampledCarrier } from '../codec/assembly.ts'
import { decodeFinalValues } from '../codec/samples.ts'
import { decodeTime } from '../codec/time.ts'
import { anabrid, type MessageV1, type Received } from '../wire/messages.ts'
import { EventQueue } from './event-queue.ts'

/** The order of the phases; one that does not lead on was reported before. */
const ORDER: readonly DevicePhase[] = ['NEW', 'QUEUED', 'TAKE_OFF', 'IC', 'OP', 'TMP_HALT', 'OP_END', 'DONE', 'ERROR']
/** How long datagrams that the report of the end has overtaken are waited for, ms. */
const OVERTAKEN_MS = 250
/** Samples above twice of what the run has time for that a device may send, per channel. */
const SURPLUS_SAMPLES = 65_536

const PHASE_OF: ReadonlyMap<number, DevicePhase> = new Map(
  DEVICE_PHASES.map((phase) => [anabrid.RunState[phase], phase]),
)

/** A run on a device: what the hub asks for, and whether the device is to do it again and again. */
export interface DeviceRunRequest extends RunRequest {
  /** Repeat until stopped: phases and the sample index start over, chunk numbers go on. Default false. */
  readonly repetitive?: boolean
}

export interface RunFeedOptions {
  readonly request: DeviceRunRequest
  readonly carriers: readonly SampledCarrier[]
  /** Where each carrier's final values begin, and how many values there are in all. */
  readonly outputBases: ReadonlyMap<string, number>
  readonly outputCount: number
  /** Data comes as datagrams: it may be lost, and overtaken by the report of the end. */
  readonly datagrams: boolean
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
  readonly #finalParts = new Set<string>()
  /** By phase, the carriers that a proxy has reported it for. */
  readonly #reported = new Map<DevicePhase, Set<string>>()
  readonly #times = new Map<DevicePhase, number>()
  #rank = 0
  #timer: NodeJS.Timeout | null = null
  #full = false
  #ended = false
  #stopped = false
  /** What comes after the last sample, held back until that is known to have come: OP_END and the final values. */
  #closing: RunEvent[] = []
  /** The report of the end, while the data that it has overtaken is waited for. */
  #last: PhaseEvent | null = null

  constructor(options: RunFeedOptions) {
    this.#options = options
    const { opTimeNs, sampleRateHz } = options.request
    const samplesMax = 2 * sampleCount(opTimeNs, sampleRateHz) + SURPLUS_SAMPLES
    this.#assembler = new ChunkAssembler(options.carriers, samplesMax)
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
        const last = this.#last
        if (last) this.#arm(OVERTAKEN_MS, () => this.#finish(last))
        else this.#arm(options.phaseTimeoutMs)
        options.onRoom()
      },
    })
  }

  /** True once DONE or ERROR has come, or the run has failed. */
  get ended(): boolean {
    return this.#ended
  }

  /** True once the device has said DONE or ERROR, or has not been told to begin: there is nothing to stop. */
  get isOver(): boolean {
    return this.#last !== null
  }

  /** The most bytes that its queue has held. */
  get peakBytes(): number {
    return this.#queue.peakBytes
  }

  events(): AsyncIterable<RunEvent> {
    return this.#queue
  }

  /** Chunks that came twice or too late. */
  get staleChunks(): number {
    return this.#assembler.stale
  }

  /** Takes a push. False when it is not of this run. */
  receive({ runStateChangeMessage: change, runDataMessage: samples, runDataEndMessage: last }: MessageV1): boolean {
    const { id } = this.#options.request
    if (this.#ended || (change ?? samples ?? last)?.run?.id !== id) return false
    try {
      if (change) this.#change(change)
      if (samples) this.#samples(samples)
      if (last) this.#finalValues(last)
    } catch (thrown) {
      const problem = Problem.from(thrown)
      this.fail(
        new Problem('device-failed', `The device reported run ${id} wrongly: ${problem.message}`, { cause: problem }),
      )
    }
    return true
  }

  /** Takes a push that came as a datagram. While the queue is full its samples are lost: the numbering tells. */
  receiveDatagram(message: MessageV1): boolean {
    return (this.#full && message.runDataMessage?.run?.id === this.#options.request.id) || this.receive(message)
  }

  /** The run does not begin. */
  cancel(): void {
    this.#last = { kind: 'phase', phase: 'DONE', timeNs: 0, reason: '' }
    this.fail(new Problem('state-conflict', 'The run was stopped before its start.'))
  }

  /** Ends the run with this problem, after the events that came before. */
  fail(problem: Problem): void {
    this.#ended = true
    this.#arm(null)
    this.#queue.end(problem)
  }

  /** The device was told to stop: it has this long from now for its next phase, ms, and owes no more samples. */
  expectEndWithin(timeoutMs: number): void {
    this.#stopped = true
    this.expectPhaseWithin(timeoutMs)
  }

  /** Gives the device this long from now for its next phase, ms; called once it has taken the run. */
  expectPhaseWithin(timeoutMs = this.#options.phaseTimeoutMs): void {
    if (!this.#full) this.#arm(timeoutMs)
  }

  #change(change: Received<anabrid.RunStateChangeMessage.$Properties>): void {
    const phase = PHASE_OF.get(change.new_)
    if (!phase) throw new Problem('invalid-request', `there is no run state ${change.new_}`)
    const event: PhaseEvent = { kind: 'phase', phase, timeNs: decodeTime(change.time), reason: change.reason }
    if (phase === 'DONE' || phase === 'ERROR') return this.#over(event)
    if (!this.#reached(phase, change.entity?.path)) return
    if (this.#options.request.repetitive && phase === 'IC' && this.#rank > ORDER.indexOf('IC')) this.#startOver()
    if (ORDER.indexOf(phase) <= this.#rank) return
    this.#rank = ORDER.indexOf(phase)
    this.#times.set(phase, event.timeNs)
    if (phase === 'OP_END') this.#closing.push(event)
    else this.#queue.push(event)
    this.expectPhaseWithin()
  }

  /** A device is in a phase when all its carriers are; only a proxy tells them apart. */
  #reached(phase: DevicePhase, path: string | undefined): boolean {
    const carrier = carrierOf(path)
    if (carrier === '') return true
    const { outputBases } = this.#options
    if (!outputBases.has(carrier)) throw new Problem('invalid-request', `"${carrier}" is no carrier of this device`)
    const carriers = (this.#reported.get(phase) ?? new Set()).add(carrier)
    this.#reported.set(phase, carriers)
    if (carriers.size < outputBases.size) return false
    this.#reported.delete(phase)
    return true
  }

  /** The next repetition: what the last one still owes is lost. */
  #startOver(): void {
    this.#close(this.#samplesOwed(''))
    this.#rank = ORDER.indexOf('TAKE_OFF')
    this.#times.clear()
    this.#finalParts.clear()
  }

  #over(event: PhaseEvent): void {
    this.#last ??= event
    if (this.#options.datagrams && event.phase === 'DONE' && !this.#complete(event.reason)) {
      this.#arm(OVERTAKEN_MS, () => this.#finish(event))
    } else this.#finish(event)
  }

  #finish(event: PhaseEvent): void {
    const owed = event.phase === 'DONE' ? this.#samplesOwed(event.reason) : null
    this.#close(owed)
    this.#queue.push(event)
    this.#ended = true
    this.#arm(null)
    this.#queue.end()
  }

  #close(samplesOwed: number | null): void {
    for (const event of this.#assembler.finish(samplesOwed)) this.#queue.push(event)
    for (const event of this.#closing) this.#queue.push(event)
    this.#closing = []
  }

  #complete(reason: string): boolean {
    const { request, outputBases } = this.#options
    const owed = this.#samplesOwed(reason)
    return (
      (owed === null || this.#assembler.settledSamples >= owed) &&
      (!request.finalValues || this.#finalParts.size === outputBases.size)
    )
  }

  /**
   * Samples per channel that the length of OP makes: as the device reported it, else as asked for when nothing can
   * have ended it before. Null when it is not known, or nobody waits for them.
   */
  #samplesOwed(reason: string): number | null {
    const { carriers, request } = this.#options
    const { opTimeNs, sampleRateHz, haltOnOverload } = request
    if (this.#stopped || carriers.length === 0) return null
    const [begin = 0, end = 0] = [this.#times.get('OP'), this.#times.get('OP_END')]
    if (end > begin) return sampleCount(Math.min(opTimeNs, end - begin), sampleRateHz)
    return reason === '' && !haltOnOverload && this.#times.has('OP') ? sampleCount(opTimeNs, sampleRateHz) : null
  }

  #samples({ run, entity, data }: Received<anabrid.RunDataMessage.$Properties>): void {
    if (!data) throw new Problem('invalid-request', 'a data message holds no data')
    for (const event of this.#assembler.add({ carrier: carrierOf(entity?.path), number: run?.chunk ?? 0, data })) {
      this.#queue.push(event)
    }
    this.#finishIfComplete()
  }

  /** Final values are one event for the device, so they wait until every carrier has sent its part. */
  #finalValues({ entity, data }: Received<anabrid.RunDataEndMessage.$Properties>): void {
    if (!data) throw new Problem('invalid-request', 'a final data message holds no data')
    const { outputBases } = this.#options
    const carrier = carrierOf(entity?.path)
    const base = outputBases.get(carrier) ?? 0
    const values = decodeFinalValues(data)
    if (base + values.length > this.#final.length) {
      throw new Problem('invalid-request', `${values.length} final values are more than the device has outputs`)
    }
    if (this.#finalParts.has(carrier)) return
    this.#finalParts.add(carrier)
    this.#final.set(values, base)
    if (this.#finalParts.size === outputBases.size) this.#closing.push({ kind: 'final', values: this.#final.slice() })
    this.#finishIfComplete()
  }

  #finishIfComplete(): void {
    if (this.#last && !this.#ended && this.#complete(this.#last.reason)) this.#finish(this.#last)
  }

  #arm(timeoutMs: number | null, then = () => this.#expire(timeoutMs ?? 0)): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = timeoutMs === null || this.#ended ? null : setTimeout(then, timeoutMs)
  }

  #expire(timeoutMs: number): void {
    this.fail(
      new Problem(
        'device-failed',
        `The device did not report the progress of run ${this.#options.request.id} for ${timeoutMs / 1000} s.`,
      ),
    )
  }
}

type PhaseEvent = Extract<RunEvent, { kind: 'phase' }>

/** The carrier that a push speaks of: the first segment of its path, without slash. */
function carrierOf(path: string | undefined): string {
  return (path ?? '').replace(/^\//, '').split('/')[0] ?? ''
}
