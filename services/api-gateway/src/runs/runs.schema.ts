import {
  ATTEMPT_OUTCOMES,
  ATTEMPT_STATES,
  DEVICE_CLASSES,
  INTEGRATOR_RATES,
  RUN_KINDS,
  RUN_LIMITS,
  RUN_STATES,
} from '@lucihub/analog'
import { z } from 'zod'
import { ConfigurationSchema } from './configuration.schema.ts'
import { CompileReportSchema, DiagnosticSchema } from './diagnostic.schema.ts'

const { opTimeNs, icTimeNs, sampleRateHz, attempts, sourceBytes, titleLength } = RUN_LIMITS
const SOURCE_EXAMPLE = 'probe x(t);\nlet diff[x, t](t) = -x(t);\nlet x(t: 0) = 1.0;\n'

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

export const RunSubmissionSchema = z
  .strictObject({
    kind: z.enum(RUN_KINDS).describe('`run` on a machine, `simulate` on a simulator, `compile` only'),
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
    opTimeNs: OpTime,
    icTimeNs: z.int().min(icTimeNs.min).max(icTimeNs.max).default(icTimeNs.default).describe('Length of IC, ns'),
    sampleRateHz: z
      .int()
      .min(sampleRateHz.min)
      .max(sampleRateHz.max)
      .default(sampleRateHz.default)
      .describe('Samples per second and channel'),
    haltOnOverload: z.boolean().default(false).describe('Stop OP at the first overload'),
    maxAttempts: z
      .int()
      .min(attempts.min)
      .max(attempts.max)
      .default(attempts.default)
      .describe('How often the run may be tried'),
    acceptGaps: z.boolean().default(false).describe('Record lost samples instead of failing the attempt'),
    k0: K0.optional(),
  })
  .superRefine(({ source, configuration, apb, circuit, kind }, context) => {
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
  reason: z.string().describe('Why it failed; empty otherwise'),
  deviceClass: z.enum(DEVICE_CLASSES),
  deviceId: z.string().nullable().describe('The device asked for; null for any of the class'),
  opTimeNs: z.int(),
  icTimeNs: z.int(),
  sampleRateHz: z.int(),
  haltOnOverload: z.boolean(),
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
}

export const RunSummarySchema = z.object(runSummary).meta({ id: 'RunSummary', description: 'A run as lists show it' })
export const RunSchema = z
  .object({
    ...runSummary,
    source: z.string().nullable().describe('Null when the configuration was brought ready-made'),
    report: CompileReportSchema.nullable(),
    diagnostics: z.array(DiagnosticSchema),
  })
  .meta({ id: 'Run', description: 'A run. Its configuration and its measurements have their own addresses' })
export type RunSummaryResource = z.output<typeof RunSummarySchema>
export type RunResource = z.output<typeof RunSchema>

export const RunPageSchema = z
  .object({
    runs: z.array(RunSummarySchema),
    nextCursor: z.string().nullable().describe('Pass as `cursor`; null at the end'),
  })
  .meta({ id: 'RunPage', description: 'One page of runs, newest first' })

export const RunFilterSchema = z.strictObject({
  state: commaList(RUN_STATES).describe(`Any of these, comma-separated: ${RUN_STATES.join(', ')}`),
  kind: commaList(RUN_KINDS).describe(`Any of these, comma-separated: ${RUN_KINDS.join(', ')}`),
  device: DeviceReference.optional(),
  cursor: z.string().max(500).optional().describe('`nextCursor` of the page before'),
  limit: z.coerce.number<string>().int().min(1).max(200).default(50),
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
