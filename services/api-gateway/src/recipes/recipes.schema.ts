import { z } from 'zod'
import { instant, JsonSchemaSchema, NAME_PATTERN, NextCursor, pageQuery } from '../projects/data.schema.ts'

const RecipeName = z.string().regex(NAME_PATTERN, 'A name has 1 to 128 letters, digits, ".", "_" or "-".')
const path = z.string().min(1).max(500).describe('Path, as `a.b[0]`')
const jsonObject = z.record(z.string(), z.unknown())

export const SCOPES = ['dataset-lineage', 'session', 'project'] as const

const SourceSchema = z
  .strictObject({
    recipe: z.string().min(1).max(128).optional().describe('The newest run of this recipe'),
    schema: z.string().min(1).max(200).optional().describe('Or the newest whose result has this schema'),
    param: path.describe('Of its parameters, or `result.payload`, `result.summary.x`, ...'),
    scope: z
      .enum(SCOPES)
      .optional()
      .describe('Dataset and those above it; same project and run number; project. Left out: all three in this order'),
    validOnly: z.boolean().optional().describe('Default true'),
    sameDevice: z.boolean().optional(),
    allowPartial: z.boolean().optional(),
    maxAgeS: z.int().min(1).optional(),
  })
  .meta({ id: 'BindingSource', description: 'One place where a parameter may come from' })

const BindingSchema = z
  .strictObject({
    param: path,
    sources: z.array(SourceSchema).min(1).max(20).describe('The first that has a value counts'),
    required: z.boolean().optional().describe('Refuse the run when none has'),
  })
  .meta({ id: 'Binding', description: 'Where a parameter comes from that is left out' })

const ResultRuleSchema = z
  .strictObject({
    fromParam: path.optional(),
    template: z.string().max(2_000).optional().describe('With parameters in braces: `{out_dir}/{name}`'),
    schemas: z.array(z.string().min(1).max(200)).max(20).optional(),
  })
  .meta({ id: 'ResultRule', description: 'The payload where a worker hands in none, and the schemas it fits' })

const definition = {
  jobType: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/, 'A type has 1 to 64 letters, digits, ".", "_" or "-".')
    .describe('`compile`, `simulate`, `run`, or any word: a recipe makes a type of job known'),
  description: z.string().max(10_000).default(''),
  parameterSchema: JsonSchemaSchema,
  defaults: jsonObject.default({}),
  bindings: z.array(BindingSchema).max(100).default([]),
  result: ResultRuleSchema.default({}),
  hooks: jsonObject.default({}).describe('Kept for the worker'),
}

export const RecipeDefinitionSchema = z
  .strictObject(definition)
  .meta({ id: 'RecipeDefinition', description: 'What a kind of task takes and gives' })
export type RecipeDefinition = z.output<typeof RecipeDefinitionSchema>

export const RecipeSchema = z
  .object({
    name: RecipeName,
    version: z.int(),
    ...definition,
    schemaHash: z.string().describe('sha256 of the schema, hex'),
    createdBy: z.uuid().nullable(),
    createdAt: instant,
  })
  .meta({ id: 'Recipe', description: 'One version of a recipe; it never changes' })
export type RecipeResource = z.output<typeof RecipeSchema>

export const RecipePageSchema = z
  .object({ recipes: z.array(RecipeSchema), nextCursor: NextCursor })
  .meta({ id: 'RecipePage', description: 'Recipes by name, the latest version of each' })
export const RecipeVersionsSchema = z
  .object({ versions: z.array(RecipeSchema) })
  .meta({ id: 'RecipeVersions', description: 'Newest first' })

const version = z.coerce.number<string>().int().min(1).max(2_147_483_647)
export const RecipeQuerySchema = z.strictObject({ version: version.optional().describe('Left out: the latest') })
export type RecipeQuery = z.output<typeof RecipeQuerySchema>

export const SchemaQuerySchema = z.strictObject({
  version: version.optional().describe('Left out: the latest'),
  record: z.uuid().optional().describe('A run: the schema that it was checked with'),
})
export type SchemaQuery = z.output<typeof SchemaQuerySchema>

/** Filters by parameter, `param.a.b=1`, beside those that every table has. */
export const RecordQuerySchema = z
  .object({
    ...pageQuery,
    format: z.enum(['json', 'csv']).default('json'),
    project: z.string().max(128).optional().describe('Slug'),
    run_no: z.coerce.number<string>().int().min(1).max(2_147_483_647).optional(),
    valid: z.enum(['true', 'false']).optional(),
    summary: z.string().max(200).optional().describe('Key that the summary has'),
  })
  .catchall(z.string().max(1_000))
  .superRefine((query, context) => {
    for (const name of Object.keys(query))
      if (!Object.hasOwn(KNOWN, name) && !name.startsWith('param.'))
        context.addIssue({ code: 'unrecognized_keys', keys: [name], path: [], input: query })
  })
export type RecordQuery = z.output<typeof RecordQuerySchema>
const KNOWN = { cursor: 0, limit: 0, format: 0, project: 0, run_no: 0, valid: 0, summary: 0 }

const RecordSchema = z
  .object({
    runId: z.uuid(),
    seq: z.int(),
    submittedAt: instant,
    endedAt: instant.nullable(),
    recipeVersion: z.int().nullable(),
    generalConfigId: z.uuid().nullable(),
    execConfigId: z.uuid().nullable(),
    path: z.string(),
    runNo: z.int().nullable(),
    values: z.record(z.string(), z.unknown()).describe('By column; null where this run has none'),
    result: z.object({
      status: z.string(),
      summary: z.unknown(),
      payload: z.unknown(),
      schemas: z.array(z.string()),
    }),
    valid: z.boolean(),
    stale: z.boolean(),
  })
  .meta({ id: 'RecipeRecord', description: 'A row of the table of a recipe' })
export type RecordResource = z.output<typeof RecordSchema>

export const RecordPageSchema = z
  .object({
    columns: z.array(z.string()).describe('Every parameter that any of the runs has'),
    records: z.array(RecordSchema),
    nextCursor: NextCursor,
  })
  .meta({ id: 'RecordPage', description: 'Oldest first' })
