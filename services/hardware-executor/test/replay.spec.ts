/**
 * The executor as a process of its own, killed in the middle: what it had measured is kept, an end that was written is
 * what counts, and nothing is started twice. The run-store's side is kept in memory.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JournalRecord } from '@lucihub/contracts'
import { start } from '@lucihub/service-kit'
import { privateNats, until, type PrivateServer } from '@lucihub/testing'
import { hardwareExecutor } from '../src/hardware-executor.module.ts'
import {
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
const A = '02-00-00-00-00-1A'
const BUNDLE = join(import.meta.dirname, '../../../dist/hardware-executor.mjs')

let folder: string
let nats: PrivateServer
let store: StoreDouble
let device: VirtualDevice
let executor: ChildProcess
let deaf: Server | null = null

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lucihub-replay-'))
  nats = await privateNats()
  store = await storeDouble(nats.url)
  device = await virtualDevice(A, { realTime: true })
  store.state.leases.set(A, { device: device.active, epoch: 7, ttlMs: 10_000 })
  executor = begin()
}, 60_000)

afterEach(async () => {
  await kill()
  deaf?.close()
  deaf = null
  await store.close()
  await device.close()
  await nats.stop()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

function begin(): ChildProcess {
  const env = {
    ...process.env,
    NATS_URL: nats.url,
    EXECUTOR_HOST: HOST,
    JOURNAL_DIR: folder,
    HEALTH_PORT: '0',
    LOG_LEVEL: 'error',
  }
  return spawn(process.execPath, [BUNDLE], { env, stdio: ['ignore', 'ignore', 'inherit'] })
}

async function kill(): Promise<void> {
  if (executor.exitCode !== null || executor.signalCode !== null) return
  executor.kill('SIGKILL')
  await once(executor, 'exit')
}

async function sealed(runId: string): Promise<JournalRecord[]> {
  return (await until(() => store.state.sealed(runId), { what: 'the journal is complete', timeoutMs: 20_000 })) ?? []
}

/** Journals on disk. */
function journals(): string[] {
  const own = join(folder, HOST)
  return existsSync(own) ? readdirSync(own) : []
}

/** Bytes in them. */
function written(): number {
  return journals()
    .flatMap((name) => readdirSync(join(folder, HOST, name)).map((file) => join(folder, HOST, name, file)))
    .reduce((sum, file) => sum + statSync(file).size, 0)
}

function end(journal: readonly JournalRecord[]) {
  const last = journal.at(-1)?.end
  if (!last) throw new Error('the journal has no end record')
  return last
}

test('killed in the middle of a run: what was measured is kept, and the attempt ends at the restart', async () => {
  const command = runCommand(A, { opTimeMs: 9000, sampleRateHz: 10_000 })
  await store.dispatch(command, HOST)
  await until(() => samplesIn(store.state.journal(command.runId), 0).length > 2000, { what: 'samples have arrived' })
  await kill()
  const before = samplesIn(store.state.journal(command.runId), 0)
  executor = begin()
  const journal = await sealed(command.runId)

  expect(end(journal)).toMatchObject({
    outcome: 'executor_restarted',
    reason: 'The executor was restarted.',
    started: true,
    channels: [],
  })
  const samples = samplesIn(journal, 0)
  expect(samples.length).toBeGreaterThanOrEqual(before.length)
  expect(samples.subarray(0, before.length)).toEqual(before)
  expect(journal.map(({ seq }) => seq)).toEqual(journal.map((_, index) => index))
  expect(device.starts()).toBe(1)
  await until(() => journals().length === 0, { what: 'the journal is removed' })
}, 60_000)

test('killed before the start: the end says that nothing happened', async () => {
  const server = createServer()
  deaf = server
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  store.state.leases.set(A, { device: activeDevice(A, port), epoch: 7, ttlMs: 10_000 })
  const command = runCommand(A)
  await store.dispatch(command, HOST)
  await until(() => written() > 0, { what: 'the attempt has a journal' })
  await kill()
  executor = begin()
  const journal = await sealed(command.runId)
  expect(journal).toHaveLength(1)
  expect(end(journal)).toMatchObject({ outcome: 'executor_restarted', started: false })
}, 60_000)

test('killed after the end, with NATS and all it held lost: the attempt ends as it had, from the disk alone', async () => {
  // The store hears nothing of the run, as if its records had never left the stream.
  let arrived = false
  store.state.lose = ({ end: last }) => {
    arrived ||= Boolean(last)
    return true
  }
  const command = runCommand(A, { opTimeMs: 200, sampleRateHz: 50_000 })
  await store.dispatch(command, HOST)
  await until(() => arrived, { what: 'the run has ended' })
  await kill()
  await nats.kill()
  nats.wipe()
  await nats.restart()
  store.state.lose = () => false
  executor = begin()
  const journal = await sealed(command.runId)

  expect(end(journal)).toMatchObject({ outcome: 'ok', reason: '', started: true })
  expect(samplesIn(journal, 0)).toHaveLength(10_000)
  expect(
    end(journal).channels.map(({ samples, digest }) => ({ samples, digest: Buffer.from(digest).toString('hex') })),
  ).toEqual(manifestOf(journal, 2))
  expect(device.starts()).toBe(1)
}, 60_000)

test('NATS loses everything in the middle of a run: nothing of the run is lost', async () => {
  const command = runCommand(A, { opTimeMs: 3000, sampleRateHz: 10_000 })
  await store.dispatch(command, HOST)
  await until(() => samplesIn(store.state.journal(command.runId), 0).length > 2000, { what: 'samples have arrived' })
  await nats.kill()
  nats.wipe()
  await nats.restart()
  const journal = await sealed(command.runId)
  expect(end(journal)).toMatchObject({ outcome: 'ok', reason: '' })
  expect(samplesIn(journal, 0)).toHaveLength(30_000)
  expect(journal.map(({ seq }) => seq)).toEqual(journal.map((_, index) => index))
  expect(device.starts()).toBe(1)
}, 60_000)

test('a run is stopped, with a reason, before the quota of the journals is full', async () => {
  await kill()
  const small = await start(
    hardwareExecutor(executorConfig({ natsUrl: nats.url, host: HOST, journalDir: folder, journalQuota: 256 * 1024 })),
  )
  try {
    const command = runCommand(A, { opTimeMs: 9000, sampleRateHz: 20_000 })
    await store.dispatch(command, HOST)
    const journal = await sealed(command.runId)
    expect(end(journal)).toMatchObject({
      outcome: 'journal_full',
      reason: "The run-store did not keep up: the unsettled journals filled the executor's quota on its disk.",
      started: true,
    })
    const samples = samplesIn(journal, 0).length
    expect(end(journal).channels).toMatchObject([{ samples }, { samples }])
    expect(samples).toBeGreaterThan(10_000)
  } finally {
    await small.close()
  }
}, 60_000)

test('near the quota nothing new is begun, until what is there is settled', async () => {
  await kill()
  const small = await start(
    hardwareExecutor(executorConfig({ natsUrl: nats.url, host: HOST, journalDir: folder, journalQuota: 512 * 1024 })),
  )
  try {
    const hidden = runCommand(A, { opTimeMs: 1000, sampleRateHz: 50_000 })
    let ended = false
    store.state.lose = ({ runId, end: last }) => {
      ended ||= Boolean(last)
      return runId === hidden.runId
    }
    await store.dispatch(hidden, HOST)
    await until(() => ended, { what: 'the first has run' })
    const next = runCommand(A, { opTimeMs: 10, sampleRateHz: 1000 })
    await store.dispatch(next, HOST)
    const leases = store.state.leaseRequests.length
    await until(() => store.state.leaseRequests.length > leases + 1, { what: 'time has passed' })
    expect(store.state.claims.map(({ runId }) => runId)).toEqual([hidden.runId])
    store.state.lose = () => false
    await sealed(hidden.runId)
    expect(end(await sealed(next.runId)).outcome).toBe('ok')
  } finally {
    await small.close()
  }
}, 60_000)
