/**
 * Damped Newton for small dense systems F(z) = 0 with a Jacobian by differences. Used for algebraic loops, where
 * the last solution is an excellent start and one or two iterations do.
 */

/** Writes F(z) into `f`. */
export type Residual = (z: Float64Array, f: Float64Array) => void

/** A loop counts as solved when every output satisfies its equation to this, machine units: far below the step tolerance. */
export const LOOP_TOLERANCE = 1e-10
const MAX_ITERATIONS = 50
const MAX_HALVINGS = 12
const DIFFERENCE = 1e-7
/** Tried in this order when the last solution leads nowhere. */
const STARTS = [0, 0.5, -0.5, 1, -1]

export interface NewtonSolver {
  /** The last solution; the next start. */
  readonly z: Float64Array
  /** Solves into `z`. False when no start converges: `z` is then NaN until `reset`. */
  solve(residual: Residual): boolean
  reset(): void
}

export function newtonSolver(size: number): NewtonSolver {
  const z = new Float64Array(size)
  const best = new Float64Array(size)
  const trial = new Float64Array(size)
  const f = new Float64Array(size)
  const shifted = new Float64Array(size)
  const step = new Float64Array(size)
  const jacobian = new Float64Array(size * size)

  const descend = (residual: Residual): boolean => {
    residual(best, f)
    let size0 = largest(f)
    for (let iteration = 0; iteration < MAX_ITERATIONS && size0 > LOOP_TOLERANCE; iteration++) {
      for (let column = 0; column < size; column++) {
        trial.set(best)
        const delta = DIFFERENCE * Math.max(1, Math.abs(best[column]!))
        trial[column] = best[column]! + delta
        residual(trial, shifted)
        for (let row = 0; row < size; row++) jacobian[row * size + column] = (shifted[row]! - f[row]!) / delta
      }
      step.set(f)
      if (!solveLinear(jacobian, step)) return false
      let damping = 1
      let size1 = Infinity
      for (let halving = 0; halving < MAX_HALVINGS; halving++, damping /= 2) {
        for (let i = 0; i < size; i++) trial[i] = best[i]! - damping * step[i]!
        residual(trial, shifted)
        size1 = largest(shifted)
        if (size1 < size0) break
      }
      if (!(size1 < size0)) return false
      best.set(trial)
      f.set(shifted)
      size0 = size1
    }
    return size0 <= LOOP_TOLERANCE
  }

  return {
    z,
    solve(residual) {
      best.set(z)
      let solved = descend(residual)
      for (let i = 0; !solved && i < STARTS.length; i++) {
        best.fill(STARTS[i]!)
        solved = descend(residual)
      }
      if (solved) z.set(best)
      else z.fill(NaN)
      return solved
    },
    reset() {
      z.fill(0)
    },
  }
}

/** Largest absolute value; NaN if any is. */
function largest(values: Float64Array): number {
  let most = 0
  for (const value of values) most = Math.max(most, Math.abs(value))
  return most
}

/** Gauss with row pivoting, in place: the solution replaces `b`. False when the matrix is singular. */
function solveLinear(a: Float64Array, b: Float64Array): boolean {
  const n = b.length
  for (let column = 0; column < n; column++) {
    let pivot = column
    for (let row = column + 1; row < n; row++) {
      if (Math.abs(a[row * n + column]!) > Math.abs(a[pivot * n + column]!)) pivot = row
    }
    const head = a[pivot * n + column]!
    if (!(Math.abs(head) > 1e-12)) return false
    if (pivot !== column) swapRows(a, b, pivot, column)
    for (let row = column + 1; row < n; row++) {
      const factor = a[row * n + column]! / head
      if (factor === 0) continue
      for (let k = column; k < n; k++) a[row * n + k] = a[row * n + k]! - factor * a[column * n + k]!
      b[row] = b[row]! - factor * b[column]!
    }
  }
  for (let row = n - 1; row >= 0; row--) {
    let sum = b[row]!
    for (let k = row + 1; k < n; k++) sum -= a[row * n + k]! * b[k]!
    b[row] = sum / a[row * n + row]!
  }
  return true
}

function swapRows(a: Float64Array, b: Float64Array, i: number, j: number): void {
  const n = b.length
  for (let k = 0; k < n; k++) {
    const kept = a[i * n + k]!
    a[i * n + k] = a[j * n + k]!
    a[j * n + k] = kept
  }
  const kept = b[i]!
  b[i] = b[j]!
  b[j] = kept
}
