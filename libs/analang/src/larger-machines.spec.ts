/** Circuits that a LUCIDAC has no room for: compiled for an mREDAC or a REDAC, simulated there, compared with their equations. */
import {
  LUCIDAC,
  MREDAC,
  mredacDescription,
  PORTABLE_CARRIER,
  portableCarrier,
  redacDescription,
  specificationOf,
  violationsOf,
  type Compilation,
  type DeviceDescription,
} from '@lucihub/analog'
import { SimulatedComputer } from '@lucihub/simulation'
import { record } from '@lucihub/simulation/conformance'
import fc from 'fast-check'
import { compile } from './compile.ts'
import { solve } from './solve.ts'

const mredac = mredacDescription(PORTABLE_CARRIER)
const redac = redacDescription([0, 1, 2, 3, 4, 5, 6].map(portableCarrier))

function lines(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => line(index)).join('\n')
}

function probes(...names: readonly string[]): string {
  return names.map((name) => `probe ${name};`).join('\n')
}

/** The temperature along a rod whose ends are kept at 0. */
function heat(nodes: number): string {
  const node = (i: number): string => (i < 0 || i >= nodes ? '0' : `u${i}`)
  return `${lines(
    nodes,
    (i) =>
      `let diff[u${i}, t](t) = ${node(i - 1)} - 2 * u${i} + ${node(i + 1)};
       let u${i}(t: 0) = ${(Math.sin((Math.PI * (i + 1)) / (nodes + 1)) + 0.3).toFixed(4)};`,
  )}\n${probes('u0', 'u1', `u${nodes >> 1}`, `u${nodes - 1}`)}`
}

/** Lorenz's weather on a ring of latitude. */
function lorenz96(sites: number): string {
  const at = (i: number): string => `x${(i + sites) % sites}`
  return `${lines(
    sites,
    (i) =>
      `let diff[x${i}, t](t) = (${at(i + 1)} - ${at(i - 2)}) * ${at(i - 1)} - x${i} + 8;
       let x${i}(t: 0) = ${(8 + Math.cos(i)).toFixed(4)};`,
  )}\n${probes('x0', 'x1', `x${sites - 1}`)}`
}

/** Pendulums on a ring, each pulled by its neighbours; the last probe is a sum. */
function oscillators(count: number): string {
  const at = (i: number): string => `x${(i + count) % count}`
  return `${lines(
    count,
    (i) =>
      `let diff[x${i}, t, t](t) = 0.5 * ${at(i - 1)} - ${(1.9 + 0.01 * i).toFixed(2)} * x${i} + 0.5 * ${at(i + 1)};
       let x${i}(t: 0) = ${Math.cos(i).toFixed(4)};`,
  )}\n${probes('x0', `x${count - 1}`, 'diff[x1, t](t)', `x0 + x${count >> 1} - 0.5`)}`
}

/** Masses between springs and dampers, the first pushed by a constant force, the springs a little stiffer when stretched. */
function massesAndSprings(count: number): string {
  const at = (i: number): string => (i < 0 ? '0' : `y${i}`)
  return `${lines(count, (i) => {
    const right = i + 1 < count ? ` + y${i + 1} - y${i}` : ''
    const force = i === 0 ? ' + 0.4 - 0.2 * y0^3' : ''
    return `let diff[y${i}, t, t](t) = ${at(i - 1)} - y${i}${right} - 0.1 * diff[y${i}, t](t)${force};
            let y${i}(t: 0) = ${(0.2 * Math.cos(i)).toFixed(4)};`
  })}\n${probes('y0', `y${count - 1}`)}`
}

function resultOf({ result, diagnostics }: Compilation): NonNullable<Compilation['result']> {
  if (!result) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  return result
}

test.each<[string, string, DeviceDescription, number]>([
  ['heat in 20 nodes', heat(20), mredac, 0.5],
  ['heat in 30 nodes', heat(30), redac, 0.5],
  ['heat in 100 nodes', heat(100), redac, 0.5],
  ['a ring of 12 oscillators', oscillators(12), mredac, 1],
  ['a ring of 20 oscillators', oscillators(20), redac, 1],
  ['10 masses and springs', massesAndSprings(10), mredac, 1],
  ['40 masses and springs', massesAndSprings(40), redac, 0.5],
  ['80 masses in a row, the first pushed', pushed(80), redac, 1],
  ['Lorenz-96 in 6 places', lorenz96(6), mredac, 0.3],
  ['Lorenz-96 in 9 places', lorenz96(9), redac, 0.3],
  ['Lorenz-96 in 12 places', lorenz96(12), redac, 0.3],
  ['Lorenz-96 in 36 places', lorenz96(36), redac, 0.3],
])('%s: the circuit computes what the equations say', async (_name, source, description, opTimeMs) => {
  const opTimeNs = opTimeMs * 1e6
  const device = specificationOf(description)
  expect(compile(source, { device: LUCIDAC, opTimeNs }).result).toBeNull()
  const { configuration, report } = resultOf(compile(source, { device, opTimeNs }))
  expect(violationsOf(configuration, device)).toEqual([])

  const sampleRateHz = 400_000
  const computer = new SimulatedComputer({ description })
  await computer.configure(configuration)
  const { channels, phases, final } = await record(computer, { opTimeNs, sampleRateHz, haltOnOverload: true })
  expect(phases.at(-1)).toBe('DONE')
  expect((await computer.overload()).outputs).toEqual([])
  expect(final).toHaveLength(16 * device.carriers.flatMap(({ clusters }) => clusters).length)

  const settings = configuration.carriers.flatMap(({ adc }) => adc)
  const count = channels[0]?.length ?? 0
  const dt = report.problemTimePerSecond / sampleRateHz
  const expected = solve(source, { problemTime: { t0: 0, dt, count } })
  if ('diagnostics' in expected) throw new Error('the equations have a solution')
  expected.values.forEach((values, probe) => {
    const { gain, offset } = settings.find((channel) => channel.probe === probe) ?? { gain: NaN, offset: NaN }
    const fullScale = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0)
    const error = values.reduce(
      (worst, value, k) => Math.max(worst, Math.abs(value - ((channels[probe]?.[k] ?? NaN) * gain + offset))),
      0,
    )
    expect(error / fullScale).toBeLessThan(1e-3)
  })
})

/** At rest, but for the first, which is pushed: those far away move by 1e-100 and less. */
function pushed(masses: number): string {
  const right = (i: number): string => (i + 1 < masses ? ` - x${i} + x${i + 1}` : '')
  const left = (i: number): string => (i === 0 ? '0.4 - x0' : `x${i - 1} - x${i}`)
  return `${lines(masses, (i) => `let diff[x${i}, t, t](t) = ${left(i)}${right(i)};`)}\n${probes('x0', 'x9')}`
}

test.each([0.2, 1])('the front of a wave takes one lane for each term: 80 masses for %p ms', (opTimeMs) => {
  const { report } = resultOf(compile(pushed(80), { device: specificationOf(redac), opTimeNs: opTimeMs * 1e6 }))
  expect(report.problemTimePerSecond).toBe(10_000)
  // The 80 velocities; in 80 sums the mass itself, its neighbours and the push.
  expect(report.lanesUsed).toBe(80 + 80 + 79 + 79 + 1)
  const scales = report.signals.map(({ scale }) => scale)
  expect(Math.max(...scales) / Math.min(...scales)).toBeLessThan(1e7)
})

test('a small variable keeps its own scale where that costs no lane', () => {
  const source = 'let diff[x, t, t](t) = -x; let x(t: 0) = 1; let diff[y, t](t) = 1e-9 * x - y; probe x; probe y;'
  const { report } = resultOf(compile(source, { device: LUCIDAC, opTimeNs: 1e6 }))
  expect(report.signals.find(({ name }) => name === 'y')?.scale).toBeLessThan(1e-9)
})

test('the same program gives the same configuration', () => {
  const options = { device: specificationOf(redac), opTimeNs: 300_000 }
  expect(compile(lorenz96(12), options)).toEqual(compile(lorenz96(12), options))
})

test('a circuit that one cluster can hold stays in one', () => {
  const small = 'let diff[x, t](t) = 1 - x^2; let x(t: 0) = 0.5; probe x; probe x + x^2;'
  const { configuration } = resultOf(compile(small, { device: specificationOf(redac), opTimeNs: 300_000 }))
  expect(
    configuration.carriers.map(({ carrier, clusters, hops, backplane }) => ({
      carrier,
      clusters: clusters.map(({ index }) => index),
      hops,
      backplane,
    })),
  ).toEqual([{ carrier: PORTABLE_CARRIER, clusters: [0], hops: undefined, backplane: undefined }])
})

test('elements are named by carrier and cluster where there are several', () => {
  const elementsOn = (description: DeviceDescription, source: string): string[] =>
    resultOf(compile(source, { device: specificationOf(description), opTimeNs: 300_000 })).report.signals.map(
      ({ element }) => element,
    )
  expect(elementsOn(mredac, heat(10))).toContain('1/M0.1')
  expect(elementsOn(redac, heat(30))).toContain('1/0/M0.5')
})

test('nothing crosses between carriers without a backplane', () => {
  const loose = { carriers: redac.carriers.slice(1) }
  const { diagnostics } = compile(heat(30), { device: specificationOf(loose), opTimeNs: 300_000 })
  expect(diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([
    'ANA0302 no division of the circuit over 18 clusters leaves each with lanes enough',
  ])
})

test.each<[string, readonly string[]]>([
  [
    heat(25),
    [
      'the circuit needs 25 integrators, the device has 24 [each order of each differential equation takes one; a REDAC of seven carriers has room for it]',
    ],
  ],
  [
    heat(169),
    [
      'the circuit needs 169 integrators, the device has 24 [each order of each differential equation takes one; no machine has room for it]',
    ],
  ],
])('a shortage says what would have room', (source, expected) => {
  const { diagnostics } = compile(source, { device: MREDAC, opTimeNs: 300_000 })
  expect(diagnostics.map(({ message, hint }) => `${message} [${hint}]`)).toEqual(expected)
})

/** Bounded for a short time: every variable decays, and is pushed by others and by products a little. */
const polynomial = fc
  .integer({ min: 2, max: 60 })
  .chain((count) => {
    const other = fc.nat({ max: count - 1 })
    const coefficient = fc.integer({ min: -12, max: 12 }).map((value) => value / 10)
    const linear = fc.array(fc.tuple(coefficient, other), { maxLength: 4 })
    const products = fc.array(fc.tuple(coefficient, other, other), { maxLength: 1 })
    const constant = fc.option(coefficient)
    return fc.array(fc.tuple(linear, products, constant), { minLength: count, maxLength: count })
  })
  .map((equations) => {
    const text = equations.map(([linear, products, constant], i) => {
      const terms = [
        ...linear.map(([c, j]) => ` + ${c} * x${j}`),
        ...products.map(([c, j, k]) => ` + ${c} * x${j} * x${k}`),
        constant === null ? '' : ` + ${constant}`,
      ]
      return `let diff[x${i}, t](t) = -x${i}${terms.join('')}; let x${i}(t: 0) = ${(0.1 * ((i % 7) - 3)).toFixed(1)};`
    })
    return `${text.join('\n')}\n${probes('x0', 'x1', 'x0 + x1')}`
  })

test.each([
  ['mREDAC', mredac],
  ['REDAC', redac],
])('any polynomial system fits the %s or is told why not', (_name, description) => {
  const device = specificationOf(description)
  fc.assert(
    fc.property(polynomial, (source) => {
      const { result, diagnostics } = compile(source, { device, opTimeNs: 50_000 })
      if (result) expect(violationsOf(result.configuration, device)).toEqual([])
      else
        expect(diagnostics.filter(({ severity }) => severity === 'error').map(({ code }) => code)).toContainEqual(
          expect.stringMatching(/^ANA0[34]/),
        )
    }),
    { numRuns: 25 },
  )
})
