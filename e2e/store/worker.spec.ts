/** Jobs and their workers over HTTP: division, claims, progress, results, logs, merging, cancel, stall, timeout. */
import { jest } from '@jest/globals'
import type { ChannelResult, RunResource, ShardResource } from '@lucihub/sdk'
import { until } from '@lucihub/testing'
import { runningHub, type RunningHub } from '../running-hub.ts'
import { askingOf, type Ask } from './asking.ts'

jest.setTimeout(60_000)
let running: RunningHub
let ask: Ask

beforeAll(async () => {
  running = await runningHub({ environment: { 'run-store': { WORKER_STALL_MS: '1500' } } })
  ask = askingOf(running)
})
afterAll(() => running?.stop())

interface Assignment {
  readonly run: RunResource
  readonly shard: ShardResource
  readonly runKey: string
}

const JOB = {
  kind: 'job',
  jobType: 'calibrate',
  inputKind: 'files',
  input: { files: { 'a.txt': 'n=${requested} s=${seed}' } },
}
let types = 0
/** A type of its own, so that workers of one test do not take the jobs of another. */
const newType = (): string => `type-${++types}`

async function submit(fields: object): Promise<RunResource> {
  const { status, body } = await ask<RunResource>('POST', '/runs', { body: { ...JOB, ...fields } })
  expect({ status, detail: (body as { detail?: string }).detail }).toEqual({ status: 201, detail: undefined })
  return body
}

async function claim(jobType: string, workerId = 'w'): Promise<Assignment | null> {
  const { status, body } = await ask<Assignment>('POST', '/worker/claim', { body: { jobTypes: [jobType], workerId } })
  return status === 204 ? null : body
}

async function claimed(jobType: string): Promise<Assignment> {
  const assignment = await claim(jobType)
  if (!assignment) throw new Error('nothing to claim')
  return assignment
}

const run = async (id: string): Promise<RunResource> => (await ask<RunResource>('GET', `/runs/${id}`)).body
const tell = (id: string, index: number, token: string, body: object) =>
  ask<{ result: string; state: string; detail?: string }>('PATCH', `/worker/runs/${id}/shards/${index}`, {
    body,
    token,
  })
const handIn = (id: string, token: string, body: object) => ask('PUT', `/worker/runs/${id}/results`, { body, token })
const inState = (id: string, state: string): Promise<unknown> =>
  until(async () => (await run(id)).state === state, { timeoutMs: 15_000, what: `run ${id} to be ${state}` })
const channel = (name: string, ...pages: number[][]) => ({
  name,
  pages: pages.map((values, number) => ({ number, data: { values } })),
})

test('YP-16 YP-17 YP-18 YP-32 work is divided without a remainder lost, clamped and seeded, before anybody works', async () => {
  const jobType = newType()
  const three = await submit({ jobType, shards: 3, requestedWork: 50_000, seed: 7 })
  expect(three).toMatchObject({ requestedWork: 50_000, shardsRequested: 3, shardsEffective: 3, completedWork: 0 })
  expect(three.shards.map(({ requested, completed, seed }) => [requested, completed, seed])).toEqual([
    [16_667, 0, 7],
    [16_667, 0, 8],
    [16_666, 0, 9],
  ])
  expect(await submit({ jobType, shards: 20, requestedWork: 12 })).toMatchObject({
    shardsRequested: 20,
    shardsEffective: 12,
  })
  expect(await submit({ jobType, shards: 0, requestedWork: 5 })).toMatchObject({
    shardsRequested: 0,
    shardsEffective: 1,
  })
})

test('YP-03 LC-01 LC-02 a job of any type shows its fields and its shards', async () => {
  const jobType = newType()
  const { id } = await submit({ jobType, shards: 2, requestedWork: 3, title: 'one' })
  const shown = await run(id)
  expect(shown).toMatchObject({
    id,
    jobType,
    title: 'one',
    state: 'QUEUED',
    inputKind: 'files',
    input: JOB.input,
    output: {},
    numChannels: 0,
    deviceId: null,
    engine: 'worker',
    executorKind: 'direct',
    channels: `/api/v1/runs/${id}/channels`,
    logs: `/api/v1/runs/${id}/logs`,
  })
  expect(shown.stateChanges.map(({ state }) => state)).toEqual(['CREATED', 'QUEUED'])
  expect(shown.shards.map(({ index, state }) => [index, state])).toEqual([
    [0, 'QUEUED'],
    [1, 'QUEUED'],
  ])
})

test('YP-13 YP-14 what is missing or does not fit is refused by name', async () => {
  const missing = await ask<{ violations: { pointer: string }[] }>('POST', '/runs', { body: { kind: 'job' } })
  expect([missing.status, missing.body.violations.map(({ pointer }) => pointer)]).toEqual([
    400,
    ['/jobType', '/inputKind', '/input'],
  ])
  for (const inputKind of ['ode', 'circuit', 'files', 'ref']) {
    const { status, body } = await ask<{ violations: { pointer: string }[] }>('POST', '/runs', {
      body: { ...JOB, inputKind, input: {} },
    })
    expect([status, body.violations[0]?.pointer]).toEqual([422, '/input'])
  }
})

test('YP-04 the input is what was sent, with the files of each shard and the total', async () => {
  const { id } = await submit({ jobType: newType(), shards: 2, requestedWork: 3, seed: 5 })
  const { body } = await ask('GET', `/runs/${id}/input`)
  expect(body).toMatchObject({
    input: JOB.input,
    requestedWork: 3,
    files: {
      'shard-0/a.txt': 'n=2 s=5',
      'shard-1/a.txt': 'n=1 s=6',
      'shard-1/work.json': '{"shard":1,"shards":2,"requested":1,"seed":6}',
    },
  })
})

test('YP-20 YP-22 YP-23 YP-27 YP-33 YP-34 YP-35 a shard is told forward to its end, and no further', async () => {
  const jobType = newType()
  const { id } = await submit({ jobType, requestedWork: 1_000 })
  const { runKey } = await claimed(jobType)
  expect((await tell(id, 0, runKey, { completed: 500, etaS: 9 })).status).toBe(202)
  const half = await run(id)
  expect(half).toMatchObject({ state: 'RUNNING', completedWork: 500, progress: { fraction: 0.5 }, etaS: 9 })
  expect(half.shards[0]).toMatchObject({ completed: 500, requested: 1_000, etaS: 9, workerId: 'w', endedAt: null })
  expect(half.shards[0]?.lastUpdateAt).not.toBeNull()
  await tell(id, 0, runKey, { completed: 400 })
  expect((await run(id)).completedWork).toBe(500)

  expect((await tell(id, 7, runKey, { completed: 1 })).status).toBe(404)
  expect((await tell(id, 0, runKey, { done: 1 })).status).toBe(400)
  expect((await tell(id, 0, runKey, { completed: 'x' })).status).toBe(400)
  expect((await tell(id, 0, runKey, { state: 'MERGING' })).status).toBe(422)

  expect((await tell(id, 0, runKey, { state: 'COMPLETED', completed: 500 })).body).toEqual({
    result: 'accepted',
    state: 'COMPLETED',
  })
  const done = await run(id)
  expect(done).toMatchObject({ state: 'COMPLETED', completedWork: 1_000, progress: { fraction: 1 }, etaS: null })
  expect(done.shards[0]).toMatchObject({ completed: 1_000, etaS: null })
  for (const word of [{ state: 'FAILED' }, { completed: 2 }, { state: 'COMPLETED' }])
    expect((await tell(id, 0, runKey, word)).body).toEqual({ result: 'ignored', state: 'COMPLETED' })
  expect(await run(id)).toEqual(done)
})

test('YP-25 a run key is for its run alone, and nothing else is one', async () => {
  const jobType = newType()
  const [a, b] = [await submit({ jobType }), await submit({ jobType })]
  const key = (await claimed(jobType)).runKey
  expect((await tell(b.id, 0, key, { completed: 1 })).status).toBe(403)
  expect((await tell(a.id, 0, `${key}x`, { completed: 1 })).status).toBe(401)
  expect((await tell(a.id, 0, running.hub.apiKey, { completed: 1 })).status).toBe(403)
  expect((await ask('GET', `/runs/${a.id}`, { token: key })).status).toBe(403)
})

test('LC-03 YP-24 YP-29 YP-36 YP-37 YP-43 shards are merged by name, in the states of a merge, without anybody asking', async () => {
  const jobType = newType()
  const { id } = await submit({ jobType, shards: 3, requestedWork: 3, merge: { byChannel: { b: 'concat' } } })
  expect((await ask('GET', `/runs/${id}/results`)).status).toBe(404)
  const { runKey } = await claimed(jobType)
  await handIn(id, runKey, { shard: 0, channels: [channel('a', [1, 2], [10]), channel('b', [1])] })
  const second = { shard: 1, channels: [channel('b', [2]), channel('a', [3, 6], [20])] }
  for (let twice = 0; twice < 2; twice++) expect((await handIn(id, runKey, second)).body).toEqual({ pages: 3 })
  await handIn(id, runKey, { shard: 2, channels: [channel('a', [1e6, 1e6], [1e6])] })
  expect((await ask<ChannelResult>('GET', `/runs/${id}/channels/a?shard=1`)).body.pages[0]?.data?.values).toEqual([
    3, 6,
  ])

  await tell(id, 0, runKey, { state: 'COMPLETED' })
  await tell(id, 1, runKey, { state: 'COMPLETED' })
  await tell(id, 2, runKey, { state: 'FAILED', error: 'out of coolant' })
  await inState(id, 'COMPLETED')
  const merged = await run(id)
  expect(merged).toMatchObject({ partial: true, numChannels: 2, valid: true })
  expect(merged.shards[2]).toMatchObject({ state: 'FAILED', error: 'out of coolant' })
  expect(merged.stateChanges.map(({ state }) => state)).toEqual([
    'CREATED',
    'QUEUED',
    'RUNNING',
    'MERGE_QUEUED',
    'MERGING',
    'COMPLETED',
  ])
  const times = merged.stateChanges.map(({ at }) => Date.parse(at))
  expect(times).toEqual([...times].sort((x, y) => x - y))
  const { channels } = (await ask<{ channels: ChannelResult[] }>('GET', `/runs/${id}/results`)).body
  expect(channels.map(({ name, pages }) => [name, pages.map(({ data }) => data?.values)])).toEqual([
    ['a', [[2, 4], [15]]],
    ['b', [[1, 2]]],
  ])
})

test('YP-05 YP-06 YP-08 YP-38 YP-39 YP-40 YP-41 YP-42 pages are read one by one, in ranges, and as metadata', async () => {
  const jobType = newType()
  const { id } = await submit({ jobType })
  const { runKey } = await claimed(jobType)
  const page = {
    data: { name: 'dose', unit: 'Gy', values: [0.1, 2.5e-300, -3] },
    axisDim1: { name: 'z', unit: 'cm', values: [0, 1, 2] },
    dimensions: 1,
    metadata: { 'detector geometry': 'mesh', n: [1, { x: null }] },
  }
  const pages = [0, 1, 2, 3].map((number) => ({ number, name: `p${number}`, dimension: 1, ...page }))
  const metadata = { projectile: 'PROTON' }
  await handIn(id, runKey, { channels: [{ name: 'Dose', sourceName: 'z_profile_', unit: 'Gy', metadata, pages }] })

  const { body } = await ask<{ channels: (ChannelResult & { index: number })[] }>('GET', `/runs/${id}/channels`)
  expect(body.channels).toEqual([
    expect.objectContaining({ name: 'Dose', sourceName: 'z_profile_', metadata, pages: expect.any(Array) }),
  ])
  expect(body.channels[0]?.pages[1]).toEqual({
    number: 1,
    name: 'p1',
    dimension: 1,
    shape: [3],
    kind: 'json',
    t0: null,
    dt: null,
  })
  const at = `/runs/${id}/channels/Dose`
  const one = await ask('GET', `${at}/pages/0`)
  expect(one.body).toMatchObject(page)
  const whole = await ask<ChannelResult>('GET', at)
  const all = await ask<{ channels: ChannelResult[] }>('GET', `/runs/${id}/results`)
  expect(all.body.channels).toEqual([whole.body])
  const numbers = async (text: string) =>
    (await ask<{ pages: { number: number }[] }>('GET', `${at}/pages?numbers=${text}`)).body.pages.map((p) => p.number)
  expect([await numbers('3,0-1'), await numbers('0-1,3')]).toEqual([
    [0, 1, 3],
    [0, 1, 3],
  ])
  for (const wrong of ['3-1', 'x', '']) expect((await ask('GET', `${at}/pages?numbers=${wrong}`)).status).toBe(400)
  for (const path of [`${at}/pages/9`, `/runs/${id}/channels/none`, `${at}/pages?numbers=9`])
    expect((await ask('GET', path)).status).toBe(404)
  expect((await run(id)).state).toBe('RUNNING')
})

test('LC-04 YP-07 YP-45 lines of two workers are all there, each in its order, and an empty log hides nothing', async () => {
  const jobType = newType()
  const { id } = await submit({ jobType, shards: 2 })
  const { runKey: token } = await claimed(jobType)
  const write = async (shard: number) => {
    for (let part = 0; part < 10; part++) {
      const lines = Array.from({ length: 100 }, (_, at) => `line ${part * 100 + at}`)
      await ask('POST', `/worker/runs/${id}/logs`, { token, body: { shard, name: 'w.log', lines } })
    }
  }
  await Promise.all([write(0), write(1)])
  const read = async () =>
    (await ask<{ lines: { shard: number; line: string }[] }>('GET', `/runs/${id}/logs`)).body.lines
  const expected = Array.from({ length: 1_000 }, (_, at) => `line ${at}`)
  for (const ended of [false, true]) {
    if (ended) await ask('POST', `/worker/runs/${id}/state`, { token, body: { state: 'FAILED', reason: 'enough' } })
    const lines = await read()
    for (const shard of [0, 1])
      expect(lines.filter((line) => line.shard === shard).map(({ line }) => line)).toEqual(expected)
  }
  expect(await run(id)).toMatchObject({ state: 'FAILED', reason: 'enough' })
  const files = (await ask<Record<string, string>>('GET', `/runs/${id}/logs?format=files`)).body
  expect(Object.keys(files)).toEqual(['shard-0/attempt-1/w.log', 'shard-1/attempt-1/w.log'])
})

test('YP-46 YP-47 cancel ends what is open, keeps what is completed, never merges, and can be asked once', async () => {
  const jobType = newType()
  const { id } = await submit({ jobType, shards: 50, requestedWork: 50 })
  const { runKey } = await claimed(jobType)
  await claimed(jobType)
  await tell(id, 0, runKey, { state: 'COMPLETED' })
  expect((await ask('POST', `/runs/${id}/cancel`)).status).toBe(200)
  const canceled = await run(id)
  expect(canceled.state).toBe('CANCELED')
  const states = canceled.shards.map(({ state }) => state)
  expect([states[0], new Set(states.slice(1))]).toEqual(['COMPLETED', new Set(['CANCELED'])])
  expect(canceled.stateChanges.map(({ state }) => state)).not.toContain('MERGE_QUEUED')
  expect(await claim(jobType)).toBeNull()
  const again = await ask<{ detail: string }>('POST', `/runs/${id}/cancel`)
  expect([again.status, again.body.detail]).toEqual([409, 'The run is CANCELED and cannot be canceled any more.'])
})

test('YP-30 a worker that says nothing any more fails its shard', async () => {
  const jobType = newType()
  const { id } = await submit({ jobType })
  await claimed(jobType)
  await inState(id, 'FAILED')
  expect((await run(id)).reason).toBe('stalled: no word from worker w for 2 s')
})

test('LU-31 a job over its timeout is TIMED_OUT and not valid', async () => {
  const jobType = newType()
  const { id } = await submit({ jobType, timeoutS: 1 })
  await claimed(jobType)
  await inState(id, 'TIMED_OUT')
  expect(await run(id)).toMatchObject({ valid: false, reason: 'it ran longer than its timeout' })
})

test('YP-31 progress by many shards is exact at once and costs one write per second', async () => {
  const jobType = newType()
  const { id } = await submit({ jobType, shards: 8, requestedWork: 8_000 })
  const { runKey } = await claimed(jobType)
  for (let index = 0; index < 8; index++) await tell(id, index, runKey, { state: 'RUNNING' })
  await Promise.all(
    Array.from({ length: 8 }, async (_, index) => {
      for (let completed = 1; completed <= 50; completed++) await tell(id, index, runKey, { completed: completed * 10 })
    }),
  )
  expect((await run(id)).shards.map(({ completed }) => completed)).toEqual(Array(8).fill(500))
  await ask('POST', `/worker/runs/${id}/state`, { token: runKey, body: { state: 'COMPLETED' } })
  expect((await run(id)).shards.map(({ completed }) => completed)).toEqual(Array(8).fill(1_000))
})

test('YP-49 lists by pages have totals, an order and filters; an invalid state is refused', async () => {
  const tag = `list-${newType()}`
  for (const title of ['b', 'c', 'a']) await submit({ jobType: newType(), title, tags: [tag] })
  const list = (query: string) =>
    ask<{ runs: RunResource[]; total: number; pageCount: number }>('GET', `/runs?tag=${tag}&${query}`)
  const { body } = await list('page=1&page_size=2&order_by=title&order=asc')
  expect([body.runs.map(({ title }) => title), body.total, body.pageCount]).toEqual([['a', 'b'], 3, 2])
  expect((await list('page=2&page_size=2')).body.runs.map(({ title }) => title)).toEqual(['b'])
  expect((await list('page=1&state=RUNNING')).body.total).toBe(0)
  expect((await list('state=WRONG')).status).toBeGreaterThanOrEqual(400)
})
