/** Postgres is the truth: Redis may forget everything at any moment, Postgres may go and come back. */
import { jest } from '@jest/globals'
import pg from 'pg'
import { createClient as redisClient } from 'redis'
import { until } from '@lucihub/testing'
import { EIGHT_CHANNELS, HARMONIC, runningHub, type RunningHub } from '../running-hub.ts'

jest.setTimeout(90_000)
let running: RunningHub
let redis: ReturnType<typeof redisClient>

beforeAll(async () => {
  running = await runningHub()
  redis = redisClient({ url: running.hub.servers.redis.url })
  redis.on('error', () => undefined)
  await redis.connect()
})
afterAll(async () => {
  redis?.destroy()
  await running?.stop()
})

const LIVE = { kind: 'run', source: EIGHT_CHANNELS, opTimeNs: 2_000_000_000, sampleRateHz: 20_000 } as const

/** Every answer about a run, with its ETag: what must not change. */
async function answers(id: string): Promise<Record<string, readonly [number, string | null, string]>> {
  const paths = [
    '',
    '/channels',
    '/logs',
    '/configuration',
    '/results?format=csv',
    '/results?format=raw',
    '/plot?points=100',
  ]
  const told = await Promise.all(
    paths.map(async (path) => {
      const response = await fetch(`${running.hub.url}/api/v1/runs/${id}${path}`, {
        headers: { authorization: `Bearer ${running.hub.apiKey}` },
      })
      return [
        path,
        [response.status, response.headers.get('etag'), Buffer.from(await response.arrayBuffer()).toString('base64')],
      ] as const
    }),
  )
  return Object.fromEntries(told)
}

test('LC-09 a finished run is told the same, byte by byte, after FLUSHALL', async () => {
  const run = await running.complete({ kind: 'simulate', source: HARMONIC, opTimeNs: 50_000_000, sampleRateHz: 20_000 })
  expect(run.state).toBe('COMPLETED')
  const before = await answers(run.id)
  expect(Object.values(before).map(([status]) => status)).toEqual(Object.values(before).map(() => 200))
  await redis.sendCommand(['FLUSHALL'])
  expect(await answers(run.id)).toEqual(before)
})

test('LC-10 LC-07 Redis forgets everything in the middle of a run, and every sample is there', async () => {
  const { run } = await running.client.submitRun(LIVE)
  await until(async () => (await running.client.run(run.id)).storedSamples > 2_000, { what: 'samples arrive' })
  await checkKeys(run.id)
  await redis.sendCommand(['FLUSHALL'])
  const ended = await running.terminal(run.id)
  expect(ended).toMatchObject({ state: 'COMPLETED', storedSamples: 40_000, attempts: [{ number: 1 }] })
  const { channels } = await running.client.samples(run.id)
  for (const { values } of channels) expect(values).toHaveLength(40_000)
})

test('LC-10 Redis itself is stopped and started in the middle of a run', async () => {
  const { run } = await running.client.submitRun(LIVE)
  await until(async () => (await running.client.run(run.id)).storedSamples > 2_000, { what: 'samples arrive' })
  await running.hub.servers.redis.restart()
  expect(await running.terminal(run.id)).toMatchObject({ state: 'COMPLETED', storedSamples: 40_000 })
})

test('a restart of Postgres loses nothing that was accepted', async () => {
  const live = await running.client.submitRun(LIVE)
  await until(async () => (await running.client.run(live.run.id)).storedSamples > 2_000, { what: 'samples arrive' })
  const waiting = await Promise.all(
    Array.from({ length: 10 }, (_, index) =>
      running.client.submitRun(
        { kind: 'run', source: HARMONIC, opTimeNs: 1_000_000, sampleRateHz: 10_000, title: `waiting ${index}` },
        { idempotencyKey: `waiting-${index}` },
      ),
    ),
  )
  await running.hub.servers.postgres.restart()
  for (const { run } of [live, ...waiting]) expect((await running.terminal(run.id, 60_000)).state).toBe('COMPLETED')
})

test("LC-12 a run in an older form is told in today's, one in a newer form is refused in words", async () => {
  const run = await running.complete({ kind: 'simulate', source: HARMONIC, opTimeNs: 1_000_000, sampleRateHz: 10_000 })
  const asStored = (change: string): Promise<unknown> => ask(`UPDATE run SET ${change} WHERE id = '${run.id}'`)
  await asStored(`schema_version = 1, job_type = '', requested_work = 0, state_changes = '[]'`)
  const told = await running.client.run(run.id)
  expect(told).toMatchObject({ jobType: 'simulate', state: 'COMPLETED' })
  expect(told.stateChanges.map(({ state }) => state)).toEqual(['CREATED', 'QUEUED', 'RUNNING', 'COMPLETED'])
  await asStored('schema_version = 99')
  await expect(running.client.run(run.id)).rejects.toMatchObject({
    status: 409,
    message: `Run ${run.id} was stored in version 99; this hub reads up to 2. Upgrade it.`,
  })
  await asStored('schema_version = 2')
})

test('LC-08 a device that goes is no more among the active ones, and its row stays', async () => {
  const active = async (): Promise<readonly string[]> =>
    (await running.client.devices({ activeOnly: true })).map(({ name }) => name)
  expect(await active()).toContain('virtual-lucidac')
  await running.hub.processes['virtual-lucidac']?.kill()
  await until(async () => !(await active()).includes('virtual-lucidac'), {
    what: 'the device is gone',
    timeoutMs: 30_000,
  })
  expect((await running.client.device('virtual-lucidac')).active).toBe(false)
})

async function ask(statement: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: running.hub.servers.postgres.url })
  await client.connect()
  try {
    return await client.query(statement)
  } finally {
    await client.end()
  }
}

/** Small, of simple kinds, and under names that follow from the run's id. */
async function checkKeys(runId: string): Promise<void> {
  const keys = (await redis.sendCommand(['KEYS', '*'])) as unknown as string[]
  const own = keys.filter((key) => key.includes(runId))
  expect(own.length).toBeGreaterThan(0)
  for (const key of own) {
    expect(['string', 'hash', 'list', 'stream', 'zset']).toContain(await redis.type(key))
    expect(Number(await redis.sendCommand(['MEMORY', 'USAGE', key]))).toBeLessThan(4 * 65_536)
  }
}
