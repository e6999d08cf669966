/** Sweeps and workflows over HTTP: points, refusals, what becomes of the runs. */
import { jest } from '@jest/globals'
import { until } from '@lucihub/testing'
import { runningHub, type RunningHub } from '../running-hub.ts'

jest.setTimeout(60_000)
let running: RunningHub

beforeAll(async () => {
  const environment = { 'api-gateway': { REQUESTS_PER_SECOND: '100000', REQUEST_BURST: '100000' } }
  running = await runningHub({ environment })
})
afterAll(() => running?.stop())

interface Body {
  readonly id: string
  readonly type: string
  readonly detail: string
  readonly path: string
  readonly datasetId: string
  readonly size: number
  readonly states: Record<string, number>
  readonly progress: { fraction: number }
  readonly endedAt: string | null
  readonly violations: readonly { pointer: string; message: string }[]
  readonly datapoints: readonly { name: string; data: unknown; runId: string }[]
  readonly runs: readonly { id: string; path: string; sweepId: string; state: string }[]
  readonly sweeps: readonly { id: string }[]
  readonly steps: readonly {
    name: string
    state: string
    runState: string | null
    runId: string | null
    reason: string
  }[]
  readonly source: string
  readonly parameters: Record<string, unknown>
}

async function ask(method: string, path: string, body?: unknown): Promise<{ status: number; body: Body }> {
  const response = await fetch(`${running.hub.url}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${running.hub.apiKey}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: (text ? JSON.parse(text) : null) as Body }
}

const SOURCE = 'let w = 1;\nlet diff[x, t](t) = -w * x(t);\nlet x(t: 0) = {{ start }};\nprobe x(t);\n'
const BASE = { kind: 'simulate', source: SOURCE, opTimeNs: 2_000_000, sampleRateHz: 10_000 }
const sweep = (name: string, matrix: unknown, rest: object = {}) => ({ name, matrix, base: BASE, ...rest })

test('LU-36 a product makes a dataset of runs whose data are the swept values', async () => {
  const matrix = { w: [1, 2, 3], start: [0.5, 1] }
  const made = await ask('POST', '/sweeps', sweep('grid', matrix, { base: { ...BASE, title: 'w={{w}}' } }))
  expect(made).toMatchObject({ status: 201, body: { name: 'grid', mode: 'product', size: 6, matrix } })
  const { id, datasetId } = made.body
  const points = await ask('GET', `/datasets/${datasetId}/datapoints?inherit=false&data=true`)
  expect(points.body.datapoints.map(({ name, data }) => [name, data])).toMatchObject([
    ['grid_0', { w: 1, start: 0.5 }],
    ['grid_1', { w: 1, start: 1 }],
    ['grid_2', { w: 2, start: 0.5 }],
    ['grid_3', { w: 2, start: 1 }],
    ['grid_4', { w: 3, start: 0.5 }],
    ['grid_5', { w: 3, start: 1 }],
  ])
  const fourth = await ask('GET', `/runs/${points.body.datapoints[3]?.runId}`)
  expect(fourth.body).toMatchObject({ sweepId: id, title: 'w=2', parameters: { w: 2, start: 1 } })
  expect(fourth.body.source).toBe(SOURCE.replace('{{ start }}', '1').replace('w = 1', 'w = 2'))
  const done = async () => (await ask('GET', `/sweeps/${id}`)).body.states['COMPLETED'] === 6
  await until(done, { timeoutMs: 40_000, what: 'all runs of the sweep complete' })
  expect((await ask('GET', `/sweeps/${id}`)).body).toMatchObject({
    states: { COMPLETED: 6 },
    progress: { fraction: 1 },
  })
  const runs = await ask('GET', `/runs?sweep=${id}`)
  expect(runs.body.runs.map(({ path }) => path.split('/').at(-1))).toEqual([5, 4, 3, 2, 1, 0].map((at) => `grid_${at}`))
  expect((await ask('GET', '/sweeps')).body.sweeps.map((listed) => listed.id)).toContain(id)
  expect((await ask('DELETE', `/sweeps/${id}`)).status).toBe(204)
  expect((await ask('GET', `/sweeps/${id}`)).status).toBe(404)
  expect((await ask('GET', `/datasets/${datasetId}`)).status).toBe(404)
  expect((await ask('GET', `/runs?sweep=${id}`)).body.runs).toEqual([])
})

test('LU-36 a zip takes the lists side by side; an empty matrix is one run', async () => {
  const zipped = await ask('POST', '/sweeps', sweep('zipped', { w: [1, 2], start: [0.1, 0.2] }, { mode: 'zip' }))
  expect(zipped).toMatchObject({ status: 201, body: { size: 2 } })
  const points = await ask('GET', `/datasets/${zipped.body.datasetId}/datapoints?inherit=false&data=true`)
  expect(points.body.datapoints.map(({ data }) => data)).toMatchObject([
    { w: 1, start: 0.1 },
    { w: 2, start: 0.2 },
  ])
  const base = { ...BASE, source: SOURCE.replace('{{ start }}', '1') }
  expect(await ask('POST', '/sweeps', sweep('single', {}, { base }))).toMatchObject({ status: 201, body: { size: 1 } })
})

test.each([
  ['no object', [1], 'product', ['/matrix: The matrix is not an object of lists.']],
  ['no list', { w: 3 }, 'product', ['/matrix/w: "w" is not a list.']],
  ['an empty list', { w: [], start: [1] }, 'product', ['/matrix/w: "w" is an empty list.']],
  ['unequal lists', { w: [1, 2], start: [1] }, 'zip', ['/matrix: The lists have different lengths.']],
  [
    'too many',
    { w: Array.from({ length: 201 }, (_, at) => at), start: [1] },
    'product',
    ['/matrix: The sweep would have 201 runs.'],
  ],
])('LU-36 a matrix with %s is refused', async (_what, matrix, mode, expected) => {
  const refused = await ask('POST', '/sweeps', sweep('refused', matrix, { mode }))
  expect(refused).toMatchObject({ status: 422, body: { type: '/problems/validation-failed' } })
  expect(refused.body.violations.map(({ pointer, message }) => `${pointer}: ${message}`)).toEqual(expected)
})

test('LU-36 if one point does not compile none is accepted, and it is named', async () => {
  const refused = await ask('POST', '/sweeps', sweep('broken', { w: [1, 'nobody', 3], start: [1] }))
  expect(refused).toMatchObject({ status: 422, body: { type: '/problems/compilation-failed' } })
  expect(refused.body.detail).toMatch(/^Run 1 of the sweep, \{"w":"nobody","start":1\}: Line 1: /)
  const unused = await ask('POST', '/sweeps', sweep('unused', { speed: [1], start: [1] }))
  expect(unused.body.violations).toMatchObject([{ pointer: '/matrix/speed' }])
  const { sweeps } = (await ask('GET', '/sweeps')).body
  for (const { id } of sweeps) expect((await ask('GET', `/sweeps/${id}`)).body).not.toMatchObject({ name: 'broken' })
})

test('LU-35 steps start when their rule comes true', async () => {
  const run = { ...BASE, source: SOURCE.replace('{{ start }}', '1') }
  // A device that never answers a halt on overload: the run fails where its result would.
  const failing = { ...run, dataset: 'not-there' }
  const made = await ask('POST', '/workflows', {
    title: 'rules',
    steps: [
      { name: 'first', run },
      { name: 'bad', run: failing },
      { name: 'second', after: ['first'], run },
      { name: 'after-both', after: ['first', 'bad'], trigger: 'ALL_SUCCESS', run },
      { name: 'anyway', after: ['first', 'bad'], trigger: 'ALL_COMPLETED', run },
      { name: 'one-good', after: ['first', 'bad'], trigger: 'ANY_SUCCESS', run },
      { name: 'alarm', after: ['bad', 'first'], trigger: 'ANY_FAILED', run },
      { name: 'all-bad', after: ['bad'], trigger: 'ALL_FAILED', run },
      { name: 'not-bad', after: ['first'], trigger: 'ALL_FAILED', run },
      { name: 'always', after: ['second'], trigger: 'ALWAYS', run },
    ],
  })
  expect(made).toMatchObject({ status: 201, body: { endedAt: null } })
  const read = async () => (await ask('GET', `/workflows/${made.body.id}`)).body
  await until(async () => (await read()).endedAt !== null, { timeoutMs: 40_000, what: 'the workflow to end' })
  const { steps } = await read()
  expect(Object.fromEntries(steps.map(({ name, state, runState }) => [name, runState ?? state]))).toEqual({
    first: 'COMPLETED',
    bad: 'FAILED',
    second: 'COMPLETED',
    'after-both': 'SKIPPED',
    anyway: 'COMPLETED',
    'one-good': 'COMPLETED',
    alarm: 'COMPLETED',
    'all-bad': 'COMPLETED',
    'not-bad': 'SKIPPED',
    always: 'COMPLETED',
  })
  expect(steps[1]?.reason).toContain('There is no such dataset')
})

test('LU-35 a workflow goes on after the store was restarted', async () => {
  const run = { ...BASE, source: SOURCE.replace('{{ start }}', '1') }
  const { body } = await ask('POST', '/workflows', {
    steps: [
      { name: 'a', run },
      { name: 'b', after: ['a'], run },
    ],
  })
  await running.hub.processes['run-store']?.kill()
  await running.hub.processes['run-store']?.restart()
  const ended = async () => (await ask('GET', `/workflows/${body.id}`)).body.endedAt
  await until(async () => Boolean(await ended()), { timeoutMs: 40_000, what: 'the workflow to end' })
  const { steps } = (await ask('GET', `/workflows/${body.id}`)).body
  expect(steps.map(({ runState }) => runState)).toEqual(['COMPLETED', 'COMPLETED'])
  expect(new Set(steps.map(({ runId }) => runId)).size).toBe(2)
})

test('LU-35 steps that wait for each other, or for nobody, are refused', async () => {
  const run = { ...BASE, source: SOURCE.replace('{{ start }}', '1') }
  const refused = async (steps: object[]) =>
    (await ask('POST', '/workflows', { steps })).body.violations.map(({ pointer, message }) => `${pointer}: ${message}`)
  expect(
    await refused([
      { name: 'a', after: ['b'], run },
      { name: 'b', after: ['a'], run },
    ]),
  ).toEqual(['/steps: Steps wait for each other in a circle.'])
  expect(await refused([{ name: 'a', after: ['z'], run }])).toEqual(['/steps/0/after/0: There is no such step.'])
})
