/** The real scanner on a real NATS, looking at virtual devices over TCP. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lucidacDescription, type AnalogComputer, type DeviceDescription } from '@lucihub/analog'
import { descriptionFromProto, deviceClass, feeds, type ActiveDevice, type ActiveDeviceList } from '@lucihub/contracts'
import {
  advertise,
  encodeFrame,
  mdnsNameOf,
  serveDevice,
  serveJsonLines,
  type DeviceServer,
  type ReceivedCommand,
} from '@lucihub/device'
import { Bus } from '@lucihub/messaging'
import { start, type RunningService } from '@lucihub/service-kit'
import { SimulatedComputer } from '@lucihub/simulation'
import { privateNats, until, type PrivateServer } from '@lucihub/testing'
import type { ScannerConfig } from '../src/config.ts'
import { deviceScanner } from '../src/device-scanner.module.ts'
import { SubnetSweep } from '../src/subnet-sweep.ts'

const A = '04-E9-E5-00-00-0A'
const B = '04-E9-E5-00-00-0B'
const C = '04-E9-E5-00-00-0C'
const LOOPBACK = '127.0.0.1'

let nats: PrivateServer
let ear: Bus
let folder: string
let listFile: string
let lists: ActiveDeviceList[] = []
let scanners: RunningService[] = []
let devices: DeviceServer[] = []
let strangers: Server[] = []

beforeAll(async () => {
  nats = await privateNats()
  ear = await Bus.connect({ url: nats.url, name: 'ear' })
  await ear.provision()
  folder = mkdtempSync(join(tmpdir(), 'lucihub-scanner-'))
  listFile = join(folder, 'devices.txt')
}, 60_000)

beforeEach(() => {
  lists = []
})

afterEach(async () => {
  await Promise.all(scanners.map((service) => service.close()))
  await Promise.all(devices.map((device) => device.close()))
  strangers.forEach((server) => server.close())
  scanners = []
  devices = []
  strangers = []
})

afterAll(async () => {
  await ear.drain()
  await nats.stop()
  rmSync(folder, { recursive: true })
})

/** A scanner of its own name, so that the lists of different tests do not mix. */
async function scanning(lines: readonly string[], overrides: Partial<ScannerConfig> = {}): Promise<void> {
  writeFileSync(listFile, lines.join('\n'))
  const name = `scanner-${crypto.randomUUID()}`
  ear.subscribe(feeds.activeDevices, { address: [name] }, (list) => lists.push(list))
  scanners.push(
    await start(
      deviceScanner({
        natsUrl: nats.url,
        healthPort: 0,
        logLevel: 'silent',
        name,
        listFile,
        devices: [],
        mdns: false,
        mdnsInterface: LOOPBACK,
        subnet: [],
        subnetPort: 5732,
        subnetRatePerS: 500,
        subnetPauseMs: 50,
        publicAddresses: false,
        trust: ['list', 'static'],
        scanIntervalMs: 50,
        ...overrides,
      }),
    ),
  )
}

async function device(
  mac: string,
  { port = 0, host = LOOPBACK, description = lucidacDescription(mac), commands = [] as ReceivedCommand[] } = {},
): Promise<DeviceServer> {
  const computer: AnalogComputer = new SimulatedComputer({ description })
  const server = await serveDevice({ computer, host, port, onCommand: (command) => commands.push(command) })
  devices.push(server)
  return server
}

async function close(server: DeviceServer): Promise<void> {
  devices = devices.filter((other) => other !== server)
  await server.close()
}

/** The first list from now on that satisfies the condition. */
function list(what: string, condition: (devices: readonly ActiveDevice[]) => boolean): Promise<ActiveDeviceList> {
  return until(() => lists.find(({ devices: listed }) => condition(listed)), { what }) as Promise<ActiveDeviceList>
}

const ids = (listed: readonly ActiveDevice[]): string[] => listed.map(({ id }) => id)

/** A LUCIDAC without its second M block. */
function reduced(mac: string): DeviceDescription {
  const [carrier] = lucidacDescription(mac).carriers
  if (!carrier) throw new Error('a LUCIDAC has a carrier')
  const children = carrier.children.map((child) => ({
    ...child,
    children: child.children.filter(({ id }) => id !== 'M1'),
  }))
  return { carriers: [{ ...carrier, children }] }
}

test('the devices of the list are described, with name, class and address', async () => {
  const a = await device(A)
  const b = await device(B)
  await scanning([`127.0.0.1:${a.port}`, `127.0.0.1:${b.port} simulator name=demo # a comment`])
  const { devices: found, sequence } = await list('both devices are listed', (listed) => listed.length === 2)
  expect(
    found.map(({ id, name, host, port, deviceClass: number }) => [id, name, host, port, deviceClass.fromProto(number)]),
  ).toEqual([
    [A, 'lucidac-00-00-0A', '127.0.0.1', a.port, 'LUCIDAC'],
    [B, 'demo', '127.0.0.1', b.port, 'SIMULATOR'],
  ])
  const [first] = found
  expect(first?.description && descriptionFromProto(first.description)).toEqual(lucidacDescription(A))
  expect(first?.descriptionHash).toMatch(/^[0-9a-f]{64}$/)
  // The first list already knew both: a list that is not complete would take devices away.
  expect(sequence).toBe(1)
})

// Announcements need multicast on the loopback interface; a machine that forbids it says so, and nothing is to be found.
test('a device that announces itself is found without a list', async () => {
  const problems: string[] = []
  // An announcement names the machine's addresses in the network, if it has any.
  const a = await device(A, { host: '0.0.0.0' })
  const announcement = advertise({
    name: mdnsNameOf(A),
    port: a.port,
    txt: { class: 'SIMULATOR' },
    networkInterface: LOOPBACK,
    onProblem: ({ message }) => problems.push(message),
  })
  await scanning([], { mdns: true })
  const found = await until(() => lists.find(({ devices: listed }) => listed.length === 1) ?? problems[0], {
    what: 'the device is listed, or multicast is refused',
  })
  await announcement.close()
  if (typeof found !== 'object') return expect(found).toMatch(/^mDNS is not possible here: /)
  const [first] = found.devices
  expect([first?.id, first?.name, deviceClass.fromProto(first?.deviceClass ?? 0)]).toEqual([
    A,
    'lucidac-00-00-0A',
    'SIMULATOR',
  ])
})

test('a device that goes away leaves the list, and enters it when it comes back as another', async () => {
  const a = await device(A)
  await scanning([`127.0.0.1:${a.port}`])
  const before = await list('the device is listed', (listed) => listed.length === 1)
  await close(a)
  const gone = await list('the device has left', (listed) => listed.length === 0)
  await device(A, { port: a.port, description: reduced(A) })
  const after = await list(
    'it has come back',
    ([only]) => only !== undefined && only.descriptionHash !== before.devices[0]?.descriptionHash,
  )
  expect(ids(after.devices)).toEqual([A])
  expect(after.sequence).toBeGreaterThan(gone.sequence)
  expect(new Set(lists.map(({ scannerBootId }) => scannerBootId))).toEqual(new Set([scanners[0]?.bus.bootId]))
})

test('an edit of the list is followed, and an unreadable line hurts nobody else', async () => {
  const a = await device(A)
  const b = await device(B)
  await scanning([`127.0.0.1:${a.port}`])
  await list('one device is listed', (listed) => listed.length === 1)
  writeFileSync(listFile, `!! what is this\n127.0.0.1:${a.port} name=renamed\n127.0.0.1:${b.port}`)
  const { devices: found } = await list('both are listed', (listed) => listed.length === 2)
  expect(found.map(({ id, name }) => [id, name])).toEqual([
    [A, 'renamed'],
    [B, 'lucidac-00-00-0B'],
  ])
  writeFileSync(listFile, `127.0.0.1:${b.port}`)
  await list('the first has left', (listed) => ids(listed).join() === B)
})

test('what is no device is left out, and costs the devices nothing', async () => {
  const babbler = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.end(Buffer.alloc(4096, 0xff))
  })
  const mute = createServer((socket) => socket.on('error', () => undefined))
  strangers.push(babbler, mute)
  await Promise.all(strangers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))))
  const [babble, silence] = strangers.map((server) => (server.address() as AddressInfo).port)
  const a = await device(A)
  await scanning([`127.0.0.1:${babble}`, `127.0.0.1:${silence}`, `127.0.0.1:${a.port}`])
  const { devices: found } = await list('the device is listed', (listed) => listed.length > 0)
  expect(ids(found)).toEqual([A])
})

test('of two endpoints of one device the first of the list is used', async () => {
  const one = await device(A)
  const two = await device(A)
  await scanning([`127.0.0.1:${one.port}`, `127.0.0.1:${two.port}`])
  const { devices: found } = await list('the device is listed', (listed) => listed.length > 0)
  expect(found.map(({ id, port }) => [id, port])).toEqual([[A, one.port]])
})

test('a device that is known is only pinged, and nothing stays connected', async () => {
  const commands: ReceivedCommand[] = []
  const a = await device(A, { commands })
  await scanning([`127.0.0.1:${a.port}`])
  await until(() => commands.length > 8, { what: 'it was looked at often' })
  // The first look begins with the two pings that find out which protocol is spoken there.
  expect(commands.slice(0, 9).map(({ command }) => command)).toEqual([
    'ping',
    'ping',
    'ping',
    'extractCommand',
    'getSystemIdentCommand',
    ...Array.from({ length: 4 }, () => 'ping'),
  ])
  await until(() => a.connections() === 0, { what: 'nobody is connected' })
})

test('a device that speaks JSON lines is a device like the others', async () => {
  const commands: string[] = []
  const old = await serveJsonLines({
    computer: new SimulatedComputer({ description: lucidacDescription(B) }),
    port: 0,
    onCommand: ({ command }) => commands.push(command),
  })
  devices.push(old)
  const a = await device(A)
  await scanning([`127.0.0.1:${a.port}`, `127.0.0.1:${old.port}`])
  const { devices: found } = await list('both devices are listed', (listed) => listed.length === 2)
  expect(found.map(({ id, port }) => [id, port])).toEqual([
    [A, a.port],
    [B, old.port],
  ])
  await until(() => commands.length > 5, { what: 'it was looked at often' })
  expect(commands.slice(0, 5)).toEqual(['ping', 'get_entities', 'sys_ident', 'ping', 'ping'])
})

test('a list without changes is published again as a sign of life', async () => {
  const a = await device(A)
  await scanning([`127.0.0.1:${a.port}`])
  await until(() => lists.length > 1, { what: 'a second list', timeoutMs: 10_000 })
  expect(lists.slice(0, 2).map(({ sequence, devices: listed }) => [sequence, ids(listed)])).toEqual([
    [1, [A]],
    [2, [A]],
  ])
})

test('every source says who it is, whether it is trusted, and what it knows of the place', async () => {
  const [a, b, c] = [await device(A), await device(B), await device(C)]
  const place = { location: { stack: 1, carrier: 4 }, simulator: false, line: 1 }
  await scanning([`127.0.0.1:${a.port}`], {
    devices: [{ ...place, host: LOOPBACK, port: b.port, name: 'fixed' }],
    subnet: [LOOPBACK],
    subnetPort: c.port,
  })
  const { devices: found } = await list('all three are listed', (listed) => listed.length === 3)
  expect(
    found.map(({ id, sighting }) => [id, sighting?.source, sighting?.trusted, sighting?.location?.carrier ?? null]),
  ).toEqual([
    [A, 'list', true, null],
    [B, 'static', true, 4],
    [C, 'subnet', false, null],
  ])
  expect(found.map(({ sighting }) => sighting?.generation)).toEqual(['protobuf', 'protobuf', 'protobuf'])
})

test('a device that opens no more leaves the subnet, and one that comes is found', async () => {
  const a = await device(A)
  await scanning([], { subnet: [LOOPBACK], subnetPort: a.port, trust: ['subnet'] })
  const { devices: found } = await list('it is found', (listed) => listed.length === 1)
  expect([ids(found), found[0]?.sighting?.trusted]).toEqual([[A], true])
  await close(a)
  await list('it has left', (listed) => listed.length === 0)
  await device(B, { port: a.port })
  await list('another is found', (listed) => ids(listed).join() === B)
})

test('a sweep knocks no faster than it may', async () => {
  let knocks = 0
  const door = createServer((socket) => {
    knocks += 1
    socket.on('error', () => undefined)
    socket.destroy()
  })
  strangers.push(door)
  await new Promise<void>((resolve) => door.listen(0, LOOPBACK, resolve))
  const { port } = door.address() as AddressInfo
  const started = performance.now()
  const sweep = new SubnetSweep({ addresses: Array(20).fill(LOOPBACK), port, ratePerS: 100, pauseMs: 60_000 })
  await until(() => knocks === 20, { what: 'every address was knocked at' })
  // Timers may be late, never early: 19 pauses of 10 ms lie between 20 knocks.
  expect(performance.now() - started).toBeGreaterThan(180)
  await sweep.close()
  expect(sweep.candidates()).toEqual([{ name: '', host: LOOPBACK, port, simulator: false }])
})

test('one MAC address at two addresses is told with both', async () => {
  const [one, two] = [await device(A), await device(A)]
  await scanning([`127.0.0.1:${one.port}`, `127.0.0.1:${two.port}`])
  const { devices: found } = await list('both are known', (listed) => listed[0]?.sighting?.alsoAt.length === 1)
  expect(found.map(({ port, sighting }) => [port, sighting?.alsoAt])).toEqual([[one.port, [`127.0.0.1:${two.port}`]]])
})

test('devices that lie about lengths, babble and flood cost the others nothing', async () => {
  const flood = encodeFrame({ messageV1: { runDataMessage: { run: { id: 'nobody' } } } })
  const hostile = [
    // A frame of 2 GiB is announced, and some bytes of it come.
    Buffer.from([0xff, 0xff, 0xff, 0xff, 0x07, 1, 2, 3]),
    Buffer.alloc(65_536, 0xa5),
    Buffer.from('{"type":"ping"'.repeat(20_000)),
    Buffer.concat(Array<Uint8Array>(20_000).fill(flood)),
  ]
  const ports = await Promise.all(
    hostile.map(async (bytes) => {
      const server = createServer((socket) => {
        socket.on('error', () => undefined)
        socket.on('data', () => undefined)
        socket.write(bytes)
      })
      strangers.push(server)
      await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve))
      return (server.address() as AddressInfo).port
    }),
  )
  const a = await device(A)
  await scanning([...ports, a.port].map((port) => `127.0.0.1:${port}`))
  const { devices: found } = await list('the device is listed', (listed) => listed.length === 1)
  expect(ids(found)).toEqual([A])
  await close(a)
  await list('one that goes is missed all the same', (listed) => listed.length === 0)
}, 60_000)
