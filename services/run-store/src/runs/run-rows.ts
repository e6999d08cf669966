/** Rows of `run`, `shard` and `attempt` as messages. */
import {
  invariant,
  isTerminal,
  type AttemptState,
  type DeviceClass,
  type HaltCondition,
  type RunKind,
  type RunState,
} from '@lucihub/analog'
import {
  attemptState,
  CompileReply,
  ConfigurationMessage,
  deviceClass,
  haltToProto,
  runKind,
  runState,
  type Attempt,
  type RunMessage,
  type RunSpec,
  type Shard,
} from '@lucihub/contracts'
import type { MergePolicy } from './division.ts'
import { upcast, type StateChangeJson } from './run-version.ts'

/**
 * SQL: something the run was made from, near or far, was valid once and is not any more. Runs that were made from
 * nothing, which is most of them, cost one look into an index.
 */
export function staleSql(run: string): string {
  return `EXISTS (WITH RECURSIVE up AS (
      SELECT l.parent_run_id AS id FROM lineage l WHERE l.child_run_id = ${run}.id
      UNION SELECT l.parent_run_id FROM lineage l JOIN up ON l.child_run_id = up.id)
    SELECT FROM up JOIN run p ON p.id = up.id WHERE p.state = 'COMPLETED' AND NOT p.valid)`
}

/** Everything of a run but its source, report, configuration and input. */
export const RUN_COLUMNS = `r.id, r.seq, r.owner_id, r.kind, r.title, r.device_id, r.device_class, r.op_time_ns, r.ic_time_ns,
  r.sample_rate_hz, r.halt_on_overload, r.max_attempts, r.accept_gaps, r.num_channels, r.expected_samples, r.state, r.reason,
  r.winning_attempt, r.overloads, r.final_values, r.cancel_requested_at, r.submitted_at, r.started_at, r.ended_at,
  r.job_type, r.input_kind, r.engine, r.project_id, r.datapoint_id, r.path, r.run_no, r.parent_id, r.shard_index,
  r.shards_requested, r.shards_effective, r.work_unit, r.requested_work, r.completed_work, r.eta_s, r.merge_policy, r.partial,
  r.schema_version, r.timeout_s, r.recipe, r.general_config_id, r.exec_config_id, r.parameters, r.param_sources, r.result, r.valid, r.versions,
  r.state_changes, r.tags, r.notes, r.halt, r.sweep_id, r.cloned_from, CASE WHEN r.pool_id IS NOT NULL THEN (SELECT p.name FROM pool p WHERE p.id = r.pool_id) END AS pool,
  ${staleSql('r')} AS stale`

export interface RunRow {
  readonly id: string
  readonly seq: number
  readonly owner_id: string
  readonly kind: RunKind
  readonly title: string
  readonly device_id: string | null
  readonly device_class: DeviceClass
  readonly op_time_ns: number
  readonly ic_time_ns: number
  readonly sample_rate_hz: number
  readonly halt_on_overload: boolean
  readonly halt: readonly HaltCondition[]
  readonly max_attempts: number
  readonly accept_gaps: boolean
  readonly num_channels: number
  readonly expected_samples: number
  readonly state: RunState
  readonly reason: string
  readonly winning_attempt: number | null
  readonly overloads: readonly number[]
  readonly final_values: readonly number[]
  readonly cancel_requested_at: Date | null
  readonly submitted_at: Date
  readonly started_at: Date | null
  readonly ended_at: Date | null
  readonly job_type: string
  readonly input_kind: string
  readonly engine: 'hub' | 'worker'
  readonly project_id: string | null
  readonly datapoint_id: string | null
  readonly path: string
  readonly run_no: number
  readonly parent_id: string | null
  readonly shard_index: number | null
  readonly shards_requested: number
  readonly shards_effective: number
  readonly work_unit: string
  readonly requested_work: number
  readonly completed_work: number
  readonly eta_s: number | null
  /** `{}` for a run that was stored before runs were divided. */
  readonly merge_policy: Partial<MergePolicy>
  readonly partial: boolean
  readonly schema_version: number
  readonly timeout_s: number | null
  readonly recipe: string
  readonly general_config_id: string | null
  readonly exec_config_id: string | null
  readonly parameters: object
  readonly param_sources: object
  readonly result: object
  readonly valid: boolean
  readonly versions: object
  readonly state_changes: readonly StateChangeJson[]
  readonly tags: readonly string[]
  readonly notes: string
  readonly sweep_id: string | null
  readonly cloned_from: string | null
  readonly pool: string | null
  readonly stale: boolean
}

/** The long parts, read only where one run is shown. */
export interface RunTexts {
  readonly source: string
  readonly report: Buffer | null
  readonly configuration: Buffer
}

export const ATTEMPT_COLUMNS = `a.run_id, a.number, a.state, a.device_id, a.host, a.epoch, a.outcome, a.reason,
  a.dispatched_at, a.claimed_at, a.ended_at, a.stored_samples`

export interface AttemptRow {
  readonly run_id: string
  readonly number: number
  readonly state: AttemptState
  readonly device_id: string
  readonly host: string
  readonly epoch: number
  readonly outcome: string
  readonly reason: string
  readonly dispatched_at: Date
  readonly claimed_at: Date | null
  readonly ended_at: Date | null
  readonly stored_samples: number
}

/**
 * The shards of a run as one JSON column, in order; null for a run that is not divided and runs on a device. What a
 * shard on a device is up to, its own run says.
 */
export const SHARDS_COLUMN = `CASE WHEN r.engine = 'worker' OR r.shards_effective > 1 THEN (
    SELECT jsonb_agg(jsonb_build_object('index', s.index, 'state', coalesce(c.state, s.state), 'requested', s.requested,
        'completed', CASE WHEN c.id IS NULL THEN s.completed WHEN c.state = 'COMPLETED' THEN s.requested
          ELSE least(s.requested, coalesce(s.requested * a.stored_samples / nullif(c.expected_samples, 0), 0)) END,
        'etaS', s.eta_s, 'seed', s.seed, 'attempt', CASE WHEN c.id IS NULL THEN s.attempt ELSE greatest(1, c.attempts) END,
        'workerId', s.worker_id, 'deviceId', coalesce(a.device_id, ''), 'childRunId', coalesce(c.id::text, ''),
        'startedAtMs', ${msOf('coalesce(c.started_at, s.started_at)')}, 'endedAtMs', ${msOf('coalesce(c.ended_at, s.ended_at)')},
        'lastUpdateAtMs', ${msOf('coalesce(a.progress_at, s.last_update_at)')},
        'error', CASE WHEN c.id IS NULL THEN s.error ELSE c.reason END) ORDER BY s.index)
    FROM shard s LEFT JOIN run c ON c.id = s.child_run_id LEFT JOIN attempt a ON a.run_id = c.id AND a.number = c.attempts
    WHERE s.run_id = r.id) END AS shards`

export interface ShardJson extends Omit<Shard, 'state' | 'etaS'> {
  readonly state: RunState
  readonly etaS: number | null
}

export interface ShardsColumn {
  readonly shards: readonly ShardJson[] | null
}

/** What is read with a run, or not. */
export interface RunParts {
  /** In order. */
  readonly attempts: readonly AttemptRow[]
  /** Null: left out, as in lists. */
  readonly texts: RunTexts | null
  /** Null: of a run that is not divided, or left out. */
  readonly shards: readonly ShardJson[] | null
}

/** Problem `state-conflict` for a row of a newer version. */
export function runToProto(stored: RunRow, { attempts, texts, shards }: RunParts): RunMessage {
  const row = upcast(stored)
  const own = shards ?? (texts ? [onlyShard(row, attempts)] : [])
  const completed = own.length > 0 ? sum(own.map((shard) => shard.completed)) : completedWork(row, attempts)
  const eta = isTerminal(row.state) ? null : shards ? etaOf(shards) : row.eta_s
  return {
    id: row.id,
    ownerId: row.owner_id,
    spec: specToProto(row, texts),
    state: runState.toProto(row.state),
    reason: row.reason,
    submittedAtMs: row.submitted_at.getTime(),
    startedAtMs: row.started_at?.getTime() ?? 0,
    endedAtMs: row.ended_at?.getTime() ?? 0,
    cancelRequested: row.cancel_requested_at !== null,
    attempts: attempts.map(attemptToProto),
    storedSamples: attempts.at(-1)?.stored_samples ?? 0,
    expectedSamples: row.expected_samples,
    winningAttempt: row.winning_attempt ?? 0,
    overloads: row.overloads,
    finalValues: row.final_values,
    path: row.path,
    jobType: row.job_type,
    stateChanges: row.state_changes.map(({ at, state, reason }) => ({
      atMs: Date.parse(at),
      state: runState.toProto(state),
      reason,
    })),
    shards: own.map(shardToProto),
    shardsRequested: row.shards_requested,
    shardsEffective: row.shards_effective,
    requestedWork: row.requested_work,
    completedWork: completed,
    ...(eta !== null && { etaS: eta }),
    valid: row.valid,
    partial: row.partial,
    stale: row.stale,
    resultJson: JSON.stringify(row.result),
    parametersJson: JSON.stringify(row.parameters),
    paramSourcesJson: JSON.stringify(row.param_sources),
    versionsJson: JSON.stringify(row.versions),
    generalConfigId: row.general_config_id ?? '',
    execConfigId: row.exec_config_id ?? '',
    projectId: row.project_id ?? '',
    datapointId: row.datapoint_id ?? '',
    inputKind: row.input_kind,
    parentId: row.parent_id ?? '',
    seq: row.seq,
    numChannels: row.num_channels,
    engine: row.engine,
    shardIndex: row.shard_index ?? 0,
    inputJson: '',
    ...(row.sweep_id && { sweepId: row.sweep_id }),
    ...(row.cloned_from && { clonedFrom: row.cloned_from }),
  }
}

export function specToProto(row: RunRow, texts: RunTexts | null): RunSpec {
  const compiled = texts?.report ? CompileReply.decode(texts.report) : null
  const merge = row.merge_policy
  const [project = '', ...below] = row.path.split('/')
  return {
    kind: runKind.toProto(row.kind),
    title: row.title,
    source: texts?.source ?? '',
    configuration: texts && ConfigurationMessage.decode(texts.configuration),
    report: compiled?.report ?? null,
    diagnostics: compiled?.diagnostics ?? [],
    deviceId: row.device_id ?? '',
    deviceClass: deviceClass.toProto(row.device_class),
    opTimeNs: row.op_time_ns,
    icTimeNs: row.ic_time_ns,
    sampleRateHz: row.sample_rate_hz,
    haltOnOverload: row.halt_on_overload,
    maxAttempts: row.max_attempts,
    acceptGaps: row.accept_gaps,
    place:
      row.path === ''
        ? null
        : { project, dataset: below.slice(0, -1).join('/'), name: below.at(-1) ?? '', runNo: row.run_no },
    split: {
      shards: row.shards_requested,
      requestedWork: row.requested_work,
      workUnit: row.work_unit,
      seed: 0,
      merge: {
        mode: merge.mode ?? 'any',
        minFraction: merge.minFraction ?? 1,
        reduce: merge.reduce ?? 'mean',
        byChannel: merge.byChannel ?? {},
      },
    },
    job:
      row.kind === 'job'
        ? { jobType: row.job_type, pool: row.pool ?? '', inputKind: row.input_kind, inputJson: '' }
        : null,
    recipe: row.recipe,
    parametersJson: JSON.stringify(row.parameters),
    timeoutS: row.timeout_s ?? 0,
    tags: row.tags,
    notes: row.notes,
    configJson: '',
    execJson: '',
    halt: row.halt.map(haltToProto),
  }
}

/** The one part of a run that is not divided. */
function onlyShard(row: RunRow, attempts: readonly AttemptRow[]): ShardJson {
  const latest = attempts.at(-1)
  return {
    index: 0,
    state: row.state,
    requested: row.requested_work,
    completed: completedWork(row, attempts),
    etaS: null,
    seed: 0,
    attempt: Math.max(1, attempts.length),
    workerId: '',
    deviceId: latest?.device_id ?? '',
    childRunId: '',
    startedAtMs: row.started_at?.getTime() ?? 0,
    endedAtMs: row.ended_at?.getTime() ?? 0,
    lastUpdateAtMs: (row.ended_at ?? latest?.ended_at ?? latest?.claimed_at ?? row.submitted_at).getTime(),
    error: isTerminal(row.state) ? row.reason : '',
  }
}

/** Of a run on a device: the samples that are stored, in its unit. */
function completedWork(row: RunRow, attempts: readonly AttemptRow[]): number {
  if (row.state === 'COMPLETED' && !row.partial) return row.requested_work
  if (row.engine === 'worker' || row.shards_effective > 1 || row.expected_samples === 0) return row.completed_work
  const stored = attempts.at(-1)?.stored_samples ?? 0
  return Math.min(row.requested_work, Math.floor((row.requested_work * stored) / row.expected_samples))
}

/** The longest of those that are under way; null when none says. */
function etaOf(shards: readonly ShardJson[]): number | null {
  const known = shards.flatMap(({ state, etaS }) => (state === 'RUNNING' && etaS !== null ? [etaS] : []))
  return known.length > 0 ? Math.max(...known) : null
}

function shardToProto({ state, etaS, ...shard }: ShardJson): Shard {
  return { ...shard, state: runState.toProto(state), ...(etaS !== null && !isTerminal(state) && { etaS }) }
}

function attemptToProto(row: AttemptRow): Attempt {
  return {
    number: row.number,
    state: attemptState.toProto(row.state),
    deviceId: row.device_id,
    host: row.host,
    epoch: row.epoch,
    outcome: row.outcome,
    reason: row.reason,
    dispatchedAtMs: row.dispatched_at.getTime(),
    claimedAtMs: row.claimed_at?.getTime() ?? 0,
    endedAtMs: row.ended_at?.getTime() ?? 0,
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

/** SQL: milliseconds since 1970, 0 for none. */
function msOf(time: string): string {
  return `coalesce((extract(epoch FROM ${time}) * 1000)::bigint, 0)`
}

/** The only row of a result that cannot be empty. */
export function only<Row>(rows: readonly Row[]): Row {
  const [row] = rows
  invariant(row !== undefined && rows.length === 1, `one row, not ${rows.length}`)
  return row
}
