/** A whole integration in one call: the solution of an initial value problem at the instants of an even grid. */
import { DormandPrince, type OdeProblem, type StepStatus, type Tolerances } from './dormand-prince.ts'

/** The instants t0 + k * dt for k = 0..count-1; dt > 0. */
export interface SampleGrid {
  readonly t0: number
  readonly dt: number
  readonly count: number
}

export interface IntegrateOptions extends Tolerances {
  /** Called in order of k. `y` is reused between calls: copy what you keep. Returning false stops. */
  onSample(k: number, y: Float64Array): boolean | void
}

export interface IntegrationEnd {
  /** `not_finite`: the solution ran away or is singular after `t`. `stopped`: by `onSample`. */
  readonly status: StepStatus | 'stopped'
  /** Tried steps. */
  readonly steps: number
  /** How far the solution is known. */
  readonly t: number
}

/** Integrates from t0 (where y = y0) to the last instant of the grid. Memory does not grow with `count`. */
export function integrate(
  problem: OdeProblem,
  y0: Float64Array,
  grid: SampleGrid,
  options: IntegrateOptions,
): IntegrationEnd {
  const solution = new DormandPrince(problem, y0, grid.t0, options)
  const instant = (k: number): number => grid.t0 + k * grid.dt
  const tEnd = instant(grid.count - 1)
  const sample = new Float64Array(problem.dimension)
  const end = (status: IntegrationEnd['status']): IntegrationEnd => ({ status, steps: solution.steps, t: solution.t })

  for (let k = 0; ;) {
    for (; k < grid.count && instant(k) <= solution.t; k++) {
      solution.interpolate(instant(k), sample)
      if (options.onSample(k, sample) === false) return end('stopped')
    }
    if (k >= grid.count) return end('ok')
    const status = solution.step(tEnd)
    if (status !== 'ok') return end(status)
  }
}
