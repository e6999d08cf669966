/**
 * One run as a device of this generation reports it: lines of samples, and at the end one word, DONE or ERROR. The
 * phases in between, which other generations announce, are filled in from what is known. The feed ends with DONE
 * or ERROR and with nothing else; a device that falls silent or contradicts itself makes it throw a Problem
 * `device-failed`.
 */
import { ADC_CHANNELS, CLANES, Problem, type DevicePhase, type RunEvent } from '@lucihub/analog'
import { EventQueue } from '../client/event-queue.ts'
import type { StateChange } from './replies.ts'
import type { RunData } from './run-data.ts'

/** The phases of a run that goes well, in their order. */
const COURSE = ['TAKE_OFF', 'IC', 'OP', 'OP_END', 'DONE'] as const satisfies readonly DevicePhase[]
type CoursePhase = (typeof COURSE)[number]

export interface LineFeedOptions {
  readonly runId: string
  /** Sampled channels; rows may be longer. */
  readonly channels: number
  /** Outputs of the device, for final values. */
  readonly outputCount: number
  readonly icTimeNs: number
  /** The longest that the device may say nothing, ms. The clock stands while the queue is full. */
  readonly silenceMs: number
  readonly queueBytesMax: number
  /** The queue is full, or has room again: read no more, or go on. */
  readonly onFull: () => void
  readonly onRoom: () => void
}

export class LineFeed {
  readonly #options: LineFeedOptions
  readonly #queue: EventQueue
  readonly #final: Float32Array
  #hasFinal = false
  #reached = -1
  #samples = 0
  #opTimeNs = 0
  #timer: NodeJS.Timeout | null = null
  #full = false
  #ended = false

  constructor(options: LineFeedOptions) {
    this.#options = options
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
        this.#arm(options.silenceMs)
        options.onRoom()
      },
    })
  }

  get runId(): string {
    return this.#options.runId
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

  /** The device has taken the run. */
  started(): void {
    this.#reach('IC')
    this.expectWordWithin()
  }

  receiveSamples(line: RunData): void {
    if (this.#ended) return
    const { width, count } = line
    const { channels } = this.#options
    this.#reach('OP')
    if (width === CLANES) this.#finalValues(line)
    else if (count > 0 && (width < channels || width > ADC_CHANNELS || channels === 0))
      this.#wrong(`a row of ${width} samples where ${channels} channels are configured`)
    else if (count > 0) this.#push(line)
    this.expectWordWithin()
  }

  receiveState({ phase, opTimeNs, reason }: StateChange): void {
    if (this.#ended) return
    this.#opTimeNs = opTimeNs
    // Word of a run may come in one piece with the reply, before that has reached whoever started it.
    if (phase === 'ERROR') this.#reach('IC')
    if (phase === 'ERROR') this.#queue.push({ kind: 'phase', phase, timeNs: this.#timeOf('DONE'), reason })
    else if (isOfCourse(phase)) this.#reach(phase, reason)
    else if (phase !== 'NEW') this.#queue.push({ kind: 'phase', phase, timeNs: 0, reason })
    if (phase === 'DONE' || phase === 'ERROR') this.#end()
    else this.expectWordWithin()
  }

  /** Ends the run with this problem, after the events that came before. */
  fail(problem: Problem): void {
    this.#end(problem)
  }

  /** Gives the device this long from now for its next word, ms. */
  expectWordWithin(silenceMs = this.#options.silenceMs): void {
    if (!this.#full) this.#arm(silenceMs)
  }

  /** Announces a phase and those before it that were not announced. */
  #reach(phase: CoursePhase, reason = ''): void {
    const to = COURSE.indexOf(phase)
    while (this.#reached < to) {
      this.#reached += 1
      const next = COURSE[this.#reached] ?? phase
      if (next === 'DONE' && this.#hasFinal) this.#queue.push({ kind: 'final', values: this.#final })
      this.#queue.push({ kind: 'phase', phase: next, timeNs: this.#timeOf(next), reason: next === phase ? reason : '' })
    }
  }

  #timeOf(phase: CoursePhase): number {
    if (phase === 'TAKE_OFF' || phase === 'IC') return 0
    return this.#options.icTimeNs + (phase === 'OP' ? 0 : this.#opTimeNs)
  }

  #push({ values, width, count }: RunData): void {
    const blocks = Array.from({ length: this.#options.channels }, (_, channel) => {
      const block = new Float32Array(count)
      for (let s = 0, at = channel; s < count; s++, at += width) block[s] = values[at] ?? 0
      return new Uint8Array(block.buffer)
    })
    this.#queue.push({ kind: 'samples', chunk: { firstIndex: this.#samples, count, encoding: 'f32', blocks } })
    this.#samples += count
  }

  /** A row as wide as a cluster has outputs; the line says which cluster. */
  #finalValues({ entity, values, count }: RunData): void {
    const cluster = Number(entity[1] ?? 0)
    const base = cluster * CLANES
    if (count !== 1 || !Number.isInteger(cluster) || base < 0 || base + CLANES > this.#final.length)
      return this.#wrong(`final values of a cluster "${entity[1] ?? ''}" that it does not have`)
    this.#final.set(values, base)
    this.#hasFinal = true
  }

  #wrong(detail: string): void {
    this.fail(new Problem('device-failed', `The device reported run ${this.#options.runId} wrongly: ${detail}.`))
  }

  #end(problem: Problem | null = null): void {
    this.#ended = true
    this.#arm(null)
    this.#queue.end(problem)
  }

  #arm(silenceMs: number | null): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = silenceMs === null || this.#ended ? null : setTimeout(() => this.#expire(silenceMs), silenceMs)
  }

  #expire(silenceMs: number): void {
    const { runId } = this.#options
    this.fail(
      new Problem('device-failed', `The device did not report the progress of run ${runId} for ${silenceMs / 1000} s.`),
    )
  }
}

function isOfCourse(phase: DevicePhase): phase is CoursePhase {
  return (COURSE as readonly DevicePhase[]).includes(phase)
}
