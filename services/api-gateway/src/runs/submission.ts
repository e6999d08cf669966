/** From a request to the specification of a run: find the device, compile, check against the device's bounds. */
import {
  LUCIDAC,
  Problem,
  deviceClassOf,
  haltViolations,
  movedTo,
  presumedSpecification,
  violationsOf,
  type Configuration,
  type DeviceClass,
  type DeviceSpecification,
  type HaltCondition,
  type RunKind,
  type Violation,
} from '@lucihub/analog'
import {
  configurationFromProto,
  configurationToProto,
  deviceClass,
  haltToProto,
  runKind,
  type CompileReply,
  type ConfigurationMessage,
  type HaltConditionMessage,
  type RunSpec,
} from '@lucihub/contracts'
import { readCircuitFile, type CircuitFile } from '@lucihub/device/files'
import type { Bus } from '@lucihub/messaging'
import { compilationProblem } from '../http/problem-answer.ts'
import { compile, STANDARD_DEVICE, targetOf, type Target } from './compilation.ts'
import type { RunSubmission } from './runs.schema.ts'

/** Throws `compilation-failed` or `validation-failed`; then nothing is stored anywhere. */
export async function specify(bus: Bus, submission: RunSubmission): Promise<RunSpec> {
  const {
    kind,
    title,
    source = '',
    opTimeNs = 0,
    icTimeNs,
    sampleRateHz,
    haltOnOverload,
    maxAttempts,
    acceptGaps,
  } = submission
  if (kind === 'job') return jobSpec(submission)
  const target = submission.device === undefined ? null : await targetOf(bus, submission.device)
  if (target) checkClass(kind, target)
  const { configuration, report, diagnostics } = await settingsOf(bus, submission, target)
  return {
    ...recordOf(submission),
    kind: runKind.toProto(kind),
    title,
    source,
    configuration,
    report: report ?? null,
    diagnostics,
    deviceId: target?.id ?? '',
    deviceClass: deviceClass.toProto(target?.deviceClass ?? classFor(kind, configuration)),
    opTimeNs,
    icTimeNs,
    sampleRateHz,
    haltOnOverload,
    halt: halting(submission.halt, configuration),
    maxAttempts,
    acceptGaps,
  }
}

/** Against the probes, which only the compiled configuration knows. */
function halting(conditions: readonly HaltCondition[], { probes }: ConfigurationMessage): HaltConditionMessage[] {
  const violations = haltViolations(conditions, probes.length, '/halt')
  if (violations.length > 0) throw new Problem('validation-failed', 'The run cannot be halted so.', { violations })
  return conditions.map(haltToProto)
}

/** For a worker: nothing is compiled, the input is kept as it is. */
function jobSpec(submission: RunSubmission): RunSpec {
  const { title, maxAttempts, jobType = '', pool = '', inputKind = 'files', input = { files: {} } } = submission
  return {
    ...recordOf(submission),
    kind: runKind.toProto('job'),
    title,
    source: '',
    configuration: null,
    report: null,
    diagnostics: [],
    deviceId: '',
    deviceClass: deviceClass.toProto('SIMULATOR'),
    opTimeNs: 0,
    icTimeNs: 0,
    sampleRateHz: 0,
    haltOnOverload: false,
    halt: [],
    maxAttempts,
    acceptGaps: false,
    job: { jobType, pool, inputKind, inputJson: JSON.stringify(input) },
  }
}

type SpecRecord = Pick<
  RunSpec,
  'place' | 'split' | 'job' | 'recipe' | 'parametersJson' | 'timeoutS' | 'tags' | 'notes' | 'configJson' | 'execJson'
>

/** Where the run goes, how it is divided, and what is kept with it. */
function recordOf(submission: RunSubmission): SpecRecord {
  const { project, dataset, name, runNo, shards, requestedWork, workUnit, merge, seed, parameters } = submission
  const placed = [project, dataset, name, runNo].some((given) => given !== undefined)
  const divided = [shards, requestedWork, workUnit, merge, seed].some((given) => given !== undefined)
  return {
    place: placed ? { project: project ?? '', dataset: dataset ?? '', name: name ?? '', runNo: runNo ?? 0 } : null,
    split: divided
      ? {
          shards: shards ?? 1,
          requestedWork: requestedWork ?? 0,
          workUnit: workUnit ?? '',
          merge: merge ?? null,
          seed: seed ?? 0,
        }
      : null,
    job: null,
    recipe: submission.recipe ?? '',
    parametersJson: parameters === undefined ? '' : JSON.stringify(parameters),
    timeoutS: submission.timeoutS ?? 0,
    tags: submission.tags,
    notes: submission.notes,
    configJson: submission.config === undefined ? '' : JSON.stringify(submission.config),
    execJson: submission.exec === undefined ? '' : JSON.stringify(submission.exec),
  }
}

/** What a run without a named device asks for: a machine of the kind that its configuration was made for. */
function classFor(kind: RunKind, configuration: ConfigurationMessage): DeviceClass {
  return kind === 'simulate' ? 'SIMULATOR' : deviceClassOf(presumedSpecification(configurationFromProto(configuration)))
}

type Settings = Pick<CompileReply, 'report' | 'diagnostics'> & { readonly configuration: ConfigurationMessage }

async function settingsOf(bus: Bus, submission: RunSubmission, target: Target | null): Promise<Settings> {
  const { source, opTimeNs = 0, k0 } = submission
  const brought = broughtBy(submission, target?.specification ?? LUCIDAC)
  if (brought) return { configuration: configurationToProto(brought), report: null, diagnostics: [] }
  const isBound = target !== null || submission.kind === 'simulate'
  const description = isBound ? (target?.description ?? STANDARD_DEVICE) : null
  const { reply, diagnostics } = await compile(bus, { source: source ?? '', description, opTimeNs, k0 })
  if (!reply.configuration) throw compilationProblem(diagnostics)
  return { configuration: reply.configuration, report: reply.report ?? null, diagnostics: reply.diagnostics }
}

/**
 * The configuration that came ready-made, in whatever form; null for a source. Pointers into it continue the pointer to
 * its field: `/apb/carriers/0/…` is a place in what the file says.
 */
function broughtBy(
  { configuration, apb, circuit }: RunSubmission,
  specification: DeviceSpecification,
): Configuration | null {
  if (configuration) return fitting(configuration, { specification, at: '/configuration' })
  const at = apb === undefined ? '/circuit' : '/apb'
  const content = apb === undefined ? circuit : Buffer.from(apb, 'base64')
  if (content === undefined) return null
  const read = fileOf(content, at)
  if (!read.configuration) throw refusal(`What ${at} holds cannot be read`, read.violations, at)
  return fitting(movedTo(read.configuration, specification), { specification, at })
}

function fileOf(content: Uint8Array | object, at: string): CircuitFile {
  try {
    return readCircuitFile(content)
  } catch (failure) {
    if (!(failure instanceof Problem)) throw failure
    const { message } = failure
    const remedy = 'Send a file that POST /api/v1/circuits/inspect recognises.'
    throw new Problem('validation-failed', message, { violations: [{ pointer: at, value: '', message, remedy }] })
  }
}

function fitting(
  configuration: Configuration,
  { specification, at }: { specification: DeviceSpecification; at: string },
): Configuration {
  const violations = violationsOf(configuration, specification)
  if (violations.length > 0) throw refusal('The device cannot carry this configuration', violations, at)
  return configuration
}

function refusal(what: string, violations: readonly Violation[], at: string): Problem {
  return new Problem('validation-failed', `${what}: ${violations[0]?.message ?? ''}`, {
    violations: violations.map((violation) => ({ ...violation, pointer: `${at}${violation.pointer}` })),
  })
}

function checkClass(kind: RunKind, { deviceClass: found }: Target): void {
  if (kind === 'compile' || (kind === 'simulate') === (found === 'SIMULATOR')) return
  const remedy =
    kind === 'simulate' ? 'Send kind `run`, or name a simulator.' : 'Send kind `simulate`, or name a machine.'
  const message = `It is of class ${found}, which is not what \`${kind}\` runs on.`
  throw new Problem('validation-failed', `A ${kind} cannot use this device.`, {
    violations: [{ pointer: '/device', value: found, message, remedy }],
  })
}
