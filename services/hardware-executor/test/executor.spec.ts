/** The real executor on a real NATS, driving virtual devices over TCP; the run-store's side is kept in memory. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lucidacDescription, samplesOf, type HaltCondition } from '@lucihub/analog'
import { ClaimResult, type JournalRecord } from '@lucihub/contracts'
import { start, type RunningService } from '@lucihub/service-kit'
import { SimulatedComputer } from '@lucihub/simulation'
import { privateNats, until, type PrivateServer } from '@lucihub/testing'
import type { ExecutorConfig } from '../src/config.ts'
import { hardwareExecutor } from '../src/hardware-executor.module.ts'
import {
  OSCILLATOR,
  activeDevice,
  executorConfig,
  manifestOf,
  runCommand,
  samplesIn,
  virtualDevice,
  type VirtualDevice,
} from './fixtures.ts'
import { storeDouble, type StoreDouble } from './store-double.ts'

const HOST = 'bench-1'
const A = '02-00-00-00-00-0A'
const B = '02-00-00-00-00-0B'

let folder: string
let nats: PrivateServer
let store: StoreDouble
let executor: RunningService
let devices: VirtualDevice[] = []
let strangers: Server[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lucihub-executor-'))
  nats = await privateNats()
  store = await storeDouble(nats.url)
  executor = await start(hardwareExecutor(configOf(HOST)))
}, 60_000)

afterEach(async () => {
  await executor.close()
  await store.close()
  await Promise.all(devices.map((device) => device.close()))
  strangers.forEach((server) => server.close())
  await nats.stop()
  rmSync(folder, { recursive: true, force: true })
  devices = []
  strangers = []
}, 60_000)

function configOf(host: string): ExecutorConfig {
  return executorConfig({ natsUrl: nats.url, host, journalDir: folder })
}

async function leased(mac: string, options: { realTime?: boolean; ttlMs?: number } = {}): Promise<VirtualDevice> {
  const device = await virtualDevice(mac, options)
  devices.push(device)
  store.state.leases.set(mac, { device: device.active, epoch: 7, ttlMs: options.ttlMs ?? 10_000 })
  return device
}

function end(journal: readonly JournalRecord[]) {
  const last = journal.at(-1)?.end
  if (!last) throw new Error('the journal has no end record')
  return last
}

async function sealed(runId: string, timeoutMs = 15_000): Promise<JournalRecord[]> {
  return (await until(() => store.state.sealed(runId), { what: 'the journal is complete', timeoutMs })) ?? []
}

const chunks = (runId: string, count: number) =>
  until(() => store.state.journal(runId).filter(({ chunk }) => chunk).length >= count, {
    what: `${count} chunks have arrived`,
  })

function phases(journal: readonly JournalRecord[]): string[] {
  return journal.flatMap(({ phase }) => phase?.phase ?? [])
}

/** What the journal of a finished run must be, whatever happened on the way. */
async function checkWhole(journal: readonly JournalRecord[], opTimeMs: number, sampleRateHz: number): Promise<void> {
  const computer = new SimulatedComputer({ description: lucidacDescription(A) })
  await computer.configure(OSCILLATOR)
  const expected: [number[], number[]] = [[], []]
  const request = {
    id: 'x',
    icTimeNs: 100_000,
    opTimeNs: opTimeMs * 1e6,
    sampleRateHz,
    haltOnOverload: false,
    finalValues: true,
  }
  for await (const event of computer.run(request)) {
    if (event.kind !== 'samples') continue
    event.chunk.blocks.forEach((block, channel) => expected[channel]?.push(...samplesOf(block, event.chunk.encoding)))
  }
  expect(journal.map(({ seq }) => seq)).toEqual(journal.map((_, index) => index))
  expect(samplesIn(journal, 0)).toEqual(Float32Array.from(expected[0]))
  expect(samplesIn(journal, 1)).toEqual(Float32Array.from(expected[1]))
  expect(
    end(journal).channels.map(({ samples, digest }) => ({ samples, digest: Buffer.from(digest).toString('hex') })),
  ).toEqual(manifestOf(journal, 2))
}

test('a run is driven to its end, and its journal holds all that the device said', async () => {
  const device = await leased(A)
  const command = runCommand(A)
  await store.dispatch(command, HOST)
  const journal = await sealed(command.runId)

  await checkWhole(journal, 200, 50_000)
  expect(end(journal)).toMatchObject({ outcome: 'ok', reason: '', started: true, overloads: [] })
  expect(end(journal).finalValues).toHaveLength(16)
  expect(phases(journal)).toEqual(['TAKE_OFF', 'IC', 'OP', 'OP_END', 'DONE'])
  expect(new Set(journal.map(({ epoch }) => epoch))).toEqual(new Set([7]))
  expect(journal[0]?.log?.lines).toEqual([`Took over virtual-0A (${A}) under epoch 7.`])
  expect(device.starts()).toBe(1)
  const [claim] = store.state.claims
  expect(claim).toMatchObject({
    runId: command.runId,
    attempt: 1,
    deviceId: A,
    host: HOST,
    epoch: 7,
    bootId: executor.bus.bootId,
  })
})

test('runs follow each other on one device without another takeover', async () => {
  const device = await leased(A)
  for (const command of [runCommand(A), runCommand(A), runCommand(A)]) {
    await store.dispatch(command, HOST)
    expect(end(await sealed(command.runId)).outcome).toBe('ok')
  }
  expect(device.starts()).toBe(3)
  // The first connection only pinged, to find out which protocol the device speaks.
  const driven = device.commands.filter(({ command }) => command !== 'ping')
  expect(new Set(driven.map(({ connection }) => connection))).toEqual(new Set([2]))
})

test('a command that comes again starts nothing', async () => {
  const device = await leased(A, { realTime: true })
  const command = runCommand(A, { opTimeMs: 500, sampleRateHz: 10_000 })
  await store.dispatch(command, HOST, 0)
  await store.dispatch(command, HOST, 1)
  await chunks(command.runId, 1)
  await store.dispatch(command, HOST, 2)
  const other = runCommand(A)
  await store.dispatch(other, HOST)
  await sealed(other.runId)
  expect(end(await sealed(command.runId)).outcome).toBe('ok')
  expect(device.starts()).toBe(2)
  expect(store.state.claims.filter(({ runId }) => runId === command.runId)).toHaveLength(1)
})

test.each([['NO_LEASE'], ['TAKEN'], ['CANCELED']] as const)(
  'a claim that is refused with %s leaves the device alone',
  async (result) => {
    const device = await leased(A)
    store.state.claimResult = ClaimResult[`CLAIM_RESULT_${result}`]
    const refused = runCommand(A)
    await store.dispatch(refused, HOST)
    await until(() => store.state.claims.length === 1, { what: 'the claim was asked for' })
    store.state.claimResult = ClaimResult.CLAIM_RESULT_OK
    const next = runCommand(A)
    await store.dispatch(next, HOST)
    await sealed(next.runId)
    expect(store.state.journal(refused.runId)).toEqual([])
    expect(store.state.claims.map(({ runId }) => runId)).toEqual([refused.runId, next.runId])
    expect(device.starts()).toBe(1)
  },
)

test('a claim whose answer is lost is repeated and started once', async () => {
  const device = await leased(A)
  store.state.claimAnswersToLose = 1
  const command = runCommand(A)
  await store.dispatch(command, HOST)
  expect(end(await sealed(command.runId)).outcome).toBe('ok')
  expect(store.state.claims).toHaveLength(2)
  expect(device.starts()).toBe(1)
})

test('when the lease is lost, the device is stopped and what it had measured is kept', async () => {
  const device = await leased(A, { realTime: true })
  const command = runCommand(A, { opTimeMs: 9000, sampleRateHz: 10_000 })
  await store.dispatch(command, HOST)
  await chunks(command.runId, 3)
  store.state.leases.clear()
  const journal = await sealed(command.runId)
  expect(end(journal)).toMatchObject({
    outcome: 'lease_lost',
    reason: 'The lease of the device was not renewed.',
    started: true,
  })
  expect(end(journal).channels[0]?.samples).toBe(samplesIn(journal, 0).length)
  expect(device.commands.map(({ command: name }) => name)).toContain('stopRunCommand')
  await until(() => device.server.connections() === 0, { what: 'the connection is closed' })
})

test('a lease that cannot be renewed runs out by this host’s own clock, and can be regained', async () => {
  await leased(A, { realTime: true, ttlMs: 3000 })
  const command = runCommand(A, { opTimeMs: 9000, sampleRateHz: 10_000 })
  await store.dispatch(command, HOST)
  await chunks(command.runId, 2)
  store.state.leaseAnswersToLose = Infinity
  expect(end(await sealed(command.runId))).toMatchObject({
    outcome: 'lease_lost',
    reason: 'The lease of the device ran out.',
    started: true,
  })

  // The store answers again and grants the same epoch: the device is driven by a driver of its own, not by the one that gave up.
  store.state.leaseAnswersToLose = 0
  const next = runCommand(A)
  await store.dispatch(next, HOST)
  expect(end(await sealed(next.runId))).toMatchObject({ outcome: 'ok' })
})

test('a new epoch takes the device over anew', async () => {
  const device = await leased(A)
  const first = runCommand(A)
  await store.dispatch(first, HOST)
  await sealed(first.runId)
  store.state.leases.set(A, { device: device.active, epoch: 8, ttlMs: 10_000 })
  await until(() => device.server.connections() === 0, { what: 'the old connection is closed' })
  const second = runCommand(A)
  await store.dispatch(second, HOST)
  const journal = await sealed(second.runId)
  expect(journal[0]?.log?.lines).toEqual([`Took over virtual-0A (${A}) under epoch 8.`])
  expect(store.state.claims.map(({ epoch }) => epoch)).toEqual([7, 8])
})

test.each([['a nudge'], ['the lease reply']])('%s cancels a run in the middle, with partial data', async (way) => {
  const device = await leased(A, { realTime: true })
  const command = runCommand(A, { opTimeMs: 9000, sampleRateHz: 10_000 })
  await store.dispatch(command, HOST)
  await chunks(command.runId, 3)
  if (way === 'a nudge') store.nudge(HOST, command.runId)
  else store.state.cancels.add(command.runId)
  const journal = await sealed(command.runId)
  expect(end(journal)).toMatchObject({ outcome: 'canceled', reason: 'Canceled on request.', started: true })
  expect(samplesIn(journal, 0).length).toBeGreaterThan(0)
  expect(samplesIn(journal, 0).length).toBeLessThan(90_000)
  expect(device.commands.at(-1)?.command).toBe('stopRunCommand')
})

const PLAIN_RUN_MS = 9000
test.each<[string, HaltCondition, string]>([
  [
    'a channel passes a level',
    { kind: 'threshold', channel: 1, level: 0.7, direction: 'rising' },
    'threshold: channel 1 rose to 0.7',
  ],
  [
    'a channel falls below a level',
    { kind: 'threshold', channel: 0, level: 0, direction: 'falling' },
    'threshold: channel 0 fell to 0',
  ],
  [
    'nothing moves any more',
    { kind: 'steadyState', slopeMax: 1000, durationNs: 5e6 },
    'steady state: no slope above 1000 1/s for 5000000 ns',
  ],
  ['time is up', { kind: 'wallClock', limitMs: 60 }, 'wall clock: 60 ms have passed'],
])('a run is halted when %s, and what it had measured is its result', async (_, condition, reason) => {
  const device = await leased(A, { realTime: true })
  const never: HaltCondition = { kind: 'threshold', channel: 0, level: 99, direction: 'either' }
  const command = runCommand(A, { opTimeMs: PLAIN_RUN_MS, sampleRateHz: 10_000, halt: [never, condition] })
  await store.dispatch(command, HOST)
  const journal = await sealed(command.runId)
  expect(end(journal)).toMatchObject({ outcome: 'ok', reason: `halted: ${reason}`, started: true })
  expect(journal.filter(({ gap }) => gap)).toEqual([])
  const { length } = samplesIn(journal, 0)
  expect(length).toBeGreaterThan(0)
  expect(length).toBeLessThan(PLAIN_RUN_MS * 10)
  expect(end(journal).channels.map(({ samples }) => samples)).toEqual([length, length])
  expect(device.commands.filter(({ command: name }) => name === 'stopRunCommand')).toHaveLength(1)
  // The connection is as good as after any run.
  const next = runCommand(A)
  await store.dispatch(next, HOST)
  expect(end(await sealed(next.runId))).toMatchObject({ outcome: 'ok', reason: '' })
  expect(device.server.connections()).toBe(1)
})

test('a run is halted by the overload that the device sees', async () => {
  const [carrier] = OSCILLATOR.carriers
  const [cluster] = carrier?.clusters ?? []
  if (!carrier || !cluster) throw new Error('the oscillator has a cluster')
  const growing = { ...cluster, lanes: [{ lane: 0, source: 0, coefficient: 1, upscaled: false, sinks: [0] }] }
  const growth = { ...cluster, lanes: growing.lanes.map((lane) => ({ ...lane, coefficient: -1 })) }
  const device = await leased(A)
  const runs = [growing, growth].map((one) =>
    runCommand(A, {
      configuration: { ...OSCILLATOR, carriers: [{ ...carrier, clusters: [one] }] },
      halt: [{ kind: 'overload' }],
    }),
  )
  const ends = []
  for (const command of runs) {
    await store.dispatch(command, HOST)
    ends.push(end(await sealed(command.runId)))
  }
  // An integrator inverts: of the two signs one decays, the other grows beyond full scale.
  expect(ends.map(({ outcome, reason }) => `${outcome} ${reason}`).sort()).toEqual(['ok ', 'ok halted: overload'])
  expect(device.starts()).toBe(2)
})

test('a run that is canceled before it starts never reaches the device', async () => {
  const deaf = createServer()
  strangers.push(deaf)
  await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve))
  store.state.leases.set(A, { device: activeDevice(A, (deaf.address() as AddressInfo).port), epoch: 7, ttlMs: 10_000 })
  const command = runCommand(A)
  await store.dispatch(command, HOST)
  await until(() => store.state.claims.length === 1, { what: 'the attempt is claimed' })
  store.state.cancels.add(command.runId)
  expect(end(await sealed(command.runId))).toMatchObject({ outcome: 'canceled', started: false })
})

test('a device that goes away in the middle leaves its data and a reason', async () => {
  const device = await leased(A, { realTime: true })
  const command = runCommand(A, { opTimeMs: 9000, sampleRateHz: 10_000 })
  await store.dispatch(command, HOST)
  await chunks(command.runId, 3)
  await device.close()
  const journal = await sealed(command.runId)
  expect(end(journal)).toMatchObject({ outcome: 'device_lost', started: true })
  expect(end(journal).reason).toMatch(/^The device at 127\.0\.0\.1:\d+ (closed the connection|was lost)/)
  expect(end(journal).channels[0]?.samples).toBe(samplesIn(journal, 0).length)
  expect(samplesIn(journal, 0).length).toBeGreaterThan(0)
})

test('nothing is lost when NATS is killed in the middle of a run', async () => {
  await leased(A, { realTime: true, ttlMs: 60_000 })
  const command = runCommand(A, { opTimeMs: 2000, sampleRateHz: 20_000 })
  await store.dispatch(command, HOST)
  await chunks(command.runId, 3)
  await nats.kill()
  await nats.restart()
  const journal = await sealed(command.runId, 40_000)
  await checkWhole(journal, 2000, 20_000)
  expect(end(journal).outcome).toBe('ok')
}, 60_000)

test('records that the run-store misses are sent again', async () => {
  await leased(A)
  const lost = new Set<number>()
  // The first arrival of every second record does not count.
  store.state.lose = ({ seq }) => seq % 2 === 1 && !lost.has(seq) && Boolean(lost.add(seq))
  const command = runCommand(A)
  await store.dispatch(command, HOST)
  const journal = await sealed(command.runId)
  await checkWhole(journal, 200, 50_000)
  expect(lost.size).toBeGreaterThan(3)
})

test('a device that speaks garbage ends its attempt, and the executor drives on', async () => {
  const babbler = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.write(Buffer.alloc(4096, 0xff))
  })
  strangers.push(babbler)
  await new Promise<void>((resolve) => babbler.listen(0, '127.0.0.1', resolve))
  store.state.leases.set(B, {
    device: activeDevice(B, (babbler.address() as AddressInfo).port),
    epoch: 3,
    ttlMs: 10_000,
  })
  await leased(A)
  const bad = runCommand(B)
  const good = runCommand(A)
  await store.dispatch(bad, HOST)
  await store.dispatch(good, HOST)
  expect(end(await sealed(good.runId)).outcome).toBe('ok')
  expect(end(await sealed(bad.runId))).toMatchObject({ outcome: 'device_lost', started: false })
})

test('another device under the leased address is not driven', async () => {
  const device = await virtualDevice(B)
  devices.push(device)
  const { port } = device.server
  store.state.leases.set(A, { device: activeDevice(A, port), epoch: 7, ttlMs: 10_000 })
  const command = runCommand(A)
  await store.dispatch(command, HOST)
  expect(end(await sealed(command.runId))).toMatchObject({
    outcome: 'device_lost',
    reason: `Device ${B} answers at 127.0.0.1:${port} instead of ${A}.`,
    started: false,
  })
  expect(device.starts()).toBe(0)
})

test('a configuration that the device refuses is rejected', async () => {
  const device = await leased(A)
  const [carrier] = OSCILLATOR.carriers
  if (!carrier) throw new Error('the oscillator has a carrier')
  const configuration = { ...OSCILLATOR, carriers: [{ ...carrier, carrier: B }] }
  const command = runCommand(A, { configuration })
  await store.dispatch(command, HOST)
  expect(end(await sealed(command.runId))).toMatchObject({ outcome: 'rejected', started: false })
  expect(device.starts()).toBe(0)
})

test('a slow device does not hold up the others', async () => {
  await leased(A, { realTime: true })
  await leased(B)
  const slow = runCommand(A, { opTimeMs: 3000, sampleRateHz: 1000 })
  await store.dispatch(slow, HOST)
  await until(() => store.state.journal(slow.runId).length > 0, { what: 'the slow run has begun' })
  const quick = runCommand(B)
  await store.dispatch(quick, HOST)
  await sealed(quick.runId)
  expect(store.state.sealed(slow.runId)).toBeNull()
  expect(end(await sealed(slow.runId)).outcome).toBe('ok')
})

test('of two executors on one machine one drives a device, whatever lease the other has', async () => {
  await leased(A)
  const first = runCommand(A)
  await store.dispatch(first, HOST)
  await sealed(first.runId)
  const second = await start(hardwareExecutor(configOf('bench-2')))
  try {
    const stray = runCommand(A)
    await store.dispatch(stray, 'bench-2')
    await until(() => store.state.leaseRequests.filter(({ host }) => host === 'bench-2').length > 1, {
      what: 'the second executor has its lease',
    })
    expect(store.state.claims.map(({ host }) => host)).toEqual([HOST])
    // The first gives its lock back, and only now the second can begin.
    await executor.close()
    expect(end(await sealed(stray.runId)).outcome).toBe('ok')
    expect(store.state.claims.map(({ host }) => host)).toEqual([HOST, 'bench-2'])
  } finally {
    await second.close()
  }
})

test('an executor that is stopped stops its device and finishes its journal', async () => {
  await leased(A, { realTime: true })
  const command = runCommand(A, { opTimeMs: 9000, sampleRateHz: 10_000 })
  await store.dispatch(command, HOST)
  await chunks(command.runId, 2)
  await executor.close()
  const journal = await sealed(command.runId)
  expect(end(journal)).toMatchObject({
    outcome: 'executor_restarted',
    reason: 'The executor was stopped.',
    started: true,
  })
  expect(end(journal).channels[0]?.samples).toBe(samplesIn(journal, 0).length)
})
