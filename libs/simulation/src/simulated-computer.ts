/**
 * SimulatedComputer: an analog computer without the machine. Integrates the configured circuit and reports a run
 * as a device does: TAKE_OFF, IC, OP, samples, OP_END, final values, DONE.
 */
import {
  Problem,
  RUN_LIMITS,
  haltReason,
  haltViolations,
  sampleCount,
  specificationOf,
  type AnalogComputer,
  type Configuration,
  type DeviceDescription,
  type DevicePhase,
  type DeviceSpecification,
  type HaltCondition,
  type OverloadStatus,
  type RunEvent,
  type RunRequest,
} from '@lucihub/analog'
import { circuitModel, type CircuitModel } from './circuit.ts'
import type { Tolerances } from './dormand-prince.ts'
import { IDEAL, converter, type Imperfections } from './imperfections.ts'
import type { InputSignals } from './input-signal.ts'
import { operate, type OperationEnd } from './operation.ts'
import { fastPace, type Pace } from './pace.ts'
import { random } from './random.ts'

export interface SimulatedComputerOptions {
  readonly description: DeviceDescription
  /** Default {@link IDEAL}. */
  readonly imperfections?: Imperfections
  /**
   * Default: as fast as it is computed, without letting the event loop turn. A server gives a pace that does, or it
   * is deaf (to an abort signal too) until the run has ended.
   */
  readonly pace?: Pace
  /** Largest number of samples per channel in one chunk. Default 4096. */
  readonly chunkSamples?: number
  /** A rising clock, ms, for the halt condition `wallClock`; without one that condition is refused. */
  readonly nowMs?: () => number
  /** What comes in at the ports. Default: 0. */
  readonly inputs?: InputSignals
  /** Of the integration. Default rtol 1e-7, atol 1e-9. */
  readonly tolerances?: Tolerances
}

const EMPTY: Configuration = { carriers: [], probes: [], problemTimePerSecond: 0 }
const CHUNK_SAMPLES = 4096
const TOLERANCES: Tolerances = { rtol: 1e-7, atol: 1e-9 }
const RUN_ID_LENGTH = 38
/** Longest wait without a look at the abort signal, ns. */
const WAIT_NS = 50e6
/** Keeps the noise apart from the fixed errors, which are drawn from the seed itself. */
const NOISE_SEED = 0x5eed

export class SimulatedComputer implements AnalogComputer {
  readonly #description: DeviceDescription
  readonly #specification: DeviceSpecification
  readonly #imperfections: Imperfections
  readonly #pace: Pace
  readonly #chunkSamples: number
  readonly #tolerances: Tolerances
  readonly #inputs: InputSignals
  readonly #nowMs: (() => number) | null
  readonly #convert: ((value: number) => number) | null
  #model: CircuitModel
  #overloads: Uint8Array
  #running = false

  constructor(options: SimulatedComputerOptions) {
    this.#description = options.description
    this.#specification = specificationOf(options.description)
    this.#imperfections = options.imperfections ?? IDEAL
    this.#pace = options.pace ?? fastPace(() => Promise.resolve())
    this.#chunkSamples = options.chunkSamples ?? CHUNK_SAMPLES
    this.#tolerances = options.tolerances ?? TOLERANCES
    this.#inputs = options.inputs ?? {}
    this.#nowMs = options.nowMs ?? null
    this.#convert = converter(this.#imperfections, random(this.#imperfections.seed ^ NOISE_SEED))
    this.#model = circuitModel(EMPTY, this.#specification, this.#imperfections)
    this.#overloads = new Uint8Array(this.#model.outputCount)
  }

  async describe(): Promise<DeviceDescription> {
    return this.#description
  }

  async reset(): Promise<void> {
    this.#assertIdle()
    this.#model = circuitModel(EMPTY, this.#specification, this.#imperfections)
    this.#overloads.fill(0)
  }

  /** Rejects with `validation-failed` when the configuration does not fit or has an unsolvable loop. */
  async configure(configuration: Configuration): Promise<void> {
    this.#assertIdle()
    this.#model = circuitModel(configuration, this.#specification, this.#imperfections, this.#inputs)
  }

  async overload(): Promise<OverloadStatus> {
    const outputs = [...this.#overloads.keys()].filter((output) => this.#overloads[output] === 1)
    return { overloaded: outputs.length > 0, outputs }
  }

  async close(): Promise<void> {}

  async *run(request: RunRequest, signal?: AbortSignal): AsyncGenerator<RunEvent, void, undefined> {
    this.#assertIdle()
    assertRequest(request, this.#model.probes.length)
    if (!this.#nowMs && request.haltConditions?.some(({ kind }) => kind === 'wallClock'))
      throw new Problem('validation-failed', 'This computer has no clock to watch.')
    this.#running = true
    try {
      yield* this.#report(request, signal)
    } finally {
      this.#running = false
    }
  }

  async *#report(request: RunRequest, signal: AbortSignal | undefined): AsyncGenerator<RunEvent, void, undefined> {
    const { icTimeNs, haltConditions: conditions = [] } = request
    yield phase('TAKE_OFF', 0)
    await this.#pace.wait(0)
    yield phase('IC', 0)
    await this.#waitFor(0, icTimeNs, signal)
    if (signal?.aborted) return yield phase('DONE', 0, 'stopped')
    yield phase('OP', icTimeNs)

    const operation = operate(this.#model, {
      icTime: icTimeNs / 1e9,
      opTime: request.opTimeNs / 1e9,
      sampleRate: request.sampleRateHz,
      sampleCount: sampleCount(request.opTimeNs, request.sampleRateHz),
      chunkSamples: this.#chunkSamples,
      haltOnOverload: request.haltOnOverload || conditions.some(({ kind }) => kind === 'overload'),
      haltConditions: conditions,
      channels: this.#model.channels,
      convert: this.#convert,
      overloads: this.#overloads,
      tolerances: this.#tolerances,
    })
    const wallClock = this.#wallClock(conditions)
    let reachedNs = icTimeNs
    let next = operation.next()
    for (; !next.done; next = operation.next()) {
      const { t, chunk } = next.value
      const untilNs = icTimeNs + t * 1e9
      await this.#waitFor(reachedNs, untilNs, signal)
      if (signal?.aborted) {
        yield phase('OP_END', reachedNs, 'stopped')
        return yield phase('DONE', reachedNs, 'stopped')
      }
      reachedNs = untilNs
      if (chunk) yield { kind: 'samples', chunk }
      const late = wallClock()
      if (!late) continue
      yield phase('OP_END', reachedNs, late)
      return yield phase('DONE', reachedNs, late)
    }
    const end = next.value
    const endNs = Math.round(icTimeNs + end.t * 1e9)
    await this.#waitFor(reachedNs, endNs, signal)
    if (end.status === 'not_finite' || end.status === 'step_limit') return yield phase('ERROR', endNs, failure(end))
    const reason = end.halted ? haltReason(end.halted) : ''
    yield phase('OP_END', endNs, reason)
    if (request.finalValues) yield { kind: 'final', values: end.final }
    yield phase('DONE', endNs, reason)
  }

  /** From now on: the reason of the first limit that has passed, empty before. */
  #wallClock(conditions: readonly HaltCondition[]): () => string {
    const limits = conditions
      .filter((condition) => condition.kind === 'wallClock')
      .sort((a, b) => a.limitMs - b.limitMs)
    const [first] = limits
    const nowMs = this.#nowMs
    if (!first || !nowMs) return () => ''
    const deadline = nowMs() + first.limitMs
    return () => (nowMs() >= deadline ? haltReason(first) : '')
  }

  /** Waits in pieces, so that an abort is seen soon. */
  async #waitFor(fromNs: number, untilNs: number, signal: AbortSignal | undefined): Promise<void> {
    for (let ns = fromNs; ns < untilNs && !signal?.aborted;) {
      ns = Math.min(untilNs, ns + WAIT_NS)
      await this.#pace.wait(ns)
    }
  }

  #assertIdle(): void {
    if (this.#running) throw new Problem('state-conflict', 'The computer is in the middle of a run.')
  }
}

function phase(name: DevicePhase, timeNs: number, reason = ''): RunEvent {
  return { kind: 'phase', phase: name, timeNs: Math.round(timeNs), reason }
}

function failure(end: OperationEnd): string {
  const when = `after ${(end.t * 1e3).toPrecision(4)} ms of op time`
  return end.status === 'step_limit'
    ? `The simulation reached its step limit ${when}: the circuit is too stiff.`
    : `The circuit has no finite solution ${when}.`
}

function assertRequest(request: RunRequest, channels: number): void {
  const violations = haltViolations(request.haltConditions ?? [], channels)
  for (const key of ['icTimeNs', 'opTimeNs', 'sampleRateHz'] as const) {
    const { min, max } = RUN_LIMITS[key]
    const value = request[key]
    if (value >= min && value <= max) continue
    violations.push({
      pointer: `/${key}`,
      value: String(value),
      message: 'is out of range',
      remedy: `use ${min}..${max}`,
    })
  }
  if (request.id.length > RUN_ID_LENGTH) {
    const remedy = `use at most ${RUN_ID_LENGTH} characters`
    violations.push({ pointer: '/id', value: request.id.slice(0, 80), message: 'is too long', remedy })
  }
  if (violations.length > 0) throw new Problem('validation-failed', 'The device cannot do this run.', { violations })
}
