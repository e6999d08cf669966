import { DormandPrince, type OdeProblem } from './dormand-prince.ts'
import { integrate, type IntegrateOptions } from './integrate.ts'

const OSCILLATOR: OdeProblem = {
  dimension: 2,
  rhs(_t, y, dy) {
    dy[0] = y[1]!
    dy[1] = -y[0]!
  },
}

/** Largest deviation of component 0 from `expected(t)` over the grid. */
function worstError(
  problem: OdeProblem,
  y0: number[],
  expected: (t: number) => number,
  grid: { t0: number; dt: number; count: number },
  options: Omit<IntegrateOptions, 'onSample'> = {},
): { worst: number; steps: number } {
  let worst = 0
  let next = 0
  const end = integrate(problem, Float64Array.from(y0), grid, {
    ...options,
    onSample(k, y) {
      if (k !== next++) throw new Error(`sample ${k} is out of order`)
      worst = Math.max(worst, Math.abs(y[0]! - expected(grid.t0 + k * grid.dt)))
    },
  })
  expect(end.status).toBe('ok')
  expect(next).toBe(grid.count)
  return { worst, steps: end.steps }
}

test('an oscillator follows the cosine within ten times the tolerance per unit of time', () => {
  const grid = { t0: 0, dt: 0.01, count: 1001 }
  expect(worstError(OSCILLATOR, [1, 0], Math.cos, grid).worst).toBeLessThan(1e-5)
  expect(worstError(OSCILLATOR, [1, 0], Math.cos, grid, { rtol: 1e-10, atol: 1e-12 }).worst).toBeLessThan(1e-9)
})

test('a right-hand side that depends on time is evaluated at the stage times', () => {
  const problem: OdeProblem = {
    dimension: 1,
    rhs(t, _y, dy) {
      dy[0] = Math.cos(t)
    },
  }
  expect(worstError(problem, [Math.sin(2)], Math.sin, { t0: 2, dt: 0.1, count: 80 }).worst).toBeLessThan(1e-5)
})

test('the number of samples does not change the number of steps', () => {
  const few = worstError(OSCILLATOR, [1, 0], Math.cos, { t0: 0, dt: 10, count: 2 })
  const many = worstError(OSCILLATOR, [1, 0], Math.cos, { t0: 0, dt: 0.0001, count: 100_001 })
  expect(many.steps).toBe(few.steps)
})

/** Euclidean distance from the exact solution: one component alone may hide the leading term of the error. */
const distance = (y: Float64Array, t: number): number => Math.hypot(y[0]! - Math.cos(t), y[1]! + Math.sin(t))

/** Error at t = 2 and the largest error of the interpolation in between, with steps of fixed length. */
function fixedStepErrors(count: number): { atEnd: number; between: number } {
  const h = 2 / count
  const solution = new DormandPrince(OSCILLATOR, Float64Array.of(1, 0), 0, { atol: Infinity, firstStep: h })
  const sample = new Float64Array(2)
  let between = 0
  for (let i = 1; i <= count; i++) {
    expect(solution.step(i * h)).toBe('ok')
    expect(solution.t).toBe(i * h)
    for (const theta of [0.25, 0.5, 0.75]) {
      const t = (i - 1 + theta) * h
      solution.interpolate(t, sample)
      between = Math.max(between, distance(sample, t))
    }
  }
  expect(solution.steps).toBe(count)
  return { atEnd: distance(solution.y, 2), between }
}

test('halving fixed steps shows order five at the steps and at least four between them', () => {
  const coarse = fixedStepErrors(16)
  const fine = fixedStepErrors(32)
  expect(Math.log2(coarse.atEnd / fine.atEnd)).toBeGreaterThan(4.8)
  expect(Math.log2(coarse.between / fine.between)).toBeGreaterThan(3.8)
})

test('a grid of one instant takes no step', () => {
  const seen: number[][] = []
  const end = integrate(
    OSCILLATOR,
    Float64Array.of(0.5, 2),
    { t0: 3, dt: 1, count: 1 },
    {
      onSample: (k, y) => void seen.push([k, ...y]),
    },
  )
  expect(seen).toEqual([[0, 0.5, 2]])
  expect(end).toEqual({ status: 'ok', steps: 0, t: 3 })
})

test('a listener that returns false stops the integration', () => {
  const end = integrate(OSCILLATOR, Float64Array.of(1, 0), { t0: 0, dt: 0.1, count: 1000 }, { onSample: (k) => k < 20 })
  expect(end.status).toBe('stopped')
  expect(end.t).toBeGreaterThanOrEqual(2)
  expect(end.t).toBeLessThan(4)
})

test('a solution with a pole ends as not finite, just before the pole', () => {
  const explosion: OdeProblem = {
    dimension: 1,
    rhs(_t, y, dy) {
      dy[0] = y[0]! * y[0]!
    },
  }
  const end = integrate(explosion, Float64Array.of(1), { t0: 0, dt: 0.1, count: 100 }, { onSample() {} })
  expect(end.status).toBe('not_finite')
  expect(end.t).toBeCloseTo(1, 4)
})

test('a right-hand side that is not a number ends as not finite at once', () => {
  const broken: OdeProblem = {
    dimension: 1,
    rhs(_t, _y, dy) {
      dy[0] = NaN
    },
  }
  const end = integrate(broken, Float64Array.of(1), { t0: 0, dt: 1, count: 2 }, { onSample() {} })
  expect([end.status, end.t]).toEqual(['not_finite', 0])
})

test('the step limit is kept', () => {
  const end = integrate(
    OSCILLATOR,
    Float64Array.of(1, 0),
    { t0: 0, dt: 1000, count: 2 },
    { maxSteps: 50, onSample() {} },
  )
  expect([end.status, end.steps]).toEqual(['step_limit', 50])
})

test('a state at rest stays at rest', () => {
  expect(worstError(OSCILLATOR, [0, 0], () => 0, { t0: 0, dt: 1, count: 1000 }).worst).toBe(0)
})
