/**
 * Dormand-Prince 5(4): an explicit Runge-Kutta pair with adaptive steps, first-same-as-last stages and a
 * fourth-order continuous extension, so that samples at any instants cost no further evaluations and do not
 * dictate the step. Chosen because circuits are smooth and seldom stiff, and one step of generated code is cheap.
 * Coefficients: J. R. Dormand, P. J. Prince, J. Comp. Appl. Math. 6 (1980); the extension and the choice of the
 * first step: E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I, II.4 and II.6.
 */
import { invariant } from '@lucihub/analog'
import {
  ROW,
  ROWS,
  TRIAL,
  loopKernel,
  memoryLength,
  type StepKernel,
  type Sweep,
  type SweepKernel,
} from './step-kernel.ts'
import { GROW, stretch } from './step-length.ts'

/** An initial value problem's right-hand side: writes dy/dt at (t, y) into `dy`. Must not keep or change `y`. */
export interface OdeProblem {
  readonly dimension: number
  rhs(t: number, y: Float64Array, dy: Float64Array): void
  /** The same as generated steps, where the problem can be had as source. */
  readonly kernel?: (StepKernel & SweepKernel) | null
}

/** A step is accepted when its error estimate is below atol + rtol * |y|, in the root mean square over the components. */
export interface Tolerances {
  /** Default 1e-6. */
  readonly rtol?: number
  /** Default 1e-8. */
  readonly atol?: number
  /** Tried steps, accepted or not. Default 5 000 000: some ten times the longest run of a device. */
  readonly maxSteps?: number
  /** Length of the first step to try; chosen from the problem when absent. */
  readonly firstStep?: number
}

export type StepStatus = 'ok' | 'step_limit' | 'not_finite'

const MAX_STEPS = 5_000_000

/** The samples of a sweep: see {@link Sweep}. `sample` and `at` go forward. */
export interface Sampling extends Pick<Sweep, 'budget' | 'sample' | 'period' | 'at' | 'stop' | 'capacity'> {
  columns: readonly Float32Array[]
}

/**
 * The resumable form: holds the state between steps, so that a long integration can be cut into slices.
 * `step` advances by one accepted step; `interpolate` reads any instant within it.
 */
export class DormandPrince {
  /** End of the last accepted step. */
  t: number
  /** Start of the last accepted step. */
  tStart: number
  /** 1 / length of the last accepted step; 0 before the first, which makes every instant its start. */
  perStep = 0
  /** Tried steps so far. */
  steps = 0
  /** Solution at `t`. Owned by the integration: read only. */
  readonly y: Float64Array

  /** Solution and stages; see {@link ROW}. */
  readonly memory: Float64Array

  readonly #dimension: number
  readonly #kernel: StepKernel
  readonly #sweepKernel: SweepKernel | null
  /** Where in the memory a step is told its length. */
  readonly #trial: number
  readonly #rtol: number
  readonly #atol: number
  readonly #maxSteps: number
  /** Length of the next step to try. */
  #h: number

  constructor(problem: OdeProblem, y0: Float64Array, t0: number, tolerances: Tolerances = {}) {
    const n = problem.dimension
    invariant(y0.length === n, `an initial state of ${y0.length} values fits a problem of dimension ${n}`)
    this.#dimension = n
    const { rtol = 1e-6, atol = 1e-8 } = tolerances
    this.#maxSteps = tolerances.maxSteps ?? MAX_STEPS
    this.#rtol = rtol
    this.#atol = atol
    this.t = t0
    this.tStart = t0
    this.memory = new Float64Array(memoryLength(n))
    this.#trial = ROWS * n
    this.memory[this.#trial + TRIAL.rtol] = rtol
    this.memory[this.#trial + TRIAL.atol] = atol
    this.#kernel = problem.kernel ?? loopKernel(problem, this.memory)
    this.#sweepKernel = problem.kernel ?? null
    this.y = this.#row(ROW.y)
    this.y.set(y0)
    this.#row(ROW.before).set(y0)
    problem.rhs(t0, this.y, this.#row(ROW.k1))
    this.#h = tolerances.firstStep ?? this.#chooseFirstStep(problem, { rtol, atol })
  }

  /**
   * Makes one accepted step that does not pass `tEnd`. `not_finite`: the solution leaves the finite numbers, or the
   * step would have to be shorter than the resolution of time. After anything but `ok` the integration is over.
   */
  step(tEnd: number): StepStatus {
    const shortest = shortestStep(this.t, tEnd)
    for (let rejected = false; ; rejected = true) {
      if (this.steps >= this.#maxSteps) return 'step_limit'
      const remaining = tEnd - this.t
      // The last step may stretch by a hundredth rather than leave a sliver.
      const last = this.#h * 1.01 >= remaining
      const h = last ? remaining : this.#h
      if (!(h > shortest)) {
        if (!last || !(remaining <= shortest)) return 'not_finite'
        this.#row(ROW.before).set(this.y)
        this.perStep = 0
        this.tStart = this.t
        this.t = tEnd
        return 'ok'
      }
      this.steps++
      const m = this.memory
      const trial = this.#trial
      m[trial + TRIAL.t] = this.t
      m[trial + TRIAL.h] = h
      const made = this.#kernel.step(m)
      const squares = m[trial + TRIAL.squares]!
      if (made) {
        const factor = Math.min(rejected ? 1 : GROW, stretch(squares))
        this.tStart = this.t
        this.t = last ? tEnd : this.t + h
        this.perStep = 1 / h
        // A step cut short by tEnd says little about the next one unless its error was large.
        this.#h = last ? Math.max(this.#h, h * factor) : h * factor
        return 'ok'
      }
      this.#h = h * (squares < Infinity ? stretch(squares) : 0.1)
    }
  }

  /**
   * Makes accepted steps up to `tEnd`, as many as `sampling.budget`, and writes the samples that they cover into the
   * columns; see {@link SweepKernel}. How many steps were made: 0 when only `step` can tell how to go on.
   */
  sweep(tEnd: number, sampling: Sampling): number {
    if (this.#sweepKernel === null) return 0
    const { budget, columns } = sampling
    const sweep: Sweep = {
      t: this.t,
      start: this.tStart,
      perStep: this.perStep,
      next: this.#h,
      end: tEnd,
      shortest: shortestStep(this.t, tEnd),
      rtol: this.#rtol,
      atol: this.#atol,
      steps: this.steps,
      maxSteps: this.#maxSteps,
      budget,
      sample: sampling.sample,
      period: sampling.period,
      at: sampling.at,
      stop: sampling.stop,
      capacity: sampling.capacity,
    }
    this.#sweepKernel.sweep(this.memory, sweep, columns)
    this.t = sweep.t
    this.tStart = sweep.start
    this.perStep = sweep.perStep
    this.#h = sweep.next
    this.steps = sweep.steps
    sampling.sample = sweep.sample
    sampling.at = sweep.at
    return budget - sweep.budget
  }

  /** The solution at an instant within the last step, tStart <= t <= this.t, written into `into`. */
  interpolate(t: number, into: Float64Array): void {
    const n = this.#dimension
    const m = this.memory
    const theta = (t - this.tStart) * this.perStep
    const rest = 1 - theta
    let before = ROW.before * n
    for (let i = 0, j = ROW.dense * n; i < n; i++, j++, before++) {
      into[i] = m[before]! + theta * (m[j]! + rest * (m[j + n]! + theta * (m[j + 2 * n]! + rest * m[j + 3 * n]!)))
    }
  }

  #row(index: number): Float64Array {
    return this.memory.subarray(index * this.#dimension, (index + 1) * this.#dimension)
  }

  /** Compares the size of the solution with its first and (by one Euler step) second derivative. */
  #chooseFirstStep(problem: OdeProblem, { rtol, atol }: { rtol: number; atol: number }): number {
    const [k1, k2, stage] = [this.#row(ROW.k1), this.#row(ROW.k2), this.#row(ROW.stage)]
    const { y, t } = this
    const n = y.length
    const norm = (read: (i: number) => number): number => {
      let sum = 0
      for (let i = 0; i < n; i++) sum += (read(i) / (atol + rtol * Math.abs(y[i]!))) ** 2
      return Math.sqrt(sum / Math.max(1, n))
    }
    const size = norm((i) => y[i]!)
    const slope = norm((i) => k1[i]!)
    const guess = size < 1e-5 || slope < 1e-5 ? 1e-6 : 0.01 * (size / slope)
    for (let i = 0; i < n; i++) stage[i] = y[i]! + guess * k1[i]!
    problem.rhs(t + guess, stage, k2)
    const bend = norm((i) => k2[i]! - k1[i]!) / guess
    const steepest = Math.max(slope, bend)
    const fits = steepest <= 1e-15 ? Math.max(1e-6, guess * 1e-3) : (0.01 / steepest) ** 0.2
    const first = Math.min(100 * guess, fits)
    return first > 0 ? first : 1e-6
  }
}

/** Resolution of time, s. */
function shortestStep(t: number, tEnd: number): number {
  return 16 * Number.EPSILON * Math.max(Math.abs(t), Math.abs(tEnd))
}
