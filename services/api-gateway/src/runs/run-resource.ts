/** A run as the bus tells it, as a resource of the HTTP API. */
import { ATTEMPT_OUTCOMES, invariant } from '@lucihub/analog'
import {
  attemptState,
  deviceClass,
  diagnosticFromProto,
  reportFromProto,
  runKind,
  runState,
  type Attempt,
  type RunMessage,
} from '@lucihub/contracts'
import { diagnosticResource } from './diagnostic.schema.ts'
import type { RunResource, RunSummaryResource } from './runs.schema.ts'

export function runSummary(run: RunMessage): RunSummaryResource {
  const { spec } = run
  invariant(spec, 'a run has a specification')
  return {
    id: run.id,
    kind: runKind.fromProto(spec.kind),
    title: spec.title,
    state: runState.fromProto(run.state),
    reason: run.reason,
    deviceClass: deviceClass.fromProto(spec.deviceClass),
    deviceId: spec.deviceId || null,
    opTimeNs: spec.opTimeNs,
    icTimeNs: spec.icTimeNs,
    sampleRateHz: spec.sampleRateHz,
    haltOnOverload: spec.haltOnOverload,
    maxAttempts: spec.maxAttempts,
    acceptGaps: spec.acceptGaps,
    submittedAt: instant(run.submittedAtMs),
    startedAt: instantOrNull(run.startedAtMs),
    endedAt: instantOrNull(run.endedAtMs),
    cancelRequested: run.cancelRequested,
    attempts: run.attempts.map(attemptResource),
    storedSamples: run.storedSamples,
    expectedSamples: run.expectedSamples,
    winningAttempt: run.winningAttempt || null,
    overloads: [...run.overloads],
    finalValues: [...run.finalValues],
  }
}

export function runResource(run: RunMessage): RunResource {
  const { spec } = run
  invariant(spec, 'a run has a specification')
  return {
    ...runSummary(run),
    source: spec.source || null,
    report: spec.report ? reportFromProto(spec.report) : null,
    diagnostics: spec.diagnostics.map((diagnostic) => diagnosticResource(diagnosticFromProto(diagnostic), spec.source)),
  }
}

function attemptResource(attempt: Attempt): RunResource['attempts'][number] {
  const { number, state, deviceId, outcome, reason, dispatchedAtMs, claimedAtMs, endedAtMs } = attempt
  return {
    number,
    deviceId,
    reason,
    state: attemptState.fromProto(state),
    outcome: ATTEMPT_OUTCOMES.find((known) => known === outcome) ?? null,
    dispatchedAt: instant(dispatchedAtMs),
    claimedAt: instantOrNull(claimedAtMs),
    endedAt: instantOrNull(endedAtMs),
  }
}

/** ISO 8601 of milliseconds since 1970. */
export function instant(ms: number): string {
  return new Date(ms).toISOString()
}

function instantOrNull(ms: number): string | null {
  return ms === 0 ? null : instant(ms)
}
