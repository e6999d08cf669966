import { RUN_STATES } from '@lucihub/analog'
import { z } from 'zod'
import { instant, NextCursor, pageQuery } from '../projects/data.schema.ts'
import { SCOPES } from '../recipes/recipes.schema.ts'

export const GeneralConfigSchema = z
  .object({
    id: z.uuid().describe('Made of the content: the same content has the same id'),
    title: z.string(),
    project: z.string().describe('Slug; empty: of no project'),
    runNo: z.int().nullable(),
    date: z.string(),
    softwareVersion: z.string(),
    timeoutS: z.int().nullable(),
    createdAt: instant,
  })
  .meta({ id: 'GeneralConfig', description: 'What runs have in common, once per content' })

export const ExecConfigSchema = z
  .object({
    id: z.uuid(),
    env: z.record(z.string(), z.string()).describe('Allowed names only, nothing that looks like a secret'),
    pollIntervalS: z.number(),
    transports: z.array(z.string()),
    createdAt: instant,
  })
  .meta({ id: 'ExecConfig', description: 'How runs were executed, once per content' })

export const ValidityChangeSchema = z
  .strictObject({
    valid: z.boolean(),
    reason: z.string().max(2_000),
    cascade: z.boolean().default(false).describe('With false: also everything made from it that you may change'),
  })
  .meta({ id: 'ValidityChange', description: 'A judgement on a run that is over' })
export type ValidityChange = z.output<typeof ValidityChangeSchema>

export const ValidityChangedSchema = z
  .object({ valid: z.boolean(), changed: z.array(z.uuid()).describe('Runs that changed') })
  .meta({ id: 'ValidityChanged', description: 'What became of it' })

export const ValiditySchema = z
  .object({
    valid: z.boolean(),
    stale: z.boolean().describe('Something it was made from is not valid any more'),
    events: z.array(z.object({ seq: z.int(), valid: z.boolean(), reason: z.string(), actor: z.string(), at: instant })),
  })
  .meta({ id: 'Validity', description: 'Whether a run may be built upon, and who said so' })

const LineageEntrySchema = z
  .object({
    runId: z.uuid(),
    seq: z.int(),
    path: z.string(),
    recipe: z.string(),
    state: z.enum(RUN_STATES),
    valid: z.boolean(),
    stale: z.boolean(),
    distance: z.int().describe('Steps away'),
    via: z.array(z.string()).describe('Of a direct one: the parameters that came along, or `input`'),
  })
  .meta({ id: 'LineageEntry', description: 'A run in the lineage of another' })

export const LineageSchema = z
  .object({
    run: LineageEntrySchema,
    ancestors: z.array(LineageEntrySchema).describe('What it was made from, the nearest first'),
    descendants: z.array(LineageEntrySchema).describe('What was made from it'),
    truncated: z.boolean(),
  })
  .meta({ id: 'Lineage', description: 'Where a run comes from and where it went' })

export const RunRecordSchema = z
  .object({
    runId: z.uuid(),
    recipe: z.string(),
    status: z.enum(RUN_STATES),
    valid: z.boolean(),
    stale: z.boolean(),
    parameters: z.record(z.string(), z.unknown()),
    paramSources: z.record(z.string(), z.unknown()),
    result: z.record(z.string(), z.unknown()).describe('summary, payload, schemas'),
    versions: z.record(z.string(), z.unknown()),
    generalConfigId: z.uuid().nullable(),
    execConfigId: z.uuid().nullable(),
  })
  .meta({ id: 'RunRecord', description: 'What stays of a run beside its measurements' })

export const LatestQuerySchema = z
  .strictObject({
    task: z.string().min(1).max(128).optional().describe('Name of a recipe'),
    schema: z.string().min(1).max(200).optional().describe('Or a schema of the result'),
    param: z.string().min(1).max(500).describe('Path of a parameter, or `result.payload`, `result.summary.x`, ...'),
    valid_only: z.enum(['true', 'false']).default('true'),
    allow_partial: z.enum(['true', 'false']).default('false'),
    run_no: z.coerce.number<string>().int().min(1).max(2_147_483_647).optional(),
    dataset: z.string().min(1).max(1_000).optional().describe('Path below the project, for `dataset-lineage`'),
    max_age_s: z.coerce.number<string>().int().min(1).max(2_147_483_647).optional(),
    scope: z.enum(SCOPES).optional().describe('Left out: as `dataset` or `run_no` say, otherwise the whole project'),
  })
  .superRefine(({ task, schema, scope, dataset, run_no: runNo }, context) => {
    const missing = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message, params: { remedy: 'Add it.' } })
    if ((task === undefined) === (schema === undefined)) missing('task', 'Ask for a task or for a schema.')
    if (scope === 'dataset-lineage' && dataset === undefined) missing('dataset', 'The scope needs a dataset.')
    if (scope === 'session' && runNo === undefined) missing('run_no', 'The scope needs a run number.')
  })
export type LatestQuery = z.output<typeof LatestQuerySchema>

export const LatestSchema = z
  .object({
    value: z.unknown(),
    runId: z.uuid(),
    seq: z.int(),
    valid: z.boolean(),
    path: z.string(),
    endedAt: instant,
  })
  .meta({ id: 'Latest', description: 'The newest value: of the matching run with the greatest number' })

export const WorkerRecordSchema = z
  .strictObject({
    summary: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
    payload: z
      .unknown()
      .optional()
      .describe('JSON of at most 64 KiB, or `{"$artifact": <name or id of a file of the run>}`'),
    schemas: z.array(z.string().min(1).max(200)).max(20).optional(),
  })
  .meta({ id: 'WorkerRecord', description: 'The outcome of a run; what is left out stays as the recipe made it' })
export type WorkerRecord = z.output<typeof WorkerRecordSchema>

export const RecordedSchema = z
  .object({ result: z.record(z.string(), z.unknown()) })
  .meta({ id: 'Recorded', description: 'The result as it is stored' })

export const RejectedQuerySchema = z.strictObject({ ...pageQuery, recipe: z.string().max(128).optional() })
export type RejectedQuery = z.output<typeof RejectedQuerySchema>

export const RejectedPageSchema = z
  .object({
    submissions: z.array(
      z.object({
        id: z.uuid(),
        at: instant,
        ownerId: z.string(),
        recipe: z.string(),
        body: z.record(z.string(), z.unknown()),
        violations: z.array(z.record(z.string(), z.unknown())),
      }),
    ),
    nextCursor: NextCursor,
  })
  .meta({ id: 'RejectedPage', description: 'Submissions that were refused, newest first' })
