import {
  ATTEMPT_OUTCOMES,
  ATTEMPT_STATES,
  CROSSING_DIRECTIONS,
  DEVICE_CLASSES,
  HALT_CONDITIONS_MAX,
  INTEGRATOR_RATES,
  RUN_KINDS,
  RUN_LIMITS,
  RUN_STATES,
} from '@lucihub/analog'
import { z } from 'zod'
import { ConfigurationSchema } from './configuration.schema.ts'
import { CompileReportSchema, DiagnosticSchema } from './diagnostic.schema.ts'
import { PARAMETER_PREFIX } from './parameter-filters.ts'
import { division, MergePolicySchema, ShardSchema, StateChangeSchema } from './shards.schema.ts'

const { opTimeNs, icTimeNs, sampleRateHz, attempts, sourceBytes, titleLength, tags, timeoutS, notesLength, runNo } =
  RUN_LIMITS
const SOURCE_EXAMPLE = 'probe x(t);\nlet diff[x, t](t) = -x(t);\nlet x(t: 0) = 1.0;\n'

export const INPUT_KINDS = ['ode', 'circuit', 'files', 'ref'] as const
/** What an input of a kind must say, one of these. */
const INPUT_BODIES = {
  ode: ['source'],
  circuit: ['circuit', 'configuration'],
  files: ['files'],
  ref: ['run', '$ref'],
} as const
const EXPECTED: Readonly<Record<string, 'int' | 'object'>> = { opTimeNs: 'int', input: 'object' }
const JOB_FIELDS = ['jobType', 'inputKind', 'input']
const DEVICE_FIELDS = ['source', 'configuration', 'apb', 'circuit', 'device', 'k0']

export const Source = z
  .string()
  .min(1)
  .refine((text) => Buffer.byteLength(text) <= sourceBytes.max, {
    message: `A program may have at most ${sourceBytes.max} bytes.`,
    params: { remedy: `Shorten it to ${sourceBytes.max} bytes.` },
  })
  .describe(`analang, at most ${sourceBytes.max} bytes`)
  .meta({ example: SOURCE_EXAMPLE })
export const DeviceReference = z.string().min(1).max(200).describe('Device id or name')
export const K0 = z
  .union(INTEGRATOR_RATES.map((rate) => z.literal(rate)))
  .describe('Integrator rate in 1/s; left out, the compiler chooses')
export const OpTime = z
  .int()
  .min(opTimeNs.min)
  .max(opTimeNs.max)
  .describe('Length of OP, ns')
  .meta({ example: 1_000_000_000 })

const NAME = /^[A-Za-z0-9._-]{1,128}$/
const Name = z
  .string()
  .regex(NAME, 'A name has 1 to 128 letters, digits, ".", "_" or "-".')
  .refine((name) => name !== '.' && name !== '..', { message: 'This is no name.', params: { remedy: 'Use another.' } })

/** Where a run goes and what is kept with it. */
const record = {
  project: Name.optional().describe("Slug; left out: the caller's own"),
  dataset: z.string().min(1).max(1_000).optional().describe('Path below the project; left out: `runs`'),
  name: Name.optional().describe('Of the datapoint; left out: made from the number of the run'),
  runNo: z.int().min(1).max(runNo.max).optional().describe('Acquisition session inside the project'),
  tags: z
    .array(
      z
        .string()
        .min(1)
        .max(tags.length)
        .regex(/^[^,\0]*$/, 'A tag has no comma.'),
    )
    .max(tags.max)
    .default([]),
  notes: z.string().max(notesLength.max).default(''),
  timeoutS: z.int().min(timeoutS.min).max(timeoutS.max).optional().describe('Seconds from the start until TIMED_OUT'),
  recipe: z.string().min(1).max(128).optional().describe('Name of the recipe whose parameters these are'),
  parameters: z.record(z.string(), z.unknown()).optional(),
  config: z
    .strictObject({
      title: z.string().max(titleLength.max).optional().describe('Left out: that of the run'),
      date: z.string().max(64).optional(),
      softwareVersion: z.string().max(128).optional(),
    })
    .optional()
    .describe('What the run shares with others, stored once per content'),
  exec: z
    .strictObject({
      env: z.record(z.string().max(256), z.string().max(4_096)).default({}),
      pollIntervalS: z.number().min(0).max(86_400).default(0),
      transports: z.array(z.string().max(200)).max(20).default([]),
    })
    .optional()
    .describe(
      'How it is executed, stored once per content; of the environment only LUCIHUB_, LUTE_ and SLURM_ without secrets',
    ),
}

const job = {
  jobType: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/, 'A type has 1 to 64 letters, digits, ".", "_" or "-".')
    .optional()
    .describe('Of a `job`: what the worker shall do, any word'),
  pool: z.string().min(1).max(128).optional().describe('Of a `job`: the pool whose workers do it'),
  inputKind: z.enum(INPUT_KINDS).optional().describe('Of a `job`'),
  input: z.record(z.string(), z.unknown()).optional().describe('Of a `job`: kept as it is, for the worker'),
}

export const HaltConditionSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('overload') }),
    z.strictObject({
      kind: z.literal('threshold'),
      channel: z.int().min(0).describe('Index of the probe'),
      level: z.number().describe('Physical value'),
      direction: z.enum(CROSSING_DIRECTIONS),
    }),
    z.strictObject({
      kind: z.literal('steadyState'),
      slopeMax: z.number().positive().describe('Machine units per second of op time'),
      durationNs: z.number().min(0).describe('For so long on end, ns'),
    }),
    z.strictObject({
      kind: z.literal('wallClock'),
      limitMs: z.number().positive().describe('Since OP began, ms'),
    }),
  ])
  .meta({ id: 'HaltCondition', description: 'What ends OP before its time' })

export const RunSubmissionSchema = z
  .strictObject({
    kind: z
      .enum(RUN_KINDS)
      .describe('`run` on a machine, `simulate` on a simulator, `compile` only, `job` for a worker'),
    title: z.string().max(titleLength.max).default(''),
    source: Source.optional(),
    configuration: ConfigurationSchema.optional().describe('Instead of a source'),
    apb: z.base64('It is not base64.').min(1).optional().describe('Instead of a source: an .apb file in base64'),
    circuit: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('Instead of a source: circuit JSON as lucipy writes it, or carrier JSON by MAC address'),
    device: DeviceReference.optional().describe(
      'Device id or name; left out: for `run` any of the smallest kind of machine that fits, LUCIDAC or REDAC; for `simulate` any simulator',
    ),
    opTimeNs: OpTime.optional(),
    icTimeNs: z.int().min(icTimeNs.min).max(icTimeNs.max).default(icTimeNs.default).describe('Length of IC, ns'),
    sampleRateHz: z
      .int()
      .min(sampleRateHz.min)
      .max(sampleRateHz.max)
      .default(sampleRateHz.default)
      .describe('Samples per second and channel'),
    haltOnOverload: z.boolean().default(false).describe('Stop OP at the first overload'),
    halt: z
      .array(HaltConditionSchema)
      .max(HALT_CONDITIONS_MAX)
      .default([])
      .describe(
        'What ends OP before its time, whichever is met first; the run is then COMPLETED with that as its reason',
      ),
    maxAttempts: z
      .int()
      .min(attempts.min)
      .max(attempts.max)
      .default(attempts.default)
      .describe('How often the run may be tried'),
    acceptGaps: z.boolean().default(false).describe('Record lost samples instead of failing the attempt'),
    k0: K0.optional(),
    ...division,
    ...record,
    ...job,
  })
  .superRefine((submission, context) => {
    const { source, configuration, apb, circuit, kind } = submission
    const missing = (path: string, message: string, remedy: string): void =>
      context.addIssue({ code: 'custom', path: [path], message, params: { remedy } })
    const [wanted, unwanted] = kind === 'job' ? [neededOfJob(submission), DEVICE_FIELDS] : [['opTimeNs'], JOB_FIELDS]
    for (const path of wanted)
      if (submission[path as keyof typeof submission] === undefined)
        context.addIssue({ code: 'invalid_type', expected: EXPECTED[path] ?? 'string', path: [path], input: undefined })
    for (const path of kind === 'job' ? unwanted : [...unwanted, 'pool'])
      if (submission[path as keyof typeof submission] !== undefined)
        missing(path, `It does not go with the kind "${kind}".`, 'Leave it out.')
    if (kind === 'job') return checkInput(submission, missing)
    const given = [source, configuration, apb, circuit].filter((one) => one !== undefined)
    if (given.length !== 1) {
      context.addIssue({
        code: 'custom',
        path: ['source'],
        message: 'A run needs exactly one of source, configuration, apb and circuit.',
        params: { remedy: 'Send one of the four.' },
      })
    } else if (kind === 'compile' && source === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['source'],
        message: 'There is nothing to compile.',
        params: { remedy: 'Send a `source`.' },
      })
    }
  })
  .meta({ id: 'RunSubmission', description: 'What to run' })
export type RunSubmission = z.output<typeof RunSubmissionSchema>

/** A recipe says the type; its parameters may be all the input there is. */
function neededOfJob({
  recipe,
  inputKind,
  input,
}: {
  recipe?: unknown
  inputKind?: unknown
  input?: unknown
}): string[] {
  if (recipe === undefined) return JOB_FIELDS
  return inputKind === undefined && input === undefined ? [] : ['inputKind', 'input']
}

/** An input of a kind must have the body of that kind. */
function checkInput(
  { inputKind, input = {} }: { readonly inputKind?: string | undefined; readonly input?: object | undefined },
  missing: (path: string, message: string, remedy: string) => void,
): void {
  const body = inputKind === undefined ? undefined : INPUT_BODIES[inputKind as keyof typeof INPUT_BODIES]
  const field = body?.find((name) => name in input)
  if (body && !field)
    missing(
      'input',
      `An input of the kind "${inputKind}" has ${body.join(' or ')}.`,
      `Send \`${body[0]}\` in \`input\`.`,
    )
}

const instant = z.iso.datetime().describe('ISO 8601, UTC')

const AttemptSchema = z
  .object({
    number: z.int(),
    state: z.enum(ATTEMPT_STATES),
    deviceId: z.string(),
    outcome: z.enum(ATTEMPT_OUTCOMES).nullable().describe('Null until it ended'),
    reason: z.string(),
    dispatchedAt: instant,
    claimedAt: instant.nullable(),
    endedAt: instant.nullable(),
  })
  .meta({ id: 'Attempt', description: 'One try at a run on one device' })

const runSummary = {
  id: z.uuid(),
  kind: z.enum(RUN_KINDS),
  title: z.string(),
  state: z.enum(RUN_STATES),
  reason: z.string().describe('Why it failed, or what halted it; empty otherwise'),
  deviceClass: z.enum(DEVICE_CLASSES).nullable().describe('Null for a job'),
  deviceId: z.string().nullable().describe('The device asked for; null for any of the class'),
  opTimeNs: z.int(),
  icTimeNs: z.int(),
  sampleRateHz: z.int(),
  haltOnOverload: z.boolean(),
  halt: z.array(HaltConditionSchema),
  halted: z.string().nullable().describe('The condition that ended a completed run before its time; null without'),
  maxAttempts: z.int(),
  acceptGaps: z.boolean(),
  submittedAt: instant,
  startedAt: instant.nullable(),
  endedAt: instant.nullable(),
  cancelRequested: z.boolean(),
  attempts: z.array(AttemptSchema),
  storedSamples: z.int().describe('Per channel, so far, of the latest attempt'),
  expectedSamples: z.int().describe('Per channel, as the op time asks for'),
  winningAttempt: z.int().nullable().describe("The attempt whose data is the run's result"),
  overloads: z.array(z.int()).describe('Outputs (cluster * 16 + clane) whose overload flag was latched'),
  finalValues: z.array(z.number()).describe('Final values of the M-block outputs, machine units'),
  seq: z.int().describe('Total order of all runs'),
  path: z.string().describe("Of its datapoint, from the project's slug down"),
  projectId: z.uuid().nullable(),
  datapointId: z.uuid().nullable(),
  runNo: z.int().nullable(),
  jobType: z.string(),
  engine: z.enum(['hub', 'worker']).describe("Who does it: the hub's devices, or a worker"),
  executor: z
    .object({ kind: z.enum(['direct', 'pool']), pool: z.string().nullable(), deviceId: z.string().nullable() })
    .describe('Where it is done'),
  executorKind: z.enum(['direct', 'pool']),
  inputKind: z.string(),
  numChannels: z.int(),
  shardsRequested: z.int().describe('As asked for'),
  shardsEffective: z.int().describe('After clamping'),
  workUnit: z.string(),
  requestedWork: z.int().describe('Over all shards; 0 when unknown'),
  completedWork: z.int(),
  progress: z.object({ fraction: z.number().describe('0 to 1') }),
  etaS: z.int().nullable().describe('Seconds; the longest of the running shards. Null when ended or not known'),
  mergePolicy: MergePolicySchema,
  partial: z.boolean().describe('Some shard did not complete'),
  valid: z.boolean(),
  stale: z.boolean().describe('Something it was made from is not valid any more'),
  timeoutS: z.int().nullable(),
  recipe: z.string(),
  tags: z.array(z.string()),
  notes: z.string(),
  parentId: z.uuid().nullable().describe('The run that this is a shard of'),
  sweepId: z.uuid().nullable(),
  clonedFrom: z.uuid().nullable().describe('The run that it repeats'),
}

export const RunSummarySchema = z.object(runSummary).meta({ id: 'RunSummary', description: 'A run as lists show it' })
export const RunSchema = z
  .object({
    ...runSummary,
    source: z.string().nullable().describe('Null when the configuration was brought ready-made'),
    report: CompileReportSchema.nullable(),
    diagnostics: z.array(DiagnosticSchema),
    stateChanges: z.array(StateChangeSchema).describe('All of them, in order; the last is the state'),
    shards: z.array(ShardSchema),
    input: z.record(z.string(), z.unknown()).describe('As it was sent'),
    output: z.record(z.string(), z.unknown()).describe('The result: summary, payload, schemas'),
    parameters: z.record(z.string(), z.unknown()),
    paramSources: z.record(z.string(), z.unknown()).describe('Where each parameter came from'),
    versions: z.record(z.string(), z.unknown()),
    generalConfigId: z.uuid().nullable(),
    execConfigId: z.uuid().nullable(),
    channels: z.string().describe('Address of its channels'),
    logs: z.string().describe('Address of its log'),
  })
  .meta({ id: 'Run', description: 'A run. Its configuration and its measurements have their own addresses' })
export type RunSummaryResource = z.output<typeof RunSummarySchema>
export type RunResource = z.output<typeof RunSchema>

export const RunPageSchema = z
  .object({
    runs: z.array(RunSummarySchema),
    nextCursor: z.string().nullable().describe('Pass as `cursor`; null at the end, and with `page`'),
    total: z.int().nullable().describe('With `page`: of all pages'),
    pageCount: z.int().nullable().describe('With `page`'),
  })
  .meta({ id: 'RunPage', description: 'One page of runs, newest first' })

const integerText = z.coerce.number<string>().int()

export const RunFilterSchema = z
  .object({
    state: commaList(RUN_STATES).describe(`Any of these, comma-separated: ${RUN_STATES.join(', ')}`),
    kind: commaList(RUN_KINDS).describe(`Any of these, comma-separated: ${RUN_KINDS.join(', ')}`),
    device: DeviceReference.optional(),
    project: z.string().max(128).optional().describe('Slug'),
    dataset: z.string().max(1_000).optional().describe('Path below the project; with all datasets in it'),
    recipe: z.string().max(128).optional(),
    job_type: z.string().max(64).optional(),
    run_no: integerText.min(1).max(runNo.max).optional(),
    valid: z
      .enum(['true', 'false'])
      .transform((word) => word === 'true')
      .optional(),
    schema: z.string().max(200).optional().describe('One of the schemas of the result'),
    tag: z
      .string()
      .max(1_000)
      .transform((text) => text.split(','))
      .optional()
      .describe('All of these, comma-separated'),
    pool: z.string().max(128).optional(),
    executor_kind: z.enum(['direct', 'pool']).optional(),
    q: z
      .string()
      .max(200)
      .optional()
      .describe('Words in title, notes, source, tags or path; all of them, each may be the beginning of one'),
    sweep: z.uuid().optional(),
    order_by: z.enum(['submitted_at', 'started_at', 'ended_at', 'title']).default('submitted_at'),
    order: z.enum(['asc', 'desc']).default('desc'),
    cursor: z.string().max(500).optional().describe('`nextCursor` of the page before'),
    limit: integerText.min(1).max(200).default(50),
    page: integerText.min(1).max(1_000_000).optional().describe('From 1; instead of a cursor, with totals'),
    page_size: integerText.min(1).max(200).optional(),
  })
  .catchall(z.unknown())
  .superRefine((filter, context) => {
    const known = Object.keys(RunFilterSchema.shape)
    const keys = Object.keys(filter).filter((key) => !known.includes(key) && !key.startsWith(PARAMETER_PREFIX))
    if (keys.length > 0) context.addIssue({ code: 'unrecognized_keys', keys, input: filter })
  })
  .refine(({ page, cursor }) => page === undefined || cursor === undefined, {
    path: ['cursor'],
    message: 'A list goes by pages or by cursor.',
    params: { remedy: 'Send one of the two.' },
  })
export type RunFilter = z.output<typeof RunFilterSchema>

export const IdempotencyKey = z
  .string()
  .regex(
    /^[\x21-\x7e]{1,200}$/,
    'An Idempotency-Key is 1 to 200 printable ASCII characters without spaces, given once.',
  )
  .optional()

function commaList<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(words)))
    .optional()
}
