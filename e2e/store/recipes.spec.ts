/** Recipes, the parameters they ask for, where those come from, and the configurations that runs share. */
import { jest } from '@jest/globals'
import { HubProblem, type RunResource } from '@lucihub/sdk'
import { lucihub } from '../command-line.ts'
import { HARMONIC, runningHub, type RunningHub } from '../running-hub.ts'
import { askingOf, type Ask } from './asking.ts'
import { workshop, type Workshop } from './workshop.ts'

jest.setTimeout(60_000)
let running: RunningHub
let shop: Workshop
let ask: Ask

beforeAll(async () => {
  running = await runningHub({ environment: { 'api-gateway': { SUBSTITUTION_ENV: 'LAB_HOME', LAB_HOME: '/lab' } } })
  shop = workshop(running)
  ask = askingOf(running)
})
afterAll(() => running?.stop())

/** What a refused request says is wrong: pointer and message. */
async function refusal(refused: Promise<unknown>): Promise<{ status: number; faults: string[] }> {
  const problem = await refused.then(
    () => null,
    (error: unknown) => error,
  )
  if (!(problem instanceof HubProblem)) throw new Error(`not refused: ${String(problem)}`)
  const { status, violations } = problem
  return { status, faults: violations.map(({ pointer, message }) => `${pointer} ${message}`) }
}

const NUMBER = { type: 'object', properties: { x: { type: 'number', maximum: 10 } }, required: ['x'] }

describe('a recipe', () => {
  test('LC-02 makes a type of job known; others are refused', async () => {
    const job = { kind: 'job', jobType: 'brew', inputKind: 'files', input: { files: {} } } as const
    expect(await refusal(running.client.submitRun(job))).toEqual({
      status: 422,
      faults: ['/jobType There is no such type of job.'],
    })
    await shop.recipe('brewing', { jobType: 'brew' })
    expect((await running.client.submitRun(job)).run).toMatchObject({ jobType: 'brew', state: 'QUEUED' })
    expect((await shop.submit('brewing')).jobType).toBe('brew')
    expect(await refusal(shop.submit('unheard'))).toMatchObject({ status: 422 })
  })

  test('LU-15 has versions that never change, and each record its own schema', async () => {
    await shop.recipe('versioned', { parameterSchema: NUMBER })
    const first = await shop.submit('versioned', { parameters: { x: 1 } })
    expect(
      (await running.client.records.putRecipe('versioned', { jobType: 'versioned', parameterSchema: NUMBER })).version,
    ).toBe(1)
    await shop.recipe('versioned', { parameterSchema: { type: 'object', required: ['y'] } })
    const { records } = running.client
    expect((await records.recipe('versioned')).version).toBe(2)
    expect((await records.recipeVersions('versioned')).map(({ version }) => version)).toEqual([2, 1])
    expect(await records.recipeSchema('versioned', { record: first.id })).toEqual(NUMBER)
    expect(await records.recipeSchema('versioned')).toEqual({ type: 'object', required: ['y'] })
    await shop.recipe('twin', { parameterSchema: NUMBER })
    expect((await records.recipe('twin')).schemaHash).toBe(
      (await records.recipe('versioned', { version: 1 })).schemaHash,
    )
  })

  test('LU-26 LU-34 says what it takes, over HTTP and on the command line', async () => {
    await shop.recipe('helpful', {
      description: 'Takes a number.',
      parameterSchema: {
        type: 'object',
        required: ['x'],
        properties: {
          x: { type: 'number', description: 'the gain' },
          deep: { type: 'object', properties: { n: { default: 3 } } },
        },
      },
      hooks: { before: ['ls {{ x }}'] },
    })
    expect((await running.client.records.recipe('helpful')).hooks).toEqual({ before: ['ls {{ x }}'] })
    expect((await running.client.records.recipes()).recipes.map(({ name }) => name)).toContain('helpful')
    const { stdout } = await lucihub(running, ['recipes', 'help', 'helpful'])
    expect(stdout).toContain('helpful (version 1), for jobs of type helpful')
    expect(stdout).toMatch(/x +number +yes +the gain/)
    expect(stdout).toMatch(/deep\.n +any +no +3/)
    expect((await lucihub(running, ['recipes', 'list'])).stdout).toMatch(/helpful +1 +helpful +Takes a number\./)
    expect(await lucihub(running, ['recipes', 'help', 'none'])).toMatchObject({ code: 3 })
  })

  test('that is no recipe is refused with every fault and its place', async () => {
    const wrong = { jobType: 'w', parameterSchema: { type: 'nothing' } }
    expect((await refusal(running.client.records.putRecipe('wrong', wrong))).faults[0]).toMatch(/^\/parameterSchema /)
    const binding = { param: 'a..b', sources: [{ recipe: 'r', param: '__proto__.x' }] }
    expect(await refusal(shop.recipe('wrong', { bindings: [binding] }))).toEqual({
      status: 422,
      faults: [
        '/bindings/0/param This is no path of a parameter.',
        '/bindings/0/sources/0/param This is no path of a parameter.',
      ],
    })
  })
})

describe('parameters', () => {
  test('LU-30 are judged before anything is stored, and the refusal is kept', async () => {
    await shop.recipe('strict', { parameterSchema: NUMBER })
    const before = (await running.client.runs({ recipe: 'strict' })).runs.length
    expect(await refusal(shop.submit('strict', { parameters: { x: 11 } }))).toEqual({
      status: 422,
      faults: ['/parameters/x It must be <= 10.'],
    })
    expect((await running.client.runs({ recipe: 'strict' })).runs).toHaveLength(before)
    const { submissions } = await running.client.records.rejected({ recipe: 'strict' })
    expect(submissions[0]?.violations[0]).toMatchObject({ pointer: '/parameters/x', value: '11' })
    expect((await refusal(shop.submit('strict'))).faults).toEqual(['/parameters/x It is required.'])
    expect((await refusal(shop.submit('strict', { parameters: { x: 1, n: 'a\0b' } }))).status).toBe(422)
  })

  test('LC-06 have to suit the device that is named', async () => {
    const { client } = running
    const device = await client.setParameterSchema('virtual-simulator', {
      type: 'object',
      properties: { gain: { type: 'number', maximum: 1 }, mode: { default: 'fast' } },
    })
    expect(await client.device(device.id)).toMatchObject({
      id: device.id,
      deviceClass: 'SIMULATOR',
      inputKinds: ['ode', 'circuit'],
      parameterSchema: { type: 'object' },
    })
    const submission = { kind: 'simulate', source: HARMONIC, opTimeNs: 1_000_000, device: 'virtual-simulator' } as const
    expect(await refusal(client.submitRun({ ...submission, parameters: { gain: 2 } }))).toEqual({
      status: 422,
      faults: ['/parameters/gain It must be <= 1.'],
    })
    const { run } = await client.submitRun({ ...submission, parameters: { gain: 0.5 } })
    expect(run.paramSources).toEqual({ gain: { kind: 'literal' }, mode: { kind: 'device' } })
    await client.setParameterSchema('virtual-simulator', null)
    expect((await client.device(device.id)).parameterSchema).toBeNull()
  })

  test('LU-11 make the result where the worker hands in none', async () => {
    await shop.recipe('maker', { result: { template: '{out_dir}/{name}.h5', schemas: ['gain'] } })
    const made = await shop.done('maker', { parameters: { out_dir: '/data', name: 'a' } })
    expect(made.output).toEqual({ payload: '/data/a.h5', schemas: ['gain'] })
    const own = await shop.done('maker', { parameters: { out_dir: '/data', name: 'a' } }, { payload: 7 })
    expect(own.output).toEqual({ payload: 7, schemas: ['gain'] })
    await shop.recipe('picker', { result: { fromParam: 'a.b[1]' } })
    expect((await shop.submit('picker', { parameters: { a: { b: [1, 2] } } })).output).toEqual({ payload: 2 })
    expect((await refusal(shop.submit('picker', { parameters: {} }))).faults).toEqual([
      '/parameters/a/b/1 The result is made of it, and it is missing.',
    ])
  })
})

describe('bindings', () => {
  const sourced = (run: RunResource, path: string): unknown => run.paramSources[path]

  test('LU-20 fill in what is left out, and say from where', async () => {
    const project = await shop.project()
    await shop.recipe('find-peaks', { parameterSchema: { type: 'object' } })
    await shop.recipe('index', {
      parameterSchema: { type: 'object', properties: { peaks: { default: 'none' }, n: { default: 1 } } },
      bindings: [{ param: 'peaks', sources: [{ recipe: 'find-peaks', param: 'result.payload' }] }],
    })
    expect((await shop.submit('index', { project })).parameters).toEqual({ peaks: 'none', n: 1 })
    const parent = await shop.done('find-peaks', { project }, { payload: 'peaks.h5' })
    const bound = await shop.submit('index', { project, parameters: { peaks: '' } })
    expect(bound.parameters).toEqual({ peaks: 'peaks.h5', n: 1 })
    expect(sourced(bound, 'peaks')).toEqual({
      kind: 'binding',
      runId: parent.id,
      seq: parent.seq,
      param: 'result.payload',
      scope: 'dataset-lineage',
    })
    expect(sourced(bound, 'n')).toEqual({ kind: 'default' })
    const literal = await shop.submit('index', { project, parameters: { peaks: 'mine.h5' } })
    expect([literal.parameters['peaks'], sourced(literal, 'peaks')]).toEqual(['mine.h5', { kind: 'literal' }])
    const reference = { $ref: `run:${parent.id}#result.payload` }
    const referred = await shop.submit('index', { project, parameters: { peaks: reference } })
    expect(sourced(referred, 'peaks')).toMatchObject({ kind: 'reference', runId: parent.id })
    const nowhere = { peaks: { $ref: `run:${parent.id}#result.nothing` } }
    expect((await refusal(shop.submit('index', { project, parameters: nowhere }))).faults).toEqual([
      '/parameters/peaks There is no such value.',
    ])
  })

  test('LU-22 LU-23 go from source to source, also to runs that are not valid, and tell what they tried', async () => {
    const project = await shop.project()
    await shop.recipe('cell', {})
    await shop.recipe('merge', {
      bindings: [
        {
          param: 'file',
          required: true,
          sources: [
            { recipe: 'cell', param: 'out_file' },
            { recipe: 'cell', param: 'result.payload', validOnly: false, scope: 'session' },
          ],
        },
      ],
    })
    expect(await refusal(shop.submit('merge', { project, runNo: 5 }))).toEqual({
      status: 422,
      faults: [
        '/parameters/file It was found nowhere. Tried: out_file of recipe cell in dataset-lineage, session, project (valid); result.payload of recipe cell in session.',
      ],
    })
    await shop.done('cell', { project, runNo: 4 }, { payload: 'other session' })
    await shop.done('cell', { project, runNo: 5 }, { payload: 'failed.cell', state: 'FAILED' })
    expect((await shop.submit('merge', { project, runNo: 5 })).parameters).toEqual({ file: 'failed.cell' })
    await shop.done('cell', { project, parameters: { out_file: 'first.cell' } })
    expect((await shop.submit('merge', { project, runNo: 5 })).parameters).toEqual({ file: 'first.cell' })
  })

  test('LU-18 LU-19 the latest flows down the tree, the nearest dataset first, the greatest number of many', async () => {
    const project = await shop.project('a', 'a/b', 'z')
    await shop.recipe('gauge', { result: { schemas: ['calibration/v1'] } })
    const latest = (query: object) => running.client.records.latest(project, { task: 'gauge', param: 'x', ...query })
    const gauge = (dataset: string, x: unknown, runNo?: number) =>
      shop.done('gauge', { project, dataset, parameters: { x }, ...(runNo !== undefined && { runNo }) })
    await expect(latest({})).rejects.toMatchObject({ status: 404 })
    const above = await gauge('a', 1)
    await gauge('z', 2, 12)
    expect(await latest({})).toMatchObject({ value: 2 })
    expect(await latest({ dataset: 'a/b' })).toMatchObject({ value: 1, runId: above.id, seq: above.seq, valid: true })
    const near = await gauge('a/b', { nested: [3] })
    await gauge('a', 4)
    expect(await latest({ dataset: 'a/b' })).toMatchObject({ value: { nested: [3] }, runId: near.id })
    expect(await latest({ dataset: 'a/b', param: 'x.nested[0]' })).toMatchObject({ value: 3 })
    expect(await latest({ run_no: 12 })).toMatchObject({ value: 2 })
    expect(
      await running.client.records.latest(project, { schema: 'calibration/v1', param: 'x', dataset: 'a' }),
    ).toMatchObject({ value: 4 })
    await expect(latest({ dataset: 'nowhere' })).rejects.toMatchObject({ status: 404 })

    const many = await Promise.all(Array.from({ length: 20 }, (_, x) => gauge('z', x)))
    const last = many.reduce((newest, run) => (run.seq > newest.seq ? run : newest))
    expect(await latest({})).toMatchObject({ runId: last.id, seq: last.seq, value: last.parameters['x'] })
  })

  test('LU-18 only of the same device, complete and not too old where that is asked for', async () => {
    const project = await shop.project()
    const on = (parameters: object) =>
      ({
        kind: 'simulate',
        source: HARMONIC,
        opTimeNs: 1_000_000,
        project,
        device: 'virtual-simulator',
        recipe: 'sim',
        ...parameters,
      }) as const
    const source = { recipe: 'sim', param: 'x', sameDevice: true, maxAgeS: 3_600 }
    await shop.recipe('sim', { jobType: 'simulate', bindings: [{ param: 'y', sources: [source] }] })
    const { id } = await running.complete(on({ parameters: { x: 5 } }))
    expect((await running.client.submitRun(on({}))).run.parameters).toEqual({ y: 5 })
    const anywhere = { ...on({}), device: undefined }
    const { device: _device, ...free } = anywhere
    expect((await running.client.submitRun(free)).run.parameters).toEqual({})
    expect((await running.client.run(id)).valid).toBe(true)
  })
})

describe('configurations', () => {
  const configured = async (fields: object) =>
    (await running.client.submitRun({ kind: 'compile', source: HARMONIC, opTimeNs: 1_000_000, ...fields })).run

  test('LU-02 LU-04 are one row per content, whatever characters it has', async () => {
    const project = await shop.project()
    const config = { title: "it's 100%", date: '2026/11/21', softwareVersion: 'v1' }
    const runs = await Promise.all(
      Array.from({ length: 50 }, () => configured({ project, runNo: 12, config, timeoutS: 60 })),
    )
    const ids = new Set(runs.map(({ generalConfigId }) => generalConfigId))
    expect(ids.size).toBe(1)
    const [id] = ids
    expect(await running.client.records.config(id ?? '')).toMatchObject({
      id,
      title: "it's 100%",
      project,
      runNo: 12,
      date: '2026/11/21',
      softwareVersion: 'v1',
      timeoutS: 60,
    })
    const titles = ['EXP_1', 'EXPA1', 'exp_1', 'EXP%1', `EXP"1`]
    const others = await Promise.all(titles.map((title) => configured({ config: { title } })))
    expect(new Set(others.map(({ generalConfigId }) => generalConfigId)).size).toBe(titles.length)
  })

  test('LU-03 keep of the environment what is allowed, and no secret', async () => {
    const env = {
      LUTE_PATH: '/opt',
      SLURM_JOB_ID: '7',
      LUCIHUB_TOKEN: 'no',
      LUTE_TENV_X: 'no',
      SLURM_API_KEY: 'no',
      HOME: 'no',
      lute_path: 'no',
    }
    const { execConfigId } = await configured({ exec: { env, pollIntervalS: 0.5, transports: ['pipe', 'socket'] } })
    expect(await running.client.records.execConfig(execConfigId ?? '')).toMatchObject({
      env: { LUTE_PATH: '/opt', SLURM_JOB_ID: '7' },
      pollIntervalS: 0.5,
      transports: ['pipe', 'socket'],
    })
    expect((await configured({})).execConfigId).not.toBe(execConfigId)
  })

  test('LU-02 are read only by who may read a run of them', async () => {
    const { generalConfigId } = await configured({ config: { title: 'secret' } })
    await running.client.people.addUser({ username: 'eve', password: 'a long password' })
    const { accessToken } = await running.client.people.logIn({ username: 'eve', password: 'a long password' })
    expect((await ask('GET', `/configs/${generalConfigId ?? ''}`, { token: accessToken })).status).toBe(404)
  })
})

describe('a submission as two YAML documents', () => {
  const yaml = (text: string, recipe?: string) =>
    running.client.submitYaml(text, recipe === undefined ? {} : { recipe })

  test('LU-28 runs one recipe of the file with its header', async () => {
    const project = await shop.project()
    await shop.recipe('Tester', { parameterSchema: { type: 'object', properties: { b: { default: 2 } } } })
    const text = `%YAML 1.2
---
title: "Beam: 1"
experiment: ${project}
run: 12
date: "2026/11/21"
lute_version: 0.1
task_timeout: 600
work_dir: /nowhere
whatever: {else: there}
...
---
Tester:
  a: 1
Other:
  nonsense: [unclosed, "{{ missing }}"]
...
`
    const { run } = await yaml(text, 'Tester')
    expect(run).toMatchObject({
      recipe: 'Tester',
      jobType: 'Tester',
      runNo: 12,
      timeoutS: 600,
      parameters: { a: 1, b: 2 },
    })
    expect(await running.client.records.config(run.generalConfigId ?? '')).toMatchObject({
      title: 'Beam: 1',
      project,
      date: '2026/11/21',
      softwareVersion: '0.1',
      timeoutS: 600,
    })
    const without = await yaml(`recipe: Tester\n---\nOther: {a: 1}\n`)
    expect(without.run.parameters).toEqual({ b: 2 })
  })

  test('LU-29 fills in names of the header, of tasks and of the environment', async () => {
    await shop.recipe('Filled', {})
    const text = `run: 7
name_of: probe
recipe: Filled
---
First:
  out: "{{ name_of }}-{{ run:04d }}"
Filled:
  path: "/x/{{ First.out }}.h5"
  number: "{{ run }}"
  list: ["{{ run }}"]
  home: "{{ $LAB_HOME }}/a"
  other: "{{ $PATH }}"
  width: "{{ run:6.2f }}"
`
    const response = await fetch(`${running.hub.url}/api/v1/runs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${running.hub.apiKey}`, 'content-type': 'application/yaml' },
      body: text,
    })
    expect(response.status).toBe(201)
    expect(response.headers.get('lucihub-warnings')).toBe('"$PATH is not known here; it was left as it is."')
    expect(((await response.json()) as RunResource).parameters).toEqual({
      path: '/x/probe-0007.h5',
      number: 7,
      list: ['{{ run }}'],
      home: '/lab/a',
      other: '{{ $PATH }}',
      width: '  7.00',
    })
    expect(await refusal(yaml(`run: 1\n---\nFilled: {a: "{{ nothing }}", b: "{{ run:04q }}"}\n`))).toEqual({
      status: 422,
      faults: ['/parameters/a There is no value "nothing".', '/parameters/b "1" cannot be written as "04q".'],
    })
  })

  test.each([
    ['no YAML', 'a: [1\n---\nb: 2\n', 400, /line \d+, column \d+/],
    ['three documents', 'a: 1\n---\nb: 2\n---\nc: 3\n', 400, /3 documents/],
    ['no mapping', '- 1\n---\nb: {}\n', 400, /no mapping/],
    ['a prototype', 'a: {__proto__: 1}\n---\nb: {}\n', 400, /__proto__/],
    [
      'aliases of aliases',
      `a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [${'*a,'.repeat(9)}]\nc: &c [${'*b,'.repeat(9)}]\nd: [${'*c,'.repeat(9)}]\n---\nt: {}\n`,
      400,
      /alias/i,
    ],
    [
      'a text that doubles',
      `${''}a: 1\n---\nt:\n  k0: "xxxxxxxx"\n${Array.from({ length: 20 }, (_, n) => `  k${n + 1}: "{{ t.k${n} }}{{ t.k${n} }}"`).join('\n')}\n`,
      413,
      /longer/,
    ],
  ])('LU-28 %s is refused', async (_what, text, status, detail) => {
    const answer = yaml(text)
    await expect(answer).rejects.toMatchObject({ status })
    await expect(answer).rejects.toThrow(detail)
  })

  test('LU-28 YAML is for submissions only', async () => {
    const response = await fetch(`${running.hub.url}/api/v1/projects`, {
      method: 'POST',
      headers: { authorization: `Bearer ${running.hub.apiKey}`, 'content-type': 'application/yaml' },
      body: 'slug: x',
    })
    expect(response.status).toBe(415)
  })
})
