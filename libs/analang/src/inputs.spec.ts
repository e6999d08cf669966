/** External inputs: placed on ports, simulated with signals, compared with the equations driven by the same signals. */
import {
  LUCIDAC,
  lucidacDescription,
  MREDAC,
  PORTABLE_CARRIER,
  violationsOf,
  type Configuration,
} from '@lucihub/analog'
import { constantSignal, sampledSignal, SimulatedComputer, type InputSignal } from '@lucihub/simulation'
import { record } from '@lucihub/simulation/conformance'
import { compile } from './compile.ts'
import { decompile } from './decompile.ts'
import { solve } from './solve.ts'

const RATE = 100_000

async function simulated(configuration: Configuration, inputs: readonly InputSignal[], opTimeNs: number) {
  const machine = new SimulatedComputer({ description: lucidacDescription(PORTABLE_CARRIER), inputs: { ...inputs } })
  await machine.configure(configuration)
  const { channels } = await record(machine, { opTimeNs, sampleRateHz: RATE })
  const adc = configuration.carriers[0]?.adc ?? []
  return channels.map((samples, probe) => {
    const { gain = NaN, offset = NaN } = adc.find((one) => one.probe === probe) ?? {}
    return samples.map((value) => value * gain + offset)
  })
}

/** Signals in physical values over problem time, by name. */
async function check(source: string, signals: Readonly<Record<string, (t: number) => number>>, opTimeNs = 1_000_000) {
  const { result, diagnostics } = compile(source, { device: LUCIDAC, opTimeNs })
  expect(diagnostics).toEqual([])
  if (!result) throw new Error('nothing was compiled')
  const { configuration } = result
  expect(violationsOf(configuration, LUCIDAC)).toEqual([])
  const pace = configuration.problemTimePerSecond
  const ports = (configuration.carriers[0]?.inputs ?? []).map(({ name, gain }): InputSignal => ({
    at: (t) => (signals[name]?.(t * pace) ?? NaN) / gain,
  }))
  const measured = await simulated(configuration, ports, opTimeNs)
  for (const text of [source, decompile(configuration, LUCIDAC).source]) {
    const count = measured[0]?.length ?? 0
    const solution = solve(text, { problemTime: { t0: 0, dt: pace / RATE, count }, inputs: signals })
    if (!('values' in solution)) throw new Error(JSON.stringify(solution.diagnostics))
    solution.values.forEach((values, probe) =>
      values.forEach((value, index) =>
        expect(Math.abs(value - (measured[probe]?.[index] ?? NaN))).toBeLessThan(1e-4 * Math.max(1, ...values)),
      ),
    )
  }
  return result
}

test.each<[string, string, Readonly<Record<string, (t: number) => number>>]>([
  ['a low pass', 'in u; let diff[y, t](t) = 0.5 * u - 0.5 * y(t); probe y(t); probe u;', { u: (t) => Math.sin(t) }],
  [
    'a product of inputs, a weighted input and a constant',
    'in u; in v; let diff[y, t](t) = -y(t) + 3 * u * v - 2 * v + 0.25; let y(t: 0) = 0.5; probe y(t); probe y(t) - 2 * u as w;',
    { u: (t) => Math.cos(2 * t), v: (t) => 0.5 * Math.sin(t) },
  ],
  [
    'an input in volts',
    'in u; range u = -10 .. 10; let diff[y, t](t) = -y(t) + u; probe y(t);',
    { u: (t) => 10 * Math.sin(3 * t) },
  ],
  [
    'the program of the language reference',
    `use math; in isin; in icos; probe h(t); probe square;
     let diff[h, t, t](t) = -h(t); let square = 0.8 * (icos * h(t) - diff[h, t](t) * isin); let h(t: 0) = 1.0;`,
    { isin: Math.sin, icos: Math.cos },
  ],
])('%s computes what its equations say', async (_what, source, signals) => {
  await check(source, signals)
})

test('the configuration says which port carries which input, and the report how many are taken', async () => {
  const { configuration, report } = await check(
    'in a; in b; range b = -4 .. 2; let diff[y, t](t) = a - b - y(t); probe y(t);',
    { a: (t) => Math.sin(t), b: (t) => Math.cos(t) },
  )
  const carrier = configuration.carriers[0]
  expect(carrier?.inputs).toEqual([
    { port: 0, name: 'a', gain: 1 },
    { port: 1, name: 'b', gain: 4 },
  ])
  expect(carrier?.clusters[0]?.lanes.filter(({ lane }) => lane >= 24)).toEqual([
    { lane: 24, source: null, coefficient: 0, upscaled: false, sinks: [8] },
    { lane: 25, source: null, coefficient: 0, upscaled: false, sinks: [9] },
  ])
  expect(report.elements.at(-1)).toEqual({ kind: 'port', used: 2, available: 8 })
})

test('a port that carries nothing is at 0, one with a constant at that, one with samples at their lines', async () => {
  const { result } = compile('in u; let diff[y, t](t) = u; probe y(t);', { device: LUCIDAC, opTimeNs: 1_000_000 })
  if (!result) throw new Error('nothing was compiled')
  const last = async (inputs: readonly InputSignal[]) =>
    (await simulated(result.configuration, inputs, 1_000_000))[0]?.at(-1)
  // The last of 100 samples is 990 us, 9.9 units of problem time, after the start.
  expect(await last([])).toBe(0)
  expect(await last([constantSignal(0.5)])).toBeCloseTo(4.95, 5)
  // A pulse of 20 us at a height of 0.5 on average: an integrator would stride over it.
  expect(await last([sampledSignal([0, 0, 0, 0, 0, 1, 0], 100_000)])).toBeCloseTo(0.1, 5)
})

const nine = Array.from({ length: 9 }, (_, index) => `u${index}`)

test.each([
  [
    'in u; let diff[y, t](t) = u; probe y(t);',
    MREDAC,
    ['ANA0206 the program has 1 external input, the device has 0 ports [a LUCIDAC has room for it]'],
  ],
  [
    `${nine.map((name) => `in ${name};`).join(' ')} let diff[y, t](t) = ${nine.join(' + ')}; probe y(t);`,
    LUCIDAC,
    [
      'ANA0206 the program has 9 external inputs, the device has 8 ports [no machine has room for it]',
      'ANA0301 the circuit needs 9 identities, the device has 4 beside its multipliers [each external input and each probe of a sum takes one: probe the parts, and add them up afterwards; no machine has room for it]',
    ],
  ],
  [
    'in u; let diff[y, t](t) = 1 / (2 + u); probe y(t);',
    LUCIDAC,
    [
      'ANA0209 the reciprocal of an external input: the derivative of the input is not known, so no equation can follow it [apply the function before the signal enters the machine]',
    ],
  ],
  [
    'in u; let diff[y, t](t) = u * y(t) * y(t); let y(t: 0) = 0.5; probe y(t);',
    LUCIDAC,
    [
      'ANA0409 with the external inputs at full scale all the time the solution leaves every bound [keep the inputs small or short, or give the inputs a narrower range]',
    ],
  ],
])('%s is answered', (source, device, expected) => {
  const { diagnostics } = compile(source, { device, opTimeNs: 1_000_000 })
  expect(diagnostics.map(({ code, message, hint }) => `${code} ${message} [${hint}]`)).toEqual(expected)
})
