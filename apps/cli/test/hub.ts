/**
 * A small hub for tests: a real HTTP server on a free port that speaks the API's documents. Programs are compiled by
 * the compiler and computed by the simulation, so that what the command line shows is true.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { compile, compileForAny, decompile, elementUse } from '@lucihub/analang'
import {
  LUCIDAC,
  PROBLEMS,
  lucidacDescription,
  sampleCount,
  samplesOf,
  type Configuration,
  type ProblemType,
  type RunState,
  type Violation,
} from '@lucihub/analog'
import { drawCircuit } from '@lucihub/picture'
import { SimulatedComputer, compareRuns } from '@lucihub/simulation'
import type { DeviceResource, RunResource, RunSubmission } from '@lucihub/sdk'

export const RUN_ID = '0199b0a4-7c1e-7000-8000-000000000001'
const MAC = '04-E9-E5-15-87-A0'

export interface Hub {
  readonly url: string
  /** `GET /api/v1/runs?limit=2`, in order. */
  readonly requests: readonly string[]
  /** The last run submitted. */
  readonly submission: () => RunSubmission | null
  close(): Promise<void>
}

export interface HubOptions {
  /** How runs end. Default COMPLETED. */
  readonly ends?: RunState
  /** The event stream stays open without a terminal state. */
  readonly neverEnds?: boolean
  /** Every request is answered with this problem. */
  readonly problem?: { readonly type: ProblemType; readonly detail: string; readonly violations?: readonly Violation[] }
  /** Cuts raw and CSV results off after this many bytes. */
  readonly breakAfter?: number
}

interface StoredRun {
  readonly submission: RunSubmission
  readonly resource: RunResource
  readonly configuration: Configuration
  readonly columns: readonly Float32Array[]
}

export async function startHub(options: HubOptions = {}): Promise<Hub> {
  const requests: string[] = []
  let stored: StoredRun | null = null
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    void answer(request, response)
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://hub')
    const path = pathname.replace('/api/v1', '')
    if (options.problem) return problem(response, options.problem)
    if (request.headers.authorization !== 'Bearer test-key') {
      return problem(response, { type: 'unauthenticated', detail: 'This key is not valid.' })
    }
    if (path === '/system/status') return json(response, 200, STATUS)
    if (path === '/devices') return json(response, 200, { devices: [DEVICE] })
    if (path === `/devices/${DEVICE.name}`) return json(response, 200, DEVICE)
    if (path === `/devices/${DEVICE.name}/history`) return json(response, 200, { changes: [CHANGE] })
    if (path === `/devices/${DEVICE.name}/approval`)
      return json(response, 200, { ...DEVICE, ...approved(JSON.parse(await text(request)) as Judgement) })
    if (path === `/devices/${DEVICE.name}/offer`)
      return json(response, 200, { ...DEVICE, ...(JSON.parse(await text(request)) as object) })
    if (path === `/devices/${DEVICE.name}/entity`) return json(response, 200, lucidacDescription(MAC))
    if (path === '/circuits/inspect') return inspect(request, response)
    if (path === '/compile') return json(response, 200, compiled(JSON.parse(await text(request)) as RunSubmission))
    if (path === '/runs' && request.method === 'POST')
      return submit(JSON.parse(await text(request)) as RunSubmission, response)
    const run = stored
    if (path === '/runs')
      return json(response, 200, { runs: run ? [run.resource] : [], nextCursor: run ? 'next-page' : null })
    if (!run || !path.startsWith(`/runs/${RUN_ID}`))
      return problem(response, { type: 'not-found', detail: 'There is no such run.' })
    switch (path.slice(`/runs/${RUN_ID}`.length)) {
      case '':
        return json(response, 200, run.resource)
      case '/events':
        return events(run, response)
      case '/configuration':
        return json(response, 200, run.configuration)
      case '/channels':
        return json(response, 200, channels(run))
      case '/logs':
        return json(response, 200, {
          lines: [{ attempt: 1, at: '2026-01-02T03:04:05.000Z', line: 'calibrated\u001b[2J' }],
        })
      case '/plot':
        return json(response, 200, plot(run))
      case '/results':
        return results(run, searchParams, response)
      case '/comparison':
        return json(response, 200, comparison(run, searchParams))
      case '/cancel':
        return problem(response, { type: 'state-conflict', detail: `The run is ${run.resource.state}.` })
      default:
        return problem(response, { type: 'not-found', detail: path })
    }
  }

  /** The forms themselves are the gateway's: here an .apb file is a configuration in JSON, and circuit JSON has faults. */
  async function inspect(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const content = JSON.parse(await text(request)) as Configuration | Record<string, unknown>
    const { accept, 'content-type': type } = request.headers
    const configuration = 'carriers' in content ? (content as Configuration) : null
    const violations = configuration
      ? []
      : [{ pointer: '/~10/~1C', value: '2', message: 'It must be an object.', remedy: 'Send an object.' }]
    if (configuration && accept !== 'application/json') {
      response.writeHead(200, { 'content-type': accept ?? '' })
      if (accept === 'image/svg+xml') return void response.end(drawCircuit(configuration, LUCIDAC))
      return void response.end(
        accept === 'text/plain' ? decompile(configuration, LUCIDAC).source : JSON.stringify(configuration),
      )
    }
    const { source = null, remarks = [] } = configuration ? decompile(configuration, LUCIDAC) : {}
    json(response, 200, {
      format: type === 'application/octet-stream' ? 'apb' : configuration ? 'configuration' : 'circuit',
      deviceId: null,
      configuration,
      violations,
      equations: source,
      remarks,
      elements: configuration ? elementUse(configuration, LUCIDAC) : [],
    })
  }

  async function submit(submission: RunSubmission, response: ServerResponse): Promise<void> {
    const outcome = submission.source === undefined ? null : compiled(submission)
    const brought =
      submission.apb === undefined
        ? null
        : (JSON.parse(Buffer.from(submission.apb, 'base64').toString()) as Configuration)
    const configuration = submission.configuration ?? brought ?? outcome?.configuration
    if (!configuration) {
      return problem(response, {
        type: 'compilation-failed',
        detail: 'The program does not compile.',
        diagnostics: outcome?.diagnostics ?? [],
      })
    }
    const columns = await simulate(configuration, submission)
    stored = {
      submission,
      configuration,
      columns,
      resource: resourceOf(submission, options.ends ?? 'COMPLETED', outcome),
    }
    json(response, 201, { ...stored.resource, state: 'QUEUED' })
  }

  function events({ resource, columns }: StoredRun, response: ServerResponse): void {
    const samples = columns[0]?.length ?? 0
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const send = (event: string, data: object): void => {
      response.write(`event: ${event}\nid: 1:1\ndata: ${JSON.stringify({ attempt: 1, seq: 1, at: '', ...data })}\n\n`)
    }
    send('state', { state: 'RUNNING', reason: '' })
    send('phase', { phase: 'OP', timeNs: 0, reason: '' })
    send('samples', { firstIndex: 0, bucket: samples, count: samples, channels: [] })
    if (options.neverEnds) return
    send('state', { state: resource.state, reason: resource.reason })
    response.end()
  }

  function results(run: StoredRun, query: URLSearchParams, response: ServerResponse): void {
    const names = query.get('channels')?.split(',')
    const labels = run.configuration.probes.map(({ label }) => label)
    const wanted = names
      ? names.map((name) => (labels.includes(name) ? labels.indexOf(name) : Number(name.replace('#', ''))))
      : [...labels.keys()]
    const picked = wanted.map((index) => run.columns[index] ?? new Float32Array())
    const body =
      query.get('format') === 'raw'
        ? Buffer.concat(picked.map((column) => Buffer.from(column.buffer)))
        : Buffer.from(
            csvOf(
              wanted.map((index) => labels[index] ?? ''),
              picked,
              run.submission.sampleRateHz ?? 1,
            ),
          )
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': body.length,
      'lucihub-channels': wanted.join(','),
      'lucihub-samples': String(picked[0]?.length ?? 0),
      'lucihub-first-index': '0',
    })
    if (options.breakAfter === undefined) return void response.end(body)
    response.write(body.subarray(0, options.breakAfter), () => response.destroy())
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    submission: () => stored?.submission ?? null,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function compiled(submission: RunSubmission) {
  const { source = '', opTimeNs = 0, device } = submission
  const { diagnostics, result } =
    device === undefined ? compileForAny(source, { opTimeNs }) : compile(source, { device: LUCIDAC, opTimeNs })
  return {
    compiles: result !== null,
    diagnostics: diagnostics.map((diagnostic) => ({ ...diagnostic, excerpt: '' })),
    configuration: result?.configuration ?? null,
    report: result?.report ?? null,
  }
}

async function simulate(configuration: Configuration, submission: RunSubmission): Promise<Float32Array[]> {
  const machine = new SimulatedComputer({ description: lucidacDescription(MAC) })
  await machine.configure(configuration)
  const columns: number[][] = configuration.probes.map(() => [])
  const { opTimeNs = 0, sampleRateHz = 10_000 } = submission
  const request = { id: 'test', icTimeNs: 100_000, opTimeNs, sampleRateHz, haltOnOverload: false, finalValues: false }
  const gains = configuration.carriers.flatMap(({ adc }) => adc).sort((a, b) => a.probe - b.probe)
  for await (const event of machine.run(request)) {
    if (event.kind !== 'samples') continue
    event.chunk.blocks.forEach((block, c) => {
      const { gain = 1, offset = 0 } = gains[c] ?? {}
      for (const value of samplesOf(block, 'f32')) columns[c]?.push(value * gain + offset)
    })
  }
  return columns.map((column) => Float32Array.from(column))
}

function resourceOf(
  submission: RunSubmission,
  state: RunState,
  outcome: ReturnType<typeof compiled> | null,
): RunResource {
  const { opTimeNs = 0, sampleRateHz = 10_000 } = submission
  const count = sampleCount(opTimeNs, sampleRateHz)
  const at = '2026-01-02T03:04:05.000Z'
  return {
    id: RUN_ID,
    kind: submission.kind,
    title: submission.title ?? '',
    state,
    reason: state === 'FAILED' ? 'the device caught fire' : '',
    deviceClass: 'SIMULATOR',
    deviceId: null,
    opTimeNs,
    icTimeNs: 100_000,
    sampleRateHz,
    haltOnOverload: submission.haltOnOverload ?? false,
    halt: submission.halt ?? [],
    halted: null,
    maxAttempts: 2,
    acceptGaps: false,
    submittedAt: at,
    startedAt: at,
    endedAt: at,
    cancelRequested: false,
    attempts: [
      {
        number: 1,
        state: 'ENDED',
        deviceId: MAC,
        outcome: 'ok',
        reason: '',
        dispatchedAt: at,
        claimedAt: at,
        endedAt: at,
      },
    ],
    storedSamples: count,
    expectedSamples: count,
    winningAttempt: 1,
    overloads: [3, 20],
    finalValues: [],
    seq: 1,
    path: '',
    projectId: null,
    datapointId: null,
    runNo: null,
    jobType: submission.kind,
    engine: 'hub',
    executor: { kind: 'direct', pool: null, deviceId: MAC },
    executorKind: 'direct',
    inputKind: 'ode',
    numChannels: 1,
    shardsRequested: 1,
    shardsEffective: 1,
    workUnit: 'samples',
    requestedWork: count,
    completedWork: count,
    progress: { fraction: 1 },
    etaS: null,
    mergePolicy: { mode: 'any', minFraction: 1, reduce: 'mean', byChannel: {} },
    partial: false,
    valid: state === 'COMPLETED',
    stale: false,
    timeoutS: null,
    recipe: '',
    tags: [],
    notes: '',
    parentId: null,
    sweepId: null,
    clonedFrom: null,
    stateChanges: [],
    shards: [],
    input: {},
    output: {},
    parameters: {},
    paramSources: {},
    versions: {},
    generalConfigId: null,
    execConfigId: null,
    channels: '',
    logs: '',
    source: submission.source ?? null,
    report: outcome?.report ?? null,
    diagnostics: outcome?.diagnostics ?? [],
  }
}

function channels({ configuration, columns, submission }: StoredRun) {
  return {
    attempt: 1,
    sampleRateHz: submission.sampleRateHz ?? 10_000,
    problemTimePerSecond: configuration.problemTimePerSecond,
    channels: configuration.probes.map(({ label, unit }, index) => ({
      index,
      label,
      unit,
      gain: 1,
      offset: 0,
      encoding: 'f32',
      samples: columns[index]?.length ?? 0,
      digest: null,
      name: label,
      sourceName: `probe-${index}`,
      metadata: {},
      pages: [],
    })),
  }
}

function plot({ configuration, columns, submission }: StoredRun) {
  return {
    fromIndex: 0,
    toIndex: columns[0]?.length ?? 0,
    bucket: 1,
    pyramidLevel: 1,
    sampleRateHz: submission.sampleRateHz ?? 10_000,
    problemTimePerSecond: configuration.problemTimePerSecond,
    channels: configuration.probes.map(({ label, unit }, index) => {
      const values = [...(columns[index] ?? [])]
      return { index, label, unit, minimum: values, maximum: values }
    }),
  }
}

/** The run with itself; with any other id, one that is a tenth smaller. */
function comparison({ configuration, columns, submission }: StoredRun, query: URLSearchParams) {
  const rate = submission.sampleRateHz ?? 10_000
  const factor = query.get('with') === RUN_ID ? 1 : 0.9
  const { channels: compared, ...result } = compareRuns(
    {
      a: { rate, offset: 0, values: columns },
      b: { rate, offset: 0, values: columns.map((column) => column.map((value) => value * factor)) },
    },
    {
      channels: configuration.probes.map(({ label }) => ({ label, fullScale: 1 })),
      tolerance: Number(query.get('tolerance') ?? 0.01),
    },
  )
  const channels = compared.map((channel, index) => ({ ...channel, index, unit: 'V', fullScale: 1 }))
  return { ...result, run: RUN_ID, with: query.get('with'), time: 'op', channels }
}

function csvOf(labels: readonly string[], columns: readonly Float32Array[], rate: number): string {
  const rows = [...(columns[0] ?? [])].map((_, k) => [k / rate, ...columns.map((column) => column[k])].join(','))
  return [`t_s,${labels.join(',')}`, ...rows, ''].join('\r\n')
}

const STATUS = {
  name: 'lucihub',
  version: '0.1.0',
  uptimeS: 90,
  ready: true,
  services: [
    { name: 'run-store', reachable: true, detail: '' },
    { name: 'compiler', reachable: true, detail: '' },
  ],
}

const CHANGE = {
  seq: 7,
  at: '2026-01-01T00:00:00.000Z',
  change: 'quarantined',
  detail: { reason: 'It answers at two addresses.' },
}

interface Judgement {
  readonly verdict: string
  readonly reason?: string
}

function approved({ verdict, reason = '' }: Judgement): Partial<DeviceResource> {
  return { approval: verdict === 'quarantine' ? 'quarantined' : 'approved', approvalReason: reason }
}

const DEVICE: DeviceResource = {
  id: MAC,
  name: 'lucidac-1',
  deviceClass: 'LUCIDAC',
  active: true,
  leased: true,
  executorHost: 'lab',
  queueLength: 2,
  firstSeenAt: '2026-01-01T00:00:00.000Z',
  lastSeenAt: '2026-01-02T00:00:00.000Z',
  descriptionHash: 'abc',
  inputKinds: ['ode', 'circuit'],
  parameterSchema: null,
  approval: 'approved',
  approvalReason: '',
  approvalSince: '2026-01-01T00:00:00.000Z',
  offered: true,
  drained: false,
  window: null,
  source: 'list',
  generation: 'protobuf',
  firmware: '1.2.3',
  alsoAt: [],
}

interface ProblemAnswer {
  readonly type: ProblemType
  readonly detail: string
  readonly violations?: readonly Violation[]
  readonly diagnostics?: readonly object[]
}

function problem(response: ServerResponse, { type, ...rest }: ProblemAnswer): void {
  const { status, title } = PROBLEMS[type]
  json(response, status, { type: `/problems/${type}`, title, status, instance: '/', traceId: 'trace-1', ...rest })
}

function json(response: ServerResponse, status: number, document: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document))
}
