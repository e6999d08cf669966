import { readdirSync, readFileSync } from 'node:fs'
import {
  LUCIDAC,
  MREDAC,
  PORTABLE_CARRIER,
  REDAC,
  violationsOf,
  type ClusterConfiguration,
  type Configuration,
  type DeviceSpecification,
  type Lane,
} from '@lucihub/analog'
import { circuitModel, IDEAL, integrate } from '@lucihub/simulation'
import fc from 'fast-check'
import { compile } from './compile.ts'
import { decompile } from './decompile.ts'
import { elementUse } from './element-use.ts'
import { solve } from './solve.ts'

const examples = readdirSync(new URL('../../../examples/', import.meta.url)).filter((file) => file.endsWith('.ana'))
const textOf = (file: string) => readFileSync(new URL(`../../../examples/${file}`, import.meta.url), 'utf8')

/** Units of problem time: long enough for everything to move, short enough for chaos not to magnify what integration leaves. */
const STRETCH = 1

/** Samples of both over the same stretch of op time, and the largest difference relative to the largest value. */
function deviation(configuration: Configuration, device: DeviceSpecification, { opTime }: { opTime: number }): number {
  const { source } = decompile(configuration, device)
  const count = 40
  const dt = opTime / count
  const pace = configuration.problemTimePerSecond || 10_000
  const solution = solve(source, { problemTime: { t0: 0, dt: dt * pace, count } })
  if ('diagnostics' in solution)
    throw new Error(`${solution.diagnostics.map(({ message }) => message).join('\n')}\n${source}`)
  const model = circuitModel(configuration, device, { ...IDEAL, limits: null })
  const out = new Float64Array(model.probes.length)
  const channels = configuration.carriers.flatMap(({ adc }) => adc).sort((a, b) => a.probe - b.probe)
  let worst = 0
  const largest = channels.map(() => 1e-9)
  const differences = channels.map(() => 0)
  const compare = (k: number, y: Float64Array): void => {
    model.sampled(y, out)
    channels.forEach(({ gain, offset }, index) => {
      const expected = out[index]! * gain + offset
      largest[index] = Math.max(largest[index]!, Math.abs(expected), Math.abs(gain))
      differences[index] = Math.max(differences[index]!, Math.abs(expected - solution.values[index]![k]!))
    })
  }
  if (model.dimension === 0) compare(0, new Float64Array(0))
  else {
    const end = integrate(
      model,
      model.initialState,
      { t0: 0, dt, count },
      {
        rtol: 1e-11,
        atol: 1e-13,
        maxSteps: 100_000,
        firstStep: dt / 10,
        onSample: compare,
      },
    )
    expect(end.status).toBe('ok')
  }
  differences.forEach((difference, index) => (worst = Math.max(worst, difference / largest[index]!)))
  return worst
}

/** A millisecond, or less where a program asks for less because it comes to its end before. */
function opTimeOf(file: string): number {
  const [, microseconds = '1000'] = /^# op-time: (\d+)us$/m.exec(textOf(file)) ?? []
  return Number(microseconds) * 1000
}

/** The circuit for the smallest device that carries the program. */
function compiled(file: string) {
  for (const device of [LUCIDAC, MREDAC, REDAC]) {
    const { result } = compile(textOf(file), { device, opTimeNs: opTimeOf(file) })
    if (result) return { device, configuration: result.configuration }
  }
  throw new Error(`${file} fits no machine`)
}

describe.each(examples)('%s', (file) => {
  const { configuration, device } = compiled(file)
  test('decompiled it computes what its circuit computes', () => {
    expect(deviation(configuration, device, { opTime: STRETCH / configuration.problemTimePerSecond })).toBeLessThan(
      1e-6,
    )
  })

  test('compiled again it is a circuit that computes the same', () => {
    const again = compile(decompile(configuration, device).source, { device, opTimeNs: opTimeOf(file) })
    expect(again.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
    expect(
      deviation(again.result!.configuration, device, {
        opTime: STRETCH / again.result!.configuration.problemTimePerSecond,
      }),
    ).toBeLessThan(1e-6)
    expect(decompile(again.result!.configuration, device).source.match(/^probe .*/gm)?.length).toBe(
      configuration.probes.length,
    )
  })
})

test('most examples are tried', () => {
  expect(examples.map(compiled).filter((made) => made !== null).length).toBeGreaterThan(examples.length / 2)
})

const lane = (number: number, source: number, coefficient: number, sink: number, upscaled = false): Lane => ({
  lane: number,
  source,
  coefficient,
  upscaled,
  sinks: [sink],
})

interface Draft {
  readonly lanes: readonly Lane[]
  readonly ics?: readonly number[]
  readonly k0?: 100 | 10_000
  readonly limiter?: boolean
  readonly constant?: 1 | -1 | 0.1 | -0.1
  readonly slot1?: ClusterConfiguration['slots'][1]
  readonly probes?: readonly { output: number; gain?: number; offset?: number; label?: string; unit?: string }[]
  readonly pace?: number
}

function configurationOf({
  lanes,
  ics = [],
  k0 = 10_000,
  limiter = false,
  constant,
  slot1 = null,
  probes = [{ output: 0 }],
  pace = 10_000,
}: Draft): Configuration {
  const integrators = ics.map((ic, element) => ({ element, ic, k0, limiter }))
  const cluster: ClusterConfiguration = {
    index: 0,
    constant: constant ?? null,
    lanes: [...lanes].sort((a, b) => a.lane - b.lane),
    slots: [{ kind: 'MINT', integrators }, slot1],
  }
  return {
    carriers: [
      {
        carrier: PORTABLE_CARRIER,
        clusters: [cluster],
        adc: probes.map(({ output, gain = 1, offset = 0 }, probe) => ({ output, gain, offset, probe })),
      },
    ],
    probes: probes.map(({ label = '', unit = '' }, index) => ({ label: label || `probe ${index}`, unit })),
    problemTimePerSecond: pace,
  }
}

/** Without the two lines at the top. */
const body = (configuration: Configuration, device: DeviceSpecification = LUCIDAC) =>
  decompile(configuration, device)
    .source.split('\n')
    .slice(2)
    .join('\n')
    .trim()
    .split('\n')
    .filter((line) => line !== '')

const texts: [what: string, draft: Draft, lines: string[], device?: DeviceSpecification][] = [
  [
    'an integrator without a probe of its own keeps machine units and its number',
    { lanes: [lane(0, 0, 0.5, 0)], ics: [-1], probes: [{ output: 0 }] },
    ['let diff[i0, t](t) = -0.5 * i0(t);', 'let i0(t: 0) = 1;', 'probe i0(t);'],
  ],
  [
    'the gain of a probe makes physical units, upscaling is a weight',
    { lanes: [lane(0, 0, 0.5, 0, true)], ics: [-0.5], probes: [{ output: 0, gain: 20, label: 'x', unit: 'V' }] },
    ['let diff[x, t](t) = -4 * x(t);', 'let x(t: 0) = 10;', 'probe x(t); # V'],
  ],
  [
    'an offset is added where it is measured, a second probe of a signal is a multiple of it',
    {
      lanes: [lane(0, 0, 1, 0)],
      probes: [
        { output: 0, gain: 2, offset: 1, label: 'shifted' },
        { output: 0, gain: 6, label: 'x' },
      ],
    },
    ['let diff[x, t](t) = -x(t);', 'probe 0.3333333333333 * x(t) + 1 as shifted;', 'probe x(t);'],
  ],
  [
    'slow integrators beside a pace in units per second',
    { lanes: [lane(0, 1, -1, 0), lane(1, 0, 1, 1)], ics: [-1, 0], k0: 100, pace: 0 },
    ['let diff[i0, t](t) = i1(t);', 'let diff[i1, t](t) = -i0(t);', 'let i0(t: 0) = 1;', 'probe i0(t);'],
  ],
  [
    'what alone drives a probed integrator is its derivative',
    { lanes: [lane(0, 1, -0.5, 0), lane(1, 0, 1, 1)], probes: [{ output: 0, gain: 4, label: 'x' }] },
    ['let diff[x, t](t) = i1(t);', 'let diff[i1, t](t) = -0.5 * x(t);', 'probe x(t);'],
  ],
  [
    'the constant on both halves of the lanes',
    { lanes: [lane(0, 15, 0.5, 0), lane(16, 14, 1, 0), lane(17, 0, 1, 0)], constant: 0.1 },
    ['let diff[i0, t](t) = -i0(t) - 0.15;', 'probe i0(t);'],
  ],
  [
    'products take the units of their factors, identities invert',
    {
      lanes: [lane(0, 0, 1, 8), lane(1, 0, 0.5, 9), lane(2, 1, 1, 9), lane(3, 8, 1, 0), lane(4, 12, 0.25, 1)],
      ics: [-1, -1],
      probes: [
        { output: 0, gain: 10, label: 'x' },
        { output: 1, gain: 10, label: 'y' },
      ],
    },
    [
      'let m0(t) = x(t) * (x(t) + 2 * y(t));',
      'let n0(t) = -x(t);',
      'let diff[x, t](t) = -0.05 * m0(t);',
      'let diff[y, t](t) = -0.25 * n0(t);',
      'let x(t: 0) = 10;',
      'let y(t: 0) = 10;',
      'probe x(t);',
      'probe y(t);',
    ],
  ],
  [
    'labels become names as far as the language has them',
    {
      lanes: [lane(0, 0, 1, 0), lane(1, 1, 1, 1), lane(2, 2, 1, 2), lane(3, 3, 1, 3)],
      probes: [
        { output: 0, label: 'sin' },
        { output: 1, label: 't' },
        { output: 2, label: '2 * a-b' },
        { output: 3, label: '\u0000' },
      ],
    },
    [
      'let diff[sin_2, t](t) = -sin_2(t);',
      'let diff[t_2, t](t) = -t_2(t);',
      'let diff[a_b, t](t) = -a_b(t);',
      'let diff[i3, t](t) = -i3(t);',
      'probe sin_2(t);',
      'probe t_2(t);',
      'probe a_b(t);',
      'probe i3(t);',
    ],
  ],
  [
    'limiters are left out, and it says so',
    { lanes: [lane(0, 0, -1, 0)], ics: [-0.5], limiter: true },
    [
      '# Left out: the limiters of `i0`, which clip at full scale.',
      'let diff[i0, t](t) = i0(t);',
      'let i0(t: 0) = 0.5;',
      'probe i0(t);',
    ],
  ],
  [
    'loops without an integrator are implicit definitions',
    { lanes: [lane(0, 12, 0.5, 8), lane(1, 0, 1, 8), lane(2, 0, 1, 0)], probes: [{ output: 12 }] },
    [
      '# Implicit: `n0` depends on itself with no integrator in between.',
      'let n0(t) = -0.5 * n0(t) - i0(t);',
      'let diff[i0, t](t) = -i0(t);',
      'probe n0(t);',
    ],
  ],
  [
    'MDR elements do what they are set to',
    {
      lanes: [
        lane(0, 0, -1, 8),
        lane(1, 0, 1, 10),
        lane(2, 0, 0.5, 12),
        lane(3, 1, 1, 13),
        lane(4, 1, -0.5, 14),
        lane(5, 0, 1, 14),
      ],
      slot1: { kind: 'MDR', operations: ['SQRT', 'SQUARE', 'DIVIDE', 'IDENT'] },
      ics: [-1, -1],
      probes: [8, 9, 10, 11, 14].map((output) => ({ output })),
    },
    [
      'use math;',
      'let m0(t) = sqrt(i0(t));',
      'let m1(t) = i0(t) ^ 2;',
      'let m2(t) = 0.5 * i0(t) / i1(t);',
      'let m3(t) = 0.5 * i1(t) - i0(t);',
      'let n2(t) = -i1(t);',
      'let diff[i0, t](t) = 0;',
      'let diff[i1, t](t) = 0;',
      'let i0(t: 0) = 1;',
      'let i1(t: 0) = 1;',
      'probe m0(t);',
      'probe m1(t);',
      'probe m2(t);',
      'probe m3(t);',
      'probe n2(t);',
    ],
    MREDAC,
  ],
  [
    'constants are computed, and a probe of one measures what stays',
    {
      lanes: [lane(0, 15, 0.5, 8), lane(1, 15, 0.25, 9), lane(2, 8, 1, 0)],
      constant: 1,
      probes: [{ output: 8, gain: 2, label: 'c' }, { output: 3, offset: 2 }, { output: 0 }],
    },
    [
      'let diff[i0, t](t) = -0.125;',
      'let diff[c, t](t) = 0;',
      'let diff[constant, t](t) = 0;',
      'let c(t: 0) = 0.25;',
      'let constant(t: 0) = 2;',
      'probe c(t);',
      'probe constant(t);',
      'probe i0(t);',
    ],
  ],
  [
    'coefficients that went through 32-bit floats are the numbers they were',
    { lanes: [lane(0, 0, Math.fround(0.3), 0), lane(1, 0, Math.fround(0.9), 1)], ics: [Math.fround(-0.7)] },
    ['let diff[i0, t](t) = -0.3 * i0(t);', 'let diff[i1, t](t) = -0.9 * i0(t);', 'let i0(t: 0) = 0.7;', 'probe i0(t);'],
  ],
]
test.each(texts)('%s', (_what, draft, lines, device = LUCIDAC) => {
  const configuration = configurationOf(draft)
  expect(violationsOf(configuration, device)).toEqual([])
  expect(body(configuration, device)).toEqual(lines)
})

test('a hop is no part of the equations', () => {
  const home: ClusterConfiguration = {
    index: 0,
    constant: null,
    slots: [null, null],
    lanes: [{ lane: 9, source: 0, coefficient: 0.5, upscaled: false, sinks: [] }, lane(0, 0, 1, 0)],
  }
  const away: ClusterConfiguration = {
    index: 1,
    constant: null,
    slots: [null, null],
    lanes: [{ lane: 9, source: null, coefficient: 0, upscaled: true, sinks: [0] }],
  }
  const configuration: Configuration = {
    carriers: [
      {
        carrier: PORTABLE_CARRIER,
        clusters: [home, away],
        hops: [{ lane: 9, from: 0, to: 1 }],
        adc: [
          { output: 0, gain: 1, offset: 0, probe: 0 },
          { output: 16, gain: 1, offset: 0, probe: 1 },
        ],
      },
    ],
    probes: [
      { label: 'probe 0', unit: '' },
      { label: 'probe 1', unit: '' },
    ],
    problemTimePerSecond: 10_000,
  }
  expect(body(configuration, MREDAC)).toEqual([
    'let diff[i0, t](t) = -i0(t);',
    'let diff[i8, t](t) = -4 * i0(t);',
    'probe i0(t);',
    'probe i8(t);',
  ])
})

test('what a configuration takes of a device is counted as a compile report counts it', () => {
  const { result } = compile(textOf('lorenz.ana'), { device: LUCIDAC, opTimeNs: 1_000_000 })
  const counted = new Map(
    elementUse(result!.configuration, LUCIDAC).map(({ kind, used, available }) => [kind, { used, available }]),
  )
  for (const { kind, used, available } of result!.report.elements)
    if (kind !== 'identity') expect({ kind, ...counted.get(kind) }).toEqual({ kind, used, available })
  expect(counted.get('identity')).toEqual({ used: 0, available: 4 })
  expect(counted.get('lane')).toEqual({ used: result!.report.lanesUsed, available: 32 })
})

describe('any configuration', () => {
  const coefficient = fc.integer({ min: -100, max: 100 }).map((hundredths) => hundredths / 100)
  /** Elements of slot 1 read slot 0, but for the last multiplier, which reads anything: so nothing loops without an integrator. */
  const anyLane = (number: number) =>
    fc.tuple(fc.nat(15), fc.nat(15), coefficient, fc.nat(9)).map(([source, sink, value, chance]): Lane => {
      const from = sink >= 8 && sink < 14 ? source % 8 : sink >= 14 && source === 11 ? 3 : source
      return lane(number, from, value, sink, chance === 0)
    })
  const anyConfiguration = fc
    .record({
      lanes: fc.uniqueArray(fc.nat(31), { maxLength: 24 }).chain((numbers) => fc.tuple(...numbers.map(anyLane))),
      ics: fc.array(coefficient, { maxLength: 8 }),
      k0: fc.constantFrom(100 as const, 10_000 as const),
      constant: fc.constantFrom(undefined, 1 as const, -0.1 as const),
      probes: fc.array(
        fc.record({
          output: fc.nat(15),
          gain: fc.constantFrom(1, 2.5, -3, 0.1),
          offset: fc.constantFrom(0, 0.5),
          label: fc.constantFrom('x', 'y', ''),
        }),
        { minLength: 1, maxLength: 8 },
      ),
      pace: fc.constantFrom(100, 10_000),
    })
    .map(({ constant, ...draft }) => configurationOf({ ...draft, ...(constant && { constant }) }))
    .filter((configuration) => violationsOf(configuration, LUCIDAC).length === 0)

  test('computes what its decompilation computes', () => {
    fc.assert(
      fc.property(anyConfiguration, (configuration) => {
        expect(deviation(configuration, LUCIDAC, { opTime: 20e-6 })).toBeLessThan(1e-6)
      }),
      { numRuns: 300 },
    )
  })
})
