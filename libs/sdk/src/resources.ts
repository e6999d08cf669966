/**
 * The resources of the HTTP API as they travel: plain JSON, units in names, times as ISO 8601 in UTC, `null`
 * for what is not known or did not happen yet. Words are the domain's own, so its types are used where they fit.
 */
import type {
  AttemptOutcome,
  AttemptState,
  CompileReport,
  Configuration,
  DeviceClass,
  DevicePhase,
  Diagnostic,
  ElementUse,
  HaltCondition,
  IntegratorRate,
  RunKind,
  RunState,
  SampleEncoding,
  Violation,
} from '@lucihub/analog'

/** A diagnostic with the lines of the source it is about. */
export interface DiagnosticResource extends Diagnostic {
  /** The source line with a caret under the place, ready to print; empty when the whole program is meant. */
  readonly excerpt: string
}

/** One try at a run on one device. */
export interface AttemptResource {
  /** 1, 2, ... */
  readonly number: number
  readonly state: AttemptState
  readonly deviceId: string
  /** Null until it ended. */
  readonly outcome: AttemptOutcome | null
  readonly reason: string
  readonly dispatchedAt: string
  readonly claimedAt: string | null
  readonly endedAt: string | null
}

/** A run as lists show it. */
export interface RunSummary {
  readonly id: string
  readonly kind: RunKind
  readonly title: string
  readonly state: RunState
  /** Why it failed, or what halted it; empty otherwise. */
  readonly reason: string
  /** Null for a job, which a worker does. */
  readonly deviceClass: DeviceClass | null
  /** The device asked for; null for any device of the class. */
  readonly deviceId: string | null
  readonly opTimeNs: number
  readonly icTimeNs: number
  /** Samples per second and channel. */
  readonly sampleRateHz: number
  readonly haltOnOverload: boolean
  readonly halt: readonly HaltCondition[]
  /** The condition that ended a completed run before its time; null without. */
  readonly halted: string | null
  readonly maxAttempts: number
  readonly acceptGaps: boolean
  readonly submittedAt: string
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly cancelRequested: boolean
  readonly attempts: readonly AttemptResource[]
  /** Samples per channel stored so far, of the latest attempt. */
  readonly storedSamples: number
  /** Samples per channel that the op time asks for. */
  readonly expectedSamples: number
  /** The attempt whose data is the run's result. */
  readonly winningAttempt: number | null
  /** Outputs (cluster * 16 + clane) whose overload flag was latched. */
  readonly overloads: readonly number[]
  /** Final values of the M-block outputs, machine units; empty when none were read. */
  readonly finalValues: readonly number[]
  /** Total order of all runs. */
  readonly seq: number
  /** Of its datapoint, from the project's slug down. */
  readonly path: string
  readonly projectId: string | null
  readonly datapointId: string | null
  /** Acquisition session inside the project. */
  readonly runNo: number | null
  /** compile, simulate, run, or whatever a job is called. */
  readonly jobType: string
  /** Who does it: the hub's devices, or a worker. */
  readonly engine: 'hub' | 'worker'
  readonly executor: {
    readonly kind: 'direct' | 'pool'
    readonly pool: string | null
    readonly deviceId: string | null
  }
  readonly executorKind: 'direct' | 'pool'
  readonly inputKind: string
  readonly numChannels: number
  readonly shardsRequested: number
  /** After clamping to 1 and to the requested work. */
  readonly shardsEffective: number
  readonly workUnit: string
  /** Over all shards, in the work unit; 0 when unknown. */
  readonly requestedWork: number
  readonly completedWork: number
  readonly progress: { readonly fraction: number }
  /** Seconds; null when ended or not known. */
  readonly etaS: number | null
  readonly mergePolicy: MergePolicy
  /** Some shard did not complete. */
  readonly partial: boolean
  readonly valid: boolean
  /** Something it was made from is not valid any more. */
  readonly stale: boolean
  readonly timeoutS: number | null
  readonly recipe: string
  readonly tags: readonly string[]
  readonly notes: string
  /** The run that this is a shard of. */
  readonly parentId: string | null
  readonly sweepId: string | null
  /** The run that it repeats. */
  readonly clonedFrom: string | null
}

export type Reduction = 'mean' | 'mean_std' | 'concat' | 'none'

/** How the results of shards become one. */
export interface MergePolicy {
  /** Which shards must complete for a result. */
  readonly mode: 'any' | 'all' | 'min_fraction'
  /** With `min_fraction`: of all shards. */
  readonly minFraction: number
  readonly reduce: Reduction
  /** For channels by their name. */
  readonly byChannel: Readonly<Record<string, Reduction>>
}

/** One part of a run. */
export interface ShardResource {
  readonly index: number
  readonly state: RunState
  /** Work, in the unit of the run. */
  readonly requested: number
  readonly completed: number
  readonly etaS: number | null
  readonly seed: number
  readonly attempt: number
  readonly workerId: string
  readonly deviceId: string
  /** The run that is this shard on a device. */
  readonly childRunId: string | null
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly lastUpdateAt: string | null
  readonly error: string
}

export interface StateChangeResource {
  readonly at: string
  readonly state: RunState
  readonly reason: string
}

/** A run with everything but its configuration and its measurements, which have their own addresses. */
export interface RunResource extends RunSummary {
  /** The analang program; null when the configuration was brought ready-made. */
  readonly source: string | null
  readonly report: CompileReport | null
  readonly diagnostics: readonly DiagnosticResource[]
  /** All of them, in order; the last is the state. */
  readonly stateChanges: readonly StateChangeResource[]
  readonly shards: readonly ShardResource[]
  /** As it was sent. */
  readonly input: Readonly<Record<string, unknown>>
  /** The result: summary, payload, schemas. */
  readonly output: Readonly<Record<string, unknown>>
  readonly parameters: Readonly<Record<string, unknown>>
  /** Where each parameter came from. */
  readonly paramSources: Readonly<Record<string, unknown>>
  readonly versions: Readonly<Record<string, unknown>>
  readonly generalConfigId: string | null
  readonly execConfigId: string | null
  /** Address of its channels. */
  readonly channels: string
  /** Address of its log. */
  readonly logs: string
}

/** One page of runs, newest first. */
export interface RunPage {
  readonly runs: readonly RunSummary[]
  /** Pass as `cursor` for the next page; null at the end, and with `page`. */
  readonly nextCursor: string | null
  /** With `page`: runs on all pages. */
  readonly total: number | null
  /** With `page`. */
  readonly pageCount: number | null
}

/**
 * What to run. Exactly one of `source`, `configuration`, `apb` and `circuit`, and an `opTimeNs`; but for a `job`, which
 * has `jobType`, `inputKind` and `input`.
 */
export interface RunSubmission {
  readonly kind: RunKind
  readonly title?: string
  /** analang text. */
  readonly source?: string
  readonly configuration?: Configuration
  /** An .apb file in base64. */
  readonly apb?: string
  /** Circuit JSON as lucipy writes it, or carrier JSON by MAC address. */
  readonly circuit?: Readonly<Record<string, unknown>>
  /** Device id or name. Without it: for `run` any of the smallest kind of machine that fits, for `simulate` any simulator. */
  readonly device?: string
  readonly opTimeNs?: number
  readonly icTimeNs?: number
  /** Samples per second and channel. */
  readonly sampleRateHz?: number
  readonly haltOnOverload?: boolean
  /** What ends OP before its time, whichever is met first; an overload is watched by the device, the rest on its samples. */
  readonly halt?: readonly HaltCondition[]
  /** How often a run may be tried, 1 to 5. */
  readonly maxAttempts?: number
  /** Lost samples are recorded and shown instead of failing the attempt. */
  readonly acceptGaps?: boolean
  /** Integrator rate in 1/s; left out, the compiler chooses. */
  readonly k0?: IntegratorRate
  /** Parts whose results are combined; clamped to 1 and to the requested work. */
  readonly shards?: number
  /** Total over all shards, in `workUnit`; divided without a remainder. */
  readonly requestedWork?: number
  readonly workUnit?: string
  readonly merge?: Partial<MergePolicy>
  /** Shard i gets seed + i. */
  readonly seed?: number
  /** Slug; left out: the caller's own project. */
  readonly project?: string
  /** Path below the project; left out: `runs`. */
  readonly dataset?: string
  /** Of the datapoint. */
  readonly name?: string
  readonly runNo?: number
  readonly tags?: readonly string[]
  readonly notes?: string
  /** Seconds from the start until TIMED_OUT. */
  readonly timeoutS?: number
  readonly recipe?: string
  readonly parameters?: Readonly<Record<string, unknown>>
  /** What the run shares with others, stored once per content. */
  readonly config?: { readonly title?: string; readonly date?: string; readonly softwareVersion?: string }
  /** How it is executed, stored once per content. */
  readonly exec?: {
    readonly env?: Readonly<Record<string, string>>
    readonly pollIntervalS?: number
    readonly transports?: readonly string[]
  }
  /** Of a job: what the worker shall do, any word. */
  readonly jobType?: string
  /** Of a job: the pool whose workers do it. */
  readonly pool?: string
  readonly inputKind?: 'ode' | 'circuit' | 'files' | 'ref'
  /** Of a job: kept as it is, for the worker. */
  readonly input?: Readonly<Record<string, unknown>>
}

export interface Submitted {
  readonly run: RunResource
  /** True when the idempotency key named a run that had been accepted before. */
  readonly existing: boolean
}

/** What to compile without storing anything. */
export interface CompileSubmission {
  readonly source: string
  /** Device id or name; without it, the smallest standard machine that fits; the report names it. */
  readonly device?: string
  /** The length the scaling has to hold for. */
  readonly opTimeNs: number
  readonly k0?: IntegratorRate
}

/** The outcome of a dry run. A program with errors is an outcome too: `configuration` and `report` are null then. */
export interface CompileResource {
  readonly compiles: boolean
  readonly diagnostics: readonly DiagnosticResource[]
  readonly configuration: Configuration | null
  readonly report: CompileReport | null
}

/** A circuit, as the hub understands it. */
export interface InspectionResource {
  readonly format: 'configuration' | 'apb' | 'circuit' | 'carriers'
  /** The device it was checked against; null when none was named. */
  readonly deviceId: string | null
  /** Null when it cannot be read. */
  readonly configuration: Configuration | null
  /** Pointers below `/configuration` lead into the configuration, others into what was sent. Empty when a device can carry it. */
  readonly violations: readonly Violation[]
  /** The circuit as an analang program; null with violations. */
  readonly equations: string | null
  /** What the equations say in another way than the circuit, or not at all. */
  readonly remarks: readonly string[]
  /** Use of the device; empty with violations. */
  readonly elements: readonly ElementUse[]
}

export interface DeviceResource {
  /** MAC address of its first carrier. */
  readonly id: string
  /** Human name, unique in the hub. */
  readonly name: string
  readonly deviceClass: DeviceClass
  /** True while the scanner sees it. */
  readonly active: boolean
  /** True while an executor holds it. */
  readonly leased: boolean
  /** The hardware host that drives it; null while none does. */
  readonly executorHost: string | null
  /** Runs that wait for exactly this device or for any of its class. */
  readonly queueLength: number
  readonly firstSeenAt: string
  readonly lastSeenAt: string
  /** sha256 of its self-description, hex. */
  readonly descriptionHash: string
  /** What a run on it is made from. */
  readonly inputKinds: readonly string[]
  /** JSON Schema of what the parameters of a run on it must be like; null: anything. */
  readonly parameterSchema: Readonly<Record<string, unknown>> | null
  /** A candidate waits for an operator; a quarantined device has shown another identity. Both get no runs. */
  readonly approval: 'candidate' | 'approved' | 'quarantined'
  readonly approvalReason: string
  readonly approvalSince: string
  /** True when it may be given runs at this moment. */
  readonly offered: boolean
  /** True: it finishes what it does and gets nothing new. */
  readonly drained: boolean
  /** When it is offered, every day; null: always. */
  readonly window: DeviceWindow | null
  /** Who names it: list, static, mdns or subnet. */
  readonly source: string
  /** protobuf or json-lines. */
  readonly generation: string
  readonly firmware: string
  /** Other endpoints that answer with the same MAC address, host:port. */
  readonly alsoAt: readonly string[]
}

/** HH:MM in a time zone; over midnight when `until` is the earlier one. */
export interface DeviceWindow {
  readonly from: string
  readonly until: string
  /** IANA name. */
  readonly zone: string
}

export interface DeviceChangeResource {
  readonly seq: number
  readonly at: string
  /** appeared, returned, changed, gone, bound, approved, quarantined, released or offered. */
  readonly change: string
  readonly detail: Readonly<Record<string, unknown>>
}

export interface ChannelResource {
  readonly index: number
  readonly label: string
  readonly unit: string
  /** physical = stored * gain + offset. */
  readonly gain: number
  readonly offset: number
  /** How the samples are stored; null while there are none. */
  readonly encoding: SampleEncoding | null
  /** Stored so far; final once the run is in a terminal state. */
  readonly samples: number
  /** sha256 over the CRC-32s of the stored blocks, hex; null until sealed. */
  readonly digest: string | null
  readonly name: string
  /** As its engine called it. */
  readonly sourceName: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly pages: readonly PageHead[]
}

/** A page without what it holds. */
export interface PageHead {
  readonly number: number
  readonly name: string
  /** 0, 1 or 2. */
  readonly dimension: number
  readonly shape: readonly number[]
  /** samples, mean, std, final or json. */
  readonly kind: string
  /** Of a device: seconds of op time of the first value. */
  readonly t0: number | null
  /** Of a device: seconds from value to value. */
  readonly dt: number | null
}

export interface SeriesResource {
  readonly name?: string
  readonly unit?: string
  readonly values: readonly (number | null)[]
}

/** A part of a channel, as a worker handed it in, or a window of samples. */
export interface PageResource extends PageHead {
  readonly data?: SeriesResource
  readonly axisDim1?: SeriesResource | null
  readonly axisDim2?: SeriesResource | null
  readonly dimensions?: number
  readonly metadata?: Readonly<Record<string, unknown>>
}

/** A channel with its pages. */
export interface ChannelResult {
  readonly name: string
  readonly sourceName: string
  readonly unit: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly pages: readonly PageResource[]
}

/** What a run was made from. */
export interface RunInputResource {
  readonly inputKind: string
  /** Exactly as it was sent. */
  readonly input: Readonly<Record<string, unknown>>
  readonly parameters: Readonly<Record<string, unknown>>
  readonly requestedWork: number
  readonly workUnit: string
  /** Of a program: what it was compiled to. */
  readonly configuration: Configuration | null
  /** By name `shard-<index>/<file>`. */
  readonly files: Readonly<Record<string, string>>
}

export interface ChannelList {
  /** The attempt the figures are about; null before the first. */
  readonly attempt: number | null
  readonly sampleRateHz: number
  /** Problem time units per second of op time; 0 when unknown. */
  readonly problemTimePerSecond: number
  readonly channels: readonly ChannelResource[]
}

/** Minimum and maximum per bucket. A number that JSON cannot say is null. */
export interface PlotResource {
  readonly fromIndex: number
  /** Exclusive. */
  readonly toIndex: number
  /** Samples per bucket. */
  readonly bucket: number
  /** Samples per stored pyramid entry that was read; 1 when the samples themselves were. */
  readonly pyramidLevel: number
  readonly sampleRateHz: number
  readonly problemTimePerSecond: number
  readonly channels: readonly PlotChannelResource[]
}

export interface PlotChannelResource {
  readonly index: number
  readonly label: string
  readonly unit: string
  readonly minimum: readonly (number | null)[]
  readonly maximum: readonly (number | null)[]
}

export interface LogResource {
  readonly lines: readonly LogLineResource[]
}

export interface LogLineResource {
  readonly shard: number
  /** Of the log: a worker may keep several. */
  readonly name: string
  readonly attempt: number
  readonly at: string
  readonly line: string
}

export interface ServiceStatus {
  readonly name: string
  readonly reachable: boolean
  /** Why not; empty when it is reachable. */
  readonly detail: string
}

export interface StatusResource {
  readonly name: string
  readonly version: string
  readonly uptimeS: number
  /** True when every service is reachable. */
  readonly ready: boolean
  readonly services: readonly ServiceStatus[]
}

/** How well two runs agree; see {@link ComparisonResource}. */
export type ComparisonVerdict = 'agrees' | 'agrees-until-horizon' | 'differs'

/** A difference in both units; null when a sample is no number. */
export interface DifferenceResource {
  readonly machine: number | null
  readonly physical: number | null
}

export interface ChannelComparisonResource {
  readonly index: number
  readonly label: string
  readonly unit: string
  /** The physical value of 1 machine unit. */
  readonly fullScale: number
  readonly verdict: ComparisonVerdict
  /** Samples compared. */
  readonly samples: number
  readonly rms: DifferenceResource
  readonly max: DifferenceResource
  readonly maxTime: number | null
  /** When a difference first exceeds the tolerance. */
  readonly firstExcursion: number | null
  /** Root mean square up to then. */
  readonly rmsBefore: DifferenceResource
}

/** Two runs of one configuration, compared channel by channel. */
export interface ComparisonResource {
  readonly run: string
  readonly with: string
  /** `agrees-until-horizon`: the runs part as solutions of a chaotic system do, and were within the tolerance until then. */
  readonly verdict: ComparisonVerdict
  /** Machine units. */
  readonly tolerance: number
  /** What all times count: seconds of op time, or problem time where the runs pass it at different paces. */
  readonly time: 'op' | 'problem'
  /** First and last instant compared; null when the runs do not overlap. */
  readonly span: { readonly from: number; readonly until: number } | null
  readonly divergence: { readonly growthRate: number; readonly horizon: number } | null
  readonly channels: readonly ChannelComparisonResource[]
}

/** An RFC 9457 problem document as the hub writes it. */
export interface ProblemDocument {
  /** `/problems/<type>` with a type of the domain's problem table. */
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly instance: string
  readonly traceId: string
  readonly violations?: readonly Violation[]
  /** With `compilation-failed`: what the compiler said. */
  readonly diagnostics?: readonly DiagnosticResource[]
}

interface EventPlace {
  readonly attempt: number
  readonly seq: number
  readonly at: string
}

/** The run entered a state; the stream ends after a terminal one. */
export interface StateEvent extends EventPlace {
  readonly kind: 'state'
  readonly state: RunState
  readonly reason: string
}

/** The device entered a phase. */
export interface PhaseEvent extends EventPlace {
  readonly kind: 'phase'
  readonly phase: DevicePhase
  /** Device time. */
  readonly timeNs: number
  readonly reason: string
}

export interface LogEvent extends EventPlace {
  readonly kind: 'log'
  readonly lines: readonly string[]
}

/** The device or its network lost these chunks; `toChunk` is exclusive. */
export interface GapEvent extends EventPlace {
  readonly kind: 'gap'
  readonly fromChunk: number
  readonly toChunk: number
}

/** The attempt ended at its executor; the run's state follows once everything is stored. */
export interface EndEvent extends EventPlace {
  readonly kind: 'end'
  readonly outcome: AttemptOutcome
  readonly reason: string
}

/** Fresh samples, decimated: minimum and maximum per bucket, physical units. Live only: read them back with `plot`. */
export interface SamplesEvent extends EventPlace {
  readonly kind: 'samples'
  readonly firstIndex: number
  /** Samples per bucket; the last bucket may cover fewer. */
  readonly bucket: number
  /** Samples per channel covered. */
  readonly count: number
  readonly channels: readonly { readonly minimum: Float32Array; readonly maximum: Float32Array }[]
}

/** This reader was too slow: live samples are missing before this place. Nothing else is. */
export interface LostEvent {
  readonly kind: 'lost'
}

export type RunStreamEvent = StateEvent | PhaseEvent | LogEvent | GapEvent | EndEvent | SamplesEvent | LostEvent
