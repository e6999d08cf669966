/** Which devices are given away: approval, quarantine, what is offered when, and the history of all that. */
import { lucidacDescription, type Problem } from '@lucihub/analog'
import {
  descriptionToProto,
  deviceClass,
  feeds,
  store,
  type ActiveDevice,
  type Actor,
  type Device,
  type Sighting,
} from '@lucihub/contracts'
import { FakeExecutor } from './fake-executor.ts'
import { eventually, inState, startHub, submitted, type Hub } from './hub.ts'

const OPERATOR: Actor = { userId: 'user-olga', role: 'operator', credential: 'key-1', address: '10.0.0.9' }
const USER: Actor = { ...OPERATOR, userId: 'user-ulla', role: 'user' }
const ADMIN: Actor = { ...OPERATOR, userId: 'user-anna', role: 'admin' }
const LIST: Sighting = {
  source: 'list',
  trusted: true,
  generation: 'protobuf',
  firmware: '1.2.3',
  location: null,
  alsoAt: [],
}
const MDNS: Sighting = { ...LIST, source: 'mdns', trusted: false }

let hub: Hub
let executor: FakeExecutor
let lists = 0
let ports = 6000

beforeAll(async () => {
  hub = await startHub({ leaseTtlMs: 1_000, leaseGraceMs: 100 })
  executor = await FakeExecutor.connect({ url: hub.nats.url, host: 'lab' })
}, 60_000)

afterAll(async () => {
  await executor.bus.drain()
  await hub.close()
})

const mac = (): string =>
  `04-E9-E5-00-${crypto.randomUUID().slice(0, 2)}-${crypto.randomUUID().slice(0, 2)}`.toUpperCase()

function device(id: string, sighting: Sighting, more: Partial<ActiveDevice> = {}): ActiveDevice {
  return {
    id,
    name: `d-${id}`,
    deviceClass: deviceClass.toProto('SIMULATOR'),
    host: '10.0.0.1',
    port: ++ports,
    description: descriptionToProto(lucidacDescription(id)),
    descriptionHash: 'abc',
    sighting,
    ...more,
  }
}

/** Publishes a list and waits until the store has taken it. */
async function see(...devices: ActiveDevice[]): Promise<void> {
  const sequence = ++lists
  await hub.bus.publish(
    feeds.activeDevices,
    ['s'],
    { scannerBootId: 'boot', sequence, devices },
    { id: `l${sequence}` },
  )
  const { rows } = { rows: devices.map(({ id, host, port }) => `${id} ${host}:${port}`).sort() }
  await eventually(async () => {
    const { devices: known } = await hub.bus.call(store.listDevices, { activeOnly: true })
    const active = known.map(({ device: d }) => `${d?.id} ${d?.host}:${d?.port}`).sort()
    return active.join() === rows.join()
  }, 'the store has taken the list')
}

async function get(id: string): Promise<Device> {
  const { device: found } = await hub.bus.call(store.getDevice, { device: id })
  if (!found) throw new Error('no device')
  return found
}

const judge = (actor: Actor, id: string, verdict: string, reason = '') =>
  hub.bus.call(store.judgeDevice, { actor, device: id, verdict, reason })

const offer = (id: string, more: Partial<Parameters<typeof offerRequest>[1]>) =>
  hub.bus.call(store.offerDevice, offerRequest(id, { changes: [], drained: false, window: null, ...more }))

function offerRequest(
  id: string,
  more: { changes: string[]; drained: boolean; window: { from: string; until: string; zone: string } | null },
) {
  return { actor: OPERATOR, device: id, ...more }
}

async function history(id: string): Promise<string[]> {
  const { changes } = await hub.bus.call(store.listDeviceChanges, { device: id, before: 0, limit: 0 })
  return changes.map(({ change }) => change).reverse()
}

const leases = async (...ids: string[]): Promise<string[]> =>
  (await executor.lease(...ids)).leases.map(({ device: held }) => held?.id ?? '')

async function refusal(asked: Promise<unknown>): Promise<[string, string]> {
  const problem = (await asked.then(
    () => ({ type: 'none', message: '' }),
    (error: unknown) => error,
  )) as Problem
  return [problem.type, problem.message]
}

test('a candidate is leased to nobody until an operator approves it, and the deed is audited', async () => {
  const id = mac()
  await see(device(id, MDNS))
  expect((await get(id)).standing).toMatchObject({ approval: 'candidate', offered: false })
  expect(await leases(id)).toEqual([])
  expect(await refusal(judge(USER, id, 'approve'))).toEqual(['forbidden', 'Only an operator may do that.'])
  expect(await refusal(judge(OPERATOR, id, 'release'))).toEqual([
    'state-conflict',
    `The device ${id} is candidate. Approve it instead.`,
  ])
  const { device: approved } = await judge(OPERATOR, id, 'approve', 'seen in the rack')
  expect(approved?.standing).toMatchObject({ approval: 'approved', reason: 'seen in the rack', offered: true })
  expect(await leases(id)).toEqual([id])
  expect(await history(id)).toEqual(['appeared', 'approved', 'bound'])
  const { entries } = await hub.bus.call(store.listAudit, { actor: ADMIN, before: 0, limit: 1 })
  expect(entries[0]).toMatchObject({ actor: OPERATOR.userId, action: 'device.approve', object: id, outcome: 'ok' })
})

test('a device of a trusted source is leased at once, and a list without that word changes nothing', async () => {
  const [listed, old] = [mac(), mac()]
  await see(device(listed, LIST), device(old, LIST, { sighting: null }))
  expect((await leases(listed, old)).sort()).toEqual([listed, old].sort())
})

test('another MAC at a trusted address is quarantined, and its release makes it the device of that address', async () => {
  const [first, second] = [mac(), mac()]
  const port = ++ports
  await see(device(first, LIST, { port }))
  await see(device(second, LIST, { port }))
  const { standing } = await get(second)
  expect([standing?.approval, standing?.reason]).toEqual([
    'quarantined',
    `It answers at 10.0.0.1:${port}, where ${first} was trusted.`,
  ])
  expect(await leases(second)).toEqual([])
  await judge(OPERATOR, second, 'release', 'a new board')
  await see(device(second, LIST, { port }), device(mac(), LIST))
  expect((await get(second)).standing?.approval).toBe('approved')
  expect(await leases(second)).toEqual([second])
  expect(await history(second)).toEqual(['appeared', 'quarantined', 'released', 'bound'])
})

test('a device in use that shows another identity loses its lease at its end, and its run waits for another', async () => {
  const id = mac()
  const port = ++ports
  await see(device(id, LIST, { port }))
  expect(await leases(id)).toEqual([id])
  await see(device(id, { ...LIST, alsoAt: ['10.0.0.77:5732'] }, { port }), device(mac(), LIST))
  expect((await get(id)).standing).toMatchObject({
    approval: 'quarantined',
    reason: `It answers at 10.0.0.1:${port} and at 10.0.0.77:5732 at once.`,
  })
  expect(await leases(id)).toEqual([])
  const run = await submitted(hub, { deviceId: id })
  await eventually(async () => !(await get(id)).leased, 'the lease ran out')
  expect((await inState(hub, run, 'QUEUED')).attempts).toEqual([])
  await judge(OPERATOR, id, 'release')
  expect(await eventually(async () => (await leases(id)).join() === id && [id], 'it is leased again')).toEqual([id])
  // The other address was accepted with the release.
  await see(device(id, { ...LIST, alsoAt: ['10.0.0.77:5732'] }, { port }))
  expect((await get(id)).standing?.approval).toBe('approved')
})

test('a drained device gets nothing new, and a window says when it is offered', async () => {
  const id = mac()
  await see(device(id, LIST))
  await offer(id, { changes: ['drained'], drained: true })
  expect((await get(id)).standing).toMatchObject({ approval: 'approved', drained: true, offered: false })
  expect(await leases(id)).toEqual([])
  await offer(id, { changes: ['drained'], drained: false })
  expect(await leases(id)).toEqual([id])

  const hour = new Date().getUTCHours()
  const at = (from: number, until: number) => {
    const clock = (h: number): string => `${String((h + 48) % 24).padStart(2, '0')}:00`
    return { from: clock(hour + from), until: clock(hour + until), zone: 'UTC' }
  }
  for (const [from, until, offered] of [
    [-2, 3, true],
    [3, 6, false],
    [3, 2, true],
  ] as const) {
    const { device: found } = await offer(id, { changes: ['window'], window: at(from, until) })
    expect([from, until, found?.standing?.offered]).toEqual([from, until, offered])
  }
  expect((await offer(id, { changes: ['window'] })).device?.standing?.window ?? null).toBeNull()
  const [type] = await refusal(
    offer(id, { changes: ['window'], window: { from: '08:00', until: '8pm', zone: 'Mars/Olympus' } }),
  )
  expect(type).toBe('validation-failed')
  const zone = offer(id, { changes: ['window'], window: { from: '08:00', until: '18:00', zone: 'Mars/Olympus' } })
  await expect(zone).rejects.toMatchObject({ violations: [{ pointer: '/window/zone', value: 'Mars/Olympus' }] })
  expect(await history(id)).toEqual(['appeared', 'offered', 'offered', 'bound', ...Array(4).fill('offered')])
})

test('the history tells what was otherwise before, and that a device was away', async () => {
  const id = mac()
  const port = ++ports
  await see(device(id, LIST, { port }))
  await see(device(id, { ...LIST, firmware: '1.3.0' }, { port, descriptionHash: 'def' }), device(mac(), LIST))
  await see(device(mac(), LIST))
  await see(device(id, { ...LIST, firmware: '1.3.0' }, { port: ++ports, descriptionHash: 'def' }))
  const { changes } = await hub.bus.call(store.listDeviceChanges, { device: id, before: 0, limit: 3 })
  const told = changes.map(({ change, detailJson }) => {
    const { before } = JSON.parse(detailJson) as { before?: object }
    return [change, before ?? null]
  })
  expect(told).toEqual([
    ['returned', { port }],
    ['gone', null],
    ['changed', { firmware: '1.2.3', descriptionHash: 'abc' }],
  ])
  const older = await hub.bus.call(store.listDeviceChanges, { device: id, before: changes.at(-1)?.seq ?? 0, limit: 3 })
  expect(older.changes.map(({ change }) => change)).toEqual(['appeared'])
  expect(await refusal(hub.bus.call(store.listDeviceChanges, { device: 'nobody', before: 0, limit: 0 }))).toEqual([
    'not-found',
    'There is no device nobody.',
  ])
})

test('a candidate cannot take the name of a device that was let in', async () => {
  const [mine, rogue] = [mac(), mac()]
  await see(device(mine, LIST, { name: 'the-one' }))
  await see(device(rogue, MDNS, { name: 'the-one' }))
  expect((await get('the-one')).device?.id).toBe(mine)
})
