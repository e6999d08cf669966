/** A project out of one hub and into another, as a tree of files, as SQLite; what fsck finds; what dbview shows. */
import { jest } from '@jest/globals'
import { privateDatabase } from '@lucihub/testing'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import initSqlJs from 'sql.js/dist/sql-wasm-inline.js'
import { lucihub, type Told } from '../command-line.ts'
import { HARMONIC, runningHub, type RunningHub } from '../running-hub.ts'

jest.setTimeout(60_000)
let running: RunningHub
let elsewhere: { readonly url: string; drop(): Promise<void> }
let dir: string
const SLUG = 'archived'
const runIds: string[] = []

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'lucihub-archive-'))
  const [hub, database] = await Promise.all([runningHub(), privateDatabase()])
  running = hub
  elsewhere = database
  const { tree, files } = running.client
  await tree.createProject({ slug: SLUG, title: 'To be moved', data: { gain: 1.5 } })
  const outer = await tree.createDataset({ project: SLUG }, { name: 'v1.2', data: { calibrated: true } })
  const inner = await tree.createDataset({ dataset: outer.id }, { name: 'inner' })
  const point = await tree.createDatapoint(inner.id, { name: 'p.0', data: { x: [1, 2.5, 'ü'] } })
  await files.put({ kind: 'datapoint', id: point.id }, 'notes.txt', Buffer.from('first'))
  await files.put({ kind: 'datapoint', id: point.id }, 'notes.txt', Buffer.from('second'))
  await files.put({ kind: 'dataset', id: outer.id }, 'raw.bin', Buffer.alloc(700_000, 7))
  for (const gain of [1, 2]) {
    const submission = { kind: 'simulate', source: HARMONIC, opTimeNs: 20_000_000, sampleRateHz: 100_000 } as const
    const place = {
      project: SLUG,
      dataset: 'v1.2',
      name: `run.${gain}`,
      parameters: { gain, mode: 'fast' },
      tags: ['moved'],
    }
    const run = await running.complete({ ...submission, ...place })
    expect(run.state).toBe('COMPLETED')
    runIds.push(run.id)
  }
})
afterAll(async () => {
  await running?.stop()
  await elsewhere?.drop()
  rmSync(dir, { recursive: true, force: true })
})

const here = () => ({ DATABASE_URL: running.hub.servers.postgres.url, REDIS_URL: running.hub.servers.redis.url })
const there = () => ({ DATABASE_URL: elsewhere.url })
const admin = (args: readonly string[], environment: NodeJS.ProcessEnv): Promise<Told> =>
  lucihub(running, ['admin', ...args], { environment })
const json = async <T>(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<T> => {
  const { code, stdout, stderr } = await admin([...args, '--json'], environment)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout) as T
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

/** Every file below a directory with its content. */
function contents(root: string): Record<string, string> {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return Object.fromEntries(
    files
      .map((file) => join(file.parentPath, file.name))
      .sort()
      .map((file) => [file.slice(root.length + 1), readFileSync(file).toString('base64')]),
  )
}

test('HD-30 an archive imported elsewhere is the same project, by digest', async () => {
  interface Manifest {
    readonly digest: string
    readonly leftOut: number
    readonly files: readonly { path: string; rows?: number }[]
  }
  const first = await json<Manifest>(['export', '--project', SLUG, join(dir, 'first')], here())
  expect(first.leftOut).toBe(0)
  expect(first.files.find(({ path }) => path === 'tables/run.jsonl')?.rows).toBe(2)
  expect(first.files.filter(({ path }) => path.startsWith('blobs/'))).toHaveLength(3)
  expect((await admin(['migrate', 'up'], there())).code).toBe(0)
  await json(['import', join(dir, 'first')], there())
  const second = await json<Manifest>(['export', '--project', SLUG, join(dir, 'second')], there())
  expect(second.files).toEqual(first.files)
  expect(second.digest).toBe(first.digest)
  expect(await admin(['fsck'], there())).toMatchObject({ code: 0, stdout: 'Everything is as it should be.\n' })
  const again = await admin(['import', join(dir, 'first')], there())
  expect([again.code, again.stderr]).toEqual([
    4,
    `run-store: There is a project "${SLUG}" already: import it under another name.\n`,
  ])
})

test('HD-30 an archive with one byte changed is refused', async () => {
  const victim = join(dir, 'first/tables/dataset.jsonl')
  const bytes = readFileSync(victim)
  bytes[10] = (bytes[10] ?? 0) ^ 1
  writeFileSync(victim, bytes)
  const refused = await admin(['import', '--as', 'other', join(dir, 'first')], there())
  expect([refused.code, refused.stderr]).toEqual([
    1,
    'run-store: tables/dataset.jsonl is not what the manifest says: it was changed or damaged.\n',
  ])
})

test('HD-30 hards-fs: the tree as directories, and back', async () => {
  const tree = join(dir, 'tree')
  await json(['export', '--project', SLUG, '--format', 'hards-fs', tree], here())
  const found = contents(tree)
  expect(Object.keys(found).filter((path) => path.endsWith('data.json'))).toEqual([
    'children/v1.2/children/inner/data.json',
    'children/v1.2/children/inner/datapoints/p.0/data.json',
    'children/v1.2/data.json',
    'children/v1.2/datapoints/run.1/data.json',
    'children/v1.2/datapoints/run.2/data.json',
  ])
  const read = (path: string): string => Buffer.from(found[path] ?? '', 'base64').toString()
  expect(read('children/v1.2/children/inner/datapoints/p.0/files/notes.txt')).toBe('second')
  expect(JSON.parse(read('children/v1.2/children/inner/datapoints/p.0/data.json'))).toEqual({ x: [1, 2.5, 'ü'] })
  const count = await json(['import', '--format', 'hards-fs', '--as', 'regrown', '--owner', 'admin', tree], here())
  expect(count).toEqual({ project: 'regrown', datasets: 2, datapoints: 3, files: 2 })
  await json(['export', '--project', 'regrown', '--format', 'hards-fs', join(dir, 'again')], here())
  expect(contents(join(dir, 'again'))).toEqual(found)
  const { datapoint } = await running.client.tree.resolve('regrown/v1.2/inner/p.0')
  expect(datapoint?.data).toEqual({ x: [1, 2.5, 'ü'] })
})

test('LU-27 lute-v1: one SQLite file with a table per task, whose latest entry is the latest run', async () => {
  const file = join(dir, 'lute.db')
  const count = await json(['export', '--project', SLUG, '--format', 'lute-v1', file], here())
  expect(count).toEqual({ project: SLUG, tasks: 1, records: 2 })
  const { Database } = await initSqlJs()
  const database = new Database(readFileSync(file))
  const ask = (text: string) => database.exec(text)[0]?.values
  // How LUTE asks for the latest valid value of a parameter: joined with its configuration, the last row.
  expect(
    ask(
      'SELECT s."gain", g.experiment FROM simulate s JOIN gen_cfg g ON g.id = s.gen_cfg_id WHERE s.valid_flag = 1',
    )?.at(-1),
  ).toEqual([2, SLUG])
  expect(ask('SELECT "gain", "mode", "result.task_status", valid_flag FROM simulate')).toEqual([
    [1, 'fast', 'COMPLETED', 1],
    [2, 'fast', 'COMPLETED', 1],
  ])
  const columns = ask('PRAGMA table_info(simulate)')?.map(([, name, type]) => `${String(name)} ${String(type)}`)
  expect(columns).toEqual(
    expect.arrayContaining(['gain INTEGER', 'mode TEXT', 'result.payload TEXT', 'valid_flag INTEGER']),
  )
  database.close()
})

test('LU-25 dbview shows rows and executions, hides secrets, and cannot write', async () => {
  const { rows } = await json<{ rows: Record<string, unknown>[] }>(
    ['dbview', '--table', 'run', '--where', `path~${SLUG}/`],
    here(),
  )
  const stored = await sql<{ id: string }>(`SELECT id FROM run WHERE path LIKE '${SLUG}/%' ORDER BY seq`)
  expect(rows.map(({ id }) => id)).toEqual(stored.map(({ id }) => id))
  const keys = await json<{ rows: Record<string, unknown>[] }>(['dbview', '--table', 'api_key'], here())
  expect(keys.rows[0]).toMatchObject({ secret_hmac: '(secret)' })
  const summary = await json<{
    executions: Record<string, unknown>[]
    tasks: Record<string, { columns: string[]; rows: Record<string, unknown>[] }>
  }>(['dbview', '--summarize'], here())
  expect(Object.keys(summary.executions[0] ?? {})).toEqual([
    'Execution ID',
    'Timestamp',
    'Task',
    'Summary',
    'Payload',
    'Status',
    'Valid?',
  ])
  expect(summary.tasks['simulate']).toMatchObject({
    columns: ['Execution ID', 'gain', 'mode'],
    rows: [
      { gain: 1, mode: 'fast' },
      { gain: 2, mode: 'fast' },
    ],
  })
  const nasty = await admin(['dbview', '--table', 'run', '--where', "id='; DELETE FROM page; --"], here())
  expect(nasty.code).toBe(0)
  const wrong = await admin(['dbview', '--table', 'run; DROP TABLE run'], here())
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringMatching(/^run-store: There is no table "run; DROP/)])
  // eslint-disable-next-line @nx/enforce-module-boundaries -- the session itself is tried, since no command writes
  const { inSession } = await import('../../services/run-store/src/maintenance/session.ts')
  const writing = inSession(here().DATABASE_URL, 'read', (session) => session.query('DELETE FROM page'))
  await expect(writing).rejects.toThrow('cannot execute DELETE in a read-only transaction')
  const leaving = inSession(here().DATABASE_URL, 'read', async (session) => {
    await session.query('COMMIT')
    await session.query('DELETE FROM page')
  })
  await expect(leaving).rejects.toThrow('cannot execute DELETE in a read-only transaction')
})

test('fsck names one changed byte of samples, of a file, of a configuration; and repairs the index of parameters', async () => {
  expect(await admin(['fsck'], here())).toMatchObject({ code: 0, stdout: 'Everything is as it should be.\n' })
  const [first = '', second = ''] = runIds
  await sql(
    `UPDATE page SET samples = set_byte(samples, 5, get_byte(samples, 5) # 1) WHERE run_id = $1 AND channel = 1`,
    [first],
  )
  await sql(`UPDATE blob_part SET bytes = set_byte(bytes, 3, get_byte(bytes, 3) # 1) WHERE octet_length(bytes) = 6`)
  await sql(`UPDATE parameter_index SET num = 17 WHERE run_id = $1 AND path = 'gain'`, [second])
  const found = await admin(['fsck', '--json'], here())
  expect(found.code).toBe(1)
  const { findings } = JSON.parse(found.stdout) as { findings: { check: string; what: string }[] }
  expect([...new Set(findings.map(({ check }) => check))].sort()).toEqual(['blob', 'page', 'parameter-index'])
  const pages = findings.filter(({ check }) => check === 'page').map(({ what }) => what)
  expect(pages.join()).toContain(`channel 1 of run ${first}, attempt 1: samples 0 to `)
  expect(findings.find(({ check }) => check === 'parameter-index')?.what).toBe(`parameters of run ${second}`)
  expect((await admin(['fsck', '--repair-index'], here())).stdout).toContain('of 1 runs was made again')
  const after = JSON.parse((await admin(['fsck', '--json'], here())).stdout) as { findings: { check: string }[] }
  expect([...new Set(after.findings.map(({ check }) => check))].sort()).toEqual(['blob', 'page'])
})

test('flush drops what Redis holds of runs that are over', async () => {
  const before = await json<{ dropped: number; kept: number }>(['flush'], here())
  expect(before.kept).toBe(0)
  expect(await json(['flush'], here())).toEqual({ dropped: 0, kept: 0 })
})
