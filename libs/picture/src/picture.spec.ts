import { LUCIDAC, MREDAC, PORTABLE_CARRIER, violationsOf, type Configuration, type Lane } from '@lucihub/analog'
import fc from 'fast-check'
import { diagramOf, type Arrival } from './diagram.ts'
import { drawCircuit } from './svg.ts'
import { layersOf } from './layers.ts'
import { draw, type Line } from './wires.ts'

const lane = (number: number, source: number, coefficient: number, sink: number, upscaled = false): Lane => ({
  lane: number,
  source,
  coefficient,
  upscaled,
  sinks: [sink],
})

function circuit(
  lanes: readonly Lane[],
  rest: Partial<Configuration['carriers'][number]['clusters'][number]> = {},
  labels = ['x'],
): Configuration {
  return {
    carriers: [
      {
        carrier: PORTABLE_CARRIER,
        clusters: [{ index: 0, constant: null, lanes, slots: [null, null], ...rest }],
        adc: labels.map((_, probe) => ({ output: 0, gain: 1, offset: 0, probe })),
      },
    ],
    probes: labels.map((label) => ({ label, unit: '' })),
    problemTimePerSecond: 10_000,
  }
}

const sourceText = (source: Arrival['source']): string =>
  'output' in source ? String(source.output) : 'constant' in source ? `c${source.constant}` : source.input

const summary = (configuration: Configuration, device = LUCIDAC) =>
  diagramOf(configuration, device).map(
    ({ place, symbol, inputs }) =>
      `${place} ${symbol} ${inputs.map((lanes) => `(${lanes.map(({ source, coefficient, upscaled }) => `${coefficient}${upscaled ? '^' : ''}*${sourceText(source)}`).join(' ')})`).join(' ')}`,
  )

test('elements are drawn when they integrate or something reads them; identities share inputs with multipliers', () => {
  const lanes = [
    lane(0, 0, 1, 8),
    lane(1, 0, 0.5, 9),
    lane(2, 12, -1, 0, true),
    lane(3, 15, 0.25, 0),
    lane(16, 14, 1, 1),
    lane(17, 15, 1, 2),
  ]
  expect(summary(circuit(lanes, { constant: 0.1 }))).toEqual([
    'M0.0 integrator (-1^*12 0.25*c0.1)',
    'M0.1 integrator (1*c0.1)',
    'M0.2 integrator (1*15)',
    'M1.4 identity (1*0)',
    'M1.7 identity ()',
  ])
})

test('MDR elements are drawn as what they are set to, hops as what they bring', () => {
  const home = {
    index: 0,
    constant: null,
    slots: [null, { kind: 'MDR', operations: ['SQRT', 'DIVIDE'] }] as const,
    lanes: [
      lane(0, 0, -1, 8),
      lane(1, 0, 1, 10),
      lane(2, 8, 1, 11),
      lane(3, 9, 1, 0),
      { lane: 9, source: 0, coefficient: 0.5, upscaled: false, sinks: [] },
    ],
  }
  const away = {
    index: 1,
    constant: null,
    slots: [null, null] as const,
    lanes: [{ lane: 9, source: null, coefficient: 0, upscaled: true, sinks: [0] }],
  }
  const [carrier] = circuit([]).carriers
  const configuration = {
    ...circuit([]),
    carriers: [{ ...carrier!, clusters: [home, away], hops: [{ lane: 9, from: 0, to: 1 }] }],
  }
  expect(violationsOf(configuration, MREDAC)).toEqual([])
  expect(summary(configuration, MREDAC)).toEqual([
    '0/M0.0 integrator (1*9)',
    '0/M1.0 root (-1*0)',
    '0/M1.1 quotient (1*0) (1*8)',
    '1/M0.0 integrator (0.5^*0)',
  ])
})

test('what comes in at a port is drawn by its name, in place of what its lane would carry', () => {
  const plain = circuit([lane(24, 0, 0.5, 8, true), lane(1, 12, -1, 0), lane(25, 1, 0.5, 0)])
  const [carrier] = plain.carriers
  const ports = [
    { port: 0, name: 'drive <1>', gain: 1 },
    { port: 1, name: 'a very long name of an external input', gain: 10 },
  ]
  const driven = { ...plain, carriers: [{ ...carrier!, inputs: ports }] }
  expect(violationsOf(driven, LUCIDAC)).toEqual([])
  expect(summary(plain)).toEqual(['M0.0 integrator (-1*12 0.5*1)', 'M0.1 integrator ()', 'M1.4 identity (0.5^*0)'])
  expect(summary(driven)).toEqual([
    'M0.0 integrator (-1*12 1*a very long name of an external input)',
    'M1.4 identity (1^*drive <1>)',
  ])
  const svg = drawCircuit(driven, LUCIDAC)
  expect(svg).toContain('>drive &lt;1&gt;</text>')
  expect(svg).toContain('>a very long name of a…</text>')
  expect(svg).not.toMatch(/NaN|undefined/)
})

test('layers run from left to right, with as little feedback as the greedy order finds', () => {
  const chain = [0, 1, 2].map((from) => ({ from, to: (from + 1) % 3 }))
  expect(layersOf(3, chain)).toEqual([[0], [1], [2]])
  expect(
    layersOf(4, [
      { from: 0, to: 2 },
      { from: 1, to: 2 },
      { from: 2, to: 3 },
      { from: 3, to: 3 },
    ]),
  ).toEqual([[0, 1], [2], [3]])
  expect(layersOf(0, [])).toEqual([])
})

const anyLanes = fc
  .uniqueArray(fc.nat(31), { minLength: 1, maxLength: 32 })
  .chain((numbers) =>
    fc.tuple(
      ...numbers.map((number) =>
        fc
          .record({ source: fc.nat(15), sink: fc.nat(15), upscaled: fc.boolean() })
          .map(({ source, sink, upscaled }) => lane(number, source, 0.1234, sink, upscaled)),
      ),
    ),
  )

test('boxes do not overlap, wires of different outputs never run over each other, none runs through a box', () => {
  fc.assert(
    fc.property(anyLanes, fc.constantFrom(null, 1 as const), (lanes, constant) => {
      const { boxes, wires } = draw(diagramOf(circuit(lanes, { constant }), LUCIDAC))
      for (const [index, a] of boxes.entries())
        for (const b of boxes.slice(index + 1))
          expect(a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y).toBe(
            true,
          )
      const lines = wires.flatMap(({ output, lines: own }) => own.map((line) => ({ output, ...span(line) })))
      for (const [index, a] of lines.entries())
        for (const b of lines.slice(index + 1))
          if (a.output !== b.output && a.upright === b.upright && a.across === b.across)
            expect(a.to <= b.from || b.to <= a.from).toBe(true)
      for (const { upright, across, from, to } of lines)
        for (const { x, y, width, height } of boxes) {
          const [low, high, start, end] = upright ? [x, x + width, y, y + height] : [y, y + height, x, x + width]
          expect(across > low && across < high && from < end && to > start).toBe(false)
        }
    }),
    { numRuns: 200 },
  )
})

function span({ from, to }: Line) {
  const upright = from.x === to.x
  const [a, b] = upright ? [from.y, to.y] : [from.x, to.x]
  return { upright, across: upright ? from.x : from.y, from: Math.min(a, b), to: Math.max(a, b) }
}

test('the picture is the same every time, and well-formed whatever labels say', () => {
  const labels = ['<script>alert("x")</script>', 'a & b\u0000\u202e']
  const svg = drawCircuit(circuit([lane(0, 0, -0.3333333, 0, true)], {}, labels), LUCIDAC)
  expect(drawCircuit(circuit([lane(0, 0, -0.3333333, 0, true)], {}, labels), LUCIDAC)).toBe(svg)
  expect(svg).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/s…</text>')
  expect(svg).toContain('\u22120.3333<tspan')
  expect(svg).not.toMatch(/NaN|undefined|Infinity|script>/)
  const open = [...svg.matchAll(/<(\w+)(?: [^<>]*?)?(\/?)>/g)].filter(([, , closed]) => !closed).length
  expect(open).toBe([...svg.matchAll(/<\/\w+>/g)].length)
})

test('the legend says how fast it computes and what the signs are', () => {
  const texts = (configuration: Configuration) =>
    [...drawCircuit(configuration, LUCIDAC).matchAll(/<text x="0"[^>]*>([^<]*)/g)].map(([, line]) => line)
  expect(texts(circuit([lane(0, 0, 1, 0, true)]))).toEqual([
    'k0 = 10\u2009000 per second   \u00b7   1 s of op time is 10\u2009000 units of problem time',
    'integrator: dv/dt = \u2212k0 \u00b7 sum of its inputs   \u00b7   \u00d78: an upscaled lane',
  ])
  expect(texts({ ...circuit([], {}, []), problemTimePerSecond: 0 })).toEqual(['Nothing is connected.'])
})
