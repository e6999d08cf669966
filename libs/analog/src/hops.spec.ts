import type { BackplaneHop, ClusterConfiguration, Configuration, Hop, Lane } from './configuration.ts'
import { portableCarrier } from './entity.ts'
import { laneOrigins } from './hops.ts'
import { LUCIDAC } from './lucidac.ts'
import { MREDAC, REDAC, redacDescription } from './redac.ts'
import { deviceClassOf, specificationOf, type DeviceSpecification } from './specification.ts'
import { violationsOf } from './validate.ts'

interface Settings {
  readonly hops?: readonly Hop[]
  readonly backplane?: readonly BackplaneHop[]
  /** Lanes of cluster 0, each into clane 0. */
  readonly lanes?: readonly number[]
}

function configured(...carriers: readonly Settings[]): Configuration {
  return {
    carriers: carriers.map(({ hops, backplane, lanes = [] }, position) => ({
      carrier: portableCarrier(position),
      clusters: [
        {
          index: 0,
          constant: null,
          lanes: lanes.map((lane): Lane => ({ lane, source: 0, coefficient: 1, upscaled: false, sinks: [0] })),
          slots: [null, null],
        } satisfies ClusterConfiguration,
      ],
      adc: [],
      ...(hops && { hops }),
      ...(backplane && { backplane }),
    })),
    probes: [],
    problemTimePerSecond: 0,
  }
}

const ACROSS: readonly Settings[] = [
  { hops: [{ lane: 9, from: 2, to: 'backplane' }], backplane: [{ lane: 9, from: 0, to: 1 }] },
  { hops: [{ lane: 9, from: 'backplane', to: 1 }] },
]

test('an mREDAC has three clusters and a T block, a REDAC seven carriers on one backplane', () => {
  expect(MREDAC.carriers.map(({ clusters, tBlock }) => [clusters.length, tBlock])).toEqual([[3, true]])
  expect(MREDAC.carriers[0]?.clusters[2]?.slots).toEqual(['MINT', 'MDR'])
  expect(MREDAC.backplanes).toEqual([])
  expect(REDAC.carriers.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4, 5, 6].map(portableCarrier))
  expect(REDAC.backplanes).toEqual([{ holder: portableCarrier(0), places: REDAC.carriers.map(({ id }) => id) }])
  expect([MREDAC, REDAC].map(deviceClassOf)).toEqual(['REDAC', 'REDAC'])
})

test('a stack with free places has a backplane with free places', () => {
  const two = specificationOf(redacDescription(['04-E9-E5-00-00-01', '04-E9-E5-00-00-02']))
  expect(two.backplanes).toEqual([
    { holder: '04-E9-E5-00-00-01', places: ['04-E9-E5-00-00-01', '04-E9-E5-00-00-02', null, null, null, null, null] },
  ])
})

test.each<[string, DeviceSpecification, readonly Settings[], number, [number, number], [number, number] | null]>([
  ['stays at home without hops', MREDAC, [{}], 8, [0, 1], [0, 1]],
  ['comes from where the T block takes it', MREDAC, [{ hops: [{ lane: 8, from: 2, to: 1 }] }], 8, [0, 1], [0, 2]],
  ['is another lane than the one that hops', MREDAC, [{ hops: [{ lane: 8, from: 2, to: 1 }] }], 9, [0, 1], [0, 1]],
  ['is another cluster than the one hopped to', MREDAC, [{ hops: [{ lane: 8, from: 2, to: 1 }] }], 8, [0, 2], [0, 2]],
  ['crosses the backplane', REDAC, ACROSS, 9, [1, 1], [0, 2]],
  ['keeps to its lane on the backplane', REDAC, ACROSS, 10, [1, 1], [1, 1]],
  ['is lost where nobody hands it to the backplane', REDAC, [{}, ACROSS[1]!], 9, [1, 1], null],
])('what arrives %s', (_name, device, settings, lane, [carrier, cluster], expected) => {
  expect(laneOrigins(configured(...settings), device)(lane, { carrier, cluster })).toEqual(
    expected && { carrier: expected[0], cluster: expected[1] },
  )
})

test.each<[string, DeviceSpecification, readonly Settings[], readonly string[]]>([
  ['nothing about a sound route', REDAC, ACROSS, []],
  [
    'nothing about lanes that change places',
    MREDAC,
    [
      {
        lanes: [8],
        hops: [
          { lane: 8, from: 0, to: 1 },
          { lane: 8, from: 1, to: 0 },
        ],
      },
    ],
    [],
  ],
  [
    'a hop without a T block',
    LUCIDAC,
    [{ hops: [{ lane: 8, from: 0, to: 1 }] }],
    ['/carriers/0/hops = 1: The carrier has no T block: lanes stay in their cluster.'],
  ],
  [
    'a lane that never leaves its cluster',
    MREDAC,
    [{ hops: [{ lane: 7, from: 0, to: 1 }] }],
    ['/carriers/0/hops/0/lane = 7: Lanes 8 to 31 can be switched.'],
  ],
  [
    'ends that do not exist',
    MREDAC,
    [
      {
        hops: [
          { lane: 8, from: 3, to: 1 },
          { lane: 9, from: 1, to: 'backplane' },
        ],
      },
    ],
    [
      '/carriers/0/hops/0/from = 3: There is no such sector here.',
      '/carriers/0/hops/1/to = backplane: There is no such sector here.',
    ],
  ],
  [
    'a hop to where it starts',
    MREDAC,
    [{ hops: [{ lane: 8, from: 1, to: 1 }] }],
    ['/carriers/0/hops/0/to = 1: A hop leads elsewhere.'],
  ],
  [
    'two sources for one lane',
    MREDAC,
    [
      {
        hops: [
          { lane: 8, from: 0, to: 1 },
          { lane: 8, from: 2, to: 1 },
        ],
      },
    ],
    ['/carriers/0/hops/1/to = 1: Lane 8 already arrives there from elsewhere.'],
  ],
  [
    'two sinks for one lane',
    MREDAC,
    [
      {
        hops: [
          { lane: 8, from: 0, to: 1 },
          { lane: 8, from: 0, to: 2 },
        ],
      },
    ],
    ['/carriers/0/hops/1/from = 0: The lane is used twice: its current would split among two sums.'],
  ],
  [
    'a lane that hops and is summed at home too',
    MREDAC,
    [{ lanes: [8], hops: [{ lane: 8, from: 0, to: 1 }] }],
    ['/carriers/0/hops/0/from = 0: The lane is used twice: its current would split among two sums.'],
  ],
  [
    'switches of the backplane on the wrong carrier',
    REDAC,
    [{}, { backplane: [{ lane: 8, from: 0, to: 1 }] }],
    ['/carriers/1/backplane = 1: The carrier holds no switches of a backplane.'],
  ],
  [
    'an empty place, a local lane and a place taken twice on the backplane',
    specificationOf(redacDescription([portableCarrier(0), portableCarrier(1)])),
    [
      {
        backplane: [
          { lane: 8, from: 0, to: 2 },
          { lane: 4, from: 0, to: 1 },
          { lane: 9, from: 0, to: 1 },
          { lane: 9, from: 0, to: 1 },
        ],
      },
    ],
    [
      '/carriers/0/backplane/0/to = 2: There is no such carrier here.',
      '/carriers/0/backplane/1/lane = 4: Lanes 8 to 31 can be switched.',
      '/carriers/0/backplane/3/from = 0: The lane is used twice: its current would split among two sums.',
      '/carriers/0/backplane/3/to = 1: Lane 9 already arrives there from elsewhere.',
    ],
  ],
])('the check reports %s', (_name, device, settings, expected) => {
  expect(
    violationsOf(configured(...settings), device).map(
      ({ pointer, value, message }) => `${pointer} = ${value}: ${message}`,
    ),
  ).toEqual(expected)
})

test('an mREDAC measures any of its 48 outputs', () => {
  const [carrier] = configured({}).carriers
  const measuring = (output: number): Configuration => ({
    ...configured(),
    carriers: [{ ...carrier!, adc: [{ output, gain: 1, offset: 0, probe: 0 }] }],
    probes: [{ label: 'x', unit: '' }],
  })
  expect(violationsOf(measuring(47), MREDAC)).toEqual([])
  expect(violationsOf(measuring(48), MREDAC)).toMatchObject([{ pointer: '/carriers/0/adc/0/output', value: '48' }])
})
