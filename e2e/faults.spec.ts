/**
 * Kills in the middle of runs. Every accepted run must reach exactly one terminal state; what it stored must be,
 * bit by bit, what the device made; and the device must never have had two drivers.
 */
import { jest } from '@jest/globals'
import type { RunResource } from '@lucihub/sdk'
import { until } from '@lucihub/testing'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { expectExact } from './oracle.ts'
import { EIGHT_CHANNELS, runningHub, type RunningHub } from './running-hub.ts'
import { overlappingDrivers, startWitness, type Witness } from './witness.ts'

jest.setTimeout(120_000)
const MAC = '04-E9-E5-0F-00-01'
const SUBMISSION = {
  kind: 'run',
  device: MAC,
  source: EIGHT_CHANNELS,
  opTimeNs: 2_500_000_000,
  sampleRateHz: 50_000,
  maxAttempts: 3,
} as const

let running: RunningHub
let witness: Witness

beforeAll(async () => {
  witness = await startWitness(MAC)
  running = await runningHub({ devices: [] })
  appendFileSync(join(running.hub.dir, 'devices.txt'), `127.0.0.1:${witness.server.port} name=witness\n`)
  await until(async () => (await running.client.devices()).find(({ id, leased }) => id === MAC && leased), {
    timeoutMs: 20_000,
    what: 'the witness to be leased',
  })
})
afterAll(async () => {
  await running?.stop()
  await witness?.server.close()
})

async function inTheMiddleOfARun(): Promise<string> {
  const { client } = running
  const { run } = await client.submitRun(SUBMISSION)
  await until(async () => (await client.run(run.id)).storedSamples > 10_000, {
    timeoutMs: 30_000,
    what: 'the first samples to be stored',
  })
  return run.id
}

/** Attempts that an executor took: one that is dispatched to a dead executor's lease is withdrawn, and costs nothing. */
function claimed({ attempts }: RunResource): RunResource['attempts'] {
  return attempts.filter(({ state }) => state !== 'ABORTED')
}

async function expectWhole(id: string, { attempts }: { attempts: number }): Promise<void> {
  const run = await running.terminal(id, 60_000)
  expect([run.state, run.reason]).toEqual(['COMPLETED', ''])
  expect(claimed(run)).toHaveLength(attempts)
  const { channels } = await running.client.channels(id)
  expect(channels.map(({ samples }) => samples)).toEqual(Array(8).fill(125_000))
  await expectExact(running.client, run)
}

test('run-store killed: the same attempt is completed', async () => {
  const id = await inTheMiddleOfARun()
  await running.hub.processes['run-store']?.kill()
  await running.hub.processes['run-store']?.restart()
  await expectWhole(id, { attempts: 1 })
})

test('NATS killed: the same attempt is completed', async () => {
  const id = await inTheMiddleOfARun()
  await running.hub.servers.nats.kill()
  await running.hub.servers.nats.restart()
  await expectWhole(id, { attempts: 1 })
})

test('executor killed: the attempt ends at its restart with what it had measured, and a new one is completed', async () => {
  const id = await inTheMiddleOfARun()
  await running.hub.processes['hardware-executor']?.kill()
  await running.hub.processes['hardware-executor']?.restart()
  await expectWhole(id, { attempts: 2 })
  const run = await running.client.run(id)
  expect(claimed(run).map(({ state, outcome }) => [state, outcome])).toEqual([
    ['ENDED', 'executor_restarted'],
    ['ENDED', 'ok'],
  ])
})

test('all three killed at once, with runs waiting: every accepted run is completed', async () => {
  const first = await inTheMiddleOfARun()
  const waiting = await Promise.all(
    [1, 2, 3].map(async () => (await running.client.submitRun({ ...SUBMISSION, opTimeNs: 100_000_000 })).run.id),
  )
  const { hub } = running
  await Promise.all([
    hub.processes['run-store']?.kill(),
    hub.processes['hardware-executor']?.kill(),
    hub.servers.nats.kill(),
  ])
  await hub.servers.nats.restart()
  await Promise.all([hub.processes['run-store']?.restart(), hub.processes['hardware-executor']?.restart()])
  await expectWhole(first, { attempts: 2 })
  for (const id of waiting) {
    const run = await running.terminal(id, 60_000)
    expect([run.state, claimed(run).length]).toEqual(['COMPLETED', 1])
    await expectExact(running.client, run)
  }
})

test('afterwards: one ending per run, no overlapping pages, one start per claim, never two drivers', async () => {
  const database = new pg.Client(running.hub.servers.postgres.url)
  await database.connect()
  const answer = async (sql: string) => (await database.query(sql)).rows
  expect(
    await answer(
      'SELECT count(*)::int AS runs, count(t.run_id)::int AS ended FROM run r LEFT JOIN run_terminal t ON t.run_id = r.id',
    ),
  ).toEqual([{ runs: 7, ended: 7 }])
  expect(
    await answer(`SELECT a.run_id FROM page a JOIN page b USING (run_id, attempt, channel)
      WHERE a.first_index < b.first_index AND a.first_index + a.count > b.first_index`),
  ).toEqual([])
  // ABORTED: claimed, but its executor found that it could not start, and did not.
  const [{ claims }] = (await answer(
    `SELECT count(*)::int AS claims FROM attempt WHERE claimed_at IS NOT NULL AND state <> 'ABORTED'`,
  )) as [{ claims: number }]
  await database.end()

  expect(witness.starts()).toBe(claims)
  expect(overlappingDrivers(witness.driving)).toEqual([])
})
