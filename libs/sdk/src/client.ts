/** The client: one function per route of the hub's HTTP API. Every failure is a {@link HubProblem} or a {@link TransportError}. */
import { campaignsClient, type CampaignsClient } from './campaigns.ts'
import type { Configuration, DeviceDescription, RunKind, RunState } from '@lucihub/analog'
import { TransportError } from './failure.ts'
import { openHttp, type HttpOptions, type RequestOptions } from './http.ts'
import { filesClient, type FilesClient } from './files.ts'
import { peopleClient, type PeopleClient } from './people.ts'
import { recordsClient, type RecordsClient } from './records.ts'
import { treeClient, type TreeClient } from './tree.ts'
import type {
  ChannelList,
  ChannelResult,
  ComparisonResource,
  CompileResource,
  CompileSubmission,
  DeviceChangeResource,
  DeviceResource,
  DeviceWindow,
  InspectionResource,
  LogResource,
  PageResource,
  PlotResource,
  RunInputResource,
  RunPage,
  RunResource,
  RunStreamEvent,
  RunSubmission,
  StatusResource,
  Submitted,
} from './resources.ts'
import { runEvents, type EventOptions } from './run-events.ts'
import { splitChannels, type Samples } from './samples.ts'
import { workerClient, type WorkerClient } from './worker.ts'

export type ClientOptions = HttpOptions

/** A place on the time axis: seconds of op time, or a sample index as `#1000`. */
export type Position = number | `#${number}`

/** Which part of the measurements. `to` is exclusive. */
export interface Range {
  /** Labels or indices; left out: all. */
  readonly channels?: readonly (string | number)[]
  readonly from?: Position
  readonly to?: Position
}

export type ResultFormat = 'json' | 'csv' | 'raw'

export interface ResultOptions extends Range {
  readonly format: ResultFormat
  /** What the time column counts: seconds of op time (default), or the problem's own time. */
  readonly time?: 'op' | 'problem'
  /** With `raw`: float32 physical values (default), or the samples as they are stored. */
  readonly encoding?: 'physical' | 'native'
  readonly signal?: AbortSignal
}

export interface RunFilter {
  readonly state?: RunState | readonly RunState[]
  readonly kind?: RunKind | readonly RunKind[]
  /** Device id or name. */
  readonly device?: string
  readonly cursor?: string
  /** 1 to 200, default 50. */
  readonly limit?: number
  /** Slug. */
  readonly project?: string
  /** Path below the project; with all datasets in it. */
  readonly dataset?: string
  readonly recipe?: string
  readonly job_type?: string
  readonly run_no?: number
  readonly valid?: boolean
  /** One of the schemas of the result. */
  readonly schema?: string
  /** All of these. */
  readonly tag?: string | readonly string[]
  readonly pool?: string
  readonly executor_kind?: 'direct' | 'pool'
  /** Text in title, notes, tags or path. */
  readonly q?: string
  readonly sweep?: string
  readonly order_by?: 'submitted_at' | 'started_at' | 'ended_at' | 'title'
  readonly order?: 'asc' | 'desc'
  /** From 1; instead of a cursor, with totals. */
  readonly page?: number
  readonly page_size?: number
}

/** A configuration in another form than JSON: an .apb file, the circuit drawn, or an analang program. */
export type CircuitForm = 'apb' | 'svg' | 'equations'

/** Bytes for `apb`, text for the others. */
export type CircuitContent<F extends CircuitForm> = F extends 'apb' ? Uint8Array : string

const CIRCUIT_MEDIA: Readonly<Record<CircuitForm, string>> = {
  apb: 'application/octet-stream',
  svg: 'image/svg+xml',
  equations: 'text/plain',
}

export interface Client {
  status(): Promise<StatusResource>
  devices(filter?: { activeOnly?: boolean }): Promise<readonly DeviceResource[]>
  device(idOrName: string): Promise<DeviceResource>
  /** What became of a device, newest first. */
  deviceHistory(
    idOrName: string,
    filter?: { before?: number; limit?: number },
  ): Promise<readonly DeviceChangeResource[]>
  /** Lets a device in, or keeps it out. For operators. */
  judgeDevice(
    idOrName: string,
    judgement: { verdict: 'approve' | 'quarantine' | 'release'; reason?: string },
  ): Promise<DeviceResource>
  /** Says when a device is offered; what is left out stays. For operators. */
  offerDevice(idOrName: string, offer: { drained?: boolean; window?: DeviceWindow | null }): Promise<DeviceResource>
  /** The device's description of itself: its tree of entities. */
  entity(idOrName: string): Promise<DeviceDescription>
  /** What the parameters of runs on the device must be like, as JSON Schema; null: anything. For operators. */
  setParameterSchema(idOrName: string, schema: Readonly<Record<string, unknown>> | null): Promise<DeviceResource>
  /** Compiles and stores nothing. A program with errors is a result, not a failure. */
  compile(submission: CompileSubmission): Promise<CompileResource>
  /** Accepts a run. With an idempotency key the same call may be repeated safely. */
  submitRun(submission: RunSubmission, options?: { idempotencyKey?: string }): Promise<Submitted>
  /** The same as two YAML documents: a header, and parameters by recipe. `recipe` says which of them runs. */
  submitYaml(text: string, options?: { recipe?: string; idempotencyKey?: string }): Promise<Submitted>
  run(id: string): Promise<RunResource>
  runs(filter?: RunFilter): Promise<RunPage>
  /** Asks for the run to be stopped. Rejects with `state-conflict` when it is over. */
  cancel(id: string): Promise<RunResource>
  /** The story of a run from its beginning (or behind `lastEventId`) to its terminal state; reconnects by itself. */
  events(id: string, options?: EventOptions): AsyncGenerator<RunStreamEvent>
  logs(id: string): Promise<LogResource>
  /** The texts of its logs by name. */
  logFiles(id: string): Promise<Readonly<Record<string, string>>>
  /** What it was made from, with the files of each shard. */
  input(id: string): Promise<RunInputResource>
  /** A channel with all its pages; of one shard where that is given. */
  channel(id: string, name: string, options?: { shard?: number }): Promise<ChannelResult>
  /** One page of a channel. */
  page(id: string, name: string, number: number, options?: { shard?: number }): Promise<PageResource>
  configuration(id: string): Promise<Configuration>
  configuration<F extends CircuitForm>(id: string, options: { format: F }): Promise<CircuitContent<F>>
  /**
   * What the hub understands of a circuit: the bytes of an .apb file, circuit JSON, carrier JSON or a configuration.
   * Without a format faults are a result; with one they are a failure.
   */
  inspect(circuit: Uint8Array | object, options?: { device?: string }): Promise<InspectionResource>
  inspect<F extends CircuitForm>(
    circuit: Uint8Array | object,
    options: { device?: string; format: F },
  ): Promise<CircuitContent<F>>
  channels(id: string): Promise<ChannelList>
  /** Measurements as typed arrays, physical units. Everything asked for is held in memory: use `results` for more. */
  samples(id: string, range?: Range): Promise<Samples>
  /** Measurements as a stream: the response of a request that succeeded. */
  results(id: string, options: ResultOptions): Promise<Response>
  /** Minimum and maximum for a plot of about `points` points (default 2000), however long the run. */
  plot(id: string, options?: Range & { points?: number }): Promise<PlotResource>
  /** Compares a run with another one of the same configuration; `tolerance` is a part of full scale, default 0.01. */
  comparison(id: string, options: { with: string; tolerance?: number }): Promise<ComparisonResource>
  /** Users, sessions, keys, pools and the audit. */
  readonly people: PeopleClient
  /** Projects, datasets, datapoints and their data. */
  readonly tree: TreeClient
  /** Files of datasets, datapoints and runs. */
  readonly files: FilesClient
  /** Sweeps, workflows, and what becomes of runs later. */
  readonly campaigns: CampaignsClient
  /** Recipes, configurations, records, validity and lineage. */
  readonly records: RecordsClient
  /** For programs that do jobs. */
  readonly worker: WorkerClient
}

/** A client for the hub at `url`. */
export function createClient(options: ClientOptions): Client {
  const http = openHttp(options)
  const { request, json, base } = http

  /** JSON, or the content in another form. The form decides the type, which the callers' overloads state. */
  async function circuit(path: string, form: CircuitForm | undefined, options: RequestOptions): Promise<never> {
    if (form === undefined) return json(path, options)
    const response = await request(path, { ...options, headers: { accept: CIRCUIT_MEDIA[form] } })
    const content = form === 'apb' ? response.arrayBuffer().then((bytes) => new Uint8Array(bytes)) : response.text()
    return content.catch((cause: unknown) => {
      throw new TransportError(`the answer of ${base}${path} broke off`, { cause })
    }) as Promise<never>
  }

  const results = (id: string, { format, signal, ...query }: ResultOptions): Promise<Response> =>
    request(`/runs/${encodeURIComponent(id)}/results`, {
      query: { ...query, channels: channelNames(query), format },
      headers: { accept: '*/*' },
      ...(signal && { signal }),
    })

  const channels = (id: string): Promise<ChannelList> => json(`/runs/${encodeURIComponent(id)}/channels`)

  return {
    people: peopleClient(http),
    tree: treeClient(http),
    files: filesClient(http),
    campaigns: campaignsClient(http),
    records: recordsClient(http),
    worker: workerClient(http),
    status: () => json('/system/status'),
    devices: async ({ activeOnly } = {}) =>
      (await json<{ devices: DeviceResource[] }>('/devices', { query: { active: activeOnly } })).devices,
    device: (idOrName) => json(`/devices/${encodeURIComponent(idOrName)}`),
    setParameterSchema: (idOrName, parameterSchema) =>
      json(`/devices/${encodeURIComponent(idOrName)}`, { method: 'PUT', body: { parameterSchema } }),
    deviceHistory: async (idOrName, filter = {}) =>
      (
        await json<{ changes: DeviceChangeResource[] }>(`/devices/${encodeURIComponent(idOrName)}/history`, {
          query: { ...filter },
        })
      ).changes,
    judgeDevice: (idOrName, body) =>
      json(`/devices/${encodeURIComponent(idOrName)}/approval`, { method: 'POST', body }),
    offerDevice: (idOrName, body) => json(`/devices/${encodeURIComponent(idOrName)}/offer`, { method: 'PATCH', body }),
    entity: (idOrName) => json(`/devices/${encodeURIComponent(idOrName)}/entity`),
    compile: (submission) => json('/compile', { method: 'POST', body: submission }),
    submitRun: async (submission, { idempotencyKey } = {}) => {
      const headers = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }
      const response = await request('/runs', { method: 'POST', body: submission, headers })
      return { run: (await response.json()) as RunResource, existing: response.status === 200 }
    },
    submitYaml: async (text, { recipe, idempotencyKey } = {}) => {
      const headers = {
        'content-type': 'application/yaml',
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
      }
      const body = new TextEncoder().encode(text)
      const response = await request('/runs', { method: 'POST', body, headers, query: { recipe } })
      return { run: (await response.json()) as RunResource, existing: response.status === 200 }
    },
    run: (id) => json(`/runs/${encodeURIComponent(id)}`),
    runs: (filter = {}) => json('/runs', { query: { ...filter } }),
    cancel: (id) => json(`/runs/${encodeURIComponent(id)}/cancel`, { method: 'POST' }),
    events: (id, options = {}) =>
      runEvents(
        (lastEventId, signal) =>
          request(`/runs/${encodeURIComponent(id)}/events`, {
            headers: { accept: 'text/event-stream', ...(lastEventId && { 'last-event-id': lastEventId }) },
            signal,
          }),
        options,
      ),
    logs: (id) => json(`/runs/${encodeURIComponent(id)}/logs`),
    logFiles: (id) => json(`/runs/${encodeURIComponent(id)}/logs`, { query: { format: 'files' } }),
    input: (id) => json(`/runs/${encodeURIComponent(id)}/input`),
    channel: (id, name, { shard } = {}) =>
      json(`/runs/${encodeURIComponent(id)}/channels/${encodeURIComponent(name)}`, { query: { shard } }),
    page: (id, name, number, { shard } = {}) =>
      json(`/runs/${encodeURIComponent(id)}/channels/${encodeURIComponent(name)}/pages/${number}`, {
        query: { shard },
      }),
    configuration: (id: string, { format }: { format?: CircuitForm } = {}) =>
      circuit(`/runs/${encodeURIComponent(id)}/configuration`, format, {}),
    inspect: (body: Uint8Array | object, { device, format }: { device?: string; format?: CircuitForm } = {}) =>
      circuit('/circuits/inspect', format, { method: 'POST', body, query: { device } }),
    channels,
    samples: async (id, range = {}) => {
      const response = await results(id, { ...range, format: 'raw' })
      return splitChannels(response, await channels(id))
    },
    results,
    plot: (id, options = {}) =>
      json(`/runs/${encodeURIComponent(id)}/plot`, { query: { ...options, channels: channelNames(options) } }),
    comparison: (id, options) => json(`/runs/${encodeURIComponent(id)}/comparison`, { query: { ...options } }),
  }
}

/** A number is always an index, even where a channel's label looks like one. */
function channelNames({ channels }: Range): readonly string[] | undefined {
  return channels?.map((channel) => (typeof channel === 'number' ? `#${channel}` : channel))
}
