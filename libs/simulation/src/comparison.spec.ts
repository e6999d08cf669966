import fc from 'fast-check'
import { compareRuns, startComparison, type Comparison, type WholeRun } from './comparison.ts'
import { integrate } from './integrate.ts'

const X = [{ label: 'x', fullScale: 2 }]

function sampled(
  f: (t: number) => number,
  { rate, offset = 0, count }: { rate: number; offset?: number; count: number },
): WholeRun {
  return { rate, offset, values: [Float64Array.from({ length: count }, (_, k) => f(offset + k / rate))] }
}

function compare(a: WholeRun, b: WholeRun, tolerance?: number): Comparison {
  return compareRuns({ a, b }, { channels: X, ...(tolerance !== undefined && { tolerance }) })
}

test('differences are told in machine and in physical units, with the time of the largest and of the first too large', () => {
  const a = { rate: 2, offset: 1, values: [[0, 0.002, 0.1, -0.2]] }
  const b = { rate: 2, offset: 1, values: [[0, 0, 0, 0]] }
  const comparison = compare(a, b)
  expect(comparison).toEqual({
    verdict: 'differs',
    tolerance: 0.01,
    span: { from: 1, until: 2.5 },
    divergence: null,
    channels: [
      {
        label: 'x',
        samples: 4,
        rms: {
          machine: expect.closeTo(Math.sqrt((1e-6 + 0.0025 + 0.01) / 4), 12),
          physical: expect.closeTo(2 * Math.sqrt((1e-6 + 0.0025 + 0.01) / 4), 12),
        },
        max: { machine: 0.1, physical: 0.2 },
        maxTime: 2.5,
        firstExcursion: 2,
        rmsBefore: {
          machine: expect.closeTo(0.001 / Math.SQRT2, 12),
          physical: expect.closeTo(0.002 / Math.SQRT2, 12),
        },
        verdict: 'differs',
      },
    ],
  })
})

test('a run agrees with itself, whatever is in it', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 1 }), (values) => {
      const run = { rate: 3, offset: 0.5, values: [values] }
      const { verdict, channels } = compare(run, run)
      expect([verdict, channels[0]?.max.machine, channels[0]?.samples]).toEqual(['agrees', 0, values.length])
    }),
  )
})

test('what is no number differs, even in one sample', () => {
  const { verdict, channels } = compare(
    { rate: 1, offset: 0, values: [[0, NaN, 5]] },
    { rate: 1, offset: 0, values: [[0, 0, 0]] },
  )
  expect(verdict).toBe('differs')
  expect(channels[0]).toMatchObject({ max: { machine: NaN }, maxTime: 1, firstExcursion: 1 })
})

test('different rates and starts are aligned by a cubic', () => {
  const a = sampled(Math.sin, { rate: 10, offset: 0.37, count: 200 })
  const b = sampled(Math.sin, { rate: 7, count: 100 })
  const { span, channels, verdict } = compare(a, b, 1e-4)
  // Run B ends at 99 / 7 = 14.14.
  expect(span).toEqual({ from: 0.37, until: expect.closeTo(14.07, 12) })
  expect([verdict, channels[0]?.samples]).toEqual(['agrees', 138])
  // A cubic errs by 3/128 h^4 |f''''| in the middle, at the ends by up to 1/24 h^4.
  expect(channels[0]?.max.physical).toBeLessThan((1 / 24) * (1 / 7) ** 4)
})

test('every second sample of a run coincides with it exactly', () => {
  const wild = (t: number): number => Math.sin(1e6 * t)
  expect(
    compare(sampled(wild, { rate: 500, count: 10 }), sampled(wild, { rate: 1000, count: 30 })).channels[0]?.max.machine,
  ).toBe(0)
})

test('runs without an instant in common differ', () => {
  const { verdict, span } = compare(
    sampled(Math.sin, { rate: 1, count: 3 }),
    sampled(Math.sin, { rate: 1, offset: 5, count: 3 }),
  )
  expect([verdict, span]).toEqual(['differs', null])
  expect(compare(sampled(Math.sin, { rate: 1, count: 0 }), sampled(Math.sin, { rate: 1, count: 3 })).verdict).toBe(
    'differs',
  )
})

test('a comparison in windows is the comparison of the whole', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.double({ min: 0.3, max: 3, noNaN: true }),
      fc.double({ min: -1, max: 1, noNaN: true }),
      (size, rate, offset) => {
        const a = sampled(Math.sin, { rate: 1, count: 100 })
        const b = sampled((t) => Math.sin(t) + 1e-3 * Math.cos(3 * t), { rate, offset, count: 60 })
        const running = startComparison({ a: { ...a, count: 100 }, b: { ...b, count: 60 }, channels: X })
        const { first, count } = running.overlap
        for (let from = first; from < first + count; from += size) {
          const range = { first: from, count: Math.min(size, first + count - from) }
          const needed = running.needs(range)
          running.add(
            0,
            { firstIndex: from, values: Array.from(a.values[0]!).slice(from, from + range.count) },
            {
              firstIndex: needed.first,
              values: Array.from(b.values[0]!).slice(needed.first, needed.first + needed.count),
            },
          )
        }
        const whole = compare(a, b)
        expect(running.result().channels[0]?.max.machine).toBeCloseTo(whole.channels[0]?.max.machine ?? NaN, 9)
        expect(running.result().span).toEqual(whole.span)
      },
    ),
  )
})

/** x of the Lorenz system, full scale 20. */
function lorenz(x0: number, { rho = 28, rate = 50, count = 2000 } = {}): WholeRun {
  const x = new Float64Array(count)
  const problem = {
    dimension: 3,
    rhs(_t: number, y: Float64Array, dy: Float64Array) {
      dy[0] = 10 * (y[1]! - y[0]!)
      dy[1] = y[0]! * (rho - y[2]!) - y[1]!
      dy[2] = y[0]! * y[1]! - (8 / 3) * y[2]!
    },
  }
  integrate(
    problem,
    Float64Array.of(x0, 1, 20),
    { t0: 0, dt: 1 / rate, count },
    { rtol: 1e-11, atol: 1e-12, onSample: (k, y) => void (x[k] = y[0]!) },
  )
  return { rate, offset: 0, values: [x] }
}

test.each([1e-4, 1e-6, 1e-9])(
  'chaotic runs that start %p apart agree until a horizon, which their growth tells',
  (apart) => {
    const { verdict, divergence, channels } = compareRuns(
      { a: lorenz(1 + apart), b: lorenz(1) },
      { channels: [{ label: 'x', fullScale: 20 }] },
    )
    expect(verdict).toBe('agrees-until-horizon')
    // The largest Lyapunov exponent is 0.906; over so short a time it is met roughly.
    expect(divergence?.growthRate).toBeGreaterThan(0.6)
    expect(divergence?.growthRate).toBeLessThan(1.5)
    expect(divergence?.horizon).toBeLessThanOrEqual(channels[0]?.firstExcursion ?? 0)
    expect(divergence?.horizon).toBeGreaterThan((0.7 * Math.log((0.01 * 20) / apart)) / (divergence?.growthRate ?? 0))
  },
)

/** x of Sprott's system C, full scale 4: every time that it leaves the z axis, neighbours part by decades at once. */
function sprottC(x0: number): WholeRun {
  const x = new Float64Array(2000)
  const problem = {
    dimension: 3,
    rhs(_t: number, y: Float64Array, dy: Float64Array) {
      dy[0] = y[1]! * y[2]!
      dy[1] = y[0]! - y[1]!
      dy[2] = 1 - y[0]! * y[0]!
    },
  }
  integrate(
    problem,
    Float64Array.of(x0, 0.05, 0.05),
    { t0: 0, dt: 0.05, count: x.length },
    { rtol: 1e-11, atol: 1e-13, onSample: (k, y) => void (x[k] = y[0]!) },
  )
  return { rate: 20, offset: 0, values: [x] }
}

test('where growth comes in bursts, the horizon comes as early as growth was before', () => {
  const { verdict, divergence, channels } = compareRuns(
    { a: sprottC(0.05 + 1e-10), b: sprottC(0.05) },
    { channels: [{ label: 'x', fullScale: 4 }], tolerance: 1e-3 },
  )
  expect(verdict).toBe('agrees-until-horizon')
  // Four decades within the four units of time before, after a rest of seventeen.
  expect(channels[0]?.firstExcursion).toBeCloseTo(35, -0.5)
  expect(divergence?.horizon).toBeGreaterThan(25)
})

test('a chaotic run under another equation differs', () => {
  expect(
    compareRuns({ a: lorenz(1, { rho: 29 }), b: lorenz(1) }, { channels: [{ label: 'x', fullScale: 20 }] }).verdict,
  ).toBe('differs')
})

test.each<[string, (t: number) => number]>([
  ['a gain error', (t) => 1.1 * Math.sin(t)],
  ['an offset', (t) => Math.sin(t) + 0.1],
  ['a frequency error, whose difference grows in proportion to time', (t) => Math.sin(1.01 * t)],
  ['a drift with the square of time', (t) => Math.sin(t) + 1e-4 * t * t],
  ['a jump', (t) => (t < 30 ? Math.sin(t) : 0)],
  [
    'a difference that grows exponentially, but begins beyond the tolerance',
    (t) => Math.sin(t) + 0.05 * Math.exp(0.1 * t),
  ],
])('%s is not taken for chaos', (_name, f) => {
  const grid = { rate: 10, count: 1000 }
  expect(compare(sampled(f, grid), sampled(Math.sin, grid))).toMatchObject({ verdict: 'differs' })
})
