/** What becomes of runs: changed, found again, run again, deleted, expired; and the administrator's view of them. */
import { jest } from '@jest/globals'
import { until } from '@lucihub/testing'
import pg from 'pg'
import { lucihub } from '../command-line.ts'
import { HARMONIC, runningHub, type RunningHub } from '../running-hub.ts'

jest.setTimeout(60_000)
let running: RunningHub

beforeAll(async () => {
  const environment = { 'api-gateway': { REQUESTS_PER_SECOND: '100000', REQUEST_BURST: '100000' } }
  running = await runningHub({ environment })
})
afterAll(() => running?.stop())

interface Body {
  readonly id: string
  readonly detail: string
  readonly path: string
  readonly valid: boolean
  readonly clonedFrom: string | null
  readonly tags: readonly string[]
  readonly equal: boolean
  readonly runs: readonly { id: string; title: string }[]
  readonly shards: readonly { index: number }[]
}

async function ask(method: string, path: string, body?: unknown, key = running.hub.apiKey) {
  const response = await fetch(`${running.hub.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: (text ? JSON.parse(text) : null) as Body }
}

async function sql<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
  const client = new pg.Client({ connectionString: running.hub.servers.postgres.url })
  await client.connect()
  try {
    return (await client.query({ text, values: [...values] })).rows as Row[]
  } finally {
    await client.end()
  }
}

const SHORT = { kind: 'simulate', source: HARMONIC, opTimeNs: 2_000_000, sampleRateHz: 10_000 } as const
const NOBODY = '00000000-0000-7000-8000-000000000000'

/** Rows that belong to a run, over all tables that know it. */
async function rowsOfRun(id: string): Promise<number> {
  const referring = [
    ...['attempt', 'journal', 'page', 'run_terminal', 'shard', 'run_input', 'channel', 'result_page', 'log_blob'],
    ...['parameter_index', 'validity_event', 'run_key', 'datapoint'],
  ].map((table) => `SELECT count(*) FROM ${table} WHERE run_id = $1`)
  const own = [
    'SELECT count(*) FROM run WHERE id = $1 OR parent_id = $1',
    'SELECT count(*) FROM file WHERE owner_id = $1',
  ]
  const lineage = 'SELECT count(*) FROM lineage WHERE child_run_id = $1 OR parent_run_id = $1'
  const text = `SELECT sum(count)::int AS rows FROM (${[...referring, ...own, lineage].join(' UNION ALL ')}) counted`
  return (await sql<{ rows: number }>(text, [id]))[0]?.rows ?? -1
}

test('YP-11 YP-48 a deleted run leaves nothing but its tombstone', async () => {
  const run = await running.complete({ ...SHORT, shards: 2, parameters: { gain: 2 }, title: 'to go' })
  await running.client.files.put({ kind: 'run', id: run.id }, 'notes.txt', Buffer.from('gone soon'))
  expect(await rowsOfRun(run.id)).toBeGreaterThan(10)
  const children = await sql<{ id: string }>('SELECT id FROM run WHERE parent_id = $1', [run.id])
  expect(children).toHaveLength(2)
  expect((await ask('DELETE', `/runs/${run.id}`)).status).toBe(204)
  expect((await ask('GET', `/runs/${run.id}`)).status).toBe(404)
  for (const { id } of [run, ...children]) expect(await rowsOfRun(id)).toBe(0)
  const [tombstone] = await sql<{ path: string; hashes: Record<string, string>; reason: string }>(
    'SELECT path, hashes, reason FROM tombstone WHERE run_id = $1',
    [run.id],
  )
  expect(tombstone).toMatchObject({ path: run.path, reason: 'deleted', hashes: { spec: expect.any(String) } })
})

test('YP-48 unknown is 404, foreign is 404, at work is 409', async () => {
  expect((await ask('DELETE', `/runs/${NOBODY}`)).status).toBe(404)
  expect((await ask('DELETE', '/runs/not-an-id')).status).toBe(404)
  const long = await ask('POST', '/runs', { ...SHORT, kind: 'run', opTimeNs: 3_000_000_000 })
  const refused = await ask('DELETE', `/runs/${long.body.id}`)
  expect([refused.status, refused.body.detail]).toEqual([
    409,
    expect.stringMatching(/^Run .* is (QUEUED|RUNNING); only what has ended can be deleted\. Cancel it first\.$/),
  ])
  await ask('POST', `/runs/${long.body.id}/cancel`)
  await running.terminal(long.body.id)
  for (const state of ['MERGE_QUEUED', 'MERGING']) {
    await sql('UPDATE run SET state = $2 WHERE id = $1', [long.body.id, state])
    expect((await ask('DELETE', `/runs/${long.body.id}`)).status).toBe(409)
  }
  await sql(`UPDATE run SET state = 'CANCELED' WHERE id = $1`, [long.body.id])
  expect((await ask('DELETE', `/runs/${long.body.id}`)).status).toBe(204)
})

test('YP-48 what something was made from goes by force only, and that becomes invalid', async () => {
  const [parent, child, grandchild] = await Promise.all([1, 2, 3].map(() => running.complete(SHORT)))
  await sql(`INSERT INTO lineage VALUES ($1, $2, 'input'), ($3, $1, 'input')`, [child?.id, parent?.id, grandchild?.id])
  const refused = await ask('DELETE', `/runs/${parent?.id}`)
  expect([refused.status, refused.body.detail]).toEqual([
    409,
    `Run ${child?.id} was made from it. With force it is deleted all the same, and what was made from it becomes invalid.`,
  ])
  expect((await ask('DELETE', `/runs/${parent?.id}?force=true`)).status).toBe(204)
  for (const run of [child, grandchild]) expect((await ask('GET', `/runs/${run?.id}`)).body.valid).toBe(false)
  const events = await sql<{ reason: string }>('SELECT reason FROM validity_event WHERE run_id = $1', [child?.id])
  expect(events).toEqual([{ reason: `made from ${parent?.id}, which was deleted` }])
})

test('a run is run again with the same configuration, and says what it repeats', async () => {
  const run = await running.complete({ ...SHORT, title: 'once', parameters: { gain: 3 }, tags: ['first'] })
  const again = await ask('POST', `/runs/${run.id}/rerun`)
  expect(again).toMatchObject({ status: 201, body: { title: 'once', clonedFrom: run.id, parameters: { gain: 3 } } })
  expect(again.body.path).not.toBe(run.path)
  expect((await running.terminal(again.body.id)).state).toBe('COMPLETED')
  const configuration = (id: string) => running.client.configuration(id)
  expect(await configuration(again.body.id)).toEqual(await configuration(run.id))
  // The same program on the same simulator: the comparison of stored runs finds no difference.
  const compared = await running.client.comparison(run.id, { with: again.body.id })
  expect(compared.channels.length).toBeGreaterThan(0)
  expect((await ask('POST', `/runs/${NOBODY}/rerun`)).status).toBe(404)
})

test('title, notes and tags can be changed, all else is history', async () => {
  const run = await running.complete({ ...SHORT, title: 'before' })
  const changed = await ask('PATCH', `/runs/${run.id}`, { tags: ['kept', 'good'], notes: 'A zebrafish oscillates.' })
  expect(changed).toMatchObject({
    status: 200,
    body: { title: 'before', tags: ['kept', 'good'], notes: 'A zebrafish oscillates.' },
  })
  expect((await ask('PATCH', `/runs/${run.id}`, { title: 'after' })).body).toMatchObject({
    title: 'after',
    tags: ['kept', 'good'],
  })
  expect((await ask('PATCH', `/runs/${run.id}`, { state: 'FAILED' })).status).toBe(400)
  expect((await ask('PATCH', `/runs/${run.id}`, { tags: ['a,b'] })).status).toBe(422)
  const found = async (query: string) => (await ask('GET', `/runs?${query}`)).body.runs.map(({ id }) => id)
  expect(await found('q=zebraf')).toEqual([run.id])
  expect(await found('q=ZEBRAFISH%20oscillates')).toEqual([run.id])
  expect(await found('q=zebrafish%20sleeps')).toEqual([])
  expect(await found('tag=kept,good')).toEqual([run.id])
})

test('runs are found by their parameters, by value and by range', async () => {
  const made = []
  for (const [gain, mode] of [
    [1, 'slow'],
    [2, 'fast'],
    [4, 'fast'],
  ] as const)
    made.push(
      await running.complete({ ...SHORT, parameters: { filter: { gain, mode }, list: [gain, 7] }, tags: ['sought'] }),
    )
  const [slow, two, four] = made.map(({ id }) => id)
  const found = async (query: string) => (await ask('GET', `/runs?tag=sought&${query}`)).body.runs.map(({ id }) => id)
  expect(await found('param.filter.gain=2')).toEqual([two])
  expect(await found('param.filter.gain=1.5..4')).toEqual([four, two])
  expect(await found('param.filter.gain=..1')).toEqual([slow])
  expect(await found('param.filter.mode=fast&param.list[0]=4')).toEqual([four])
  expect(await found('param.filter.mode=none')).toEqual([])
  const unknown = await ask('GET', '/runs?parameter=1')
  expect([unknown.status, unknown.body.detail]).toEqual([400, expect.stringContaining('/parameter')])
})

test('words and parameters are found by an index among 100 000 runs', async () => {
  const model = await running.complete({ ...SHORT, title: 'model', parameters: { gain: 1 } })
  const columns = await sql<{ name: string }>(
    `SELECT attname AS name FROM pg_attribute WHERE attrelid = 'run'::regclass AND attnum > 0 AND NOT attisdropped`,
  )
  const own: Record<string, string> = {
    id: 'gen_random_uuid()',
    seq: `nextval('run_seq_seq')`,
    title: `'number ' || n || CASE WHEN n = 77777 THEN ' needle' ELSE '' END`,
    source: `''`,
    datapoint_id: 'NULL',
    idempotency_key: 'NULL',
    path: `'many/runs/r' || n`,
  }
  const names = columns.map(({ name }) => name)
  await sql(
    `INSERT INTO run (${names.join(', ')}) SELECT ${names.map((name) => own[name] ?? `r.${name}`).join(', ')}
      FROM run r CROSS JOIN generate_series(1, 100000) n WHERE r.id = $1`,
    [model.id],
  )
  await sql(
    `INSERT INTO parameter_index (run_id, path, num) SELECT id, 'level', row_number() OVER (ORDER BY seq) FROM run WHERE path LIKE 'many/runs/%'`,
  )
  await sql('ANALYZE run, parameter_index')
  const found = async (query: string) => (await ask('GET', `/runs?${query}`)).body.runs.map(({ title }) => title)
  expect(await found('q=needle')).toEqual(['number 77777 needle'])
  expect(await found('param.level=500..501')).toEqual(['number 501', 'number 500'])
  const plan = async (condition: string) =>
    JSON.stringify(await sql(`EXPLAIN SELECT r.id FROM run r WHERE r.parent_id IS NULL AND ${condition}`))
  expect(
    await plan(`run_words(r.title, r.notes, r.source, r.path, r.tags) @@ to_tsquery('simple', 'needle:*')`),
  ).toContain('run_words')
  expect(
    await plan(`r.id IN (SELECT p.run_id FROM parameter_index p WHERE p.path = 'level' AND p.num BETWEEN 500 AND 501)`),
  ).toContain('parameter_num')
})

test('a project may say how long its runs stay', async () => {
  const { tree, campaigns } = running.client
  await tree.createProject({ slug: 'short-lived' })
  expect(await campaigns.retention('short-lived')).toEqual({ days: 0, keepValid: false })
  const [valid, invalid, young] = await Promise.all(
    [1, 2, 3].map(() => running.complete({ ...SHORT, project: 'short-lived' })),
  )
  await sql(`UPDATE run SET ended_at = now() - interval '31 days' WHERE id = ANY ($1)`, [[valid?.id, invalid?.id]])
  await sql('UPDATE run SET valid = false WHERE id = $1', [invalid?.id])
  const policy = { days: 30, keepValid: true }
  expect(await campaigns.setRetention('short-lived', policy)).toEqual(policy)
  const gone = (id: string | undefined) => async () => (await ask('GET', `/runs/${id}`)).status === 404
  await until(gone(invalid?.id), { timeoutMs: 20_000, what: 'the old run that is not valid to go' })
  expect((await ask('GET', `/runs/${valid?.id}`)).status).toBe(200)
  await campaigns.setRetention('short-lived', { days: 30, keepValid: false })
  await until(gone(valid?.id), { timeoutMs: 20_000, what: 'the old run to go' })
  expect((await ask('GET', `/runs/${young?.id}`)).status).toBe(200)
  expect(await sql('SELECT reason, actor FROM tombstone WHERE run_id = $1', [valid?.id])).toEqual([
    { reason: 'retention', actor: 'retention' },
  ])
})

test('YP-59 YP-60 only the addressed shard disappears', async () => {
  const runs = [await running.complete({ ...SHORT, shards: 3 }), await running.complete({ ...SHORT, shards: 3 })]
  const [first, second] = runs.map(({ id }) => id)
  const admin = (args: readonly string[]) => lucihub(running, ['admin', ...args])
  const shards = async (run: string | undefined) =>
    (JSON.parse((await admin(['shards', 'list', '--run', run ?? '', '--json'])).stdout) as Body).shards.map(
      ({ index }) => index,
    )
  expect(await shards(first)).toEqual([0, 1, 2])
  expect(await admin(['shards', 'remove', first ?? '', '1'])).toMatchObject({
    code: 0,
    stdout: `Removed shard 1 of run ${first}.\n`,
  })
  expect(await shards(first)).toEqual([0, 2])
  expect(await shards(second)).toEqual([0, 1, 2])
  expect((await admin(['shards', 'remove', first ?? '', '1'])).code).toBe(3)
  const listed = await admin(['shards', 'list', '--user', 'admin'])
  expect(listed.stdout.split('\n')[0]).toMatch(/^RUN +SHARD +STATE +USER/)
  expect((await admin(['shards', 'list', '--user', 'nobody'])).stdout).toBe('No shards.\n')
})

test('YP-61 an administrator lists and removes runs', async () => {
  const run = await running.complete({ ...SHORT, title: 'listed' })
  const admin = (args: readonly string[]) => lucihub(running, ['admin', 'runs', ...args])
  const { runs } = JSON.parse(
    (await admin(['list', '--user', 'admin', '--auth-provider', 'local', '--json'])).stdout,
  ) as {
    runs: Record<string, unknown>[]
  }
  expect(runs[0]).toMatchObject({
    id: run.id,
    title: 'listed',
    username: 'admin',
    provider: 'local',
    endedAt: run.endedAt,
  })
  expect((await admin(['list', '--user', 'nobody'])).stdout).toBe('No runs.\n')
  expect(await admin(['remove', run.id])).toMatchObject({ code: 0, stdout: `Deleted run ${run.id}.\n` })
  expect((await admin(['remove', run.id])).code).toBe(3)
  expect(await rowsOfRun(run.id)).toBe(0)
})
