/**
 * Dormand-Prince 5(4): an explicit Runge-Kutta pair with adaptive steps, first-same-as-last stages and a
 * fourth-order continuous extension, so that samples at any instants cost no further evaluations and do not
 * dictate the step. Chosen because circuits are smooth and seldom stiff, and one step of generated code is cheap.
 * Coefficients: J. R. Dormand, P. J. Prince, J. Comp. Appl. Math. 6 (1980); the extension and the choice of the
 * first step: E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I, II.4 and II.6.
 */
import { invariant } from '@lucihub/analog'

/** An initial value problem's right-hand side: writes dy/dt at (t, y) into `dy`. Must not keep or change `y`. */
export interface OdeProblem {
  readonly dimension: number
  rhs(t: number, y: Float64Array, dy: Float64Array): void
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
const SAFETY = 0.9
/** Bounds of the change of the step length from one step to the next. */
const SHRINK = 0.2
const GROW = 10

/**
 * The resumable form: holds the state between steps, so that a long integration can be cut into slices.
 * `step` advances by one accepted step; `interpolate` reads any instant within it.
 */
export class DormandPrince {
  /** End of the last accepted step. */
  t: number
  /** Start of the last accepted step. */
  tStart: number
  /** Tried steps so far. */
  steps = 0
  /** Solution at `t`. Owned by the integration: read only. */
  readonly y: Float64Array

  readonly #problem: OdeProblem
  readonly #rtol: number
  readonly #atol: number
  readonly #maxSteps: number
  #h: number
  #k: Float64Array[]
  readonly #stage: Float64Array
  readonly #next: Float64Array
  /** Five rows of coefficients of the continuous extension over the last step. */
  readonly #dense: Float64Array
  /** The extension is only computed for steps that somebody reads from. */
  #denseReady = false
  readonly #before: Float64Array
  #hDone = 0

  constructor(problem: OdeProblem, y0: Float64Array, t0: number, tolerances: Tolerances = {}) {
    const n = problem.dimension
    invariant(y0.length === n, `an initial state of ${y0.length} values fits a problem of dimension ${n}`)
    this.#problem = problem
    this.#rtol = tolerances.rtol ?? 1e-6
    this.#atol = tolerances.atol ?? 1e-8
    this.#maxSteps = tolerances.maxSteps ?? MAX_STEPS
    this.t = t0
    this.tStart = t0
    this.y = y0.slice()
    this.#k = Array.from({ length: 7 }, () => new Float64Array(n))
    this.#stage = new Float64Array(n)
    this.#next = new Float64Array(n)
    this.#dense = new Float64Array(4 * n)
    this.#before = y0.slice()
    problem.rhs(t0, this.y, this.#stages()[0])
    this.#h = tolerances.firstStep ?? this.#chooseFirstStep()
  }

  /**
   * Makes one accepted step that does not pass `tEnd`. `not_finite`: the solution leaves the finite numbers, or the
   * step would have to be shorter than the resolution of time. After anything but `ok` the integration is over.
   */
  step(tEnd: number): StepStatus {
    const shortest = 16 * Number.EPSILON * Math.max(Math.abs(this.t), Math.abs(tEnd))
    for (let rejected = false; ; rejected = true) {
      if (this.steps >= this.#maxSteps) return 'step_limit'
      const remaining = tEnd - this.t
      // The last step may stretch by a hundredth rather than leave a sliver.
      const last = this.#h * 1.01 >= remaining
      const h = last ? remaining : this.#h
      if (!(h > shortest)) {
        if (!last || !(remaining <= shortest)) return 'not_finite'
        this.#hDone = 0
        this.t = tEnd
        return 'ok'
      }
      this.steps++
      const error = this.#attempt(h)
      if (error <= 1) {
        const factor = Math.min(rejected ? 1 : GROW, Math.max(SHRINK, SAFETY * error ** -0.2))
        this.#accept(h, last ? tEnd : this.t + h)
        // A step cut short by tEnd says little about the next one unless its error was large.
        this.#h = last ? Math.max(this.#h, h * factor) : h * factor
        return 'ok'
      }
      this.#h = h * (error > 1 && error < Infinity ? Math.max(SHRINK, SAFETY * error ** -0.2) : 0.1)
    }
  }

  /** The solution at an instant within the last step, tStart <= t <= this.t, written into `into`. */
  interpolate(t: number, into: Float64Array): void {
    const n = this.#problem.dimension
    if (this.#hDone === 0) {
      into.set(this.y)
      return
    }
    if (!this.#denseReady) this.#prepareDense()
    const theta = (t - this.tStart) / this.#hDone
    const rest = 1 - theta
    const before = this.#before
    const dense = this.#dense
    for (let i = 0, j = 0; i < n; i++, j += 4) {
      into[i] =
        before[i]! + theta * (dense[j]! + rest * (dense[j + 1]! + theta * (dense[j + 2]! + rest * dense[j + 3]!)))
    }
  }

  #stages(): [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array, Float64Array, Float64Array] {
    const [k1, k2, k3, k4, k5, k6, k7] = this.#k
    invariant(k1 && k2 && k3 && k4 && k5 && k6 && k7, 'seven stages')
    return [k1, k2, k3, k4, k5, k6, k7]
  }

  /** Evaluates the stages of a step of length h; returns the error in units of the tolerance (NaN if not finite). */
  #attempt(h: number): number {
    const [k1, k2, k3, k4, k5, k6, k7] = this.#stages()
    const { t, y } = this
    const problem = this.#problem
    const n = problem.dimension
    const s = this.#stage
    const next = this.#next
    for (let i = 0; i < n; i++) s[i] = y[i]! + h * (1 / 5) * k1[i]!
    problem.rhs(t + h / 5, s, k2)
    for (let i = 0; i < n; i++) s[i] = y[i]! + h * ((3 / 40) * k1[i]! + (9 / 40) * k2[i]!)
    problem.rhs(t + h * (3 / 10), s, k3)
    for (let i = 0; i < n; i++) s[i] = y[i]! + h * ((44 / 45) * k1[i]! - (56 / 15) * k2[i]! + (32 / 9) * k3[i]!)
    problem.rhs(t + h * (4 / 5), s, k4)
    for (let i = 0; i < n; i++) {
      s[i] =
        y[i]! + h * ((19372 / 6561) * k1[i]! - (25360 / 2187) * k2[i]! + (64448 / 6561) * k3[i]! - (212 / 729) * k4[i]!)
    }
    problem.rhs(t + h * (8 / 9), s, k5)
    for (let i = 0; i < n; i++) {
      s[i] =
        y[i]! +
        h *
          ((9017 / 3168) * k1[i]! -
            (355 / 33) * k2[i]! +
            (46732 / 5247) * k3[i]! +
            (49 / 176) * k4[i]! -
            (5103 / 18656) * k5[i]!)
    }
    problem.rhs(t + h, s, k6)
    for (let i = 0; i < n; i++) {
      next[i] =
        y[i]! +
        h *
          ((35 / 384) * k1[i]! +
            (500 / 1113) * k3[i]! +
            (125 / 192) * k4[i]! -
            (2187 / 6784) * k5[i]! +
            (11 / 84) * k6[i]!)
    }
    problem.rhs(t + h, next, k7)

    if (n === 0) return 0
    let sum = 0
    for (let i = 0; i < n; i++) {
      const error =
        h *
        ((71 / 57600) * k1[i]! -
          (71 / 16695) * k3[i]! +
          (71 / 1920) * k4[i]! -
          (17253 / 339200) * k5[i]! +
          (22 / 525) * k6[i]! -
          (1 / 40) * k7[i]!)
      const scaled = error / (this.#atol + this.#rtol * Math.max(Math.abs(y[i]!), Math.abs(next[i]!)))
      sum += scaled * scaled
    }
    return Math.sqrt(sum / n)
  }

  #accept(h: number, t: number): void {
    this.#before.set(this.y)
    this.y.set(this.#next)
    this.tStart = this.t
    this.t = t
    this.#hDone = h
    this.#denseReady = false
    // First same as last: the seventh stage is the next step's first. The old first is still read by the extension.
    const [k1, k2, k3, k4, k5, k6, k7] = this.#stages()
    this.#k = [k7, k2, k3, k4, k5, k6, k1]
  }

  #prepareDense(): void {
    const [k7, , k3, k4, k5, k6, k1] = this.#stages()
    const h = this.#hDone
    const before = this.#before
    const { y } = this
    const dense = this.#dense
    for (let i = 0, j = 0; i < y.length; i++, j += 4) {
      const difference = y[i]! - before[i]!
      const bend = h * k1[i]! - difference
      dense[j] = difference
      dense[j + 1] = bend
      dense[j + 2] = difference - h * k7[i]! - bend
      dense[j + 3] =
        h *
        ((-12715105075 / 11282082432) * k1[i]! +
          (87487479700 / 32700410799) * k3[i]! -
          (10690763975 / 1880347072) * k4[i]! +
          (701980252875 / 199316789632) * k5[i]! -
          (1453857185 / 822651844) * k6[i]! +
          (69997945 / 29380423) * k7[i]!)
    }
    this.#denseReady = true
  }

  /** Compares the size of the solution with its first and (by one Euler step) second derivative. */
  #chooseFirstStep(): number {
    const [k1, k2] = this.#stages()
    const { y, t } = this
    const n = y.length
    const norm = (read: (i: number) => number): number => {
      let sum = 0
      for (let i = 0; i < n; i++) sum += (read(i) / (this.#atol + this.#rtol * Math.abs(y[i]!))) ** 2
      return Math.sqrt(sum / Math.max(1, n))
    }
    const size = norm((i) => y[i]!)
    const slope = norm((i) => k1[i]!)
    const guess = size < 1e-5 || slope < 1e-5 ? 1e-6 : 0.01 * (size / slope)
    for (let i = 0; i < n; i++) this.#stage[i] = y[i]! + guess * k1[i]!
    this.#problem.rhs(t + guess, this.#stage, k2)
    const bend = norm((i) => k2[i]! - k1[i]!) / guess
    const steepest = Math.max(slope, bend)
    const fits = steepest <= 1e-15 ? Math.max(1e-6, guess * 1e-3) : (0.01 / steepest) ** 0.2
    const first = Math.min(100 * guess, fits)
    return first > 0 ? first : 1e-6
  }
}
