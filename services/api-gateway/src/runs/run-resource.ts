/** A run as the bus tells it, as a resource of the HTTP API. */
import { ATTEMPT_OUTCOMES, invariant, type RunState } from '@lucihub/analog'
import {
  attemptState,
  deviceClass,
  diagnosticFromProto,
  haltFromProto,
  reportFromProto,
  runKind,
  runState,
  type Attempt,
  type RunMessage,
  type Shard,
} from '@lucihub/contracts'
import { diagnosticResource } from './diagnostic.schema.ts'
import type { RunResource, RunSummaryResource } from './runs.schema.ts'
import { MergePolicySchema } from './shards.schema.ts'

export function runSummary(run: RunMessage): RunSummaryResource {
  const { spec } = run
  invariant(spec, 'a run has a specification')
  const kind = runKind.fromProto(spec.kind)
  const state = runState.fromProto(run.state)
  const executorKind = spec.job?.pool ? 'pool' : 'direct'
  return {
    id: run.id,
    kind,
    title: spec.title,
    state,
    reason: run.reason,
    deviceClass: kind === 'job' ? null : deviceClass.fromProto(spec.deviceClass),
    deviceId: spec.deviceId || null,
    opTimeNs: spec.opTimeNs,
    icTimeNs: spec.icTimeNs,
    sampleRateHz: spec.sampleRateHz,
    haltOnOverload: spec.haltOnOverload,
    halt: spec.halt.map(haltFromProto),
    halted: state === 'COMPLETED' ? run.reason || null : null,
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
    seq: run.seq,
    path: run.path,
    projectId: run.projectId || null,
    datapointId: run.datapointId || null,
    runNo: spec.place?.runNo || null,
    jobType: run.jobType,
    engine: run.engine === 'worker' ? 'worker' : 'hub',
    executor: {
      kind: executorKind,
      pool: spec.job?.pool || null,
      deviceId: run.attempts.at(-1)?.deviceId ?? (spec.deviceId || null),
    },
    executorKind,
    inputKind: run.inputKind,
    numChannels: run.numChannels,
    shardsRequested: run.shardsRequested,
    shardsEffective: run.shardsEffective,
    workUnit: spec.split?.workUnit || 'samples',
    requestedWork: run.requestedWork,
    completedWork: run.completedWork,
    progress: { fraction: fractionOf(run, state) },
    etaS: run.etaS ?? null,
    mergePolicy: mergePolicyOf(run),
    partial: run.partial,
    valid: run.valid,
    stale: run.stale,
    timeoutS: spec.timeoutS || null,
    recipe: spec.recipe,
    tags: [...spec.tags],
    notes: spec.notes,
    parentId: run.parentId || null,
    sweepId: run.sweepId ?? null,
    clonedFrom: run.clonedFrom ?? null,
  }
}

function mergePolicyOf({ spec }: RunMessage): RunSummaryResource['mergePolicy'] {
  const merge = spec?.split?.merge
  if (!merge) return MergePolicySchema.parse({})
  const { mode, minFraction, reduce, byChannel } = merge
  return MergePolicySchema.parse({ mode, minFraction, reduce, byChannel: { ...byChannel } })
}

/** 1 exactly when all is done; a run that completed without telling its work is done too. */
function fractionOf({ requestedWork, completedWork, partial }: RunMessage, state: RunState): number {
  if (state === 'COMPLETED' && !partial) return 1
  return requestedWork > 0 ? Math.min(1, completedWork / requestedWork) : 0
}

export function runResource(run: RunMessage): RunResource {
  const { spec } = run
  invariant(spec, 'a run has a specification')
  return {
    ...runSummary(run),
    source: spec.source || null,
    report: spec.report ? reportFromProto(spec.report) : null,
    diagnostics: spec.diagnostics.map((diagnostic) => diagnosticResource(diagnosticFromProto(diagnostic), spec.source)),
    stateChanges: run.stateChanges.map(({ atMs, state, reason }) => ({
      at: instant(atMs),
      state: runState.fromProto(state),
      reason,
    })),
    shards: run.shards.map(shardResource),
    input: run.inputJson === '' ? inputOf(run) : jsonObject(run.inputJson),
    output: jsonObject(run.resultJson),
    parameters: jsonObject(run.parametersJson),
    paramSources: jsonObject(run.paramSourcesJson),
    versions: jsonObject(run.versionsJson),
    generalConfigId: run.generalConfigId || null,
    execConfigId: run.execConfigId || null,
    channels: `/api/v1/runs/${run.id}/channels`,
    logs: `/api/v1/runs/${run.id}/logs`,
  }
}

/** What a run of the hub was made from; a configuration has its own address. */
function inputOf({ id, spec }: RunMessage): Record<string, unknown> {
  return spec?.source ? { source: spec.source } : { configuration: `/api/v1/runs/${id}/configuration` }
}

function shardResource(shard: Shard): RunResource['shards'][number] {
  const { index, requested, completed, seed, attempt, workerId, deviceId, error } = shard
  return {
    index,
    state: runState.fromProto(shard.state),
    requested,
    completed,
    etaS: shard.etaS ?? null,
    seed,
    attempt,
    workerId,
    deviceId,
    childRunId: shard.childRunId || null,
    startedAt: instantOrNull(shard.startedAtMs),
    endedAt: instantOrNull(shard.endedAtMs),
    lastUpdateAt: instantOrNull(shard.lastUpdateAtMs),
    error,
  }
}

/** JSON that the store wrote. */
export function jsonObject(text: string): Record<string, unknown> {
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
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
