/** Rows of `run` and `attempt` as messages. */
import { invariant, type AttemptState, type DeviceClass, type RunKind, type RunState } from '@lucihub/analog'
import {
  attemptState,
  CompileReply,
  ConfigurationMessage,
  deviceClass,
  runKind,
  runState,
  type Attempt,
  type RunMessage,
  type RunSpec,
} from '@lucihub/contracts'

/** Everything of a run but its source, report and configuration. */
export const RUN_COLUMNS = `r.id, r.seq, r.owner_id, r.kind, r.title, r.device_id, r.device_class, r.op_time_ns, r.ic_time_ns,
  r.sample_rate_hz, r.halt_on_overload, r.max_attempts, r.accept_gaps, r.num_channels, r.expected_samples, r.state, r.reason,
  r.winning_attempt, r.overloads, r.final_values, r.cancel_requested_at, r.submitted_at, r.started_at, r.ended_at`

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

/** `texts` null: left out, as in lists. `attempts` in order. */
export function runToProto(
  row: RunRow,
  { attempts, texts }: { readonly attempts: readonly AttemptRow[]; readonly texts: RunTexts | null },
): RunMessage {
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
  }
}

export function specToProto(row: RunRow, texts: RunTexts | null): RunSpec {
  const compiled = texts?.report ? CompileReply.decode(texts.report) : null
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
  }
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

/** The only row of a result that cannot be empty. */
export function only<Row>(rows: readonly Row[]): Row {
  const [row] = rows
  invariant(row !== undefined && rows.length === 1, `one row, not ${rows.length}`)
  return row
}
