/** Runs as resources: submitted in crowds, with their executor, their pools, their pages in gzip, their end. */
import { jest } from '@jest/globals'
import { createClient, type Client, type RunResource } from '@lucihub/sdk'
import { until } from '@lucihub/testing'
import pg from 'pg'
import { HARMONIC, runningHub, type RunningHub } from '../running-hub.ts'
import { askingOf, type Ask } from './asking.ts'
import { knowJobType } from './job-types.ts'

jest.setTimeout(60_000)
let running: RunningHub
let ask: Ask
const JOB_TYPE = 'measure'
const JOB = { kind: 'job', jobType: JOB_TYPE, inputKind: 'files', input: { files: {} } } as const

beforeAll(async () => {
  running = await runningHub()
  ask = askingOf(running)
  await knowJobType(running, JOB_TYPE)
})
afterAll(() => running?.stop())

async function query<T>(text: string, values: unknown[] = []): Promise<T[]> {
  const client = new pg.Client({ connectionString: running.hub.servers.postgres.url })
  await client.connect()
  try {
    return (await client.query(text, values)).rows as T[]
  } finally {
    await client.end()
  }
}

const job = async (fields: object = {}): Promise<RunResource> =>
  (await running.client.submitRun({ ...JOB, ...fields })).run
/** The client of a worker that may report on the run. */
const workerOf = async (id: string): Promise<Client['worker']> =>
  createClient({ url: running.hub.url, apiKey: (await running.client.people.makeRunKey(id)).token }).worker

test('YP-01 runs that many submit at once have each its own id, number and place, and all their fields', async () => {
  const SUBMITS = 1_000
  const ids = new Set<string>()
  const seqs = new Set<number>()
  const paths = new Set<string>()
  let left = SUBMITS
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      while (left-- > 0) {
        const { id, seq, path } = await job({ title: 'crowd' })
        ids.add(id)
        seqs.add(seq)
        paths.add(path)
      }
    }),
  )
  expect([ids.size, seqs.size, paths.size]).toEqual([SUBMITS, SUBMITS, SUBMITS])
  const ended = await running.complete({ kind: 'simulate', source: HARMONIC, opTimeNs: 1_000_000, title: 'fields' })
  expect(ended).toMatchObject({ title: 'fields', executorKind: 'direct', inputKind: 'ode', engine: 'hub' })
  expect(Date.parse(ended.endedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(ended.submittedAt))
})

test('YP-02 a run carries what it is done by, and is found by it', async () => {
  await running.client.people.addPool({ name: 'pool-a' })
  await running.client.people.addPool({ name: 'pool-b' })
  const [a, b] = [await job({ pool: 'pool-a' }), await job({ pool: 'pool-b' })]
  const direct = await running.complete({ kind: 'simulate', source: HARMONIC, opTimeNs: 1_000_000 })
  expect([a.executor, a.executorKind]).toEqual([{ kind: 'pool', pool: 'pool-a', deviceId: null }, 'pool'])
  const device = direct.attempts[0]?.deviceId ?? ''
  expect([device === '', direct.executor]).toEqual([false, { kind: 'direct', pool: null, deviceId: device }])
  const idsOf = async (filter: object) =>
    (await running.client.runs({ limit: 200, ...filter })).runs.map(({ id }) => id)
  expect(await idsOf({ pool: 'pool-a' })).toEqual([a.id])
  expect((await idsOf({ executor_kind: 'pool' })).sort()).toEqual([a.id, b.id].sort())
  expect(await idsOf({ device, kind: 'simulate', executor_kind: 'direct' })).toContain(direct.id)
  const { worker } = running.client
  expect(await worker.claim({ jobTypes: ['unheard'] })).toBeNull()
  expect((await worker.claim({ pool: 'pool-b' }))?.run.id).toBe(b.id)
  expect(await worker.claim({ pool: 'pool-b' })).toBeNull()
})

test('YP-08 a page is stored smaller than its JSON, and travels in gzip to who takes it', async () => {
  const { id } = await job()
  const values = Array.from({ length: 20_000 }, (_, at) => Math.round(1e6 * Math.sin(at / 50)) / 1e6)
  await (await workerOf(id)).handIn(id, { channels: [{ name: 'dose', pages: [{ number: 0, data: { values } }] }] })
  const json = JSON.stringify({ data: { values } })
  const [stored] = await query<{ bytes: number; kind: string }>(
    'SELECT octet_length(body) AS bytes, pg_typeof(body)::text AS kind FROM result_page WHERE run_id = $1',
    [id],
  )
  expect(stored?.kind).toBe('bytea')
  expect(stored?.bytes).toBeLessThan(json.length * 0.75)

  const read = (coding: string) =>
    fetch(`${running.hub.url}/api/v1/runs/${id}/channels/dose/pages/0`, {
      headers: { authorization: `Bearer ${running.hub.apiKey}`, 'accept-encoding': coding },
    })
  const [plain, packed] = [await read('identity'), await read('gzip')]
  expect([plain, packed].map(({ headers }) => headers.get('content-encoding'))).toEqual([null, 'gzip'])
  const text = await plain.text()
  expect(await packed.text()).toBe(text)
  expect((JSON.parse(text) as { data: { values: number[] } }).data.values).toEqual(values)
  const sent = Number(packed.headers.get('content-length'))
  expect(sent).toBeGreaterThan(0)
  expect(sent).toBeLessThan(text.length / 2)
})

test('YP-12 a run is taken and shown QUEUED before anybody could work on it', async () => {
  await running.hub.processes['hardware-executor']?.stop()
  try {
    const submitted = await ask<RunResource>('POST', '/runs', {
      body: { kind: 'run', source: HARMONIC, opTimeNs: 1_000_000 },
    })
    expect([submitted.status, submitted.body.state]).toEqual([201, 'QUEUED'])
    const shown = await running.client.run(submitted.body.id)
    expect([shown.state, shown.startedAt, shown.shards.map(({ state }) => state)]).toEqual(['QUEUED', null, ['QUEUED']])
    const { state, shards } = await running.client.run((await job({ shards: 3, requestedWork: 3 })).id)
    expect([state, shards.map((shard) => shard.state)]).toEqual(['QUEUED', ['QUEUED', 'QUEUED', 'QUEUED']])
    await running.client.cancel(submitted.body.id)
  } finally {
    await running.hub.processes['hardware-executor']?.restart()
  }
})

test('YP-15 the input of equations has the source and what it was compiled to', async () => {
  const { id } = await running.complete({ kind: 'simulate', source: HARMONIC, opTimeNs: 1_000_000 })
  const input = await running.client.input(id)
  expect(input).toMatchObject({ inputKind: 'ode', input: { source: HARMONIC } })
  expect(input.configuration).toEqual(await running.client.configuration(id))
  expect(input.configuration?.probes.map(({ label }) => label)).toEqual(['x', 'v'])
})

test('YP-19 a pool is named as it is known; a policy keeps others out', async () => {
  const unknown = await ask<{ violations: { pointer: string }[] }>('POST', '/runs', {
    body: { ...JOB, pool: 'nowhere' },
  })
  expect([unknown.status, unknown.body.violations[0]?.pointer]).toEqual([422, '/pool'])
  await running.client.people.addPool({ name: 'cluster', policy: { requires_provider: 'oidc' } })
  const credentials = { username: 'local', password: 'a long password' }
  await running.client.people.addUser(credentials)
  const token = (await running.client.people.logIn(credentials)).accessToken
  const submit = (pool?: string) => ask('POST', '/runs', { token, body: { ...JOB, ...(pool && { pool }) } })
  expect((await submit('cluster')).status).toBe(403)
  expect((await submit()).status).toBe(201)
  expect((await running.client.runs({ pool: 'cluster' })).runs).toEqual([])
})

test('YP-28 a worker tells the state of a run: its log is kept, its end has a time', async () => {
  const { id } = await job({ shards: 2, requestedWork: 2 })
  const worker = await workerOf(id)
  expect(await worker.tellRun(id, { state: 'RUNNING' })).toEqual({ accepted: true, state: 'RUNNING' })
  const end = { state: 'FAILED', reason: 'no beam', log: ['first line', 'last line'] } as const
  expect(await worker.tellRun(id, end)).toEqual({ accepted: true, state: 'FAILED' })
  const ended = await running.client.run(id)
  expect(ended).toMatchObject({ state: 'FAILED', reason: 'no beam' })
  expect(ended.endedAt).not.toBeNull()
  expect(ended.shards.map(({ state, endedAt }) => [state, endedAt === null])).toEqual(Array(2).fill(['FAILED', false]))
  const { lines } = (await ask<{ lines: { line: string }[] }>('GET', `/runs/${id}/logs`)).body
  expect(lines.map(({ line }) => line)).toEqual(['first line', 'last line'])
  expect(await worker.tellRun(id, { state: 'COMPLETED' })).toEqual({ accepted: false, state: 'FAILED' })
  expect((await running.client.run(id)).endedAt).toBe(ended.endedAt)
  const nobody = '00000000-0000-7000-8000-000000000000'
  await expect(worker.tellRun(nobody, { state: 'RUNNING' })).rejects.toMatchObject({ status: 403 })
})

test('YP-46 a canceled run gives its device back', async () => {
  const long = { kind: 'run', source: HARMONIC, opTimeNs: 9_000_000_000 } as const
  const { run } = await running.client.submitRun(long)
  await until(async () => (await running.client.run(run.id)).state === 'RUNNING', {
    timeoutMs: 20_000,
    what: 'it to run',
  })
  await running.client.cancel(run.id)
  expect((await running.terminal(run.id)).state).toBe('CANCELED')
  expect(await ask('POST', `/runs/${run.id}/cancel`)).toMatchObject({
    status: 409,
    body: { detail: 'The run is CANCELED and cannot be canceled any more.' },
  })
  const next = await running.complete({ ...long, opTimeNs: 1_000_000 })
  expect([next.state, next.attempts.map(({ state }) => state)]).toEqual(['COMPLETED', ['ENDED']])
})

test('LC-13 what can be made is read, changed and removed again', async () => {
  const project = '/projects/crud'
  const data = { change: ['PATCH', '/data', { a: 1 }], seen: ['/data', { a: 1 }] } as const
  const rows: readonly Crud[] = [
    { make: ['/projects', { slug: 'crud' }], ...data },
    { make: [`${project}/datasets`, { name: 'set' }], ...data },
    {
      make: ['/users', { username: 'crud', password: 'a long password' }],
      change: ['PATCH', '', { displayName: 'C. Rud' }],
      seen: ['', { displayName: 'C. Rud' }],
    },
  ]
  const made: string[] = []
  for (const { make, change, seen } of rows) {
    const { status, headers } = await ask('POST', make[0], { body: make[1] })
    expect({ make, status }).toEqual({ make, status: 201 })
    const at = headers.get('location')?.replace('/api/v1', '') ?? ''
    made.push(at)
    expect({ at, status: (await ask('GET', at)).status }).toEqual({ at, status: 200 })
    expect({ at, status: (await ask(change[0], `${at}${change[1]}`, { body: change[2] })).status }).toEqual({
      at,
      status: 200,
    })
    expect({ at, body: (await ask('GET', `${at}${seen[0]}`)).body }).toMatchObject({ at, body: seen[1] })
  }
  for (const at of made.reverse()) {
    expect({ at, status: (await ask('DELETE', at)).status }).toEqual({ at, status: 204 })
    expect({ at, status: (await ask('GET', at)).status }).toEqual({ at, status: 404 })
  }

  const run = await job({ title: 'crud' })
  expect((await ask('HEAD', `/runs/${run.id}`)).status).toBe(200)
  expect((await ask('HEAD', '/runs/00000000-0000-7000-8000-000000000000')).status).toBe(404)
  await (await workerOf(run.id)).tellRun(run.id, { state: 'COMPLETED' })
  expect(await running.terminal(run.id)).toMatchObject({ state: 'COMPLETED', valid: true })
  expect((await ask('POST', `/runs/${run.id}/validity`, { body: { valid: false, reason: 'seen' } })).status).toBe(200)
  expect((await running.client.run(run.id)).valid).toBe(false)

  const device = '/devices/virtual-simulator'
  const parameterSchema = { type: 'object', properties: { gain: { type: 'number' } } }
  expect((await ask('PUT', device, { body: { parameterSchema } })).status).toBe(200)
  expect((await ask('GET', device)).body).toMatchObject({ name: 'virtual-simulator', parameterSchema })
  expect((await ask('PUT', device, { body: { parameterSchema: null } })).body).toMatchObject({ parameterSchema: null })
})

interface Crud {
  readonly make: readonly [path: string, body: object]
  readonly change: readonly [method: string, below: string, body: object]
  readonly seen: readonly [below: string, body: object]
}
