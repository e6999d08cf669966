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
})

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
