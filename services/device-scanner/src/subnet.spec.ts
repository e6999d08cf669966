import { addressesOf, isPrivate } from './subnet.ts'

test.each([
  ['192.168.1.0/30', ['192.168.1.1', '192.168.1.2']],
  ['192.168.1.3/30', ['192.168.1.1', '192.168.1.2']],
  ['10.0.0.7/32', ['10.0.0.7']],
  ['10.0.0.6/31, 10.0.0.7/32', ['10.0.0.6', '10.0.0.7']],
  ['', []],
])('%s is %j', (text, addresses) => {
  expect(addressesOf(text, { publicToo: false })).toEqual(addresses)
})

test.each([
  ['192.168.1.0', 'use A.B.C.D/BITS, as 192.168.1.0/24.'],
  ['192.168.1.0/33', 'use A.B.C.D/BITS, as 192.168.1.0/24.'],
  ['192.168.1.256/24', 'use A.B.C.D/BITS, as 192.168.1.0/24.'],
  ['8.8.8.0/24', 'use a private range, or say DEVICE_PUBLIC_ADDRESSES=on.'],
  // Begins as 172.16.0.0/12 does, and ends outside of it.
  ['172.16.0.0/11', 'use a private range, or say DEVICE_PUBLIC_ADDRESSES=on.'],
  ['10.0.0.0/19', 'use subnets of at most 4096 addresses in all; these have 8190.'],
])('%s is refused', (text, message) => {
  expect(() => addressesOf(text, { publicToo: false })).toThrow(message)
})

test('public ranges are for those who ask for them', () => {
  expect(addressesOf('8.8.8.0/30', { publicToo: true })).toEqual(['8.8.8.1', '8.8.8.2'])
})

test('private is what stays within a site', () => {
  const asked = [
    '10.1.2.3',
    '172.31.0.1',
    '172.32.0.1',
    '127.0.0.1',
    '1.1.1.1',
    'fe80::1%eth0',
    'fd00::1',
    '2001:db8::1',
    'x.local',
  ]
  expect(asked.filter(isPrivate)).toEqual(['10.1.2.3', '172.31.0.1', '127.0.0.1', 'fe80::1%eth0', 'fd00::1'])
})
