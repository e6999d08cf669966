import type { CarrierConfiguration, Configuration } from './configuration.ts'
import { PORTABLE_CARRIER, portableCarrier } from './entity.ts'
import { LUCIDAC } from './lucidac.ts'
import { movedTo, presumedSpecification } from './presumed.ts'
import { MREDAC, REDAC } from './redac.ts'
import { violationsOf } from './validate.ts'

const MAC = '04-E9-E5-15-87-A0'
const carrier = (id: string, clusters: readonly number[]): CarrierConfiguration => ({
  carrier: id,
  clusters: clusters.map((index) => ({ index, constant: null, lanes: [], slots: [null, null] })),
  adc: [],
})
const made = (...carriers: CarrierConfiguration[]): Configuration => ({ carriers, probes: [], problemTimePerSecond: 0 })

test.each([
  ['one cluster', made(carrier(PORTABLE_CARRIER, [0])), LUCIDAC],
  ['three clusters', made(carrier(PORTABLE_CARRIER, [2])), MREDAC],
  ['two carriers', made(carrier(portableCarrier(0), [0]), carrier(portableCarrier(1), [2])), REDAC],
] as const)(
  'a configuration of %s seems made for the smallest device that has them',
  (_what, configuration, device) => {
    expect(presumedSpecification(configuration)).toEqual(device)
  },
)

test('MDR settings need a device with MDR blocks', () => {
  const configuration = made({
    ...carrier(PORTABLE_CARRIER, []),
    clusters: [{ index: 0, constant: null, lanes: [], slots: [null, { kind: 'MDR', operations: ['SQRT'] }] }],
  })
  expect(presumedSpecification(configuration)).toEqual(MREDAC)
})

test('the presumed device has the carriers of the configuration', () => {
  const configuration = made(carrier(MAC, [0, 1]))
  const device = presumedSpecification(configuration)
  expect(device.carriers.map(({ id }) => id)).toEqual([MAC])
  expect(violationsOf(configuration, device)).toEqual([])
})

test('a configuration that no device can carry keeps its violations', () => {
  const configuration = made({ ...carrier(MAC, [0]), adc: [{ output: 99, gain: 1, offset: 0, probe: 0 }] })
  expect(violationsOf(configuration, presumedSpecification(configuration)).map(({ pointer }) => pointer)).toContain(
    '/carriers/0/adc/0/output',
  )
  expect(presumedSpecification(made(...Array.from({ length: 9 }, () => carrier(MAC, [7])))).carriers).toHaveLength(7)
})

test('what is made for another machine moves by position, what is made for this one stays', () => {
  const foreign = made(carrier(MAC, [0]))
  expect(movedTo(foreign, LUCIDAC).carriers.map((one) => one.carrier)).toEqual([PORTABLE_CARRIER])
  const own = presumedSpecification(foreign)
  expect(movedTo(foreign, own)).toBe(foreign)
  const two = made(carrier(MAC, [0]), carrier('04-E9-E5-15-87-A1', [0]))
  expect(movedTo(two, LUCIDAC)).toBe(two)
  expect(movedTo(two, REDAC).carriers.map((one) => one.carrier)).toEqual([portableCarrier(0), portableCarrier(1)])
})
