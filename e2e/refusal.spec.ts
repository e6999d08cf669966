/** Bad input is refused with the field, the value and the remedy; it leaves no trace and hurts nobody. */
import { jest } from '@jest/globals'
import pg from 'pg'
import { HARMONIC, runningHub, type RunningHub } from './running-hub.ts'

jest.setTimeout(60_000)
let running: RunningHub
let rowsBefore: Record<string, number>

beforeAll(async () => {
  running = await runningHub()
  rowsBefore = await rowCounts()
})
afterAll(() => running?.stop())

const VALID = { kind: 'run', source: HARMONIC, opTimeNs: 1_000_000, sampleRateHz: 10_000 }

interface Case {
  readonly title: string
  readonly body: string
  readonly headers?: Record<string, string>
  readonly status: number
  readonly type: string
  /** The violation, or words of the detail. */
  readonly says: RegExp
}

const CASES: readonly Case[] = [
  {
    title: 'a broken program',
    body: send({ source: 'let x(t = 1;\nprobe x(t);' }),
    status: 422,
    type: 'compilation-failed',
    says: /"line":1.*"column":\d+/s,
  },
  {
    title: 'an undefined name',
    body: send({ source: 'let diff[x, t](t) = -k * x(t); let x(t: 0) = 1; probe x(t);' }),
    status: 422,
    type: 'compilation-failed',
    says: /k/,
  },
  {
    title: 'an unknown device',
    body: send({ device: 'lucidac-of-nowhere' }),
    status: 422,
    type: 'validation-failed',
    says: /"pointer":"\/device".*"value":"lucidac-of-nowhere"/s,
  },
  {
    title: 'an absurd sample request',
    body: send({ opTimeNs: 9_000_000_000, sampleRateHz: 2_000_000_000 }),
    status: 422,
    type: 'validation-failed',
    says: /"pointer":"\/sampleRateHz".*"value":"2000000000".*500.?000/s,
  },
  {
    title: 'an op time of a year',
    body: send({ opTimeNs: 3.2e16 }),
    status: 422,
    type: 'validation-failed',
    says: /"pointer":"\/opTimeNs"/,
  },
  {
    title: 'an unknown field',
    body: send({ sampelRate: 5 }),
    status: 400,
    type: 'invalid-request',
    says: /sampelRate/,
  },
  { title: 'malformed JSON', body: '{"kind": "run", ', status: 400, type: 'invalid-request', says: /JSON/ },
  {
    title: 'a body of 10 MB',
    body: send({ title: 'x'.repeat(10_000_000) }),
    status: 413,
    type: 'too-large',
    says: /1 MiB|1048576|1 048 576/,
  },
  {
    title: 'a wrong key',
    body: send({}),
    headers: { authorization: 'Bearer lh_live_nonsense' },
    status: 401,
    type: 'unauthenticated',
    says: /API key/,
  },
  {
    title: 'no key',
    body: send({}),
    headers: { authorization: '' },
    status: 401,
    type: 'unauthenticated',
    says: /API key/,
  },
  {
    title: 'a form instead of JSON',
    body: 'kind=run',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    status: 415,
    type: 'unsupported-media-type',
    says: /application\/json/,
  },
  {
    title: 'a key into the prototype',
    body: '{"kind":"run","__proto__":{"polluted":true}}',
    status: 400,
    type: 'invalid-request',
    says: /__proto__/,
  },
]

test.each(CASES)('$title is refused', async ({ body, headers, status, type, says }) => {
  const response = await fetch(`${running.hub.url}/api/v1/runs`, {
    method: 'POST',
    body,
    headers: { authorization: `Bearer ${running.hub.apiKey}`, 'content-type': 'application/json', ...headers },
  })
  const text = await response.text()
  expect([response.status, response.headers.get('content-type')]).toEqual([
    status,
    expect.stringContaining('application/problem+json'),
  ])
  expect(JSON.parse(text)).toMatchObject({
    status,
    type: expect.stringContaining(type),
    title: expect.any(String),
    detail: expect.any(String),
  })
  expect(text).toMatch(says)
  expect(text).not.toMatch(/node_modules|SELECT|at .*\.ts:|127\.0\.0\.1/)
})

test('afterwards nothing was stored, no process has died, and a good run still works', async () => {
  expect(await rowCounts()).toEqual(rowsBefore)
  for (const process of Object.values(running.hub.processes)) expect(process.running()).toBe(true)
  const run = await running.complete({ ...VALID, kind: 'run' })
  expect(run.state).toBe('COMPLETED')
})

function send(change: Record<string, unknown>): string {
  return JSON.stringify({ ...VALID, ...change })
}

/** Rows of every table that a request could leave a trace in. */
async function rowCounts(): Promise<Record<string, number>> {
  const database = new pg.Client(running.hub.servers.postgres.url)
  await database.connect()
  const { rows } = await database.query<{ table: string }>(
    "SELECT table_name AS table FROM information_schema.tables WHERE table_schema = 'public' AND table_name NOT LIKE '%device%' AND table_name NOT LIKE '%key%'",
  )
  const counts: Record<string, number> = {}
  for (const { table } of rows) {
    const [count] = (await database.query<{ rows: number }>(`SELECT count(*)::int AS rows FROM "${table}"`)).rows
    counts[table] = count?.rows ?? 0
  }
  await database.end()
  return counts
}
