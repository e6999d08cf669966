/** From a request to the specification of a run: find the device, compile, check against the device's bounds. */
import { LUCIDAC, Problem, violationsOf, type DeviceClass, type RunKind } from '@lucihub/analog'
import {
  configurationToProto,
  deviceClass,
  runKind,
  type CompileReply,
  type ConfigurationMessage,
  type RunSpec,
} from '@lucihub/contracts'
import type { Bus } from '@lucihub/messaging'
import { compilationProblem } from '../http/problem-answer.ts'
import { compile, targetOf, type Target } from './compilation.ts'
import type { RunSubmission } from './runs.schema.ts'

/** Throws `compilation-failed` or `validation-failed`; then nothing is stored anywhere. */
export async function specify(bus: Bus, submission: RunSubmission): Promise<RunSpec> {
  const {
    kind,
    title,
    source = '',
    opTimeNs,
    icTimeNs,
    sampleRateHz,
    haltOnOverload,
    maxAttempts,
    acceptGaps,
  } = submission
  const target = submission.device === undefined ? null : await targetOf(bus, submission.device)
  if (target) checkClass(kind, target)
  const { configuration, report, diagnostics } = await settingsOf(bus, submission, target)
  return {
    kind: runKind.toProto(kind),
    title,
    source,
    configuration,
    report: report ?? null,
    diagnostics,
    deviceId: target?.id ?? '',
    deviceClass: deviceClass.toProto(target?.deviceClass ?? CLASS_OF_KIND[kind]),
    opTimeNs,
    icTimeNs,
    sampleRateHz,
    haltOnOverload,
    maxAttempts,
    acceptGaps,
  }
}

/** What a run without a named device asks for. */
const CLASS_OF_KIND: Readonly<Record<RunKind, DeviceClass>> = {
  run: 'LUCIDAC',
  simulate: 'SIMULATOR',
  compile: 'LUCIDAC',
}

type Settings = Pick<CompileReply, 'report' | 'diagnostics'> & { readonly configuration: ConfigurationMessage }

async function settingsOf(bus: Bus, submission: RunSubmission, target: Target | null): Promise<Settings> {
  const { source, configuration, opTimeNs, k0 } = submission
  if (configuration) {
    const broken = violationsOf(configuration, target?.specification ?? LUCIDAC)
    if (broken.length === 0)
      return { configuration: configurationToProto(configuration), report: null, diagnostics: [] }
    const violations = broken.map((violation) => ({ ...violation, pointer: `/configuration${violation.pointer}` }))
    throw new Problem('validation-failed', `The device cannot carry this configuration: ${broken[0]?.message ?? ''}`, {
      violations,
    })
  }
  const { reply, diagnostics } = await compile(bus, { source: source ?? '', target, opTimeNs, k0 })
  if (!reply.configuration) throw compilationProblem(diagnostics)
  return { configuration: reply.configuration, report: reply.report ?? null, diagnostics: reply.diagnostics }
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
