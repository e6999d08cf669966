import {
  LUCIDAC,
  MREDAC,
  PORTABLE_CARRIER,
  Problem,
  violationsOf,
  type Configuration,
  type Violation,
} from '@lucihub/analog'
import fc from 'fast-check'
import { circuitJsonKind, readCircuitJson } from './circuit-json.ts'
import { writeCircuitJson } from './circuit-json-writer.ts'
import { readCircuitFile } from './circuit-file.ts'
import { encodeApb } from './apb.ts'

const filled = <T>(length: number, rest: T, given: Record<number, T> = {}): T[] =>
  Array.from({ length }, (_, index) => given[index] ?? rest)
const MAC = '04-E9-E5-15-87-A0'

/** As lucipy writes it: an integrator pair with a constant, one weight of -2 as -0.2 upscaled by ten. */
const lucipy = () => ({
  '/0': {
    '/U': { outputs: filled<number | null>(32, null, { 0: 0, 1: 1, 2: 15, 16: 14 }), constant: true },
    '/C': { elements: filled(32, 0, { 0: 0.5, 1: -0.2, 2: 1, 16: 0.3 }) },
    '/I': {
      outputs: filled<number[]>(16, [], { 0: [1], 1: [0], 8: [2], 9: [16] }),
      upscaling: filled(32, false, { 1: true, 7: true }),
    },
    '/M0': { elements: filled(8, { k: 10000, ic: 0 }, { 0: { k: 10000, ic: 1 }, 1: { k: 100, ic: 0 } }) },
    '/M1': {},
  },
  adc_channels: [0, null, 9, null, null, null, null, null],
  acl_select: filled(8, 'internal'),
})

const expected: Configuration = {
  carriers: [
    {
      carrier: PORTABLE_CARRIER,
      clusters: [
        {
          index: 0,
          constant: 1,
          lanes: [
            { lane: 0, source: 0, coefficient: 0.5, upscaled: false, sinks: [1] },
            { lane: 1, source: 1, coefficient: -0.25, upscaled: true, sinks: [0] },
            { lane: 2, source: 15, coefficient: 1, upscaled: false, sinks: [8] },
            { lane: 16, source: 14, coefficient: 0.3, upscaled: false, sinks: [9] },
          ],
          slots: [
            {
              kind: 'MINT',
              integrators: [
                { element: 0, ic: 1, k0: 10_000, limiter: false },
                { element: 1, ic: 0, k0: 100, limiter: false },
              ],
            },
            null,
          ],
        },
      ],
      adc: [
        { output: 0, gain: 1, offset: 0, probe: 0 },
        { output: 9, gain: 1, offset: 0, probe: 1 },
      ],
    },
  ],
  probes: [
    { label: 'probe 0', unit: '' },
    { label: 'probe 1', unit: '' },
  ],
  problemTimePerSecond: 0,
}

test('circuit JSON is read with our upscaling, without what computes nothing', () => {
  expect(readCircuitJson(lucipy())).toEqual({ configuration: expected, violations: [] })
  expect(violationsOf(expected, LUCIDAC)).toEqual([])
})

test('keys may come without slashes, blocks may be missing', () => {
  const { '/0': cluster, ...rest } = lucipy()
  const bare = {
    '0': Object.fromEntries(Object.entries(cluster).map(([key, block]) => [key.slice(1), block])),
    ...rest,
  }
  expect(readCircuitJson(bare).configuration).toEqual(expected)
  expect(readCircuitJson({ '/0': {}, adc_channels: null }).configuration?.carriers[0]).toEqual({
    carrier: PORTABLE_CARRIER,
    clusters: [{ index: 0, constant: null, lanes: [], slots: [null, null] }],
    adc: [],
  })
})

test.each([
  [true, 1],
  [false, null],
  [null, null],
  [0, null],
  [1, 1],
  [-1, -1],
  [0.1, 0.1],
  [-0.1, -0.1],
])('constant %p is %p', (constant, value) => {
  expect(readCircuitJson({ '/0': { '/U': { constant } } }).configuration?.carriers[0]?.clusters[0]?.constant).toBe(
    value,
  )
})

describe('upscaling by ten', () => {
  const cluster = (lanes: Record<number, number>, { constant = false, full = false } = {}) => ({
    '/0': {
      '/U': {
        outputs: filled<number | null>(
          32,
          full ? 3 : null,
          Object.fromEntries(Object.keys(lanes).map((lane) => [lane, constant ? 15 : 2])),
        ),
        constant,
      },
      '/C': { elements: filled(32, 0, lanes) },
      '/I': {
        outputs: filled<number[]>(16, [], { 4: Object.keys(lanes).map(Number) }),
        upscaling: filled(32, false, Object.fromEntries(Object.keys(lanes).map((lane) => [lane, true]))),
      },
    },
  })
  const lanesOf = (document: unknown) => readCircuitJson(document).configuration?.carriers[0]?.clusters[0]?.lanes

  test.each([0.8, -0.8, 0.1, 1 / 3])('%p is carried by one lane with 10/8 of it', (coefficient) => {
    expect(lanesOf(cluster({ 5: coefficient }))).toEqual([
      { lane: 5, source: 2, coefficient: (coefficient * 10) / 8, upscaled: true, sinks: [4] },
    ])
  })

  test('a weight beyond 8 takes a second lane', () => {
    expect(lanesOf(cluster({ 5: -1 }))).toEqual([
      { lane: 0, source: 2, coefficient: -0.625, upscaled: true, sinks: [4] },
      { lane: 5, source: 2, coefficient: -0.625, upscaled: true, sinks: [4] },
    ])
  })

  test('the constant is taken from the clane that shows it on the second lane', () => {
    const lower = filled<number | null>(
      32,
      null,
      Object.fromEntries(Array.from({ length: 16 }, (_, lane) => [lane, 15])),
    )
    const document = cluster({ 5: 1 }, { constant: true })
    document['/0']['/U'].outputs = lower
    expect(lanesOf(document)?.filter(({ sinks }) => sinks.length > 0)).toEqual([
      { lane: 5, source: 15, coefficient: 0.625, upscaled: true, sinks: [4] },
      { lane: 16, source: 14, coefficient: 0.625, upscaled: true, sinks: [4] },
    ])
  })

  test('without a free lane it is refused', () => {
    expect(readCircuitJson(cluster({ 5: 0.9 }, { full: true }))).toEqual({
      configuration: null,
      violations: [
        {
          pointer: '/~10/~1C/elements/5',
          value: '0.9',
          message: 'The weight 9 of lane 5 is beyond x8, and no free lane can share it.',
          remedy: 'Send a weight within 8, or free a lane.',
        },
      ],
    })
  })
})

describe('carrier JSON', () => {
  const reset = () => Array.from({ length: 96 }, (_, index) => index % 4)
  /** Lane 9 leaves cluster 0 and arrives at cluster 2; upscaled there. */
  const carriers = (mac = MAC) => {
    const muxes = reset()
    muxes[(9 - 8) * 4 + 3] = 1
    return {
      [mac]: {
        '/0': {
          '/U': { outputs: filled<number | null>(32, null, { 9: 3 }) },
          '/C': { elements: filled(32, 0, { 9: 0.4 }) },
        },
        '/2': { '/I': { outputs: [[9]], upscaling: filled(32, false, { 9: true }) } },
        '/T': { muxes },
        adc_channels: [32, 3],
      },
    }
  }

  test.each([MAC, `/${MAC}`, MAC.toLowerCase()])('%s names a carrier; the T block becomes hops', (mac) => {
    const { configuration } = readCircuitJson(carriers(mac))
    expect(configuration?.carriers).toMatchObject([
      {
        carrier: MAC,
        hops: [{ lane: 9, from: 0, to: 2 }],
        clusters: [
          { index: 0, lanes: [{ lane: 9, source: 3, coefficient: 0.5, sinks: [] }] },
          { index: 2, lanes: [{ lane: 9, source: null, upscaled: true, sinks: [0] }] },
        ],
        adc: [
          { output: 32, probe: 0 },
          { output: 3, probe: 1 },
        ],
      },
    ])
    const [specification] = [{ ...MREDAC, carriers: MREDAC.carriers.map((one) => ({ ...one, id: MAC })) }]
    expect(violationsOf(configuration as Configuration, specification)).toEqual([])
  })

  test('a hop that has to be shared takes a lane that is free at both ends', () => {
    const document = carriers()
    document[MAC]!['/0']['/C'].elements[9] = 0.96
    expect(readCircuitJson(document).configuration?.carriers[0]).toMatchObject({
      hops: [
        { lane: 9, from: 0, to: 2 },
        { lane: 8, from: 0, to: 2 },
      ],
      clusters: [
        {
          lanes: [
            { lane: 8, source: 3, coefficient: 0.6 },
            { lane: 9, source: 3, coefficient: 0.6 },
          ],
        },
        {
          lanes: [
            { lane: 8, upscaled: true, sinks: [0] },
            { lane: 9, upscaled: true, sinks: [0] },
          ],
        },
      ],
    })
  })

  test('a T block in its reset state is none', () => {
    expect(readCircuitJson({ [MAC]: { '/0': {}, '/T': { muxes: reset() } } }).configuration?.carriers[0]).toEqual({
      carrier: MAC,
      clusters: [{ index: 0, constant: null, lanes: [], slots: [null, null] }],
      adc: [],
    })
  })
})

const refusals: [what: string, document: unknown, violations: Violation[]][] = [
  ['no object', [], [{ pointer: '', value: '[]', message: 'It must be an object.', remedy: 'Send an object.' }]],
  [
    'everything that is wrong in one cluster',
    {
      '/0': {
        '/U': { outputs: [16], constant: 0.5 },
        '/C': { elements: [1.5, 'x'] },
        '/I': { outputs: [[32]], upscaling: [1] },
        '/M0': { elements: [{ k: 1000, ic: 2, name: 'x' }] },
        '/M2': {},
      },
      adc_channels: [48],
    },
    [
      {
        pointer: '/adc_channels/0',
        value: '48',
        message: 'An ADC channel samples an output, which is a whole number from 0 to 47.',
        remedy: 'Send a whole number from 0 to 47.',
      },
      {
        pointer: '/~10/~1M2',
        value: '{}',
        message: 'There is no field "M2" here.',
        remedy: 'Leave it out, or look up its spelling.',
      },
      {
        pointer: '/~10/~1U/outputs/0',
        value: '16',
        message: 'An M-block output is a whole number from 0 to 15.',
        remedy: 'Send a whole number from 0 to 15.',
      },
      {
        pointer: '/~10/~1C/elements/0',
        value: '1.5',
        message: 'A coefficient is a number from -1 to 1.',
        remedy: 'Send a number from -1 to 1.',
      },
      {
        pointer: '/~10/~1C/elements/1',
        value: 'x',
        message: 'A coefficient is a number from -1 to 1.',
        remedy: 'Send a number from -1 to 1.',
      },
      {
        pointer: '/~10/~1I/upscaling/0',
        value: '1',
        message: 'It must be true or false.',
        remedy: 'Send true or false.',
      },
      {
        pointer: '/~10/~1I/outputs/0/0',
        value: '32',
        message: 'A lane is a whole number from 0 to 31.',
        remedy: 'Send a whole number from 0 to 31.',
      },
      {
        pointer: '/~10/~1U/constant',
        value: '0.5',
        message: 'The constant source offers 1, -1, 0.1 and -0.1.',
        remedy: 'Send true, false or one of these, and scale it in the C block.',
      },
      {
        pointer: '/~10/~1M0/elements/0/name',
        value: 'x',
        message: 'There is no field "name" here.',
        remedy: 'Leave it out, or look up its spelling.',
      },
      {
        pointer: '/~10/~1M0/elements/0/k',
        value: '1000',
        message: 'An integrator rate is 100 or 10000.',
        remedy: 'Send one of these.',
      },
      {
        pointer: '/~10/~1M0/elements/0/ic',
        value: '2',
        message: 'An initial condition is a number from -1 to 1.',
        remedy: 'Send a number from -1 to 1.',
      },
    ],
  ],
  [
    'lists of a wrong shape',
    { '/0': { '/U': { outputs: 3 }, '/C': { elements: filled(33, 0) } } },
    [
      { pointer: '/~10/~1U/outputs', value: '3', message: 'It must be a list.', remedy: 'Send a list of at most 32.' },
      {
        pointer: '/~10/~1C/elements',
        value: '33 entries',
        message: 'It has at most 32 entries.',
        remedy: 'Send the first 32.',
      },
    ],
  ],
  [
    'an external input that is upscaled',
    { '/0': { '/I': { outputs: [[25]], upscaling: upscaled(25) } }, acl_select: ['external', 'external', 'outside'] },
    [
      {
        pointer: '/acl_select/1',
        value: 'external',
        message: 'Lane 25 takes the external input of port 1 upscaled, by 10 there and by 8 here.',
        remedy: 'Take the input in without upscaling.',
      },
      {
        pointer: '/acl_select/2',
        value: 'outside',
        message: 'A port is "internal" or "external".',
        remedy: 'Send one of the two words.',
      },
    ],
  ],
  [
    'the backplane',
    { [MAC]: { '/T': { muxes: [0, 0] }, '/ST0': { muxes: [] } } },
    [
      {
        pointer: `/${MAC}/~1ST0`,
        value: '{"muxes":[]}',
        message: 'How this format numbers the switches of a backplane is not known, so they cannot be read.',
        remedy: 'Send the configuration as .apb.',
      },
      {
        pointer: `/${MAC}/~1T/muxes/1`,
        value: '0',
        message: 'Lane 8 arrives over the backplane, whose switches this format does not carry.',
        remedy: 'Send the configuration as .apb.',
      },
    ],
  ],
  [
    'a lane that arrives upscaled and not upscaled',
    {
      [MAC]: {
        '/0': {
          '/U': { outputs: filled<number | null>(32, null, { 9: 3 }) },
          '/C': { elements: filled(32, 0, { 9: 0.4 }) },
          '/I': { outputs: [[9]] },
        },
        '/1': { '/I': { outputs: [[9]], upscaling: filled(32, false, { 9: true }) } },
        '/T': { muxes: [0, 1, 2, 3, 0, 1, 1, 3] },
      },
    },
    [
      {
        pointer: `/${MAC}/~10/~1C/elements/9`,
        value: '0.4',
        message:
          'Lane 9 arrives upscaled in one cluster and not in another; with x8 instead of x10 no coefficient suits both.',
        remedy: 'Use a lane for each of them.',
      },
    ],
  ],
]
test.each(refusals)('refused with the place: %s', (_what, document, violations) => {
  expect(readCircuitJson(document)).toEqual({ configuration: null, violations })
})

test('what is written is read back', () => {
  const again = (configuration: Configuration) =>
    readCircuitJson(JSON.parse(JSON.stringify(writeCircuitJson(configuration)))).configuration
  expect(again(expected)).toEqual(expected)
  expect(writeCircuitJson(expected)['/0']).toMatchObject({ '/U': lucipy()['/0']['/U'], '/C': lucipy()['/0']['/C'] })
  const hopping: Configuration = {
    ...expected,
    carriers: [{ ...expected.carriers[0]!, carrier: MAC, hops: [{ lane: 16, from: 0, to: 1 }] }],
  }
  expect(again(hopping)).toEqual(hopping)
})

test('what the JSON-lines generation cannot do is not written', () => {
  const [carrier] = expected.carriers
  const [cluster] = carrier!.clusters
  const mdr = { ...cluster!, slots: [null, { kind: 'MDR', operations: ['SQRT'] }] as const }
  expect(() => writeCircuitJson({ ...expected, carriers: [{ ...carrier!, clusters: [mdr] }] })).toThrow(
    'The JSON-lines generation cannot say this configuration.',
  )
})

test('whatever JSON comes is read or refused, never thrown at', () => {
  const near = fc.oneof(
    fc.jsonValue(),
    fc.record({
      '/0': fc.dictionary(fc.constantFrom('/U', 'C', '/I', 'M0', '/M1'), fc.jsonValue()),
      adc_channels: fc.jsonValue(),
    }),
    fc
      .tuple(fc.jsonValue(), fc.constantFrom('outputs', 'constant'), fc.constantFrom('elements', 'upscaling'))
      .map(([value, u, rest]) => ({
        [MAC]: {
          '/0': { '/U': { [u]: value }, '/C': { [rest]: value }, '/I': { [rest]: value } },
          '/T': { muxes: value },
          acl_select: value,
        },
      })),
  )
  fc.assert(
    fc.property(near, (document) => {
      const { configuration, violations } = readCircuitJson(document)
      expect(configuration === null).toBe(violations.length > 0)
    }),
    { numRuns: 2_000 },
  )
})

test('a mutated .apb is read or refused with a problem', () => {
  const bytes = encodeApb({ configuration: expected })
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      fc.nat(bytes.length),
      (changes, length) => {
        const mutated = Uint8Array.from(bytes)
        for (const [at, value] of changes) mutated[at] = value
        try {
          const { configuration, violations } = readCircuitFile(mutated.subarray(0, length))
          expect(configuration === null).toBe(violations.length > 0)
        } catch (failure) {
          expect(failure).toBeInstanceOf(Problem)
        }
      },
    ),
    { numRuns: 10_000 },
  )
})

test('files are told apart', () => {
  expect([lucipy(), { [MAC]: {} }, { carriers: [] }, [], null, 3].map(circuitJsonKind)).toEqual([
    'circuit',
    'carriers',
    null,
    null,
    null,
    null,
  ])
  const bytes = encodeApb({ configuration: expected })
  expect(readCircuitFile(bytes)).toMatchObject({ format: 'apb', violations: [], description: null })
  expect(readCircuitFile(bytes).configuration?.carriers[0]?.clusters[0]?.lanes.map(({ lane }) => lane)).toEqual([
    0, 1, 2, 16,
  ])
  expect(readCircuitFile(lucipy())).toMatchObject({ format: 'circuit', configuration: expected })
  expect(() => readCircuitFile({ carriers: [] })).toThrow('This is neither circuit JSON')
  expect(() => readCircuitFile(Uint8Array.from([0x0f, 0xff]))).toThrow('These 2 bytes are not a device protocol File.')
  expect(readCircuitFile(encodeApb({})).violations).toEqual([
    {
      pointer: '',
      value: '6 bytes',
      message: 'The file holds no configuration.',
      remedy: 'Send a file with the settings of at least one block.',
    },
  ])
})

test('ports that take a signal in are read by their lanes and written again', () => {
  const document = {
    '/0': { '/I': { outputs: [[24], [26]], upscaling: [] } },
    acl_select: ['external', 'external', 'external', ...filled(5, 'internal')],
  }
  const { configuration } = readCircuitJson(document)
  // Nothing takes what port 1 brings.
  expect(configuration?.carriers[0]?.inputs).toEqual([
    { port: 0, name: 'port0', gain: 1 },
    { port: 2, name: 'port2', gain: 1 },
  ])
  if (!configuration) throw new Error('it was read')
  const written = writeCircuitJson(configuration)
  expect(written['acl_select']).toEqual(['external', 'internal', 'external', ...filled(5, 'internal')])
  expect(readCircuitJson(written).configuration).toEqual(configuration)
  const [carrier] = configuration.carriers
  const lanes = (carrier?.clusters[0]?.lanes ?? []).map((lane) => ({ ...lane, upscaled: true }))
  const clusters = (carrier?.clusters ?? []).map((cluster) => ({ ...cluster, lanes }))
  expect(() => writeCircuitJson({ ...configuration, carriers: carrier ? [{ ...carrier, clusters }] : [] })).toThrow(
    'The JSON-lines generation cannot say this configuration.',
  )
})

function upscaled(lane: number): boolean[] {
  return Array.from({ length: 32 }, (_, index) => index === lane)
}
