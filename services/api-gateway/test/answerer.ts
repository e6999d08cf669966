/**
 * What stands behind the gateway in its specs: the rpcs of run-store and compiler, answered out of memory over a real
 * bus. It keeps the contracts' promises and decides nothing; the real services have their own specs.
 */
import { Controller, Inject, Module, type DynamicModule } from '@nestjs/common'
import {
  LUCIDAC,
  PORTABLE_CARRIER,
  Problem,
  isTerminal,
  lucidacDescription,
  type Configuration,
  type RunState,
} from '@lucihub/analog'
import {
  ConfigurationMessage,
  compiler,
  configurationToProto,
  descriptionToProto,
  deviceClass,
  PLAIN_RUN,
  PLAIN_SPEC,
  runKind,
  runState,
  sampleEncoding,
  severity,
  store,
  type ChannelInfo,
  type CompileReply,
  type CompileRequest,
  type Device,
  type JudgeDeviceRequest,
  type ListDeviceChangesRequest,
  type OfferDeviceRequest,
  type RunEvent,
  type RunMessage,
  type SubmitRunRequest,
} from '@lucihub/contracts'
import { Answer, MessagingModule } from '@lucihub/messaging'
import { start, type RunningService } from '@lucihub/service-kit'

export const MAC = '04-E9-E5-15-87-A0'
export const SIMULATOR_MAC = '04-E9-E5-00-00-02'

/** A small valid configuration with two probes: an integrator that feeds itself. */
export const CONFIGURATION: Configuration = {
  carriers: [
    {
      carrier: PORTABLE_CARRIER,
      clusters: [
        {
          index: 0,
          constant: null,
          lanes: [{ lane: 0, source: 0, coefficient: 0.5, upscaled: false, sinks: [0] }],
          slots: [{ kind: 'MINT', integrators: [{ element: 0, ic: -1, k0: 100, limiter: false }] }, null],
        },
      ],
      adc: [
        { output: 0, gain: 2, offset: 0, probe: 0 },
        { output: 1, gain: 1, offset: 0, probe: 1 },
      ],
    },
  ],
  probes: [
    { label: 'x', unit: '' },
    { label: '=cmd', unit: 'V' },
  ],
  problemTimePerSecond: 100,
}

export interface StoredChannel {
  readonly info: ChannelInfo
  readonly bytes: Uint8Array
}

/** What the answerer knows; specs fill it in. */
export class Shelf {
  readonly runs = new Map<string, RunMessage>()
  readonly events = new Map<string, RunEvent[]>()
  readonly channels = new Map<string, StoredChannel[]>()
  readonly keys = new Map<
    string,
    { readonly secret: string; readonly userId: string; readonly scopes: readonly string[] }
  >()
  readonly submissions: SubmitRunRequest[] = []
  /** How often each rpc was asked. */
  readonly asked = new Map<string, number>()
  /** Thrown by the next submission, once. */
  refusal: Error | null = null
  /** Called between reading the events of a run and answering. */
  beforeEventsReply: () => void | Promise<void> = () => {}
  readonly devices: readonly Device[] = [
    device({ mac: MAC, name: 'lucidac-1', kind: 'LUCIDAC' }),
    device({ mac: SIMULATOR_MAC, name: 'simulator-1', kind: 'SIMULATOR' }),
  ]

  count(rpc: string): void {
    this.asked.set(rpc, (this.asked.get(rpc) ?? 0) + 1)
  }

  owned(ownerId: string, runId: string): RunMessage {
    const run = this.runs.get(runId)
    if (run?.ownerId !== ownerId) throw new Problem('not-found', `There is no run "${runId}".`)
    return run
  }

  enter(runId: string, state: RunState): void {
    const run = this.runs.get(runId)
    if (run) this.runs.set(runId, { ...run, state: runState.toProto(state) })
  }
}

@Controller()
class Answerer {
  constructor(@Inject(Shelf) private readonly shelf: Shelf) {}

  @Answer(store.authenticate)
  async authenticate({ keyId, secret }: { readonly keyId: string; readonly secret: string }) {
    this.shelf.count('authenticate')
    const key = this.shelf.keys.get(keyId)
    const valid = key?.secret === secret
    return {
      valid,
      userId: valid ? key.userId : '',
      userName: valid ? 'somebody' : '',
      scopes: valid ? key.scopes : [],
      role: 'user',
    }
  }

  @Answer(store.submitRun)
  async submitRun(request: SubmitRunRequest) {
    const { refusal } = this.shelf
    this.shelf.refusal = null
    if (refusal) throw refusal
    this.shelf.submissions.push(request)
    const known = [...this.shelf.runs.values()].find(
      ({ id }) => request.idempotencyKey !== '' && id === uuidOf(request.idempotencyKey),
    )
    if (known) return { run: known, existing: true }
    const run = newRun({ id: uuidOf(request.idempotencyKey || String(this.shelf.runs.size)), request })
    this.shelf.runs.set(run.id, run)
    return { run, existing: false }
  }

  @Answer(store.getRun)
  async getRun({ ownerId, runId }: { readonly ownerId: string; readonly runId: string }) {
    return { run: this.shelf.owned(ownerId, runId) }
  }

  @Answer(store.listRuns)
  async listRuns({
    ownerId,
    states,
    kinds,
    cursor,
    limit,
    deviceId,
  }: {
    readonly ownerId: string
    readonly states: readonly number[]
    readonly kinds: readonly number[]
    readonly cursor: string
    readonly limit: number
    readonly deviceId: string
  }) {
    const from = Number(cursor)
    const all = [...this.shelf.runs.values()].filter(
      (run) =>
        run.ownerId === ownerId &&
        (states.length === 0 || states.includes(run.state)) &&
        (kinds.length === 0 || kinds.includes(run.spec?.kind ?? 0)) &&
        (deviceId === '' || run.spec?.deviceId === deviceId),
    )
    return {
      runs: all.slice(from, from + limit),
      nextCursor: all.length > from + limit ? String(from + limit) : '',
      total: all.length,
    }
  }

  @Answer(store.cancelRun)
  async cancelRun({ ownerId, runId }: { readonly ownerId: string; readonly runId: string }) {
    const run = this.shelf.owned(ownerId, runId)
    const state = runState.fromProto(run.state)
    if (isTerminal(state)) throw new Problem('state-conflict', `Run ${runId} is ${state} already.`)
    if (state === 'QUEUED') this.shelf.enter(runId, 'CANCELED')
    else this.shelf.runs.set(runId, { ...run, cancelRequested: true })
    return { run: this.shelf.owned(ownerId, runId) }
  }

  @Answer(store.readEvents)
  async readEvents({
    ownerId,
    runId,
    afterAttempt,
    afterSeqPlusOne,
    limit,
  }: {
    readonly ownerId: string
    readonly runId: string
    readonly afterAttempt: number
    readonly afterSeqPlusOne: number
    readonly limit: number
  }) {
    this.shelf.count('readEvents')
    const run = this.shelf.owned(ownerId, runId)
    const behind = (this.shelf.events.get(runId) ?? []).filter(
      ({ attempt, seq }) => attempt > afterAttempt || (attempt === afterAttempt && seq >= afterSeqPlusOne),
    )
    const reply = { events: behind.slice(0, limit), more: behind.length > limit, state: run.state }
    await this.shelf.beforeEventsReply()
    return reply
  }

  @Answer(store.listChannels)
  async listChannels({ ownerId, runId }: { readonly ownerId: string; readonly runId: string }) {
    const run = this.shelf.owned(ownerId, runId)
    const channels = (this.shelf.channels.get(runId) ?? []).map(({ info }) => info)
    return {
      channels,
      attempt: run.winningAttempt,
      engine: 'hub',
      sampleRateHz: run.spec?.sampleRateHz ?? 0,
      problemTimePerSecond: 100,
    }
  }

  @Answer(store.readSamples)
  async readSamples({
    ownerId,
    runId,
    channel,
    firstIndex,
    maxSamples,
  }: {
    readonly ownerId: string
    readonly runId: string
    readonly channel: number
    readonly firstIndex: number
    readonly maxSamples: number
  }) {
    this.shelf.count('readSamples')
    this.shelf.owned(ownerId, runId)
    const stored = this.shelf.channels.get(runId)?.[channel]
    if (!stored) throw new Problem('not-found', `There is no channel ${channel}.`)
    const { gain, offset, encoding } = stored.info
    const width = encoding === sampleEncoding.toProto('i16') ? 2 : 4
    // Fewer than asked for, as a store that ends at a page would.
    const count = Math.min(maxSamples, 50_000)
    return {
      firstIndex,
      encoding,
      samples: stored.bytes.subarray(firstIndex * width, (firstIndex + count) * width),
      gain,
      offset,
    }
  }

  @Answer(store.readPlot)
  async readPlot({
    ownerId,
    runId,
    channels,
    fromIndex,
    toIndex,
    points,
  }: {
    readonly ownerId: string
    readonly runId: string
    readonly channels: readonly number[]
    readonly fromIndex: number
    readonly toIndex: number
    readonly points: number
  }) {
    this.shelf.owned(ownerId, runId)
    const stored = this.shelf.channels.get(runId) ?? []
    const buckets = Float32Array.from({ length: points }, (_, i) => i + 0.1)
    return {
      fromIndex,
      toIndex,
      bucket: 64,
      pyramidLevel: 64,
      channels: channels.map((index) => ({
        index,
        label: stored[index]?.info.label ?? '',
        unit: '',
        minimum: new Uint8Array(buckets.map((value) => -value).buffer),
        maximum: new Uint8Array(Float32Array.from(buckets, (value, i) => (i === 0 ? NaN : value)).buffer),
      })),
    }
  }

  @Answer(store.listDevices)
  async listDevices({ activeOnly }: { readonly activeOnly: boolean }) {
    return { devices: this.shelf.devices.filter(({ active }) => active || !activeOnly) }
  }

  @Answer(store.getDevice)
  async getDevice({ device: wanted }: { readonly device: string }) {
    const found = this.shelf.devices.find(({ device: known }) => known?.id === wanted || known?.name === wanted)
    if (!found) throw new Problem('not-found', `There is no device "${wanted}".`)
    return { device: found }
  }

  @Answer(store.judgeDevice)
  async judgeDevice({ actor, device: wanted, verdict, reason }: JudgeDeviceRequest) {
    const { device: found } = await this.getDevice({ device: wanted })
    const standing = { approval: 'quarantined', reason, sinceMs: 0, drained: false, offered: false, window: null }
    if (verdict !== 'quarantine') throw new Problem('state-conflict', `${actor?.role} may not ${verdict} it now.`)
    return { device: { ...found, standing } }
  }

  @Answer(store.offerDevice)
  async offerDevice({ device: wanted, changes, drained, window }: OfferDeviceRequest) {
    const { device: found } = await this.getDevice({ device: wanted })
    const standing = {
      approval: 'approved',
      reason: changes.join(),
      sinceMs: 0,
      drained,
      offered: !drained,
      window: window ?? null,
    }
    return { device: { ...found, standing } }
  }

  @Answer(store.listDeviceChanges)
  async listDeviceChanges({ before, limit }: ListDeviceChangesRequest) {
    return { changes: [{ seq: before - 1, atMs: 1_700_000_000_000, change: 'gone', detailJson: `{"limit":${limit}}` }] }
  }

  /** Programs that contain `wrong` do not compile; the others all give the same configuration. */
  @Answer(compiler.compile)
  async compile({ source, device: description }: CompileRequest): Promise<CompileReply> {
    this.shelf.count('compile')
    const at = source.indexOf('wrong')
    if (at < 0 && source !== '') {
      const carrier = description?.carriers[0]?.id ?? PORTABLE_CARRIER
      const configuration = {
        ...CONFIGURATION,
        carriers: CONFIGURATION.carriers.map((settings) => ({ ...settings, carrier })),
      }
      const report = { ...REPORT, machine: description ? '' : 'LUCIDAC' }
      return { diagnostics: [], configuration: configurationToProto(configuration), report }
    }
    const line = source.slice(0, at).split('\n').length
    const column = at - source.lastIndexOf('\n', at)
    const span = source === '' ? null : { from: at, to: at + 5, line, column }
    return {
      diagnostics: [
        { code: 'ANA0002', severity: severity.toProto('warning'), message: 'Nothing is probed.', hint: '', span: null },
        {
          code: 'ANA0007',
          severity: severity.toProto('error'),
          message: '"wrong" is not defined.',
          hint: 'Define it.',
          span,
          // Behind `let`, `wrong` is a slip that the compiler can mend.
          ...(source.includes('let wrong') && { fix: { title: 'write `right`', span, replacement: 'right' } }),
        },
      ],
      configuration: null,
      report: null,
    }
  }
}

const REPORT = {
  elements: [{ kind: 'integrator', used: 1, available: 8 }],
  lanesUsed: 1,
  lanesAvailable: LUCIDAC.lanes,
  k0: 100,
  problemTimePerSecond: 100,
  compileTimeMs: 1.5,
  machine: '',
  signals: [{ name: 'x', element: 'M0.0', scale: 2, amplitude: 1.5 }],
}

@Module({})
class AnswererModule {}

/** Answers until it is closed. */
export function answer(shelf: Shelf, natsUrl: string): Promise<RunningService> {
  return start({
    name: 'answerer',
    config: { natsUrl, healthPort: 0, logLevel: 'silent' },
    module: (bus): DynamicModule => ({
      module: AnswererModule,
      imports: [MessagingModule.of(bus)],
      controllers: [Answerer],
      providers: [{ provide: Shelf, useValue: shelf }],
    }),
  })
}

/** A UUID that a text decides. */
export function uuidOf(text: string): string {
  const hex = Buffer.from(text).toString('hex').padStart(32, '0').slice(-32)
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5')
}

export function newRun({ id, request }: { id: string; request: SubmitRunRequest }): RunMessage {
  return {
    ...PLAIN_RUN,
    id,
    ownerId: request.ownerId,
    spec: request.spec ?? null,
    state: runState.toProto(request.spec?.kind === runKind.toProto('compile') ? 'COMPLETED' : 'QUEUED'),
    reason: '',
    submittedAtMs: 1_700_000_000_000,
    startedAtMs: 0,
    endedAtMs: 0,
    cancelRequested: false,
    attempts: [],
    storedSamples: 0,
    expectedSamples: 10,
    winningAttempt: 0,
    overloads: [],
    finalValues: [],
  }
}

/** A run that is there already. */
export function storedRun(
  shelf: Shelf,
  { id, ownerId, state }: { id: string; ownerId: string; state: RunState },
): RunMessage {
  const spec = {
    ...PLAIN_SPEC,
    kind: runKind.toProto('run'),
    title: 'stored',
    source: '',
    configuration: ConfigurationMessage.decode(ConfigurationMessage.encode(configurationToProto(CONFIGURATION))),
    report: null,
    diagnostics: [],
    deviceId: '',
    deviceClass: deviceClass.toProto('LUCIDAC'),
    opTimeNs: 1_000_000,
    icTimeNs: 100_000,
    sampleRateHz: 10_000,
    haltOnOverload: false,
    maxAttempts: 2,
    acceptGaps: false,
  }
  const run = {
    ...newRun({ id, request: { ownerId, idempotencyKey: '', spec } }),
    state: runState.toProto(state),
    winningAttempt: 1,
  }
  shelf.runs.set(id, run)
  return run
}

export function float32Channel({
  index,
  label,
  values,
}: {
  index: number
  label: string
  values: Float32Array
}): StoredChannel {
  return {
    bytes: new Uint8Array(values.buffer),
    info: {
      ...channelInfo({ index, label, samples: values.length }),
      gain: 1,
      offset: 0,
      encoding: sampleEncoding.toProto('f32'),
    },
  }
}

export function int16Channel({
  index,
  label,
  values,
  gain,
  offset,
}: {
  index: number
  label: string
  values: Int16Array
  gain: number
  offset: number
}): StoredChannel {
  return {
    bytes: new Uint8Array(values.buffer),
    info: {
      ...channelInfo({ index, label, samples: values.length }),
      gain,
      offset,
      encoding: sampleEncoding.toProto('i16'),
    },
  }
}

function channelInfo({ index, label, samples }: { index: number; label: string; samples: number }) {
  return { index, label, unit: 'V', samples, digest: new Uint8Array([0xca, 0xfe]) }
}

function device({ mac, name, kind }: { mac: string; name: string; kind: 'LUCIDAC' | 'SIMULATOR' }): Device {
  return {
    device: {
      id: mac,
      name,
      deviceClass: deviceClass.toProto(kind),
      host: '127.0.0.1',
      port: 5732,
      description: descriptionToProto(lucidacDescription(mac)),
      descriptionHash: 'ab'.repeat(32),
    },
    active: kind === 'LUCIDAC',
    firstSeenMs: 1_700_000_000_000,
    lastSeenMs: 1_700_000_001_000,
    executorHost: '',
    leased: false,
    queueLength: 3,
  }
}
