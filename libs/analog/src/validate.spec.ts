import type { AdcChannel, ClusterConfiguration, Configuration, Lane } from './configuration.ts'
import { PORTABLE_CARRIER } from './entity.ts'
import { LUCIDAC } from './lucidac.ts'
import { violationsOf } from './validate.ts'

const LANE: Lane = { lane: 0, source: 0, coefficient: 1, upscaled: false, sinks: [0] }
const CLUSTER: ClusterConfiguration = {
  index: 0,
  constant: null,
  lanes: [LANE],
  slots: [{ kind: 'MINT', integrators: [{ element: 0, ic: -1, k0: 10_000, limiter: false }] }, { kind: 'MMUL' }],
}
const CHANNEL: AdcChannel = { output: 0, gain: 1, offset: 0, probe: 0 }
const SOUND = configuration(CLUSTER)

function configuration(cluster: Partial<ClusterConfiguration>, adc: readonly AdcChannel[] = [CHANNEL]): Configuration {
  return {
    carriers: [{ carrier: PORTABLE_CARRIER, clusters: [{ ...CLUSTER, ...cluster }], adc }],
    probes: [{ label: 'x', unit: '' }],
    problemTimePerSecond: 10_000,
  }
}

function check(broken: Configuration, expected: readonly string[]): void {
  expect(
    violationsOf(broken, LUCIDAC).map(({ pointer, value, message }) => `${pointer} = ${value}: ${message}`),
  ).toEqual(expected)
}

test('a sound configuration has no violations', () => {
  check(SOUND, [])
})

test('the constant stands in for clane 15 on low lanes and for clane 14 on high lanes, even where the slot is empty', () => {
  const [carrier] = LUCIDAC.carriers
  const bare = { ...LUCIDAC, carriers: [{ ...carrier!, clusters: [{ index: 0, slots: ['MINT', null] as const }] }] }
  const lanes = [
    { ...LANE, source: 15 },
    { ...LANE, lane: 16, source: 14 },
    { ...LANE, lane: 17, source: 15 },
  ]
  const slots: ClusterConfiguration['slots'] = [CLUSTER.slots[0], null]
  expect(
    violationsOf(configuration({ constant: 1, lanes, slots }), bare).map((violation) => violation.pointer),
  ).toEqual(['/carriers/0/clusters/0/lanes/2/source'])
})

const CASES: readonly [name: string, broken: Configuration, expected: readonly string[]][] = [
  [
    'an unknown carrier',
    { ...SOUND, carriers: [{ ...SOUND.carriers[0]!, carrier: 'AA-BB-CC-DD-EE-FF' }] },
    ['/carriers/0/carrier = AA-BB-CC-DD-EE-FF: The device has no such carrier.'],
  ],
  [
    'a carrier twice',
    { ...SOUND, carriers: [SOUND.carriers[0]!, { ...SOUND.carriers[0]!, adc: [] }] },
    ['/carriers/1/carrier = 00-00-00-00-00-00: The carrier is configured twice.'],
  ],
  [
    'an unknown cluster',
    configuration({ index: 3 }),
    ['/carriers/0/clusters/0/index = 3: The carrier has no such cluster.'],
  ],
  [
    'a cluster twice',
    { ...SOUND, carriers: [{ ...SOUND.carriers[0]!, clusters: [CLUSTER, CLUSTER] }] },
    ['/carriers/0/clusters/1/index = 0: The cluster is configured twice.'],
  ],
  [
    'a lane that does not exist',
    configuration({ lanes: [{ ...LANE, lane: 32 }] }),
    ['/carriers/0/clusters/0/lanes/0/lane = 32: A cluster has lanes 0 to 31.'],
  ],
  [
    'a lane twice',
    configuration({ lanes: [LANE, LANE] }),
    ['/carriers/0/clusters/0/lanes/1/lane = 0: The lane is used twice.'],
  ],
  [
    'a coefficient out of range',
    configuration({ lanes: [{ ...LANE, coefficient: -1.5 }] }),
    ['/carriers/0/clusters/0/lanes/0/coefficient = -1.5: A coefficient lies between -1 and 1.'],
  ],
  [
    'a coefficient that is no number',
    configuration({ lanes: [{ ...LANE, coefficient: NaN }] }),
    ['/carriers/0/clusters/0/lanes/0/coefficient = NaN: A coefficient lies between -1 and 1.'],
  ],
  [
    'a source that does not exist',
    configuration({ lanes: [{ ...LANE, source: 16 }] }),
    ['/carriers/0/clusters/0/lanes/0/source = 16: M-block outputs are 0 to 15.'],
  ],
  [
    'a lane into two inputs',
    configuration({ lanes: [{ ...LANE, sinks: [0, 1] }] }),
    ['/carriers/0/clusters/0/lanes/0/sinks = 0,1: A lane feeds one input: its current would split among several.'],
  ],
  [
    'a sink that does not exist',
    configuration({ lanes: [{ ...LANE, sinks: [-1] }] }),
    ['/carriers/0/clusters/0/lanes/0/sinks/0 = -1: M-block inputs are 0 to 15.'],
  ],
  [
    'a constant the source lacks',
    configuration({ constant: 0.5 as 1 }),
    ['/carriers/0/clusters/0/constant = 0.5: The constant source offers 1, -1, 0.1 and -0.1.'],
  ],
  [
    'a block in the wrong slot',
    configuration({ slots: [{ kind: 'MMUL' }, { kind: 'MDR', operations: ['MULTIPLY'] }] }),
    [
      '/carriers/0/clusters/0/slots/0/kind = MMUL: The slot holds a MINT block.',
      '/carriers/0/clusters/0/slots/1/kind = MDR: The slot holds a MMUL block.',
    ],
  ],
  [
    'integrator settings out of range',
    configuration({
      slots: [
        {
          kind: 'MINT',
          integrators: [
            { element: 8, ic: 1.2, k0: 500 as 100, limiter: false },
            { element: 8, ic: 0, k0: 100, limiter: false },
          ],
        },
        null,
      ],
    }),
    [
      '/carriers/0/clusters/0/slots/0/integrators/0/element = 8: A block has integrators 0 to 7.',
      '/carriers/0/clusters/0/slots/0/integrators/0/ic = 1.2: An initial condition lies between -1 and 1.',
      '/carriers/0/clusters/0/slots/0/integrators/0/k0 = 500: The device offers k0 = 100 or 10000.',
      '/carriers/0/clusters/0/slots/0/integrators/1/element = 8: A block has integrators 0 to 7.',
      '/carriers/0/clusters/0/slots/0/integrators/1/element = 8: The integrator is configured twice.',
    ],
  ],
  [
    'MDR settings out of range',
    configuration({
      slots: [null, { kind: 'MDR', operations: ['MULTIPLY', 'MULTIPLY', 'MULTIPLY', 'MULTIPLY', 'CUBE' as 'SQUARE'] }],
    }),
    [
      '/carriers/0/clusters/0/slots/1/kind = MDR: The slot holds a MMUL block.',
      '/carriers/0/clusters/0/slots/1/operations = 5: An MDR block has 4 elements.',
      '/carriers/0/clusters/0/slots/1/operations/4 = CUBE: The element has no such operation.',
    ],
  ],
  [
    'an ADC channel out of range',
    configuration({}, [{ output: 16, gain: Infinity, offset: NaN, probe: 0 }]),
    [
      '/carriers/0/adc/0/output = 16: The carrier has no such M-block output.',
      '/carriers/0/adc/0/gain = Infinity: A gain is a finite number.',
      '/carriers/0/adc/0/offset = NaN: An offset is a finite number.',
    ],
  ],
  [
    'a probe without a channel and one with two',
    {
      ...configuration({}, [CHANNEL, CHANNEL]),
      probes: [
        { label: 'x', unit: '' },
        { label: 'y', unit: '' },
      ],
    },
    ['/carriers/0/adc/1/probe = 0: The probe is measured twice.', '/probes/1 = y: No ADC channel measures this probe.'],
  ],
  [
    'a probe nobody named',
    configuration({}, [{ ...CHANNEL, probe: 1 }]),
    [
      '/carriers/0/adc/0/probe = 1: The configuration names 1 probes, counted from 0.',
      '/probes/0 = x: No ADC channel measures this probe.',
    ],
  ],
  [
    'too many channels',
    {
      ...configuration(
        {},
        Array.from({ length: 9 }, (_, probe) => ({ ...CHANNEL, probe })),
      ),
      probes: Array.from({ length: 9 }, () => ({ label: 'x', unit: '' })),
    },
    ['/carriers/0/adc = 9: The carrier has 8 ADC channels.'],
  ],
  [
    'a pace that is no number',
    { ...SOUND, problemTimePerSecond: NaN },
    ['/problemTimePerSecond = NaN: The pace of problem time must be a number from 0 on.'],
  ],
]

test.each(CASES)('%s is reported with its place and value', (_name, broken, expected) => {
  check(broken, expected)
})
