import {
  PORTABLE_CARRIER,
  portableCarrier,
  Problem,
  redacDescription,
  type CarrierConfiguration,
  type Configuration,
  type ConstantValue,
  type MBlockConfiguration,
  type MdrOperation,
} from '@lucihub/analog'
import fc from 'fast-check'
import { lucidac, MAC, redac } from '../../test/descriptions.ts'
import { anabrid, type Item, type Module } from '../wire/messages.ts'
import { decodeApb, encodeApb } from './apb.ts'
import { encodeConfiguration } from './configuration.ts'
import { decodeConfiguration } from './configuration-reader.ts'

function overTheWire(module: anabrid.Module.$Properties): readonly Item[] {
  return (anabrid.Module.decode(anabrid.Module.encode(module).finish()) as Module).items
}

/** A stack of two carriers with its backplane. */
const stack = redacDescription(['04-E9-E5-00-00-01', '04-E9-E5-00-00-02'])

/** A damped oscillator: two integrators and three lanes, one of them upscaled. */
const oscillator: Configuration = {
  carriers: [
    {
      carrier: PORTABLE_CARRIER,
      clusters: [
        {
          index: 0,
          constant: -0.1,
          lanes: [
            { lane: 0, source: 0, coefficient: 1, upscaled: false, sinks: [1] },
            { lane: 1, source: 1, coefficient: -0.5, upscaled: true, sinks: [0] },
            { lane: 16, source: 14, coefficient: 0.25, upscaled: false, sinks: [0] },
          ],
          slots: [
            {
              kind: 'MINT',
              integrators: [
                { element: 0, ic: -0.5, k0: 10_000, limiter: false },
                { element: 1, ic: 0, k0: 100, limiter: true },
              ],
            },
            { kind: 'MMUL' },
          ],
        },
      ],
      adc: [
        { output: 1, gain: 2, offset: 0, probe: 1 },
        { output: 0, gain: 1, offset: 0.5, probe: 0 },
      ],
    },
  ],
  probes: [
    { label: 'probe 0', unit: '' },
    { label: 'probe 1', unit: '' },
  ],
  problemTimePerSecond: 0,
}

test('a configuration becomes one item per block, portable carriers become the target', () => {
  const path = (rest: string) => ({ path: `${MAC}${rest}` })
  expect(encodeConfiguration(oscillator, lucidac)).toEqual({
    items: [
      {
        entity: path('/0/U'),
        selectConfig: {
          connections: [
            { input: 0, output: 0 },
            { input: 1, output: 1 },
            { input: 14, output: 16 },
          ],
          constant: anabrid.SelectConfig.Constant.NEG_REF,
          magnitude: anabrid.SelectConfig.Magnitude.ONE_TENTH,
        },
      },
      {
        entity: path('/0/C'),
        coefConfig: {
          elements: [
            { idx: 0, factor: 1 },
            { idx: 1, factor: -0.5 },
            { idx: 16, factor: 0.25 },
          ],
        },
      },
      {
        entity: path('/0/I'),
        sumConfig: {
          connections: [
            { inputs: [1, 16], output: 0 },
            { inputs: [0], output: 1 },
          ],
          upscales: [{ lane: 1, enabled: true }],
        },
      },
      {
        entity: path('/0/M0'),
        itorConfig: {
          elements: [
            { idx: 0, ic: -0.5, k: 10_000 },
            { idx: 1, ic: 0, k: 100 },
          ],
        },
      },
      { entity: path('/0/M0'), limiterConfig: { elements: [{ idx: 1, enable: true }] } },
      {
        entity: path(''),
        adcConfig: {
          channels: [
            { idx: 1, gain: 2, offset: 0, probe: 1 },
            { idx: 0, gain: 1, offset: 0.5, probe: 0 },
          ],
        },
      },
    ],
  })
})

test('a full-scale negative constant is sent at full scale', () => {
  const select = (constant: ConstantValue) => {
    const [carrier] = oscillator.carriers
    const [cluster] = carrier?.clusters ?? []
    if (!carrier || !cluster) throw new Error('the oscillator has a cluster')
    const { items } = encodeConfiguration({
      ...oscillator,
      carriers: [{ ...carrier, clusters: [{ ...cluster, constant }] }],
    })
    return overTheWire({ items: items ?? [] })[0]?.selectConfig
  }
  expect(select(-1)).toMatchObject({ constant: 2, magnitude: 0 })
  expect(select(1)).toMatchObject({ constant: 1, magnitude: 0 })
  expect(select(-0.1)).toMatchObject({ constant: 2, magnitude: 1 })
  expect(select(0.1)).toMatchObject({ constant: 1, magnitude: 1 })
})

test('a configuration comes back from a file', () => {
  const onDevice = { ...oscillator, carriers: oscillator.carriers.map((carrier) => ({ ...carrier, carrier: MAC })) }
  expect(decodeApb(encodeApb({ configuration: oscillator, description: lucidac })).configuration).toEqual(onDevice)
})

const unit = fc.double({ min: -1, max: 1, noNaN: true }).map((value) => Math.fround(value) + 0)
const sinks = fc.uniqueArray(fc.nat({ max: 15 }), { maxLength: 3 }).map((list) => list.toSorted((a, b) => a - b))
const lanes = fc
  .uniqueArray(
    fc.record({
      lane: fc.nat({ max: 31 }),
      source: fc.option(fc.nat({ max: 15 })),
      coefficient: unit,
      upscaled: fc.boolean(),
      sinks,
    }),
    { selector: ({ lane }) => lane, maxLength: 32 },
  )
  .map((list) => list.toSorted((a, b) => a.lane - b.lane))
const integrators = fc
  .uniqueArray(
    fc.record({
      element: fc.nat({ max: 7 }),
      ic: unit,
      k0: fc.constantFrom(100 as const, 10_000 as const),
      limiter: fc.boolean(),
    }),
    { selector: ({ element }) => element, maxLength: 8 },
  )
  .map((list) => list.toSorted((a, b) => a.element - b.element))
const mint: fc.Arbitrary<MBlockConfiguration> = integrators.map((list) => ({ kind: 'MINT', integrators: list }))
const operation = fc.constantFrom<MdrOperation>('MULTIPLY', 'SQUARE', 'DIVIDE', 'SQRT', 'IDENT')
const mdr: fc.Arbitrary<MBlockConfiguration> = fc
  .array(operation, { maxLength: 4 })
  .map((operations) => ({ kind: 'MDR', operations }))
const cluster = (index: number) =>
  fc.record({
    index: fc.constant(index),
    constant: fc.constantFrom<ConstantValue | null>(null, 1, -1, 0.1, -0.1),
    lanes,
    slots: fc.tuple(mint, mdr),
  })
const configuration: fc.Arbitrary<Configuration> = fc
  .tuple(
    cluster(0),
    cluster(2),
    fc.array(fc.record({ output: fc.nat({ max: 47 }), gain: fc.double(), offset: fc.double() }), { maxLength: 8 }),
  )
  .map(([first, second, adc]) => ({
    carriers: [
      {
        carrier: redac.carriers[0]?.id ?? '',
        clusters: [first, second],
        adc: adc.map((channel, probe) => ({ ...channel, probe })),
      },
    ],
    probes: adc.map((_, probe) => ({ label: `probe ${probe}`, unit: '' })),
    problemTimePerSecond: 0,
  }))

test('any configuration of any cluster comes back as it was sent', () => {
  fc.assert(
    fc.property(configuration, (sent) => {
      expect(decodeConfiguration(overTheWire(encodeConfiguration(sent, redac)), redac)).toEqual(sent)
    }),
    { numRuns: 200 },
  )
})

test('later items apply over earlier ones', () => {
  const items = overTheWire({
    items: [
      {
        entity: { path: `/${MAC}/0/C` },
        coefConfig: {
          elements: [
            { idx: 3, factor: 1 },
            { idx: 4, factor: 0.5 },
          ],
        },
      },
      { entity: { path: `${MAC}/0/C` }, coefConfig: { elements: [{ idx: 3, factor: -1 }] } },
    ],
  })
  const lane = { source: null, upscaled: false, sinks: [] }
  expect(decodeConfiguration(items).carriers[0]?.clusters[0]?.lanes).toEqual([
    { ...lane, lane: 3, coefficient: -1 },
    { ...lane, lane: 4, coefficient: 0.5 },
  ])
})

test.each<[string, anabrid.Item.$Properties, string]>([
  [
    'another device',
    { entity: { path: 'AA-AA-AA-AA-AA-AA/0/U' }, selectConfig: {} },
    'selectConfig of "AA-AA-AA-AA-AA-AA/0/U": the device has no such entity.',
  ],
  [
    'another cluster',
    { entity: { path: `${MAC}/5/U` }, selectConfig: {} },
    `selectConfig of "${MAC}/5/U": the device has no such entity.`,
  ],
  [
    'the wrong block',
    { entity: { path: `${MAC}/0/C` }, selectConfig: {} },
    `selectConfig of "${MAC}/0/C": it cannot be applied there.`,
  ],
  [
    'a block of another type',
    { entity: { path: `${MAC}/0/M1` }, itorConfig: {} },
    `itorConfig of "${MAC}/0/M1": it cannot be applied there.`,
  ],
  [
    'an external constant',
    { entity: { path: `${MAC}/0/U` }, selectConfig: { constant: 3 } },
    `selectConfig of "${MAC}/0/U": only the internal references can be its constant.`,
  ],
  [
    'external ports of a block',
    { entity: { path: `${MAC}/0/M0` }, portConfig: { states: [0, 1] } },
    `portConfig of "${MAC}/0/M0": it cannot be applied there.`,
  ],
  [
    'a running signal generator',
    { entity: { path: `${MAC}/FP` }, signalGeneratorConfig: { frequency: 50 } },
    `signalGeneratorConfig of "${MAC}/FP": it cannot be applied there.`,
  ],
  ['no entity', { coefConfig: {} }, 'coefConfig of "": the device has no such entity.'],
])('an item for %s is refused', (_name, item, message) => {
  expect(() => decodeConfiguration(overTheWire({ items: [item] }), lucidac)).toThrow(
    new Problem('validation-failed', message),
  )
})

test('items that only calibrate or decorate are passed over', () => {
  const items = overTheWire({
    items: [
      { entity: { path: `${MAC}/FP` }, frontPanelConfig: { leds: 255 } },
      { entity: { path: `${MAC}/0/SH` }, shiftHoldConfig: { state: 2 } },
      { entity: { path: MAC }, portConfig: { states: [0, 0, 0] } },
    ],
  })
  expect(decodeConfiguration(items, lucidac).carriers.flatMap(({ clusters }) => clusters)).toEqual([])
})

test('a portable configuration of more carriers than the device has does not fit', () => {
  const [carrier] = oscillator.carriers
  const two = { ...oscillator, carriers: carrier ? [carrier, { ...carrier, carrier: portableCarrier(1) }] : [] }
  expect(() => encodeConfiguration(two, lucidac)).toThrow(
    new Problem('validation-failed', 'The configuration needs 2 carriers, the device has 1.'),
  )
})

/** A carrier of its own clusters' silence, with these switches. */
function switched(carrier: string, switches: Pick<CarrierConfiguration, 'hops' | 'backplane'>): CarrierConfiguration {
  return { carrier, clusters: [], adc: [], ...switches }
}

test('hops become settings of multiplexers: index lane - 8 times 4 plus destination, state source, 0 the backplane', () => {
  const configuration: Configuration = {
    carriers: [
      switched(portableCarrier(0), {
        hops: [
          { lane: 8, from: 2, to: 'backplane' },
          { lane: 31, from: 0, to: 2 },
        ],
        backplane: [
          { lane: 8, from: 0, to: 1 },
          { lane: 17, from: 1, to: 0 },
        ],
      }),
      switched(portableCarrier(1), { hops: [{ lane: 8, from: 'backplane', to: 1 }] }),
    ],
    probes: [],
    problemTimePerSecond: 0,
  }
  const items = overTheWire(encodeConfiguration(configuration, stack))
  const moved = items.map(({ entity, switchConfig, bplSwitchConfig }) => [
    entity?.path,
    (switchConfig ?? bplSwitchConfig)?.muxes.length,
    (switchConfig ?? bplSwitchConfig)?.muxes.filter(({ state, index }) => state !== index % (switchConfig ? 4 : 9)),
  ])
  const [first, second] = stack.carriers.map(({ id }) => id)
  expect(moved).toEqual([
    [
      `${first}/T`,
      96,
      [
        { state: 3, index: 0 },
        { state: 1, index: 95 },
      ].map((mux) => expect.objectContaining(mux)),
    ],
    [`${first}/ST0`, 72, [expect.objectContaining({ state: 0, index: 1 })]],
    [`${first}/ST1`, 72, [expect.objectContaining({ state: 1, index: 9 })]],
    [`${second}/T`, 96, [expect.objectContaining({ state: 0, index: 2 })]],
  ])
  expect(decodeConfiguration(items, stack).carriers).toEqual(
    configuration.carriers.map((carrier, position) => ({ ...carrier, carrier: stack.carriers[position]?.id })),
  )
})

test('a setting of the T block is at most four bytes: what is 0 stays off the wire', () => {
  const T = encodeConfiguration({
    carriers: [switched(MAC, { hops: [{ lane: 9, from: 1, to: 0 }] })],
    probes: [],
    problemTimePerSecond: 0,
  })
  const bytes = anabrid.SwitchConfig.encode(T.items?.[0]?.switchConfig ?? {}).finish()
  // Lane 8: every sector takes itself. Lane 9: cluster 0 (destination 1) takes cluster 1 (source 2).
  const lane8 = '0a00 0a0408011001 0a0408021002 0a0408031003'
  const lane9 = '0a021004 0a0408021005 0a0408021006 0a0408031007'
  expect(Buffer.from(bytes).subarray(0, 42).toString('hex')).toBe(`${lane8} ${lane9}`.replaceAll(' ', ''))
})

const end = fc.oneof(fc.constant('backplane' as const), fc.nat({ max: 2 }))
const hops = fc
  .uniqueArray(
    fc.record({ lane: fc.integer({ min: 8, max: 31 }), from: end, to: end }).filter(({ from, to }) => from !== to),
    { selector: ({ lane, to }) => `${lane}/${to}`, minLength: 1 },
  )
  .map((list) => list.toSorted((a, b) => a.lane - b.lane || sectorNumber(a.to) - sectorNumber(b.to)))
const places = fc.nat({ max: 6 })
const crossings = fc
  .uniqueArray(
    fc
      .record({ lane: fc.integer({ min: 8, max: 31 }), from: places, to: places })
      .filter(({ from, to }) => from !== to),
    { selector: ({ lane, to }) => `${lane}/${to}`, minLength: 1 },
  )
  .map((list) => list.toSorted((a, b) => a.lane - b.lane || a.to - b.to))

function sectorNumber(sector: number | 'backplane'): number {
  return sector === 'backplane' ? -1 : sector
}

test('any settings of T block and backplane come back as they were sent', () => {
  fc.assert(
    fc.property(hops, crossings, (sent, backplane) => {
      const [first] = stack.carriers
      const carriers = [switched(first?.id ?? '', { hops: sent, backplane })]
      const configuration = { carriers, probes: [], problemTimePerSecond: 0 }
      expect(decodeConfiguration(overTheWire(encodeConfiguration(configuration, stack)), stack)).toEqual(configuration)
    }),
    { numRuns: 100 },
  )
})

test('a later setting of a multiplexer replaces an earlier one', () => {
  const mux = (state: number) => ({ entity: { path: `${MAC}/T` }, switchConfig: { muxes: [{ state, index: 5 }] } })
  const hopsOf = (...states: readonly number[]) =>
    decodeConfiguration(overTheWire({ items: states.map(mux) })).carriers[0]?.hops
  expect(hopsOf(3)).toEqual([{ lane: 9, from: 2, to: 0 }])
  expect(hopsOf(3, 2)).toEqual([{ lane: 9, from: 1, to: 0 }])
  expect(hopsOf(3, 1)).toBeUndefined()
})

test.each<[string, anabrid.Item.$Properties, string]>([
  [
    'a T block that the device lacks',
    { entity: { path: `${stack.carriers[0]?.id}/T2` }, switchConfig: { muxes: [{ state: 1, index: 2 }] } },
    `switchConfig of "${stack.carriers[0]?.id}/T2": the device has no such entity.`,
  ],
  [
    'a multiplexer that a T block lacks',
    { entity: { path: `${stack.carriers[0]?.id}/T` }, switchConfig: { muxes: [{ state: 1, index: 96 }] } },
    `switchConfig of "${stack.carriers[0]?.id}/T": there is no setting 1 of multiplexer 96.`,
  ],
  [
    'the neighbouring stack',
    { entity: { path: `${stack.carriers[0]?.id}/ST2` }, bplSwitchConfig: { muxes: [{ state: 7, index: 3 }] } },
    `bplSwitchConfig of "${stack.carriers[0]?.id}/ST2": setting 7 of multiplexer 3 leaves the stack.`,
  ],
  [
    'switches in a cluster',
    { entity: { path: `${stack.carriers[0]?.id}/0` }, switchConfig: { muxes: [{ state: 1, index: 2 }] } },
    `switchConfig of "${stack.carriers[0]?.id}/0": it cannot be applied there.`,
  ],
])('a switch item for %s is refused', (_name, item, message) => {
  expect(() => decodeConfiguration(overTheWire({ items: [item] }), stack)).toThrow(
    new Problem('validation-failed', message),
  )
})

test('ports that take a signal in go over the wire; their names and ranges do not', () => {
  const [carrier] = oscillator.carriers
  const inputs = [
    { port: 0, name: 'port0', gain: 1 },
    { port: 7, name: 'port7', gain: 1 },
  ]
  const driven = { ...oscillator, carriers: carrier ? [{ ...carrier, inputs }] : [] }
  const module = encodeConfiguration(driven, lucidac)
  expect(module.items?.find((item) => item.portConfig)).toEqual({
    entity: { path: MAC },
    portConfig: { states: [1, 0, 0, 0, 0, 0, 0, 1] },
  })
  expect(decodeConfiguration(overTheWire(module), lucidac).carriers[0]?.inputs).toEqual(inputs)
})
