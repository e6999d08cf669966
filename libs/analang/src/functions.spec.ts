import { LUCIDAC, violationsOf } from '@lucihub/analog'
import { circuitModel, integrate } from '@lucihub/simulation'
import { compile } from './compile.ts'
import { solve } from './solve.ts'

const SAMPLES = 201
/** Ten units of problem time at full pace. */
const OP_TIME_NS = 1_000_000

/** Compiles, simulates the circuit, and compares each probe with the equations solved directly: ≤ 1e-3 of full scale. */
function check(source: string, opTimeNs = OP_TIME_NS): { integrators: number; multipliers: number } {
  const { diagnostics, result } = compile(source, { device: LUCIDAC, opTimeNs })
  if (!result) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  const { configuration, report } = result
  expect(violationsOf(configuration, LUCIDAC)).toEqual([])
  const model = circuitModel(configuration, LUCIDAC)
  const dt = (opTimeNs * 1e-9) / (SAMPLES - 1)
  const outputs = new Float64Array(model.probes.length)
  const measured: number[][] = configuration.probes.map(() => [])
  const adc = configuration.carriers.flatMap((carrier) => carrier.adc)
  const end = integrate(
    model,
    model.initialState,
    { t0: 0, dt, count: SAMPLES },
    {
      rtol: 1e-9,
      atol: 1e-12,
      onSample(_k, y) {
        model.sampled(y, outputs)
        for (const { probe, gain, offset } of adc) measured[probe]?.push((outputs[probe] ?? NaN) * gain + offset)
      },
    },
  )
  expect(end.status).toBe('ok')
  const expected = solve(source, { problemTime: { t0: 0, dt: dt * report.problemTimePerSecond, count: SAMPLES } })
  if ('diagnostics' in expected) throw new Error(expected.diagnostics.map(({ message }) => message).join('\n'))
  for (const { probe, gain } of adc) {
    const errors = [...(expected.values[probe] ?? [])].map((value, k) =>
      Math.abs(value - (measured[probe]?.[k] ?? NaN)),
    )
    expect(Math.max(...errors) / Math.abs(gain)).toBeLessThan(1e-3)
  }
  const used = (kind: string): number => report.elements.find((element) => element.kind === kind)?.used ?? NaN
  return { integrators: used('integrator'), multipliers: used('multiplier') }
}

const SWING = 'use math; let diff[x, t](t) = y(t); let diff[y, t](t) = -x(t); let x(t: 0) = 0.6; let y(t: 0) = 0.3;'
const DECAY = 'use math; let diff[x, t](t) = -x(t) / 2; let x(t: 0) = 1.5;'

test.each<[function_: string, source: string, integrators: number, multipliers: number]>([
  ['sin', `${SWING} probe sin(x(t));`, 4, 2],
  ['cos of a multiple', `${SWING} probe cos(2 * x(t) + 1);`, 4, 2],
  ['sin and cos with different phases share', `${SWING} probe sin(x); probe cos(x + 1); probe sin(0.5 - x);`, 4, 2],
  ['tan', `${SWING} probe tan(x);`, 3, 2],
  ['tanh', `${SWING} probe tanh(2 * x);`, 3, 2],
  ['sinh and cosh', `${SWING} probe sinh(x); probe cosh(x);`, 4, 2],
  ['exp', `${SWING} probe exp(-x);`, 3, 1],
  ['exponentials that differ by a factor share', `${SWING} probe exp(x); probe exp(x + 1) as other;`, 3, 1],
  ['the reciprocal of an exponential is one', `${SWING} probe 1 / exp(x) as e;`, 3, 1],
  ['log of what decays needs no product', `${DECAY} probe log(3 * x);`, 2, 0],
  ['sqrt of what decays neither', `${DECAY} probe sqrt(x);`, 2, 0],
  ['a root of a root', `${DECAY} probe sqrt(sqrt(x)) as fourth;`, 2, 0],
  ['log of what swings', `${SWING} probe log(2 + x);`, 4, 2],
  ['sqrt of what swings', `${SWING} probe sqrt(1 + x);`, 4, 3],
  ['1/x', `${DECAY} probe 1 / x as w;`, 2, 0],
  ['division', `${SWING} probe y / (2 + x) as quotient;`, 3, 2],
  ['a part of the whole is one reciprocal', `${DECAY} probe x / (1 + x) as share;`, 2, 1],
  ['negative powers', `${DECAY} probe x ^ -2 as w;`, 2, 1],
  ['powers of any exponent', `${DECAY} probe x ^ 0.7 as w; probe pow(x, -1.3) as v;`, 3, 0],
  ['powers of a parameter', `let p = 3 / 2; ${DECAY} probe x ^ p as w; probe (2 * x) ^ (-p) as v;`, 3, 3],
  ['a number to a signal', `${SWING} probe 2 ^ x as w;`, 3, 1],
  ['a signal to a signal', `${DECAY} probe x ^ x as w;`, 3, 2],
  ['atan of a ramp', `use math; probe atan(t);`, 3, 2],
  ['time itself', `use math; probe t; probe t ^ 2 / 10 as square;`, 1, 1],
  ['an oscillation in time is autonomous', `use math; probe sin(3 * t + 1) as s;`, 2, 0],
  ['exp of time is autonomous', `use math; probe exp(-t / 3) as e;`, 1, 0],
  ['a Gaussian', `use math; probe exp(-(t - 4) ^ 2 / 2) as g;`, 2, 1],
  ['a chirp', `use math; probe sin(t ^ 2 / 4) as s;`, 3, 2],
  ['constants', `use math; ${DECAY} probe x * sqrt(2) ^ log(3) + tanh(1) * atan(2) * sign(-3) as y;`, 1, 0],
  ['a logistic curve', `use math; probe 1 / (1 + exp(4 - t)) as s;`, 1, 1],
  ['a pendulum', `use math; let diff[x, t, t](t) = -sin(x(t)); let x(t: 0) = 2; probe x; probe diff[x, t](t);`, 4, 2],
  ['a root that nothing divides by', `use math; let diff[x, t](t) = -sqrt(x(t)) / 4; let x(t: 0) = 4; probe x;`, 2, 0],
])('%s', (_name, source, integrators, multipliers) => {
  expect(check(source)).toEqual({ integrators, multipliers })
})
