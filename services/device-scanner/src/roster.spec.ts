import { lucidacDescription } from '@lucihub/analog'
import { rosterOf, type Sighting } from './roster.ts'

function sighting(mac: string, more: Partial<Sighting> = {}): Sighting {
  return {
    host: '10.0.0.1',
    port: 5732,
    name: '',
    simulator: false,
    description: lucidacDescription(mac),
    hash: 'h',
    source: 'list',
    trusted: true,
    location: null,
    generation: 'protobuf',
    firmware: '',
    address: '10.0.0.1',
    ...more,
  }
}

const A = '04-E9-E5-00-00-0A'
const B = '04-E9-E5-00-00-0B'

test('a device without a name is called after its MAC address, and its class is read from its description', () => {
  const { devices, warnings } = rosterOf([sighting(A), sighting(B, { name: 'demo', simulator: true })])
  expect(devices.map(({ id, name, deviceClass }) => [id, name, deviceClass])).toEqual([
    [A, 'lucidac-00-00-0A', 'LUCIDAC'],
    [B, 'demo', 'SIMULATOR'],
  ])
  expect(warnings).toEqual([])
})

test('of two endpoints with one MAC address the first wins', () => {
  const { devices, warnings } = rosterOf([sighting(A, { port: 1 }), sighting(A, { port: 2 })])
  expect(devices.map(({ port }) => port)).toEqual([1])
  expect(warnings).toEqual([`${A} answers at 10.0.0.1:2 and at 10.0.0.1:1; the latter is used.`])
  expect(devices[0]?.sighting.alsoAt).toEqual(['10.0.0.1:2'])
})

test('two names of one address are one endpoint, and so are two addresses of this machine', () => {
  const names = [sighting(A), sighting(A, { host: 'lucidac.local', source: 'mdns', trusted: false })]
  const mine = [sighting(B, { address: '127.0.0.1' }), sighting(B, { host: '10.9.9.9', address: '10.9.9.9' })]
  const { devices, warnings } = rosterOf([...names, ...mine], new Set(['10.9.9.9']))
  expect(devices.map(({ id, sighting: { source, alsoAt } }) => [id, source, alsoAt])).toEqual([
    [A, 'list', []],
    [B, 'list', []],
  ])
  expect(warnings).toEqual([])
})

test('a list is bounded, and whoever comes first is in it', () => {
  const many = Array.from({ length: 514 }, (_, n) =>
    sighting(`04-E9-E5-00-${hex(n >> 8)}-${hex(n & 255)}`, { port: n + 1 }),
  )
  const { devices, warnings } = rosterOf(many)
  expect([devices.length, devices[0]?.port, devices.at(-1)?.port]).toEqual([512, 1, 512])
  expect(warnings).toEqual([513, 514].map((port) => `10.0.0.1:${port} is left out: a list has at most 512 devices.`))
})

const hex = (byte: number): string => byte.toString(16).padStart(2, '0').toUpperCase()

test('a name that is taken gets the MAC address behind it', () => {
  const { devices, warnings } = rosterOf([sighting(A, { name: 'lab' }), sighting(B, { name: 'lab' })])
  expect(devices.map(({ name }) => name)).toEqual(['lab', 'lab-00-00-0B'])
  expect(warnings).toEqual(['The name lab is taken: the device at 10.0.0.1:5732 is called lab-00-00-0B.'])
})

test('what is no MAC address is no device id', () => {
  const { devices, warnings } = rosterOf([sighting('rm -rf *')])
  expect(devices).toEqual([])
  expect(warnings).toEqual(['10.0.0.1:5732 calls itself "rm -rf *", which is no MAC address, and is left out.'])
})
