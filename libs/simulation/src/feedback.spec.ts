/** Circuits whose multipliers feed back without an integrator between: the loops are solved, not refused. */
import { LUCIDAC, PORTABLE_CARRIER } from '@lucihub/analog'
import { circuitModel } from './circuit.ts'
import { testConfiguration, type TestCircuit } from './conformance.ts'
import { integrate } from './integrate.ts'

/** The first probe at the instants k / 20 000 s, k <= 100: half a unit of time apart. */
function play(circuit: TestCircuit): number[] {
  const model = circuitModel(testConfiguration(PORTABLE_CARRIER, circuit), LUCIDAC)
  const values: number[] = []
  const out = new Float64Array(model.probes.length)
  const end = integrate(
    model,
    model.initialState,
    { t0: 0, dt: 1 / 20_000, count: 101 },
    {
      rtol: 1e-9,
      atol: 1e-11,
      onSample(_k, y) {
        model.sampled(y, out)
        values.push(out[0]!)
      },
    },
  )
  expect(end.status).toBe('ok')
  return values
}

function expectClose(values: readonly number[], expected: (t: number) => number, tolerance: number): void {
  expect(values.length).toBe(101)
  const worst = Math.max(...values.map((value, k) => Math.abs(value - expected(k / 2))))
  expect(worst).toBeLessThan(tolerance)
}

test('a square root: z = z + x - z^2 through an identity and a multiplier', () => {
  // Integrator 0 decays: x = 0.81 e^-t/10. Identity 0 (input 8, output 12) is z, multiplier 2 (inputs 12, 13, output 10) z^2.
  const values = play({
    integrators: [{ element: 0, ic: -0.81 }],
    routes: [
      { from: 0, to: 0, coefficient: 0.1 },
      { from: 12, to: 8, coefficient: -1 },
      { from: 0, to: 8, coefficient: -1 },
      { from: 10, to: 8, coefficient: 1 },
      { from: 12, to: 12, coefficient: 1 },
      { from: 12, to: 13, coefficient: 1 },
    ],
    outputs: [12],
  })
  expectClose(values, (t) => 0.9 * Math.exp(-t / 20), 1e-7)
})

test('a division: z = z + x - y z', () => {
  // x = 0.4 e^-t/10 and y = 0.8 e^-t/20, so z = 0.5 e^-t/20.
  const values = play({
    integrators: [
      { element: 0, ic: -0.4 },
      { element: 1, ic: -0.8 },
    ],
    routes: [
      { from: 0, to: 0, coefficient: 0.1 },
      { from: 1, to: 1, coefficient: 0.05 },
      { from: 12, to: 8, coefficient: -1 },
      { from: 0, to: 8, coefficient: -1 },
      { from: 10, to: 8, coefficient: 1 },
      { from: 12, to: 12, coefficient: 1 },
      { from: 1, to: 13, coefficient: 1 },
    ],
    outputs: [12],
  })
  expectClose(values, (t) => 0.5 * Math.exp(-t / 20), 1e-7)
})

test("the radius of a Kepler orbit: r'' = 1.2 u^3 - 0.5 u^2 with u = 0.25 / r from a loop", () => {
  // Identity 0 is u = u + 0.25 - u r; multipliers 1 to 3 are u r, u^2 and u^3.
  const values = play({
    constant: 1,
    integrators: [
      { element: 0, ic: -0.8 },
      { element: 1, ic: 0 },
    ],
    routes: [
      { from: 12, to: 8, coefficient: -1 },
      { from: 15, to: 8, coefficient: -0.25 },
      { from: 9, to: 8, coefficient: 1 },
      { from: 12, to: 10, coefficient: 1 },
      { from: 0, to: 11, coefficient: 1 },
      { from: 12, to: 12, coefficient: 1 },
      { from: 12, to: 13, coefficient: 1 },
      { from: 10, to: 14, coefficient: 1 },
      { from: 12, to: 15, coefficient: 1 },
      { from: 1, to: 0, coefficient: -1 },
      { from: 11, to: 1, coefficient: -0.15, upscaled: true },
      { from: 10, to: 1, coefficient: 0.5 },
    ],
    outputs: [0],
  })
  const expected: number[] = []
  integrate(
    {
      dimension: 2,
      rhs(_t, y, dy) {
        const u = 0.25 / y[0]!
        dy[0] = y[1]!
        dy[1] = 1.2 * u ** 3 - 0.5 * u ** 2
      },
    },
    Float64Array.of(0.8, 0),
    { t0: 0, dt: 0.5, count: 101 },
    { rtol: 1e-11, atol: 1e-13, onSample: (_k, y) => void expected.push(y[0]!) },
  )
  // It is an orbit: the radius swings, and comes back.
  expect(Math.min(...expected)).toBeLessThan(0.6)
  expectClose(values, (t) => expected[2 * t]!, 1e-6)
})
