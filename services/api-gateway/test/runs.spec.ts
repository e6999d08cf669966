import { fixed, Problem } from '@lucihub/analog'
import { deviceClass, runKind } from '@lucihub/contracts'
import { CONFIGURATION, MAC, storedRun, uuidOf } from './answerer.ts'
import { HubProblem, type RunSubmission } from './client.ts'
import { gatewayInTest, jsonBody, problemOf, type GatewayInTest } from './gateway-in-test.ts'

let hub: GatewayInTest
beforeAll(async () => {
  hub = await gatewayInTest()
})
afterAll(() => hub.close())
beforeEach(() => {
  hub.shelf.runs.clear()
  hub.shelf.submissions.length = 0
})

const RUN: RunSubmission = { kind: 'run', source: 'probe x;', opTimeNs: 1_000_000 }

describe('submitting', () => {
  test('a program is compiled and accepted with its defaults', async () => {
    const response = await hub.ask('/api/v1/runs', jsonBody({ ...RUN, title: 'first' }))
    expect(response.status).toBe(201)
    const run = (await response.json()) as { id: string }
    expect(run).toMatchObject({
      kind: 'run',
      title: 'first',
      state: 'QUEUED',
      source: 'probe x;',
      deviceClass: 'LUCIDAC',
      deviceId: null,
      opTimeNs: 1_000_000,
      icTimeNs: 100_000,
      sampleRateHz: 10_000,
      haltOnOverload: false,
      halt: [],
      halted: null,
      maxAttempts: 2,
      acceptGaps: false,
      submittedAt: '2023-11-14T22:13:20.000Z',
      startedAt: null,
      endedAt: null,
      winningAttempt: null,
      attempts: [],
      report: { k0: 100, lanesUsed: 1 },
    })
    expect(response.headers.get('location')).toBe(`/api/v1/runs/${run.id}`)
    expect(response.headers.get('etag')).toMatch(/^W\/"[\w-]{22}"$/)
    expect(hub.shelf.submissions[0]).toMatchObject({ ownerId: 'ada', idempotencyKey: '' })
  })

  test('the same Idempotency-Key gives the same run and says that it was there', async () => {
    const client = hub.client()
    const first = await client.submitRun(RUN, { idempotencyKey: 'experiment-7' })
    const second = await client.submitRun(RUN, { idempotencyKey: 'experiment-7' })
    expect([first.existing, second.existing]).toEqual([false, true])
    expect(second.run).toEqual(first.run)
    expect(hub.shelf.submissions.map(({ idempotencyKey }) => idempotencyKey)).toEqual(['experiment-7', 'experiment-7'])
  })

  test('an Idempotency-Key with spaces or control characters is refused', async () => {
    const { headers, ...init } = jsonBody(RUN)
    const response = await hub.ask('/api/v1/runs', { ...init, headers: { ...headers, 'idempotency-key': 'two words' } })
    expect((await problemOf(response))['violations']).toMatchObject([
      {
        value: 'two words',
        message: 'An Idempotency-Key is 1 to 200 printable ASCII characters without spaces, given once.',
      },
    ])
  })

  test('a program that does not compile is refused with diagnostics, and nothing is stored', async () => {
    const source = 'probe x;\n\tlet x = 2 * wrong;\n'
    const refused = await hub
      .client()
      .submitRun({ ...RUN, source })
      .catch((failure: unknown) => failure)
    expect(refused).toBeInstanceOf(HubProblem)
    expect(refused).toMatchObject({
      type: 'compilation-failed',
      status: 422,
      message: 'Line 2: "wrong" is not defined.',
    })
    expect((refused as HubProblem).diagnostics).toEqual([
      { code: 'ANA0002', severity: 'warning', message: 'Nothing is probed.', hint: '', span: null, excerpt: '' },
      {
        code: 'ANA0007',
        severity: 'error',
        message: '"wrong" is not defined.',
        hint: 'Define it.',
        span: { from: 22, to: 27, line: 2, column: 14 },
        excerpt: '2 | \tlet x = 2 * wrong;\n  | \t            ^^^^^',
      },
    ])
    expect(hub.shelf.submissions).toEqual([])
  })

  test('a device may be named by its name, and is compiled for', async () => {
    const { run } = await hub.client().submitRun({ ...RUN, device: 'lucidac-1' })
    expect(run.deviceId).toBe(MAC)
    expect((await hub.client().configuration(run.id)).carriers[0]?.carrier).toBe(MAC)
  })

  test('a simulation asks for a simulator, a named machine is none', async () => {
    await hub.client().submitRun({ ...RUN, kind: 'simulate' })
    expect(hub.shelf.submissions[0]?.spec).toMatchObject({
      deviceId: '',
      deviceClass: deviceClass.toProto('SIMULATOR'),
      kind: runKind.toProto('simulate'),
    })
    await expect(hub.client().submitRun({ ...RUN, kind: 'simulate', device: MAC })).rejects.toMatchObject({
      type: 'validation-failed',
      violations: [
        {
          pointer: '/device',
          value: 'LUCIDAC',
          message: 'It is of class LUCIDAC, which is not what `simulate` runs on.',
          remedy: 'Send kind `run`, or name a simulator.',
        },
      ],
    })
  })

  test('halt conditions are checked against the probes and go to the store as they are', async () => {
    const halt = [
      { kind: 'threshold', channel: 0, level: 0.5, direction: 'rising' },
      { kind: 'steadyState', slopeMax: 2, durationNs: 1000 },
      { kind: 'wallClock', limitMs: 20 },
      { kind: 'overload' },
    ] as const
    const { run } = await hub.client().submitRun({ ...RUN, halt })
    expect(run.halt).toEqual(halt)
    expect(hub.shelf.submissions[0]?.spec?.halt.map(({ kind }) => kind)).toEqual(halt.map(({ kind }) => kind))
    const beyond = { kind: 'threshold', channel: 9, level: 0.5, direction: 'rising' } as const
    await expect(hub.client().submitRun({ ...RUN, halt: [beyond] })).rejects.toMatchObject({
      type: 'validation-failed',
      status: 422,
      violations: [{ pointer: '/halt/0/channel', value: '9', message: 'is out of range' }],
    })
    const unknown = await hub.ask('/api/v1/runs', jsonBody({ ...RUN, halt: [{ kind: 'boredom' }] }))
    expect((await problemOf(unknown))['violations']).toMatchObject([{ pointer: '/halt/0/kind' }])
  })

  test('an unknown device is a violation, not a missing page', async () => {
    await expect(hub.client().submitRun({ ...RUN, device: 'nobody' })).rejects.toMatchObject({
      type: 'validation-failed',
      status: 422,
      violations: [{ pointer: '/device', value: 'nobody', message: 'There is no such device.' }],
    })
  })

  test('a configuration may be brought ready-made', async () => {
    const { source: _source, ...rest } = RUN
    const { run } = await hub.client().submitRun({ ...rest, configuration: CONFIGURATION })
    expect(run).toMatchObject({ source: null, report: null, diagnostics: [] })
    expect(await hub.client().configuration(run.id)).toEqual(CONFIGURATION)
  })

  test('a configuration that the device cannot carry is refused with pointers into the request', async () => {
    const { source: _source, ...rest } = RUN
    const [carrier] = CONFIGURATION.carriers
    const configuration = {
      ...CONFIGURATION,
      carriers: [{ ...carrier!, adc: [{ output: 0, gain: 1, offset: 0, probe: 5 }] }],
    }
    await expect(hub.client().submitRun({ ...rest, configuration })).rejects.toMatchObject({
      type: 'validation-failed',
      violations: expect.arrayContaining([
        expect.objectContaining({
          pointer: '/configuration/carriers/0/adc/0/probe',
          value: '5',
          message: 'The configuration names 2 probes, counted from 0.',
        }),
      ]) as unknown,
    })
  })

  test('a compile run is over at once', async () => {
    const { run } = await hub.client().submitRun({ ...RUN, kind: 'compile' })
    expect(run).toMatchObject({ kind: 'compile', state: 'COMPLETED' })
  })

  test('what the store refuses reaches the client as it is', async () => {
    hub.shelf.refusal = new Problem('too-many-requests', 'You have 10000 runs waiting.', { retryAfterS: 17 })
    const response = await hub.ask('/api/v1/runs', jsonBody(RUN))
    expect(response.headers.get('retry-after')).toBe('17')
    expect(await problemOf(response)).toMatchObject({
      type: '/problems/too-many-requests',
      detail: 'You have 10000 runs waiting.',
    })
  })
})

describe('reading', () => {
  const id = uuidOf('run')
  beforeEach(() => storedRun(hub.shelf, { id, ownerId: 'ada', state: 'RUNNING' }))

  test('a run has an ETag, and nothing is sent again while it stands', async () => {
    const first = await hub.ask(`/api/v1/runs/${id}`)
    const etag = first.headers.get('etag') ?? ''
    const again = await hub.ask(`/api/v1/runs/${id}`, { headers: { 'if-none-match': `"other", ${etag}` } })
    expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag])
    hub.shelf.enter(id, 'COMPLETED')
    const changed = await hub.ask(`/api/v1/runs/${id}`, { headers: { 'if-none-match': etag } })
    expect(changed.status).toBe(200)
    expect(changed.headers.get('etag')).not.toBe(etag)
  })

  test("somebody else's run is as absent as one that never was", async () => {
    const other = hub.client({ userId: 'eve' })
    for (const read of [
      () => other.run(id),
      () => other.cancel(id),
      () => other.channels(id),
      () => other.configuration(id),
      () => other.plot(id),
      () => other.logs(id),
    ]) {
      await expect(read()).rejects.toMatchObject({ type: 'not-found', message: `There is no run "${id}".` })
    }
    await expect(other.events(id).next()).rejects.toMatchObject({ type: 'not-found' })
    await expect(hub.client().run('../../etc/passwd')).rejects.toMatchObject({
      type: 'not-found',
      message: 'There is no run "../../etc/passwd".',
    })
  })

  test('runs are listed page by page and filtered', async () => {
    for (let n = 0; n < 5; n += 1)
      storedRun(hub.shelf, { id: uuidOf(`more-${n}`), ownerId: 'ada', state: n < 2 ? 'COMPLETED' : 'QUEUED' })
    const client = hub.client()
    const first = await client.runs({ limit: 4 })
    expect(first.runs).toHaveLength(4)
    expect(first.runs[0]).not.toHaveProperty('source')
    const second = await client.runs({ limit: 4, cursor: first.nextCursor ?? '' })
    expect([second.runs.length, second.nextCursor]).toEqual([2, null])
    expect((await client.runs({ state: ['COMPLETED', 'FAILED'] })).runs.map(({ state }) => state)).toEqual([
      'COMPLETED',
      'COMPLETED',
    ])
    expect((await client.runs({ kind: 'simulate' })).runs).toEqual([])
    expect((await client.runs({ device: 'lucidac-1' })).runs).toEqual([])
  })

  test('canceling asks a running run to stop, ends a waiting one, and conflicts with one that is over', async () => {
    const asked = await hub.ask(`/api/v1/runs/${id}/cancel`, { method: 'POST' })
    expect(asked.status).toBe(202)
    expect(await asked.json()).toMatchObject({ state: 'RUNNING', cancelRequested: true })

    const waiting = uuidOf('waiting')
    storedRun(hub.shelf, { id: waiting, ownerId: 'ada', state: 'QUEUED' })
    const canceled = await hub.ask(`/api/v1/runs/${waiting}/cancel`, { method: 'POST' })
    expect([canceled.status, ((await canceled.json()) as { state: string }).state]).toEqual([200, 'CANCELED'])
    await expect(hub.client().cancel(waiting)).rejects.toMatchObject({
      type: 'state-conflict',
      message: `Run ${waiting} is CANCELED already.`,
    })
  })
})

describe('compiling without storing', () => {
  test('a good program gives its configuration and report', async () => {
    const compiled = await hub.client().compile({ source: 'probe x;', opTimeNs: 1_000_000 })
    expect(compiled).toMatchObject({
      compiles: true,
      diagnostics: [],
      configuration: CONFIGURATION,
      report: { k0: 100, problemTimePerSecond: 100 },
    })
    expect(hub.shelf.submissions).toEqual([])
  })

  test('a bad one is a result too', async () => {
    const compiled = await hub.client().compile({ source: 'wrong', opTimeNs: 1_000_000 })
    expect(compiled).toMatchObject({ compiles: false, configuration: null, report: null })
    expect(compiled.diagnostics[1]?.excerpt).toBe('1 | wrong\n  | ^^^^^')
    expect(compiled.diagnostics.every((diagnostic) => !('fix' in diagnostic))).toBe(true)
  })

  test('an edit that mends the program comes with what is wrong, compiling or submitting', async () => {
    const source = 'let wrong = 1;\nprobe right;'
    const mended = 'let right = 1;\nprobe right;'
    const { diagnostics } = await hub.client().compile({ source, opTimeNs: 1_000_000 })
    const fix = {
      title: 'write `right`',
      span: { from: 4, to: 9, line: 1, column: 5 },
      replacement: 'right',
    }
    expect(diagnostics.map((diagnostic) => diagnostic.fix)).toEqual([undefined, fix])
    expect(fixed(source, fix)).toBe(mended)
    await expect(hub.client().submitRun({ ...RUN, source })).rejects.toMatchObject({ diagnostics: [{}, { fix }] })
    expect((await hub.client().compile({ source: mended, opTimeNs: 1_000_000 })).compiles).toBe(true)
  })

  test('the report names the machine that was chosen, where none was named', async () => {
    const chosen = await hub.client().compile({ source: 'probe x;', opTimeNs: 1_000_000 })
    expect(chosen.report?.machine).toBe('LUCIDAC')
    const named = await hub.client().compile({ source: 'probe x;', opTimeNs: 1_000_000, device: 'lucidac-1' })
    expect(named.report).not.toHaveProperty('machine')
    expect(named.configuration?.carriers[0]?.carrier).toBe(MAC)
  })
})

describe('devices', () => {
  test('an operator decides about a device, and everybody reads what became of it', async () => {
    const operator = hub.client({ scopes: ['devices:read', 'devices:write'] })
    const reader = hub.client({ scopes: ['devices:read'] })
    expect(await operator.judgeDevice('lucidac-1', { verdict: 'quarantine', reason: 'odd' })).toMatchObject({
      approval: 'quarantined',
      approvalReason: 'odd',
      offered: false,
    })
    await expect(operator.judgeDevice('lucidac-1', { verdict: 'release' })).rejects.toMatchObject({
      type: 'state-conflict',
    })
    const window = { from: '08:00', until: '18:00', zone: 'Europe/Berlin' }
    expect(await operator.offerDevice('lucidac-1', { window })).toMatchObject({ window, approvalReason: 'window' })
    expect(await reader.deviceHistory('lucidac-1', { before: 8, limit: 5 })).toEqual([
      { seq: 7, at: '2023-11-14T22:13:20.000Z', change: 'gone', detail: { limit: 5 } },
    ])
    await expect(reader.judgeDevice('lucidac-1', { verdict: 'approve' })).rejects.toMatchObject({ type: 'forbidden' })
  })

  test('are listed, and read by id or name', async () => {
    const client = hub.client()
    expect((await client.devices()).map(({ name }) => name)).toEqual(['lucidac-1', 'simulator-1'])
    expect((await client.devices({ activeOnly: true })).map(({ name }) => name)).toEqual(['lucidac-1'])
    expect(await client.device(MAC)).toEqual(await client.device('lucidac-1'))
    expect(await client.device(MAC)).toMatchObject({
      id: MAC,
      deviceClass: 'LUCIDAC',
      executorHost: null,
      queueLength: 3,
      firstSeenAt: '2023-11-14T22:13:20.000Z',
    })
    await expect(client.device('nobody')).rejects.toMatchObject({
      type: 'not-found',
      message: 'There is no device "nobody".',
    })
  })

  test('describe themselves as a tree', async () => {
    const { carriers } = await hub.client().entity(MAC)
    expect(carriers[0]).toMatchObject({ id: MAC, class: 'CARRIER' })
    expect(carriers[0]?.children[0]?.children.map(({ id }) => id)).toEqual(['M0', 'M1', 'U', 'C', 'I', 'SH'])
  })
})
