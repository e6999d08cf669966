/** What the service does while something it stands on is away. */
import { runState, store } from '@lucihub/contracts'
import { start } from '@lucihub/service-kit'
import { until } from '@lucihub/testing'
import pg from 'pg'
import { runStore } from '../src/run-store.ts'
import { FakeExecutor, journalOf, wave } from './fake-executor.ts'
import { ALICE, announce, getRun, inState, startHub, submitted, type Hub } from './hub.ts'

const DEVICE = '04-E9-E5-00-00-01'
let hub: Hub
let executor: FakeExecutor

beforeEach(async () => {
  hub = await startHub({ logLevel: 'silent', dispatchRetryMs: 200 })
  executor = await FakeExecutor.connect({ url: hub.nats.url, host: 'bench-1' })
  await announce(hub, DEVICE)
})

afterEach(async () => {
  await executor.close()
  await hub.close()
})

const journal = journalOf([wave(1_000, 0), wave(1_000, 1)], 100)

test('without Redis everything goes on but the memory of the live view', async () => {
  const first = await submitted(hub)
  const claimed = await executor.take(first, DEVICE)
  await executor.publish(claimed, 2, journal[2] ?? {})
  const remembered = (): Promise<boolean> =>
    hub.bus
      .call(store.readEvents, { ownerId: ALICE, runId: first, afterAttempt: 0, afterSeqPlusOne: 0, limit: 0 })
      .then(({ events }) => events.some(({ samples }) => samples?.count === 100))
  await until(remembered, { what: 'the live view is remembered' })
  await hub.redis.kill()
  await executor.publishAll(claimed, journal)
  await inState(hub, first, 'COMPLETED')
  const { events } = await hub.bus.call(store.readEvents, {
    ownerId: ALICE,
    runId: first,
    afterAttempt: 0,
    afterSeqPlusOne: 0,
    limit: 0,
  })
  expect(events.map(({ seq }) => seq)).toEqual([0, 1, 12, 13])
  await hub.redis.restart()
})

test('connections that Postgres ends in the middle of a run cost nothing', async () => {
  const runId = await submitted(hub)
  const claimed = await executor.take(runId, DEVICE)
  for (const [seq, content] of journal.entries()) {
    if (seq % 4 === 2) await endConnections()
    await executor.publish(claimed, seq, content)
  }
  expect((await inState(hub, runId, 'COMPLETED')).storedSamples).toBe(1_000)
})

test('a second replica takes over in the middle of a run', async () => {
  const runId = await submitted(hub)
  const claimed = await executor.take(runId, DEVICE)
  const half = Math.floor(journal.length / 2)
  for (const [seq, content] of journal.slice(0, half).entries()) await executor.publish(claimed, seq, content)
  const replica = await start(runStore(hub.config))
  await hub.service.close()
  hub.service = replica
  for (const [at, content] of journal.slice(half).entries()) await executor.publish(claimed, half + at, content)
  expect((await inState(hub, runId, 'COMPLETED')).storedSamples).toBe(1_000)
})

test('a NATS that is killed and comes back costs a second sending, and nothing else', async () => {
  const runId = await submitted(hub)
  const claimed = await executor.take(runId, DEVICE)
  await executor.publish(claimed, 0, journal[0] ?? {})
  await until(async () => (await executor.watermark(claimed, 1)).contiguous === 1, {
    what: 'the first record is stored',
  })
  await hub.nats.kill()
  await hub.nats.restart()
  await until(async () => (await getRun(hub, runId)).state === runState.toProto('RUNNING'), {
    what: 'the store answers again',
  })
  await executor.publishAll(claimed, journal)
  expect((await inState(hub, runId, 'COMPLETED')).storedSamples).toBe(1_000)
})

async function endConnections(): Promise<void> {
  const client = new pg.Client({ connectionString: hub.database.url })
  await client.connect()
  await client.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'run-store' AND datname = current_database()`,
  )
  await client.end()
}
