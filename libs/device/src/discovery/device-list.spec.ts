import { parseDeviceList } from './device-list.ts'

const device = { port: 5732, location: null, simulator: false, name: '' }

test('a list is endpoints, comments and words', () => {
  const { devices, errors } = parseDeviceList(
    [
      '# the lab',
      'lucidac-17-E5-68.local',
      '',
      '10.0.0.7:5733/1/4   # the big one',
      '127.0.0.1:6000 simulator name=virtual-1, 127.0.0.1:6001 simulator',
      '[fe80::1]:5734 name=six\r',
    ].join('\n'),
  )
  expect(errors).toEqual([])
  expect(devices).toEqual([
    { ...device, host: 'lucidac-17-E5-68.local', line: 2 },
    { ...device, host: '10.0.0.7', port: 5733, location: { stack: 1, carrier: 4 }, line: 4 },
    { ...device, host: '127.0.0.1', port: 6000, simulator: true, name: 'virtual-1', line: 5 },
    { ...device, host: '127.0.0.1', port: 6001, simulator: true, line: 5 },
    { ...device, host: 'fe80::1', port: 5734, name: 'six', line: 6 },
  ])
})

test('each mistake is told with its line, and the rest of the list still counts', () => {
  const { devices, errors } = parseDeviceList(
    ['a:0', 'b:65536', 'http://c', 'd/1', 'e simulated', 'f name=', 'g', 'h', 'G:5732'].join('\n'),
  )
  expect(errors).toEqual([
    { line: 1, message: '0 is not a port; use 1 to 65535.' },
    { line: 2, message: '65536 is not a port; use 1 to 65535.' },
    { line: 3, message: '"http://c" is not HOST[:PORT][/STACK/CARRIER].' },
    { line: 4, message: '"d/1" is not HOST[:PORT][/STACK/CARRIER].' },
    { line: 5, message: '"simulated" is neither "simulator" nor "name=NAME".' },
    { line: 6, message: '"name=" is neither "simulator" nor "name=NAME".' },
    { line: 9, message: 'g:5732 is listed twice.' },
  ])
  expect(devices.map(({ host }) => host)).toEqual(['g', 'h'])
})
