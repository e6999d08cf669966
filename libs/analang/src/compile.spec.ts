import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  LUCIDAC,
  PORTABLE_CARRIER,
  violationsOf,
  type Compilation,
  type Configuration,
  type DeviceSpecification,
  type MBlockType,
} from '@lucihub/analog'
import { integrate } from '@lucihub/simulation'
import fc from 'fast-check'
import { compile } from './compile.ts'
import { solve } from './solve.ts'

const EXAMPLES = fileURLToPath(new URL('../../../examples/', import.meta.url))
/** A few programs in depth; `tools/corpus` looks at all of them. */
const examples = [
  'brusselator.ana',
  'damped-oscillator.ana',
  'duffing.ana',
  'exponential-decay.ana',
  'harmonic-oscillator.ana',
  'lorenz.ana',
  'lotka-volterra.ana',
  'pendulum.ana',
  'roessler.ana',
  'sine-and-cosine.ana',
  'sprott.ana',
  'van-der-pol.ana',
]
const SAMPLES = 401

function example(name: string): string {
  return readFileSync(`${EXAMPLES}${name}`, 'utf8')
}

function deviceWith(slots: readonly [MBlockType | null, MBlockType | null]): DeviceSpecification {
  return { ...LUCIDAC, carriers: [{ id: PORTABLE_CARRIER, clusters: [{ index: 0, slots }], tBlock: false }] }
}

function resultOf(compilation: Compilation): NonNullable<Compilation['result']> {
  if (!compilation.result) throw new Error(compilation.diagnostics.map(({ message }) => message).join('\n'))
  return compilation.result
}

/** The largest |machine value| of any used output, and each probe's physical values at evenly spread instants. */
interface Played {
  readonly values: readonly (readonly number[])[]
  readonly largest: number
}

/** The block equations of the device, taken literally, without any knowledge of how the configuration was made. */
function play(
  { carriers }: Configuration,
  { slots: types }: { slots: readonly (MBlockType | null)[] },
  opTimeS: number,
): Played {
  const [carrier] = carriers
  const [cluster] = carrier?.clusters ?? []
  if (!carrier || !cluster) throw new Error('one cluster is configured')
  const integrators = cluster.slots.flatMap((block, slot) =>
    block?.kind === 'MINT'
      ? block.integrators.map(({ element, ic, k0 }) => ({ clane: 8 * slot + element, ic, k0 }))
      : [],
  )
  const outputs = new Float64Array(16)
  const sums = new Float64Array(16)
  const sum = (): void => {
    sums.fill(0)
    for (const { lane, source, coefficient, upscaled, sinks } of cluster.lanes) {
      const isConstant = cluster.constant !== null && source === (lane < 16 ? 15 : 14)
      const value = isConstant ? Number(cluster.constant) : source === null ? 0 : Number(outputs[source])
      for (const sink of sinks) sums[sink]! += (upscaled ? 8 : 1) * coefficient * value
    }
  }
  const settle = (y: Float64Array): void => {
    integrators.forEach(({ clane }, index) => (outputs[clane] = y[index]!))
    // No element feeds back to itself without an integrator, so values settle after as many passes as there are elements.
    for (let pass = 0; pass < 6; pass++) {
      sum()
      types.forEach((type, slot) => {
        const block = cluster.slots[slot]
        for (let element = 0; element < 4; element++) {
          const at = 8 * slot
          const [a, b] = [sums[at + 2 * element]!, sums[at + 2 * element + 1]!]
          if (type === 'MMUL') {
            outputs[at + element] = a * b
            outputs[at + 4 + element] = -sums[at + element]!
          }
          if (type === 'MDR') {
            outputs[at + element] = block?.kind === 'MDR' && block.operations[element] === 'IDENT' ? -a : a * b
            outputs[at + 4 + element] = -b
          }
        }
      })
    }
    sum()
  }
  const values = carrier.adc.map((): number[] => [])
  let largest = 0
  const y0 = Float64Array.from(integrators, ({ ic }) => -ic)
  const problem = {
    dimension: y0.length,
    rhs(_t: number, y: Float64Array, dy: Float64Array) {
      settle(y)
      integrators.forEach(({ clane, k0 }, index) => (dy[index] = -k0 * sums[clane]!))
    },
  }
  const end = integrate(
    problem,
    y0,
    { t0: 0, dt: opTimeS / (SAMPLES - 1), count: SAMPLES },
    {
      rtol: 1e-9,
      atol: 1e-12,
      onSample(_k, y) {
        settle(y)
        largest = Math.max(largest, ...outputs.map(Math.abs))
        for (const { output, gain, offset, probe } of carrier.adc)
          values[probe]!.push(outputs[output % 16]! * gain + offset)
      },
    },
  )
  expect(end.status).toBe('ok')
  return { values, largest }
}

/** Compiles, checks the configuration, plays it and compares every probe with the direct solution, relative to its largest value. */
function checkCircuit(
  source: string,
  { device = LUCIDAC, opTimeNs, ...options }: { device?: DeviceSpecification; opTimeNs: number; k0?: 100 | 10_000 },
): void {
  const { configuration, report } = resultOf(compile(source, { device, opTimeNs, ...options }))
  expect(violationsOf(configuration, device)).toEqual([])
  const opTimeS = opTimeNs * 1e-9
  const { values, largest } = play(configuration, device.carriers[0]!.clusters[0]!, opTimeS)
  const dt = (opTimeS * report.problemTimePerSecond) / (SAMPLES - 1)
  const expected = solve(source, { problemTime: { t0: 0, dt, count: SAMPLES } })
  if ('diagnostics' in expected) throw new Error('the reference exists')
  expect(configuration.probes.map(({ label }) => label)).toEqual(expected.labels)
  expected.values.forEach((column, probe) => {
    const fullScale = Math.max(...column.map(Math.abs))
    const error = Math.max(...column.map((value, k) => Math.abs(value - values[probe]![k]!)))
    expect(error / fullScale).toBeLessThan(1e-3)
  })
  expect(largest).toBeLessThanOrEqual(1)
}

test.each(examples)('%s computes what its equations say, within ±1', (file) => {
  // Chaos doubles errors again and again: ten units of problem time are well before the Lorenz curves part.
  checkCircuit(example(file), { opTimeNs: 1_000_000 })
})

test.each(examples)('%s fits for a second of slow integrators too', (file) => {
  checkCircuit(example(file), { opTimeNs: 100_000_000, k0: 100 })
})

test('the Lorenz attractor takes three integrators and two multipliers of a LUCIDAC', () => {
  const { report } = resultOf(compile(example('lorenz.ana'), { device: LUCIDAC, opTimeNs: 1_000_000 }))
  expect(report).toEqual({
    elements: [
      { kind: 'integrator', used: 3, available: 8 },
      { kind: 'multiplier', used: 2, available: 4 },
      { kind: 'identity', used: 0, available: 4 },
      { kind: 'ADC channel', used: 3, available: 8 },
    ],
    lanesUsed: 20,
    lanesAvailable: 32,
    k0: 10_000,
    problemTimePerSecond: 10_000,
    signals: [
      { name: 'x', element: 'M0.0', scale: 20, amplitude: expect.closeTo(17.67, 1) as number },
      { name: 'y', element: 'M0.1', scale: 28, amplitude: expect.closeTo(23.5, 0) as number },
      { name: 'z', element: 'M0.2', scale: 50, amplitude: expect.closeTo(44.07, 1) as number },
      { name: 'x*z', element: 'M1.2', scale: 1000, amplitude: expect.any(Number) as number },
      { name: 'x*y', element: 'M1.3', scale: 560, amplitude: expect.any(Number) as number },
    ],
    compileTimeMs: 0,
  })
})

test('one integrator that decays becomes one lane', () => {
  const { configuration } = resultOf(
    compile(example('exponential-decay.ana'), { device: LUCIDAC, opTimeNs: 1_000_000 }),
  )
  expect(configuration).toEqual({
    carriers: [
      {
        carrier: PORTABLE_CARRIER,
        clusters: [
          {
            index: 0,
            constant: null,
            lanes: [{ lane: 0, source: 0, coefficient: 0.5, upscaled: false, sinks: [0] }],
            slots: [{ kind: 'MINT', integrators: [{ element: 0, ic: -1 / 1.1, k0: 10_000, limiter: false }] }, null],
          },
        ],
        adc: [{ output: 0, gain: 1.1, offset: 0, probe: 0 }],
      },
    ],
    probes: [{ label: 'x', unit: '' }],
    problemTimePerSecond: 10_000,
  })
})

const PROBES = `
  let diff[x, t](t) = y(t) + 0.1; let diff[y, t](t) = -x(t); let x(t: 0) = 1; let y(t: 0) = 0.5;
  probe -3 * x(t) + 2 as inverted;
  probe x(t) - 4 * y(t) as difference;
  probe 0.001 * x(t) + 0.001 * y(t) - 7 as small;
  probe x(t) ^ 2 * y(t) - x(t) as cubic;`

test('signs, factors and offsets of probes come out right', () => {
  checkCircuit(PROBES, { opTimeNs: 1_000_000 })
})

test.each<[MBlockType | null, MBlockType | null]>([
  ['MMUL', 'MINT'],
  ['MINT', 'MDR'],
  ['MDR', 'MINT'],
])('slots are read from the device: %s and %s', (...slots) => {
  checkCircuit(PROBES, { device: deviceWith(slots), opTimeNs: 1_000_000 })
  checkCircuit(example('lorenz.ana'), { device: deviceWith(slots), opTimeNs: 1_000_000 })
})

test('sixteen integrators and a constant: outputs 14 and 15 are taken from the half where they are not masked', () => {
  const ring = Array.from(
    { length: 16 },
    (_, i) =>
      `let diff[x${i}, t](t) = ${i === 0 ? '1 - x15(t)' : `0.5 * x${i - 1}(t) - 0.25 * x${i}(t)`}; let x${i}(t: 0) = ${i / 10};`,
  )
  checkCircuit(`${ring.join('\n')} probe x15(t); probe x14(t);`, {
    device: deviceWith(['MINT', 'MINT']),
    opTimeNs: 500_000,
  })
})

test('the carrier of the specification is the carrier of the configuration', () => {
  const carriers = [
    { id: '04-E9-E5-15-87-A0', clusters: [{ index: 0, slots: ['MINT', 'MMUL'] as const }], tBlock: false },
  ]
  const { configuration } = resultOf(
    compile(example('lorenz.ana'), { device: { ...LUCIDAC, carriers }, opTimeNs: 1_000_000 }),
  )
  expect(configuration.carriers.map(({ carrier }) => carrier)).toEqual(['04-E9-E5-15-87-A0'])
})

test('four different monomials of high degree share products down to the four multipliers there are', () => {
  const source = `
    let diff[x, t](t) = -x(t) ^ 4; let x(t: 0) = 1; let diff[y, t](t) = x(t) ^ 2 * y(t) ^ 2 - y(t); let y(t: 0) = 0.5;
    probe x(t); probe y(t);`
  const { report } = resultOf(compile(source, { device: LUCIDAC, opTimeNs: 1_000_000 }))
  expect(report.elements[1]).toEqual({ kind: 'multiplier', used: 4, available: 4 })
  checkCircuit(source, { opTimeNs: 1_000_000 })
})

test('a weight of more than 8 is split over lanes', () => {
  const { configuration } = resultOf(
    compile('let diff[x, t](t) = -20 * x(t); let x(t: 0) = 1; probe x(t);', { device: LUCIDAC, opTimeNs: 1_000_000 }),
  )
  expect(
    configuration.carriers[0]!.clusters[0]!.lanes.map(({ coefficient, upscaled }) => [coefficient, upscaled]),
  ).toEqual([
    [20 / 3 / 8, true],
    [20 / 3 / 8, true],
    [20 / 3 / 8, true],
  ])
})

test('coefficients too large for all lanes slow problem time down', () => {
  const source = 'let diff[x, t](t) = 300 * y(t); let diff[y, t](t) = -300 * x(t); let x(t: 0) = 1; probe x(t);'
  const { configuration, report } = resultOf(compile(source, { device: LUCIDAC, opTimeNs: 1_000_000 }))
  expect([report.k0, report.problemTimePerSecond, configuration.problemTimePerSecond]).toEqual([10_000, 2_000, 2_000])
  checkCircuit(source, { opTimeNs: 100_000 })
})

test('a problem in seconds with a dynamics of microseconds compiles like any other', () => {
  const source =
    'let w = 1e6; let diff[x, t, t](t) = -w^2 * x(t); let x(t: 0) = 5; probe x(t); probe diff[x, t](t) as v;'
  const { report } = resultOf(compile(source, { device: LUCIDAC, opTimeNs: 1_000_000 }))
  expect(report.problemTimePerSecond).toBe(1)
  checkCircuit(source, { opTimeNs: 1_000_000 })
})

test('a declared range is the scale, of a variable, a function or a probe by its label', () => {
  const source = `use math; let s = sin(2 * t);
    let diff[x, t](t) = -x(t) + s; let x(t: 0) = 1; probe x(t); probe x(t) - 2 * s - 1 as other;
    range x(t) = -3 .. 4; range s = -1.5 .. 1.5; range other = -6 .. 4;`
  const { configuration, report } = resultOf(compile(source, { device: LUCIDAC, opTimeNs: 1_000_000 }))
  expect(report.signals.map(({ name, scale }) => [name, scale])).toEqual([
    ['x', 4],
    ['sin(2*t)', 1.5],
    ['cos(2*t)', 1.1],
    ['other', 5],
  ])
  expect(configuration.carriers[0]!.adc.map(({ gain, offset }) => [gain, offset])).toEqual([
    [4, 0],
    [5, -1],
  ])
  checkCircuit(source, { opTimeNs: 1_000_000 })
})

test('a chaotic solution gets a wider margin than one that can be followed', () => {
  const amplitudes = (opTimeNs: number) =>
    resultOf(compile(example('lorenz.ana'), { device: LUCIDAC, opTimeNs })).report.signals.slice(0, 3)
  for (const { scale, amplitude } of amplitudes(1_000_000)) expect(scale).toBeGreaterThanOrEqual(1.1 * amplitude)
  for (const { scale, amplitude } of amplitudes(4_000_000)) expect(scale).toBeGreaterThanOrEqual(1.25 * amplitude)
})

test('slow integrators are taken when they are asked for', () => {
  const { configuration, report } = resultOf(
    compile(example('duffing.ana'), { device: LUCIDAC, opTimeNs: 100_000_000, k0: 100 }),
  )
  expect([report.k0, report.problemTimePerSecond]).toEqual([100, 100])
  expect(configuration.carriers[0]!.clusters[0]!.slots[0]).toMatchObject({ integrators: [{ k0: 100 }, { k0: 100 }] })
})

test('compiling twice gives the same', () => {
  const options = { device: LUCIDAC, opTimeNs: 5_000_000 }
  expect(compile(example('lorenz.ana'), options)).toEqual(compile(example('lorenz.ana'), options))
})

const VARIABLES = ['x', 'y', 'z']
const factor = fc.constantFrom('x(t)', 'y(t)', 'z(t)', 'x(t)^2', '1', 'p', 'diff[x, t](t)')
const term = fc
  .tuple(fc.double({ min: -20, max: 20, noNaN: true }), fc.array(factor, { maxLength: 3 }))
  .map(([c, factors]) => [c.toPrecision(3), ...factors].join(' * '))
const expression = fc
  .array(term, { minLength: 1, maxLength: 4 })
  .map((terms) => terms.map((text) => `(${text})`).join(' + '))
const program = fc
  .tuple(
    fc.array(expression, { minLength: 3, maxLength: 3 }),
    fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 3, maxLength: 3 }),
    expression,
  )
  .map(
    ([rhs, initial, probe]) =>
      `let p = 0.5; ${VARIABLES.map((name, i) => `let diff[${name}, t${i === 0 ? ', t' : ''}](t) = ${rhs[i]}; let ${name}(t: 0) = ${initial[i]};`).join('\n')} probe x(t); probe ${probe} as other;`,
  )

test('random polynomial systems become sound configurations or errors that say why', () => {
  let compiled = 0
  fc.assert(
    fc.property(program, (source) => {
      const { diagnostics, result } = compile(source, { device: LUCIDAC, opTimeNs: 200_000 })
      expect(diagnostics.some(({ severity }) => severity === 'error')).toBe(result === null)
      if (!result) return
      compiled++
      expect(violationsOf(result.configuration, LUCIDAC)).toEqual([])
    }),
    { seed: 20_250, numRuns: 150 },
  )
  expect(compiled).toBeGreaterThan(20)
})

const fragment = fc.constantFrom(
  'let',
  'probe',
  'in',
  'use',
  'as',
  'diff',
  '[',
  ']',
  '(',
  ')',
  ',',
  ':',
  ';',
  '=',
  '+',
  '-',
  '*',
  '/',
  '^',
  'x',
  't',
  'x(t)',
  '1',
  '.5e3',
  '# c\n',
  '//',
  '\n',
  '§',
  '\u{0}',
  '𝛑',
)

test('no text makes the compiler throw', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.array(fragment, { maxLength: 40 }).map((parts) => parts.join(' ')),
  )
  fc.assert(
    fc.property(text, (source) => {
      const { diagnostics, result } = compile(source, { device: LUCIDAC, opTimeNs: 1_000 })
      expect(diagnostics.some(({ severity }) => severity === 'error')).toBe(result === null)
    }),
    { seed: 20_251, numRuns: 500 },
  )
})
