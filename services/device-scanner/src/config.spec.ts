import { loadConfig } from './config.ts'

const NATS_URL = 'nats://127.0.0.1:4222'

test('by default nothing is searched, and only what an operator wrote is trusted', () => {
  expect(loadConfig({ NATS_URL })).toMatchObject({
    devices: [],
    mdns: false,
    subnet: [],
    publicAddresses: false,
    trust: ['list', 'static'],
  })
})

test('devices, subnets and trust are read', () => {
  const config = loadConfig({
    NATS_URL,
    DEVICES: '10.0.0.7/0/1 name=lab, 10.0.0.8:6000',
    DEVICE_SUBNETS: '10.0.1.0/30',
    DEVICE_TRUST: 'static, subnet',
  })
  expect(config.devices.map(({ host, port, location, name }) => [host, port, location, name])).toEqual([
    ['10.0.0.7', 5732, { stack: 0, carrier: 1 }, 'lab'],
    ['10.0.0.8', 6000, null, ''],
  ])
  expect([config.subnet, config.trust]).toEqual([
    ['10.0.1.1', '10.0.1.2'],
    ['static', 'subnet'],
  ])
  expect(loadConfig({ NATS_URL, DEVICE_TRUST: 'none' }).trust).toEqual([])
})

test('what cannot be read is told with its remedy', () => {
  const wrong = { NATS_URL, DEVICES: 'a:0', DEVICE_SUBNETS: '8.8.8.0/24', DEVICE_TRUST: 'list,everybody' }
  expect(() => loadConfig(wrong)).toThrow(
    [
      'The environment is not usable:',
      '  DEVICES is "a:0": 0 is not a port; use 1 to 65535.',
      '  DEVICE_SUBNETS is "8.8.8.0/24": use a private range, or say DEVICE_PUBLIC_ADDRESSES=on.',
      '  DEVICE_TRUST is "list,everybody": use some of list, static, mdns, subnet between commas, or none.',
    ].join('\n'),
  )
})
