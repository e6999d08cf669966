/**
 * The OP phase: integrates a circuit, samples it and watches for overload. A generator of slices, so that whoever
 * drives it may wait, publish or stop between them; it holds no clock. Samples go straight from the dense output
 * into the bytes of a chunk.
 */
import { BYTES_PER_SAMPLE, type SampleChunk } from '@lucihub/analog'
import type { CircuitModel } from './circuit.ts'
import { DormandPrince, type StepStatus, type Tolerances } from './dormand-prince.ts'

/**
 * An output is overloaded beyond this, machine units. The hair above 1 keeps a signal that was scaled to exactly full
 * scale from tripping on integration error; the devices' own threshold is not published.
 */
export const OVERLOAD = 1.002
/** A chunk spans at most this much op time, s: a live view must not wait for 4 096 slow samples. */
const CHUNK_SPAN_S = 0.05
/** Accepted steps between two chances to do something else: a few ms of computing. */
const STEPS_PER_SLICE = 2_000
/** Instants per step at which outputs are compared with full scale. */
const CHECKS_PER_STEP = 4
/** Halvings when an overload is located: a step over 2^20 is far below one sample. */
const BISECTIONS = 20

export interface Operation {
  /** s */
  readonly opTime: number
  /** 1/s */
  readonly sampleRate: number
  readonly sampleCount: number
  /** Largest number of samples per channel in a chunk. */
  readonly chunkSamples: number
  readonly haltOnOverload: boolean
  /** From an output's value to the value read; null when they are the same. */
  readonly convert: ((value: number) => number) | null
  /** Latched flags, one per output of the device; set here, cleared by a reset of the device. */
  readonly overloads: Uint8Array
  readonly tolerances: Tolerances
}

/** Op time reached, s, and the samples completed by then, if any. */
export interface Slice {
  readonly t: number
  readonly chunk: SampleChunk | null
}

export interface OperationEnd {
  readonly status: StepStatus | 'overload'
  /** Op time at the end, s. */
  readonly t: number
  /** All outputs at the end. */
  readonly final: Float32Array
}

export function* operate(model: CircuitModel, operation: Operation): Generator<Slice, OperationEnd> {
  const { opTime, sampleRate, sampleCount, convert } = operation
  model.reset()
  const solution = new DormandPrince(model, model.initialState, 0, operation.tolerances)
  const watch = overloadWatch(model, solution, operation)
  const chunks = chunkWriter(
    model.probes.length,
    Math.min(operation.chunkSamples, Math.ceil(sampleRate * CHUNK_SPAN_S)),
  )
  const state = new Float64Array(model.dimension)
  const values = new Float64Array(model.probes.length)
  const end = (status: OperationEnd['status'], t: number): OperationEnd => {
    const outputs = new Float64Array(model.outputCount)
    solution.interpolate(t, state)
    model.outputs(state, outputs)
    return { status, t, final: Float32Array.from(outputs) }
  }

  let halt = watch.atStart() ? 0 : null
  for (let k = 0, steps = 0; ;) {
    const known = halt ?? solution.t
    for (; k < sampleCount && k / sampleRate <= known; k++) {
      const t = k / sampleRate
      solution.interpolate(t, state)
      model.sampled(state, values)
      if (convert) for (let c = 0; c < values.length; c++) values[c] = convert(values[c]!)
      if (chunks.add(values)) yield { t, chunk: chunks.take() }
    }
    if (halt !== null || solution.t >= opTime) break
    const status = solution.step(opTime)
    if (status !== 'ok') {
      if (chunks.filled() > 0) yield { t: solution.t, chunk: chunks.take() }
      return end(status, solution.t)
    }
    halt = watch.afterStep()
    if (++steps % STEPS_PER_SLICE === 0) yield { t: solution.tStart, chunk: null }
  }
  const t = halt ?? opTime
  if (chunks.filled() > 0) yield { t, chunk: chunks.take() }
  return end(halt === null ? 'ok' : 'overload', t)
}

interface ChunkWriter {
  /** Appends one value per channel; true when the chunk is full. */
  add(values: Float64Array): boolean
  filled(): number
  take(): SampleChunk | null
}

function chunkWriter(channels: number, capacity: number): ChunkWriter {
  let firstIndex = 0
  let count = 0
  let columns: Float32Array[] = []
  return {
    add(values) {
      if (count === 0) columns = Array.from({ length: channels }, () => new Float32Array(capacity))
      for (let c = 0; c < channels; c++) columns[c]![count] = values[c]!
      return ++count >= capacity
    },
    filled: () => count,
    take() {
      const bytes = count * BYTES_PER_SAMPLE.f32
      const blocks = columns.map(({ buffer }) => new Uint8Array(buffer, 0, bytes))
      const chunk: SampleChunk = { firstIndex, count, encoding: 'f32', blocks }
      firstIndex += count
      count = 0
      return channels > 0 ? chunk : null
    },
  }
}

interface OverloadWatch {
  /** Latches at op time 0; true when that ends OP. */
  atStart(): boolean
  /** Latches what the last step overloaded; the op time at which OP ends, or null. */
  afterStep(): number | null
}

function overloadWatch(model: CircuitModel, solution: DormandPrince, operation: Operation): OverloadWatch {
  const { overloads, haltOnOverload } = operation
  const used = Int32Array.from(model.usedOutputs)
  const state = new Float64Array(model.dimension)
  const outputs = new Float64Array(model.outputCount)
  const exceeds = (t: number, latch: 'latch' | 'look'): boolean => {
    solution.interpolate(t, state)
    model.outputs(state, outputs)
    let any = false
    for (let i = 0; i < used.length; i++) {
      const output = used[i]!
      if (Math.abs(outputs[output]!) <= OVERLOAD) continue
      any = true
      if (latch === 'latch') overloads[output] = 1
    }
    return any
  }
  const locate = (before: number, after: number): number => {
    let low = before
    let high = after
    for (let i = 0; i < BISECTIONS; i++) {
      const middle = (low + high) / 2
      if (exceeds(middle, 'look')) high = middle
      else low = middle
    }
    exceeds(high, 'latch')
    return high
  }
  return {
    atStart: () => exceeds(0, 'latch') && haltOnOverload,
    afterStep() {
      const { tStart, t } = solution
      const span = (t - tStart) / CHECKS_PER_STEP
      for (let i = 1; i <= CHECKS_PER_STEP; i++) {
        const at = i === CHECKS_PER_STEP ? t : tStart + i * span
        if (!exceeds(at, haltOnOverload ? 'look' : 'latch')) continue
        if (haltOnOverload) return locate(tStart + (i - 1) * span, at)
      }
      return null
    },
  }
}
