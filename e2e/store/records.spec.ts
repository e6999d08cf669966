/** What runs leave behind: records, tables of them, validity and lineage, over HTTP and through `lucihub admin records`. */
import { jest } from '@jest/globals'
import { createClient } from '@lucihub/sdk'
import { until } from '@lucihub/testing'
import pg from 'pg'
import { lucihub } from '../command-line.ts'
import { HARMONIC, runningHub, type RunningHub } from '../running-hub.ts'
import { workshop, type Workshop } from './workshop.ts'

jest.setTimeout(60_000)
let running: RunningHub
let shop: Workshop

beforeAll(async () => {
  running = await runningHub()
  shop = workshop(running)
})
afterAll(() => running?.stop())

const admin = (...args: string[]) => lucihub(running, ['admin', 'records', ...args])

async function rows<Row>(text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: running.hub.servers.postgres.url })
  await client.connect()
  try {
    return (await client.query(text)).rows as Row[]
  } finally {
    await client.end()
  }
}

describe('a record', () => {
  test('LU-01 LU-16 is there from the submission on, and stays of a run that failed', async () => {
    await shop.recipe('task', {})
    const { id } = await shop.submit('task', { parameters: { a: 1 } })
    const open = { runId: id, recipe: 'task', status: 'QUEUED', valid: false, parameters: { a: 1 } }
    expect(await running.client.records.record(id)).toMatchObject(open)
    const table = await running.client.records.records('task')
    expect(table.records[0]).toMatchObject({ runId: id, endedAt: null, result: { status: 'QUEUED' }, valid: false })
    await shop.finish(id, { state: 'FAILED', summary: 'no peaks' })
    const failed = { status: 'FAILED', valid: false, parameters: { a: 1 }, result: { summary: 'no peaks' } }
    expect(await running.client.records.record(id)).toMatchObject(failed)
  })

  test('LU-01 an outage of the store changes no result: what was going on is recorded afterwards', async () => {
    const { client, hub } = running
    const source = { kind: 'run', source: HARMONIC, opTimeNs: 2_000_000_000, sampleRateHz: 1_000 } as const
    const { run } = await client.submitRun({ ...source, parameters: { a: 1 } })
    await until(async () => (await client.run(run.id)).state === 'RUNNING', {
      timeoutMs: 15_000,
      what: 'the run to start',
    })
    await hub.processes['run-store']?.kill()
    await hub.processes['run-store']?.restart()
    expect(await running.terminal(run.id)).toMatchObject({ state: 'COMPLETED', valid: true, parameters: { a: 1 } })
  })

  test('LU-07 has its parameters by path, with their types', async () => {
    await shop.recipe('flat', {})
    const parameters = {
      a: { b: [1, 2], c: 1 },
      a2: 4,
      on: true,
      none: null,
      deep: [[1], [2]],
      rest: [{ x: 1 }],
      empty: {},
      list: [],
    }
    const { id } = await shop.submit('flat', { parameters })
    expect((await running.client.run(id)).parameters).toEqual(parameters)
    const { records, columns } = await running.client.records.records('flat')
    expect(records[0]?.values).toEqual({
      'a.b[0]': 1,
      'a.b[1]': 2,
      'a.c': 1,
      a2: 4,
      on: true,
      none: null,
      'deep[0][0]': 1,
      'deep[1][0]': 2,
      'rest[0]': { x: 1 },
    })
    expect(columns).toEqual(Object.keys(records[0]?.values ?? {}).sort())
    const stored = await rows<{ num: number | null; bool: boolean | null }>(
      `SELECT num, bool FROM parameter_index WHERE run_id = '${id}' AND path IN ('on', 'a2') ORDER BY path`,
    )
    expect(stored).toEqual([
      { num: 4, bool: null },
      { num: null, bool: true },
    ])
  })

  test('LU-08 tells each end of a run', async () => {
    await shop.recipe('ends', {})
    for (const state of ['COMPLETED', 'FAILED', 'TIMED_OUT', 'CANCELED']) {
      const { id } = await shop.done('ends', {}, { state })
      expect(await running.client.records.record(id)).toMatchObject({ status: state, valid: state === 'COMPLETED' })
    }
    const { id } = await shop.submit('ends')
    for (const state of ['RUNNING', 'PAUSED', 'RUNNING']) {
      await shop.finish(id, { state })
      expect((await running.client.records.record(id)).status).toBe(state)
    }
  })

  test('LU-09 LU-10 LU-12 has a summary, a payload or a pointer to one, and schemas', async () => {
    await shop.recipe('giver', {})
    const small = await shop.done(
      'giver',
      {},
      { summary: { rate: 0.5, note: 'ok' }, payload: { peaks: [1, 2] }, schemas: ['calibration/v1', 'gain'] },
    )
    expect(small.output).toEqual({
      summary: { rate: 0.5, note: 'ok' },
      payload: { peaks: [1, 2] },
      schemas: ['calibration/v1', 'gain'],
    })
    const { client } = running
    expect((await client.runs({ schema: 'gain' })).runs.map(({ id }) => id)).toEqual([small.id])
    expect((await client.records.records('giver', { summary: 'rate' })).records).toHaveLength(1)
    expect((await client.records.records('giver', { summary: 'other' })).records).toHaveLength(0)

    const big = await shop.submit('giver')
    const bytes = new Uint8Array(200_000).fill(7)
    await fetch(`${running.hub.url}/api/v1/runs/${big.id}/files/peaks.bin`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${running.hub.apiKey}`, 'content-type': 'application/octet-stream' },
      body: bytes,
    })
    await shop.finish(big.id, { payload: { $artifact: 'peaks.bin' } })
    const { payload } = (await client.run(big.id)).output as { payload: Record<string, string> }
    expect(payload).toMatchObject({ name: 'peaks.bin', version: 1, size: 200_000 })
    const found = await fetch(`${running.hub.url}${payload['href'] ?? ''}`, {
      headers: { authorization: `Bearer ${running.hub.apiKey}` },
    })
    expect(new Uint8Array(await found.arrayBuffer())).toEqual(bytes)
    const { id } = await shop.submit('giver')
    await expect(shop.finish(id, { payload: { $artifact: 'none' } })).rejects.toMatchObject({ status: 422 })
    await expect(shop.finish(id, { payload: 'x'.repeat(70_000) })).rejects.toMatchObject({ status: 413 })
  })

  test('LU-14 says what made it', async () => {
    const { run } = await running.client.submitRun({ kind: 'compile', source: HARMONIC, opTimeNs: 1_000_000 })
    const { versions } = await running.client.records.record(run.id)
    expect(versions).toEqual({ software: '0.1.0', compiler: '0.1.0', wireProto: 'lucihub.v1', run: 1 })
  })
})

describe('the table of a recipe', () => {
  test('LU-05 LU-06 has a row per run and a column per parameter that any of them has', async () => {
    await shop.recipe('growing', {
      parameterSchema: { type: 'object', additionalProperties: false, properties: { p1: {} } },
    })
    const old = await shop.done('growing', { parameters: { p1: '=1+1' } }, { summary: { a: 1, b: 'x' }, payload: [1] })
    await shop.recipe('growing', { parameterSchema: { type: 'object' } })
    const young = await shop.done('growing', { parameters: { p1: -2, p2: 'a,"b"' }, runNo: 3 })
    const { columns, records } = await running.client.records.records('growing')
    expect(columns).toEqual(['p1', 'p2'])
    expect(records.map(({ values, recipeVersion }) => [values, recipeVersion])).toEqual([
      [{ p1: '=1+1', p2: null }, 1],
      [{ p1: -2, p2: 'a,"b"' }, 2],
    ])
    expect(await running.client.records.recordsCsv('growing')).toBe(
      [
        'id,timestamp,gen_cfg_id,exec_cfg_id,p1,p2,result.task_status,result.summary,result.payload,result.impl_schemas,valid_flag',
        `${old.id},${old.submittedAt},${old.generalConfigId ?? ''},${old.execConfigId ?? ''},'=1+1,,COMPLETED,a: 1;b: x,[1],,true`,
        `${young.id},${young.submittedAt},${young.generalConfigId ?? ''},${young.execConfigId ?? ''},-2,"a,""b""",COMPLETED,,,,true`,
        '',
      ].join('\r\n'),
    )
    const ids = async (...query: Parameters<typeof running.client.records.records>) =>
      (await running.client.records.records(...query)).records.map(({ runId }) => runId)
    expect(await ids('growing', {}, { p2: 'a,"b"' })).toEqual([young.id])
    expect(await ids('growing', {}, { p1: -2 })).toEqual([young.id])
    expect(await ids('growing', { limit: 1 })).toEqual([old.id])
    const { stdout } = await admin('list', 'growing')
    expect(stdout).toMatch(new RegExp(`${young.id} +COMPLETED +yes +-2 +a,"b"`))
    expect((await admin('list', 'growing', '--csv')).stdout).toContain('result.task_status')
    expect(JSON.parse((await admin('list', 'growing', '--json')).stdout)).toMatchObject({ columns: ['p1', 'p2'] })
  })

  test('LU-17 keeps sessions of one project apart, and shows nobody what is not his', async () => {
    const project = await shop.project()
    await shop.recipe('session', {})
    const [one] = [await shop.done('session', { project, runNo: 1 }), await shop.done('session', { project, runNo: 2 })]
    const { records } = running.client
    expect((await records.records('session', { project, run_no: 1 })).records.map(({ runId }) => runId)).toEqual([
      one.id,
    ])
    expect((await running.client.runs({ project, run_no: 1 })).runs.map(({ id }) => id)).toEqual([one.id])
    await running.client.people.addUser({ username: 'mallory', password: 'a long password' })
    const { accessToken } = await running.client.people.logIn({ username: 'mallory', password: 'a long password' })
    const foreign = createClient({ url: running.hub.url, apiKey: accessToken })
    expect((await foreign.records.records('session')).records).toEqual([])
    await expect(foreign.records.latest(project, { task: 'session', param: 'x' })).rejects.toMatchObject({
      status: 404,
    })
    await expect(foreign.records.lineage(one.id)).rejects.toMatchObject({ status: 404 })
    const judged = foreign.records.setValidity(one.id, { valid: false, reason: 'mine' })
    await expect(judged).rejects.toMatchObject({ status: 404 })
  })
})

describe('validity', () => {
  const chain = async () => {
    const project = await shop.project()
    await shop.recipe('calibrate', { result: { schemas: ['gain'] } })
    await shop.recipe('use', { bindings: [{ param: 'gain', sources: [{ schema: 'gain', param: 'result.payload' }] }] })
    await shop.recipe('plot', { bindings: [{ param: 'of', sources: [{ recipe: 'use', param: 'gain' }] }] })
    const first = await shop.done('calibrate', { project }, { payload: 2 })
    const used = await shop.done('use', { project })
    const plotted = await shop.done('plot', { project })
    return { project, first, used, plotted }
  }

  test('LU-13 LU-21 is taken back with a reason, can be given again, and stays on record', async () => {
    const { project, first } = await chain()
    const { records } = running.client
    const latest = () => records.latest(project, { task: 'calibrate', param: 'result.payload' })
    expect((await latest()).runId).toBe(first.id)
    expect(first.valid).toBe(true)
    expect(await admin('invalidate', first.id, '--reason', 'probe was loose')).toMatchObject({
      code: 0,
      stdout: '1 record is not valid now.\n',
    })
    await expect(latest()).rejects.toMatchObject({ status: 404 })
    expect(
      await records.latest(project, { task: 'calibrate', param: 'result.payload', valid_only: false }),
    ).toMatchObject({
      runId: first.id,
      valid: false,
    })
    expect((await running.client.run(first.id)).state).toBe('COMPLETED')
    expect(await admin('validate', first.id, '--reason', 'it was not')).toMatchObject({ code: 0 })
    expect(await admin('validate', first.id, '--reason', 'again')).toMatchObject({ stdout: 'It was valid already.\n' })
    expect((await latest()).runId).toBe(first.id)
    const { events } = await records.validity(first.id)
    expect(events.map(({ valid, reason }) => [valid, reason])).toEqual([
      [false, 'probe was loose'],
      [true, 'it was not'],
    ])
    const audited = (await running.client.people.audit()).filter(
      ({ action, object }) => action === 'run.validity' && object === first.id,
    )
    expect(audited.map(({ detail }) => detail['valid'])).toEqual([true, false])
    expect(await admin('invalidate', first.id)).toMatchObject({ code: 64 })
    await expect(records.setValidity(first.id, { valid: false, reason: ' ' })).rejects.toMatchObject({ status: 422 })
  })

  test('LU-13 is not for a run that did not complete', async () => {
    const failed = await shop.done('calibrate', {}, { state: 'FAILED' })
    const open = await shop.submit('calibrate')
    for (const { id } of [failed, open]) {
      const change = running.client.records.setValidity(id, { valid: true, reason: 'why not' })
      await expect(change).rejects.toMatchObject({ status: 409 })
    }
  })

  test('LU-21 what was made from it is stale, and invalid where that is asked for', async () => {
    const { first, used, plotted } = await chain()
    const { client } = running
    const { ancestors } = await client.records.lineage(plotted.id)
    expect(ancestors.map(({ runId, distance, via }) => [runId, distance, via])).toEqual([
      [used.id, 1, ['of']],
      [first.id, 2, []],
    ])
    await client.records.setValidity(first.id, { valid: false, reason: 'drift' })
    const standing = async () =>
      Promise.all(
        [first, used, plotted].map(async ({ id }) => client.run(id).then(({ valid, stale }) => [valid, stale])),
      )
    expect(await standing()).toEqual([
      [false, false],
      [true, true],
      [true, true],
    ])
    const { descendants } = await client.records.lineage(first.id)
    expect(descendants.map(({ runId, stale }) => [runId, stale])).toEqual([
      [used.id, true],
      [plotted.id, true],
    ])
    const listed = (await client.runs({ recipe: 'plot' })).runs.find(({ id }) => id === plotted.id)
    expect(listed?.stale).toBe(true)
    await client.records.setValidity(first.id, { valid: true, reason: 'no drift' })
    expect((await standing()).map(([, stale]) => stale)).toEqual([false, false, false])
    const answer = await admin('invalidate', first.id, '--reason', 'drift', '--cascade', '--json')
    expect(JSON.parse(answer.stdout)).toEqual({ valid: false, changed: [first.id, used.id, plotted.id] })
    expect((await standing()).map(([valid]) => valid)).toEqual([false, false, false])
  })

  test('LU-24 is of one execution: an equal result elsewhere stays valid', async () => {
    const project = await shop.project()
    const twins = [
      await shop.done('calibrate', { project }, { payload: 'same' }),
      await shop.done('calibrate', { project }, { payload: 'same' }),
    ] as const
    await running.client.records.setValidity(twins[1].id, { valid: false, reason: 'only this one' })
    expect((await running.client.run(twins[0].id)).valid).toBe(true)
    const latest = await running.client.records.latest(project, { task: 'calibrate', param: 'result.payload' })
    expect(latest.runId).toBe(twins[0].id)
  })
})
