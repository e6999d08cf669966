/** Division, roots and squares on a machine whose elements compute them, against values known in closed form. */
import {
  LUCIDAC,
  MREDAC,
  mredacDescription,
  PORTABLE_CARRIER,
  violationsOf,
  type CompileReport,
  type MdrOperation,
} from '@lucihub/analog'
import { SimulatedComputer } from '@lucihub/simulation'
import { record } from '@lucihub/simulation/conformance'
import { compile } from './compile.ts'
import { decompile } from './decompile.ts'
import { solve } from './solve.ts'

const description = mredacDescription(PORTABLE_CARRIER)
const DECAY = 'let diff[x, t](t) = -x(t); let x(t: 0) = 1;'

async function check(source: string, values: readonly ((t: number) => number)[], opTimeNs = 200_000): Promise<void> {
  const { result, diagnostics } = compile(source, { device: MREDAC, opTimeNs })
  expect(diagnostics).toEqual([])
  if (!result) throw new Error('nothing was compiled')
  const { configuration } = result
  expect(violationsOf(configuration, MREDAC)).toEqual([])
  const machine = new SimulatedComputer({ description })
  await machine.configure(configuration)
  const { channels } = await record(machine, { opTimeNs, sampleRateHz: 200_000 })
  const adc = configuration.carriers.flatMap((carrier) => carrier.adc)
  values.forEach((value, probe) => {
    const channel = adc.find((one) => one.probe === probe)
    const samples = channels[probe] ?? new Float64Array()
    const scale = channel?.gain ?? NaN
    expect(samples.length).toBe(Math.floor((opTimeNs * 200_000) / 1e9))
    samples.forEach((sample, index) => {
      const t = (index / 200_000) * configuration.problemTimePerSecond
      expect(Math.abs(sample - value(t) / scale + (channel?.offset ?? 0) / scale)).toBeLessThan(1e-5)
    })
  })
  expect((await machine.overload()).outputs).toEqual([])
}

test.each<[string, string, readonly ((t: number) => number)[]]>([
  ['a reciprocal', `${DECAY} probe 1 / x(t);`, [(t) => Math.exp(t)]],
  [
    'a quotient of sums',
    `${DECAY} probe (2 * x(t) - 1) / (x(t) + 0.5);`,
    [(t) => (2 * Math.exp(-t) - 1) / (Math.exp(-t) + 0.5)],
  ],
  ['a negative divisor', `${DECAY} probe 3 / (x(t) - 2);`, [(t) => 3 / (Math.exp(-t) - 2)]],
  ['a quotient that shrinks', `${DECAY} probe x(t) / (1 + x(t) ^ 2);`, [(t) => Math.exp(-t) / (1 + Math.exp(-2 * t))]],
  [
    'a quotient of quotients',
    `${DECAY} probe x(t) / (1 + 1 / (1 + x(t)));`,
    [(t) => Math.exp(-t) / (1 + 1 / (1 + Math.exp(-t)))],
  ],
  ['a root', `use math; ${DECAY} probe 2 * sqrt(x(t));`, [(t) => 2 * Math.exp(-t / 2)]],
  ['a root of a large sum', `use math; ${DECAY} probe sqrt(40 * x(t) + 9);`, [(t) => Math.sqrt(40 * Math.exp(-t) + 9)]],
  [
    'powers of quarters',
    `use math; ${DECAY} probe x(t) ^ (3/2); probe x(t) ^ (-1/2); probe x(t) ^ 0.25; probe x(t) ^ -1.75;`,
    [-1.5, 0.5, -0.25, 1.75].map((rate) => (t: number) => Math.exp(rate * t)),
  ],
  [
    'squares',
    `${DECAY} probe x(t) ^ 2; probe (x(t) + 1) ^ 4 as fourth;`,
    [(t) => Math.exp(-2 * t), (t) => (1 + Math.exp(-t)) ** 4],
  ],
  ['a right-hand side', 'let diff[x, t](t) = -x(t) / (1 + t); let x(t: 0) = 1; probe x(t);', [(t) => 1 / (1 + t)]],
  [
    'functions of quotients, whose slopes are quotients again',
    `use math; ${DECAY} probe sin(1 / (1 + x(t))); probe log(2 + x(t)); probe atan(sqrt(1 + x(t)));`,
    [
      (t) => Math.sin(1 / (1 + Math.exp(-t))),
      (t) => Math.log(2 + Math.exp(-t)),
      (t) => Math.atan(Math.sqrt(1 + Math.exp(-t))),
    ],
  ],
  [
    'a root that needs an equation, whose slope is a quotient',
    `${DECAY} probe (1 + x(t)) ^ (1/3);`,
    [(t) => Math.cbrt(1 + Math.exp(-t))],
  ],
])('%s', async (_what, source, values) => {
  await check(source, values)
})

test('a tank runs dry: the root may come to zero, and the tank then stays empty', async () => {
  await check(
    'use math; let diff[h, t](t) = -sqrt(h(t)); let h(t: 0) = 1; probe h(t);',
    [(t) => (t < 2 ? (1 - t / 2) ** 2 : 0)],
    500_000,
  )
})

function operationsOf(source: string): MdrOperation[] {
  const { result } = compile(source, { device: MREDAC, opTimeNs: 200_000 })
  return (result?.configuration.carriers ?? [])
    .flatMap(({ clusters }) => clusters.flatMap(({ slots }) => slots))
    .flatMap((block) => (block?.kind === 'MDR' ? block.operations : []))
    .filter((operation) => operation !== 'MULTIPLY')
}

test.each<[string, ...MdrOperation[]]>([
  [`${DECAY} probe 1 / x(t);`, 'DIVIDE'],
  [`${DECAY} probe x(t) / (1 + x(t)); probe 3 * x(t) / (2 + 2 * x(t)) as again;`, 'DIVIDE'],
  [`use math; ${DECAY} probe sqrt(x(t)); probe 1 / sqrt(x(t));`, 'DIVIDE', 'SQRT'],
  [`${DECAY} probe x(t) ^ 2;`, 'SQUARE'],
  [`${DECAY} probe x(t) ^ 3 / x(t);`, 'SQUARE'],
  [`${DECAY} probe x(t) ^ 2 / x(t) ^ 2 * x(t) as alone;`],
])('%s takes %s %s', (source, ...operations) => {
  expect(operationsOf(source).sort()).toEqual(operations)
})

function used(report: CompileReport | undefined): number[] {
  return (report?.elements ?? []).slice(0, 2).map((use) => use.used)
}

test.each<[string, lucidac: number[], mredac: number[]]>([
  [`${DECAY} probe 1 / (1 + x(t));`, [2, 1], [1, 1]],
  ['let diff[x, t](t) = x(t) / (1 + x(t)); let x(t: 0) = 1; probe x(t);', [2, 2], [1, 1]],
  ['use math; let diff[x, t](t) = 1 - sqrt(x(t)); let x(t: 0) = 4; probe x(t);', [3, 2], [1, 1]],
])('%s takes fewer elements where elements divide', (source, lucidac, mredac) => {
  const elements = [LUCIDAC, MREDAC].map((device) =>
    used(compile(source, { device, opTimeNs: 100_000 }).result?.report),
  )
  expect(elements).toEqual([lucidac, mredac])
})

test.each([
  [
    'let diff[x, t](t) = -1; let x(t: 0) = 1; probe 1 / x(t);',
    'ANA0406 `1/x` has no value at problem time 1, where `x` reaches zero; the run would last until 2',
  ],
  [
    'use math; let diff[x, t](t) = -1; let x(t: 0) = 1; probe sqrt(x(t));',
    'ANA0406 `sqrt(x)` has no value at problem time 1, where `x` gets negative; the run would last until 2',
  ],
  ['let diff[x, t](t) = 1; probe 1 / x(t);', 'ANA0210 `1/x` has no value at t = 0, where `x` is zero'],
  [
    'use math; let diff[x, t](t) = 1; let x(t: 0) = -2; probe sqrt(x(t));',
    'ANA0210 `sqrt(x)` is not defined at t = 0, where `x` is -2',
  ],
])('%s is answered', (source, expected) => {
  const { diagnostics } = compile(source, { device: MREDAC, opTimeNs: 200_000 })
  expect(diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([expected])
})

test('a range declares the scale of a quotient and of a root', () => {
  const source = `use math; ${DECAY} let q = x(t) / (1 + x(t)); let r = sqrt(x(t)); probe q; probe r;
    range q = -2 .. 2; range r = 0 .. 3;`
  const { result, diagnostics } = compile(source, { device: MREDAC, opTimeNs: 200_000 })
  expect(diagnostics).toEqual([])
  expect(result?.report.signals.slice(1).map(({ name, scale }) => [name, scale])).toEqual([
    ['x/(1 + x)', 2],
    ['sqrt(x)', 3],
  ])
})

test('what was compiled to divide reads as the division it was', () => {
  const source = `use math; ${DECAY} probe 2 * x(t) / (1 + sqrt(x(t)));`
  const { result } = compile(source, { device: MREDAC, opTimeNs: 200_000 })
  if (!result) throw new Error('nothing was compiled')
  const written = decompile(result.configuration, MREDAC)
  expect(written.source).toMatch(/ \/ /)
  expect(written.source).toMatch(/sqrt\(/)
  const solution = solve(written.source, { problemTime: { t0: 0, dt: 0.5, count: 5 } })
  if (!('values' in solution)) throw new Error('the program is not solved')
  const expected = [0, 0.5, 1, 1.5, 2].map((t) => (2 * Math.exp(-t)) / (1 + Math.exp(-t / 2)))
  solution.values[0]?.forEach((value, index) => expect(value).toBeCloseTo(expected[index] ?? NaN, 6))
})
