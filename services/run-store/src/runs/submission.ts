/**
 * From what somebody asked for to what is accepted: defaults filled in, every bound checked, every breach
 * reported at once. Pure: the caller looks up the device first.
 */
import { createHash } from 'node:crypto'
import {
  haltViolations,
  LUCIDAC,
  RUN_KINDS,
  RUN_LIMITS,
  sampleCount,
  violationsOf,
  DEVICE_CLASSES,
  type DeviceClass,
  type DeviceSpecification,
  type HaltCondition,
  type RunKind,
  type Violation,
} from '@lucihub/analog'
import {
  type ConfigurationMessage,
  configurationFromProto,
  deviceClass,
  haltFromProto,
  runKind,
  RunSpec,
  type Job,
} from '@lucihub/contracts'
import { divide, divisionViolations, type Division } from './division.ts'

/** The device that a run names. */
export interface NamedDevice {
  readonly id: string
  readonly deviceClass: DeviceClass
  readonly specification: DeviceSpecification
}

/** What is known about the place a run shall go to. */
export interface Target {
  /** Null: no device is named, or the named one is not known. */
  readonly device: NamedDevice | null
  /** Some device of the class asked for, to check a configuration against when none is named; null when none is known. */
  readonly example: DeviceSpecification | null
  /** Of a job, which its recipe may say for it; left out: as the job says. */
  readonly jobType?: string
}

/** A run that can be accepted. */
export interface Submission {
  readonly kind: RunKind
  readonly configuration: ConfigurationMessage
  readonly deviceId: string | null
  readonly deviceClass: DeviceClass
  readonly opTimeNs: number
  readonly icTimeNs: number
  readonly sampleRateHz: number
  readonly maxAttempts: number
  readonly numChannels: number
  readonly expectedSamples: number
  /** compile, simulate, run, or whatever a job is called. */
  readonly jobType: string
  readonly inputKind: string
  /** Who does it: the hub's own devices, or a worker. */
  readonly engine: 'hub' | 'worker'
  readonly division: Division
  readonly halt: readonly HaltCondition[]
}

export const INPUT_KINDS = ['ode', 'circuit', 'files', 'ref'] as const

const DEFAULT_CLASS: Readonly<Record<RunKind, DeviceClass>> = {
  compile: 'LUCIDAC',
  simulate: 'SIMULATOR',
  run: 'LUCIDAC',
  job: 'SIMULATOR',
}

/** Of a job: nothing of a device. */
const NO_CONFIGURATION: ConfigurationMessage = { carriers: [], probes: [], problemTimePerSecond: 0 }

/** The submission, or why not: never both. */
export function judge(
  spec: RunSpec,
  target: Target,
): { readonly submission: Submission } | { readonly violations: readonly Violation[] } {
  const violations: Violation[] = []
  const report = (pointer: string, value: unknown, message: string, remedy: string): void => {
    violations.push({ pointer, value: String(value).slice(0, 80), message, remedy })
  }
  const within = (
    pointer: string,
    value: number,
    { min, max }: { readonly min: number; readonly max: number },
  ): void => {
    if (!Number.isSafeInteger(value) || value < min || value > max)
      report(pointer, value, 'The value is out of bounds.', `Use a whole number from ${min} to ${max}.`)
  }

  const kind = RUN_KINDS.find((word) => runKind.toProto(word) === spec.kind)
  if (!kind) report('/kind', spec.kind, 'There is no such kind of run.', `Use ${RUN_KINDS.join(', ')}.`)
  checkRecord(spec, report)
  violations.push(...divisionViolations(spec, { onDevice: kind !== 'job' }))
  if (kind === 'job') return judgeJob(spec, { jobType: target.jobType ?? spec.job?.jobType ?? '', found: violations })
  const wanted = wantedClass(spec, target.device)
  if (!wanted)
    report('/deviceClass', spec.deviceClass, 'There is no such device class.', `Use ${DEVICE_CLASSES.join(', ')}.`)
  if (kind === 'simulate' && wanted && wanted !== 'SIMULATOR')
    report('/deviceClass', wanted, 'A simulation needs a simulator.', 'Use SIMULATOR, or the kind "run".')
  if (spec.deviceId !== '' && !target.device)
    report(
      '/deviceId',
      spec.deviceId,
      'There is no such device.',
      'Use the id or the name of a device in the list of devices.',
    )
  if (target.device && wanted && target.device.deviceClass !== wanted)
    report('/deviceClass', wanted, `The device is of class ${target.device.deviceClass}.`, 'Leave one of the two out.')

  checkText('/title', spec.title, RUN_LIMITS.titleLength.max, report)
  checkText('/source', spec.source, RUN_LIMITS.sourceBytes.max, report)
  const { icTimeNs, sampleRateHz, maxAttempts } = withDefaults(spec)
  // A compilation without an op time is scaled for whatever the compiler takes as usual.
  if (kind !== 'compile' || spec.opTimeNs !== 0) within('/opTimeNs', spec.opTimeNs, RUN_LIMITS.opTimeNs)
  within('/icTimeNs', icTimeNs, RUN_LIMITS.icTimeNs)
  within('/sampleRateHz', sampleRateHz, RUN_LIMITS.sampleRateHz)
  within('/maxAttempts', maxAttempts, RUN_LIMITS.attempts)

  const configuration = spec.configuration
  if (!configuration)
    report('/configuration', 'none', 'There is nothing to run.', 'Send a program that compiles, or a configuration.')
  else violations.push(...configurationViolations(configuration, wanted, target))
  const numChannels = kind === 'compile' ? 0 : (configuration?.probes.length ?? 0)
  const halt = spec.halt.map(haltFromProto)
  violations.push(...haltViolations(halt, configuration?.probes.length ?? 0, '/halt'))
  const expectedSamples = sampleCount(spec.opTimeNs, sampleRateHz)
  if (numChannels * expectedSamples > RUN_LIMITS.samples.max)
    report(
      '/sampleRateHz',
      sampleRateHz,
      `The run would take ${numChannels * expectedSamples} samples.`,
      `Take at most ${RUN_LIMITS.samples.max} samples over all channels: lower the rate, shorten the op time or remove probes.`,
    )

  if (violations.length > 0 || !kind || !wanted || !configuration) return { violations }
  return {
    submission: {
      kind,
      configuration,
      deviceId: target.device?.id ?? null,
      deviceClass: wanted,
      opTimeNs: spec.opTimeNs,
      icTimeNs,
      sampleRateHz,
      maxAttempts,
      numChannels,
      expectedSamples,
      jobType: kind,
      inputKind: spec.source === '' ? 'circuit' : 'ode',
      engine: 'hub',
      halt,
      division: divide(kind === 'compile' ? { ...spec, split: null } : spec, { expectedSamples, onDevice: true }),
    },
  }
}

/** A job is for a worker: the hub looks at its frame only. */
function judgeJob(
  spec: RunSpec,
  { jobType, found }: { readonly jobType: string; readonly found: readonly Violation[] },
): { readonly submission: Submission } | { readonly violations: readonly Violation[] } {
  const job: Job = spec.job ?? { jobType: '', pool: '', inputKind: '', inputJson: '' }
  const violations = [...found]
  const report = (pointer: string, value: string, message: string, remedy: string): void => {
    violations.push({ pointer, value: value.slice(0, 80), message, remedy })
  }
  checkText('/title', spec.title, RUN_LIMITS.titleLength.max, (pointer, value, message, remedy) =>
    report(pointer, String(value), message, remedy),
  )
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(jobType))
    report('/jobType', jobType, 'This is no type of job.', 'Use 1 to 64 letters, digits, ".", "_" or "-".')
  if (RUN_KINDS.some((word) => word !== 'job' && word === jobType))
    report('/jobType', jobType, 'The hub does this itself.', `Send the kind "${jobType}".`)
  if (!INPUT_KINDS.some((word) => word === job.inputKind))
    report('/inputKind', job.inputKind, 'There is no such kind of input.', `Use ${INPUT_KINDS.join(', ')}.`)
  if (job.inputJson === '') report('/input', '', 'A job needs its input.', 'Send an `input`.')
  if (Buffer.byteLength(job.inputJson) > RUN_LIMITS.inputBytes.max)
    report('/input', '', 'The input is too long.', `Use at most ${RUN_LIMITS.inputBytes.max} bytes of JSON.`)
  if (violations.length > 0) return { violations }
  return {
    submission: {
      kind: 'job',
      configuration: NO_CONFIGURATION,
      deviceId: null,
      deviceClass: DEFAULT_CLASS.job,
      opTimeNs: 0,
      icTimeNs: 0,
      sampleRateHz: 0,
      maxAttempts: spec.maxAttempts || RUN_LIMITS.attempts.default,
      numChannels: 0,
      expectedSamples: 0,
      jobType,
      inputKind: job.inputKind,
      engine: 'worker',
      halt: [],
      division: divide(spec, { expectedSamples: 0, onDevice: false }),
    },
  }
}

/** What every run may carry along. */
function checkRecord(spec: RunSpec, report: Report): void {
  const { timeoutS, tags, runNo } = RUN_LIMITS
  if (spec.timeoutS !== 0 && spec.timeoutS > timeoutS.max)
    report('/timeoutS', spec.timeoutS, 'The value is out of bounds.', `Use at most ${timeoutS.max}.`)
  if ((spec.place?.runNo ?? 0) > runNo.max)
    report('/runNo', spec.place?.runNo, 'The value is out of bounds.', `Use at most ${runNo.max}.`)
  if (spec.tags.length > tags.max)
    report('/tags', spec.tags.length, 'There are too many tags.', `Use at most ${tags.max}.`)
  spec.tags.forEach((tag, at) => {
    if (tag === '' || tag.length > tags.length || /[\0,]/.test(tag))
      report(`/tags/${at}`, tag, 'This is no tag.', `Use 1 to ${tags.length} characters, no comma.`)
  })
  checkText('/notes', spec.notes, RUN_LIMITS.notesLength.max, report)
  checkText('/parameters', spec.parametersJson, RUN_LIMITS.inputBytes.max, report)
  checkText('/recipe', spec.recipe, 128, report)
}

type Report = (pointer: string, value: unknown, message: string, remedy: string) => void

/** The class that a run asks for: said, or that of its device, or usual for its kind. Null for a number without a word. */
export function wantedClass(spec: RunSpec, device: { readonly deviceClass: DeviceClass } | null): DeviceClass | null {
  if (spec.deviceClass !== 0)
    return DEVICE_CLASSES.find((word) => deviceClass.toProto(word) === spec.deviceClass) ?? null
  if (device) return device.deviceClass
  const kind = RUN_KINDS.find((word) => runKind.toProto(word) === spec.kind)
  return DEFAULT_CLASS[kind ?? 'run']
}

/**
 * What an idempotency key stands for: sha256 over the request without what was computed from it. A source
 * compiled twice may give different lanes, so its configuration and report do not count; one brought
 * ready-made does.
 */
export function specHash(spec: RunSpec): Buffer {
  const { icTimeNs, sampleRateHz, maxAttempts } = withDefaults(spec)
  const asked: RunSpec = {
    place: spec.place ?? null,
    split: spec.split ?? null,
    job: spec.job ?? null,
    recipe: spec.recipe,
    parametersJson: spec.parametersJson,
    timeoutS: spec.timeoutS,
    tags: spec.tags,
    notes: spec.notes,
    configJson: spec.configJson,
    execJson: spec.execJson,
    kind: spec.kind,
    title: spec.title,
    source: spec.source,
    diagnostics: [],
    report: null,
    configuration: spec.source === '' ? (spec.configuration ?? null) : null,
    deviceId: spec.deviceId,
    deviceClass: spec.deviceClass,
    opTimeNs: spec.opTimeNs,
    icTimeNs,
    sampleRateHz,
    haltOnOverload: spec.haltOnOverload,
    maxAttempts,
    acceptGaps: spec.acceptGaps,
    halt: spec.halt,
  }
  return createHash('sha256').update(RunSpec.encode(asked)).digest()
}

function withDefaults(spec: RunSpec): { icTimeNs: number; sampleRateHz: number; maxAttempts: number } {
  return {
    icTimeNs: spec.icTimeNs || RUN_LIMITS.icTimeNs.default,
    sampleRateHz: spec.sampleRateHz || RUN_LIMITS.sampleRateHz.default,
    maxAttempts: spec.maxAttempts || RUN_LIMITS.attempts.default,
  }
}

function configurationViolations(
  message: ConfigurationMessage,
  wanted: DeviceClass | null,
  { device, example }: Target,
): Violation[] {
  const specification = device?.specification ?? (wanted === 'REDAC' ? example : LUCIDAC)
  if (!specification)
    return [
      {
        pointer: '/deviceClass',
        value: 'REDAC',
        message: 'No REDAC is known, so the configuration cannot be checked.',
        remedy: 'Wait until one was seen, or name another class.',
      },
    ]
  try {
    return violationsOf(configurationFromProto(message), specification).map((violation) => ({
      ...violation,
      pointer: `/configuration${violation.pointer}`,
    }))
  } catch {
    // An enumeration value without a word: the sender speaks another version of the contract.
    return [
      {
        pointer: '/configuration',
        value: '',
        message: 'The configuration names a block or operation that does not exist.',
        remedy: 'Use the kinds of block that the device describes.',
      },
    ]
  }
}

function checkText(pointer: string, text: string, max: number, report: Report): void {
  if (Buffer.byteLength(text) > max)
    report(pointer, `${text.slice(0, 20)}…`, `The text has ${Buffer.byteLength(text)} bytes.`, `Use at most ${max}.`)
  if (text.includes('\0')) report(pointer, 'U+0000', 'The text contains a NUL character.', 'Remove it.')
}
