/** What workers told and handed in while parts of the hub die: exact at the end, and cheap on the way. */
import { jest } from '@jest/globals'
import { createClient, type Assignment, type Client, type WorkerClient } from '@lucihub/sdk'
import { until } from '@lucihub/testing'
import pg from 'pg'
import { createClient as redisClient } from 'redis'
import { runningHub, type RunningHub } from '../running-hub.ts'
import { knowJobType } from './job-types.ts'

jest.setTimeout(60_000)
let running: RunningHub
let client: Client
const JOB_TYPE = 'measure'
const JOB = { kind: 'job', jobType: JOB_TYPE, inputKind: 'files', input: { files: {} } } as const

beforeAll(async () => {
  running = await runningHub()
  client = running.client
  await knowJobType(running, JOB_TYPE)
})
afterAll(() => running?.stop())

/** A job, all its shards at work, and the worker that may report on them. */
async function atWork(shards: number, work: number): Promise<{ id: string; worker: WorkerClient }> {
  const { run } = await client.submitRun({ ...JOB, shards, requestedWork: work })
  let last: Assignment | null = null
  for (let index = 0; index < shards; index++) last = await client.worker.claim({ jobTypes: [JOB_TYPE] })
  expect(last?.run.id).toBe(run.id)
  return { id: run.id, worker: createClient({ url: running.hub.url, apiKey: last?.runKey ?? '' }).worker }
}

const completedOf = async (id: string): Promise<number[]> =>
  (await client.run(id)).shards.map(({ completed }) => completed)

test('YP-31 Redis emptied, then gone, in the middle of progress changes no value that was told', async () => {
  const [SHARDS, WORDS] = [4, 150]
  const { id, worker } = await atWork(SHARDS, SHARDS * 1_000)
  const told = (disturb: (completed: number) => Promise<unknown>, from: number): Promise<unknown> =>
    Promise.all(
      Array.from({ length: SHARDS }, async (_, index) => {
        for (let completed = from + 1; completed <= from + WORDS; completed++) {
          await worker.tell(id, index, { completed })
          if (index === 0) await disturb(completed)
        }
      }),
    )
  const redis = redisClient({ url: running.hub.servers.redis.url })
  await redis.connect()
  await told((completed) => (completed % 10 === 0 ? redis.flushAll() : Promise.resolve()), 0)
  redis.destroy()
  expect(await completedOf(id)).toEqual(Array(SHARDS).fill(WORDS))
  await told((completed) => (completed === WORDS + 50 ? running.hub.servers.redis.kill() : Promise.resolve()), WORDS)
  expect(await completedOf(id)).toEqual(Array(SHARDS).fill(2 * WORDS))
  await running.hub.servers.redis.restart()
  await worker.tell(id, 0, { state: 'FAILED', completed: 777, error: 'enough' })
  await worker.tellRun(id, { state: 'COMPLETED' })
  await running.terminal(id)
  expect(await completedOf(id)).toEqual([777, 1_000, 1_000, 1_000])
})

test('YP-31 all progress of a run costs one write per second, and its last values are exact', async () => {
  const [SHARDS, WORDS] = [10, 300]
  const { id, worker } = await atWork(SHARDS, SHARDS * 1_000)
  const before = { flushes: await flushes(), at: Date.now() }
  await Promise.all(
    Array.from({ length: SHARDS }, async (_, index) => {
      for (let completed = 1; completed <= WORDS; completed++) await worker.tell(id, index, { completed })
    }),
  )
  expect(await completedOf(id)).toEqual(Array(SHARDS).fill(WORDS))
  const seconds = Math.ceil((Date.now() - before.at) / 1_000)
  expect((await flushes()) - before.flushes).toBeLessThanOrEqual(seconds + 1)
  await Promise.all(Array.from({ length: SHARDS }, (_, index) => worker.tell(id, index, { state: 'COMPLETED' })))
  await running.terminal(id)
  expect(await completedOf(id)).toEqual(Array(SHARDS).fill(1_000))
})

/** Statements that wrote progress, of all runs since the store started. */
async function flushes(): Promise<number> {
  const { healthUrl } = running.hub.processes['run-store'] ?? {}
  const metrics = await (await fetch(new URL('/metrics', healthUrl ?? ''))).text()
  return Number(/^lucihub_statements_total\{name="progress-flush"\} (\d+)/m.exec(metrics)?.[1] ?? 0)
}

test('YP-24 a store that is killed in the middle of merging goes on and merges every page once', async () => {
  const [PAGES, VALUES, HELD] = [90, 200, 60]
  const { id, worker } = await atWork(2, 2)
  for (const shard of [0, 1])
    for (let from = 0; from < PAGES; from += 45) {
      const pages = Array.from({ length: 45 }, (_, at) => ({
        number: from + at,
        data: { values: Array.from({ length: VALUES }, (_v, k) => (from + at) * 1_000 + k + shard) },
      }))
      await worker.handIn(id, { shard, channels: [{ name: 'dose', pages }] })
    }
  const database = new pg.Client({ connectionString: running.hub.servers.postgres.url })
  const watch = new pg.Client({ connectionString: running.hub.servers.postgres.url })
  await Promise.all([database.connect(), watch.connect()])
  try {
    // Somebody else's unfinished row stands in the way of page 60: there the merger waits, with 60 pages done.
    await database.query('BEGIN')
    await database.query(HOLD_PAGE, [id, HELD])
    for (const shard of [0, 1]) await worker.tell(id, shard, { state: 'COMPLETED' })
    const merged = async (): Promise<number> => (await watch.query<{ pages: number }>(MERGED, [id])).rows[0]?.pages ?? 0
    await until(async () => (await merged()) === HELD, { timeoutMs: 20_000, what: 'the merger to come to page 60' })
    expect((await client.run(id)).state).toBe('MERGING')
    await running.hub.processes['run-store']?.kill()
    await database.query('ROLLBACK')
    await running.hub.processes['run-store']?.restart()
  } finally {
    await Promise.all([database.end(), watch.end()])
  }
  const run = await running.terminal(id)
  expect([run.state, run.partial, run.stateChanges.map(({ state }) => state)]).toEqual([
    'COMPLETED',
    false,
    ['CREATED', 'QUEUED', 'RUNNING', 'MERGE_QUEUED', 'MERGING', 'COMPLETED'],
  ])
  const { pages } = await client.channel(id, 'dose')
  expect(pages.map(({ number }) => number)).toEqual(Array.from({ length: PAGES }, (_, number) => number))
  for (const { number, data } of pages)
    expect(data?.values).toEqual(Array.from({ length: VALUES }, (_, k) => number * 1_000 + k + 0.5))
})

const MERGED = 'SELECT count(*)::int AS pages FROM result_page WHERE run_id = $1 AND shard = -1'
const HOLD_PAGE = `INSERT INTO result_page (run_id, position, shard, number, name, dimension, shape, kind, encoding, body, sha256)
  SELECT run_id, position, -1, number, name, dimension, shape, kind, encoding, body, sha256
  FROM result_page WHERE run_id = $1 AND shard = 0 AND number = $2`
