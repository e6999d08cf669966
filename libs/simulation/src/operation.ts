/**
 * The OP phase: integrates a circuit, samples it and watches for overload. A generator of slices, so that whoever
 * drives it may wait, publish or stop between them; it holds no clock. Samples go straight from the dense output
 * into the bytes of a chunk.
 */
import { BYTES_PER_SAMPLE, type HaltCondition, type SampleChunk } from '@lucihub/analog'
import type { CircuitModel } from './circuit.ts'
import { DormandPrince, type StepStatus, type Tolerances } from './dormand-prince.ts'
import { haltWatch, type Calibration, type Halt } from './halt-watch.ts'
import { OVERLOAD } from './overload.ts'

/** A chunk spans at most this much op time, s: a live view must not wait for 4 096 slow samples. */
const CHUNK_SPAN_S = 0.05
/** Accepted steps between two chances to do something else: a few ms of computing. */
const STEPS_PER_SLICE = 2_000
/** Instants per step at which outputs are compared with full scale. */
const CHECKS_PER_STEP = 4
/** Halvings when an overload is located: a step over 2^20 is far below one sample. */
const BISECTIONS = 20

const OVERLOADED: HaltCondition = { kind: 'overload' }

export interface Operation {
  /** How long IC charged the integrators, s. Default: for ever. */
  readonly icTime?: number
  /** s */
  readonly opTime: number
  /** 1/s */
  readonly sampleRate: number
  readonly sampleCount: number
  /** Largest number of samples per channel in a chunk. */
  readonly chunkSamples: number
  readonly haltOnOverload: boolean
  /** What else ends OP; `wallClock` is for whoever drives this to watch. Default: nothing. */
  readonly haltConditions?: readonly HaltCondition[]
  /** Factor and offset of each channel, for the levels of thresholds. Default: machine units. */
  readonly channels?: readonly Calibration[]
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
  readonly status: StepStatus
  /** What ended OP before its time, if anything did. */
  readonly halted: HaltCondition | null
  /** Op time at the end, s. */
  readonly t: number
  /** All outputs at the end, as the converter reads them. */
  readonly final: Float32Array
}

export function* operate(model: CircuitModel, operation: Operation): Generator<Slice, OperationEnd> {
  const { opTime, sampleRate, convert } = operation
  model.reset()
  const solution = new DormandPrince(model, model.charged(operation.icTime ?? Infinity), 0, operation.tolerances)
  const watch = overloadWatch(model, solution, operation)
  const chunks = chunkWriter(
    model.probes.length,
    Math.min(operation.chunkSamples, Math.ceil(sampleRate * CHUNK_SPAN_S)),
  )
  const instants = { first: 0, count: 0, period: 1 / sampleRate, start: 0, perStep: 0 }
  const conditions = haltWatch(operation.haltConditions ?? [], {
    model,
    solution,
    channels: operation.channels ?? [],
  })
  let halt: Halt | null = watch.atStart() ? { t: 0, condition: OVERLOADED } : null
  let status: StepStatus = 'ok'

  /** Samples what the last step covers; true when that filled a chunk. */
  const sample = (): boolean => {
    const due = samplesUntil(halt?.t ?? solution.t, instants.first, operation) - instants.first
    if (due === 0) return false
    instants.count = Math.min(due, chunks.room())
    instants.start = solution.tStart
    instants.perStep = solution.perStep
    model.record(solution.memory, instants, chunks.columns(), chunks.filled())
    if (convert) chunks.convert(convert, instants.count)
    instants.first += instants.count
    return chunks.add(instants.count)
  }
  /** Makes many steps at once, and their samples; 0 when it cannot. Halt conditions want to see each step. */
  const sweep = (budget: number): number => {
    if (conditions !== null || model.maxStep < Infinity) return 0
    const at = chunks.filled()
    const capacity = at + chunks.room()
    const sampling = {
      budget,
      sample: instants.first,
      period: instants.period,
      at,
      stop: Math.min(capacity, at + operation.sampleCount - instants.first),
      capacity,
      columns: chunks.columns(),
    }
    const made = solution.sweep(opTime, sampling)
    const count = sampling.at - at
    if (convert) chunks.convert(convert, count)
    instants.first += count
    chunks.add(count)
    return made
  }
  /** Goes on until there is something to hand over. A function of its own: what loops within a generator is slower. */
  const advance = (): 'chunk' | 'pause' | 'end' => {
    for (let left = STEPS_PER_SLICE; left > 0;) {
      if (chunks.room() === 0 || sample()) return 'chunk'
      if (halt !== null || solution.t >= opTime) return 'end'
      const made = sweep(left)
      if (made === 0) {
        status = solution.step(Math.min(opTime, solution.t + model.maxStep))
        if (status !== 'ok') return 'end'
      }
      left -= Math.max(1, made)
      halt = conditions?.afterStep() ?? null
      // An overload at the same instant is the reason that a machine would give.
      const overloadAt = watch.afterStep(halt?.t ?? solution.t)
      if (overloadAt !== null) halt = { t: overloadAt, condition: OVERLOADED }
    }
    return 'pause'
  }

  for (let reached = advance(); reached !== 'end'; reached = advance()) {
    if (reached === 'chunk') yield { t: (instants.first - 1) / sampleRate, chunk: chunks.take() }
    else yield { t: solution.tStart, chunk: null }
  }
  const t = status === 'ok' ? (halt?.t ?? opTime) : solution.t
  if (chunks.filled() > 0) yield { t, chunk: chunks.take() }
  const state = new Float64Array(model.dimension)
  const outputs = new Float64Array(model.outputCount)
  solution.interpolate(t, state)
  model.outputs(state, outputs, t)
  return {
    status,
    halted: status === 'ok' && halt ? halt.condition : null,
    t,
    final: Float32Array.from(convert ? outputs.map(convert) : outputs),
  }
}

/** How many samples (k * period) lie at or before an instant, at least `from`. */
function samplesUntil(t: number, from: number, { sampleRate, sampleCount }: Operation): number {
  const period = 1 / sampleRate
  let count = Math.max(from, Math.min(sampleCount, Math.floor(t * sampleRate) + 1))
  // The product may be rounded to either side of a sample.
  while (count > from && (count - 1) * period > t) count--
  while (count < sampleCount && count * period <= t) count++
  return count
}

interface ChunkWriter {
  /** Where to write, from `filled()` on and no more than `room()`. */
  columns(): readonly Float32Array[]
  room(): number
  filled(): number
  /** Converts what was just written, sample by sample. */
  convert(convert: (value: number) => number, count: number): void
  /** Takes note of what was written; true when the chunk is full. */
  add(count: number): boolean
  take(): SampleChunk | null
}

function chunkWriter(channels: number, capacity: number): ChunkWriter {
  // One buffer for all columns: the engine takes longer to make and to collect many.
  const newColumns = (): Float32Array[] => {
    const buffer = new ArrayBuffer(channels * capacity * BYTES_PER_SAMPLE.f32)
    return Array.from(
      { length: channels },
      (_, channel) => new Float32Array(buffer, channel * capacity * BYTES_PER_SAMPLE.f32, capacity),
    )
  }
  let firstIndex = 0
  let filled = 0
  let columns: Float32Array[] | null = null
  const current = (): Float32Array[] => (columns ??= newColumns())
  return {
    columns: current,
    room: () => capacity - filled,
    filled: () => filled,
    convert(convert, count) {
      const columns = current()
      for (let i = filled; i < filled + count; i++) {
        for (let c = 0; c < channels; c++) columns[c]![i] = convert(columns[c]![i]!)
      }
    },
    add(count) {
      filled += count
      return filled >= capacity
    },
    take() {
      const bytes = filled * BYTES_PER_SAMPLE.f32
      const blocks = current().map(({ buffer, byteOffset }) => new Uint8Array(buffer, byteOffset, bytes))
      const chunk: SampleChunk = { firstIndex, count: filled, encoding: 'f32', blocks }
      firstIndex += filled
      filled = 0
      columns = null
      return channels > 0 ? chunk : null
    },
  }
}

interface OverloadWatch {
  /** Latches at op time 0; true when that ends OP. */
  atStart(): boolean
  /** Latches what the last step overloaded up to an instant; the op time at which OP ends, or null. */
  afterStep(until: number): number | null
}

function overloadWatch(model: CircuitModel, solution: DormandPrince, operation: Operation): OverloadWatch {
  const { overloads, haltOnOverload } = operation
  const used = Int32Array.from(model.usedOutputs)
  const state = new Float64Array(model.dimension)
  const outputs = new Float64Array(model.outputCount)
  const exceeds = (t: number, latch: 'latch' | 'look'): boolean => {
    solution.interpolate(t, state)
    model.outputs(state, outputs, t)
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
    afterStep(until) {
      if (model.calm(solution.memory)) return null
      const { tStart } = solution
      const span = (until - tStart) / CHECKS_PER_STEP
      for (let i = 1; i <= CHECKS_PER_STEP; i++) {
        const at = i === CHECKS_PER_STEP ? until : tStart + i * span
        if (!exceeds(at, haltOnOverload ? 'look' : 'latch')) continue
        if (haltOnOverload) return locate(tStart + (i - 1) * span, at)
      }
      return null
    },
  }
}
