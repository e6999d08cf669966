import { z } from 'zod'
import { DatapointSchema } from '../datapoints/datapoints.schema.ts'
import { DatasetSchema } from '../datasets/datasets.schema.ts'
import { DataSchema, instant, Name, NextCursor } from './data.schema.ts'

const ROLES = ['viewer', 'editor', 'owner'] as const

export const ProjectCreationSchema = z
  .strictObject({
    slug: Name.describe('Unique in the hub; paths begin with it').meta({ example: 'oscillators' }),
    title: z.string().max(200).default(''),
    data: DataSchema.optional(),
  })
  .meta({ id: 'ProjectCreation', description: 'A new project; you will be its owner' })
export type ProjectCreation = z.output<typeof ProjectCreationSchema>

const summary = {
  id: z.uuid(),
  slug: z.string(),
  title: z.string(),
  ownerId: z.uuid().describe('Who made it'),
  role: z.enum(ROLES).describe('What you may do: viewers read, editors write, owners say who may'),
  dataVersion: z.int(),
  createdAt: instant,
}
export const ProjectSummarySchema = z
  .object(summary)
  .meta({ id: 'ProjectSummary', description: 'A project as lists show it' })
export const ProjectSchema = z
  .object({
    ...summary,
    data: DataSchema,
    datasets: z.array(z.string()).describe('Names of its top datasets, the first 1000'),
  })
  .meta({ id: 'Project', description: 'The root of a tree of datasets' })
export type ProjectSummaryResource = z.output<typeof ProjectSummarySchema>
export type ProjectResource = z.output<typeof ProjectSchema>

export const ProjectPageSchema = z
  .object({ projects: z.array(ProjectSummarySchema), nextCursor: NextCursor })
  .meta({ id: 'ProjectPage', description: 'Projects in the order they were made' })

export const MemberListSchema = z
  .object({ members: z.array(z.object({ userId: z.uuid(), username: z.string(), role: z.enum(ROLES) })) })
  .meta({ id: 'MemberList', description: 'Who may do what in a project, by name' })

export const MembershipSchema = z
  .strictObject({ role: z.enum(ROLES) })
  .meta({ id: 'Membership', description: 'What a user may do in a project' })
export type Membership = z.output<typeof MembershipSchema>

export const ResolveQuerySchema = z.strictObject({
  path: z
    .string()
    .max(4096)
    .default('')
    .describe('Below the project, e.g. `a/b/p`; slashes at the ends and doubled ones do not count'),
  kind: z
    .enum(['dataset', 'datapoint'])
    .optional()
    .describe('Where a dataset and a datapoint have the same path; left out: the dataset'),
})
export type ResolveQuery = z.output<typeof ResolveQuerySchema>

export const ResolvedSchema = z
  .object({
    kind: z.enum(['project', 'dataset', 'datapoint']),
    id: z.uuid(),
    path: z.string().describe("From the project's slug down"),
    project: ProjectSummarySchema.optional(),
    dataset: DatasetSchema.optional(),
    datapoint: DatapointSchema.optional(),
  })
  .meta({ id: 'Resolved', description: 'What lies at a path' })

export interface TreeEntryResource {
  readonly id: string
  readonly name: string
  readonly path: string
  readonly datapoints: number
  readonly datasets: readonly TreeEntryResource[]
}
export const TreeEntrySchema: z.ZodType<TreeEntryResource> = z
  .object({
    id: z.uuid(),
    name: z.string(),
    path: z.string(),
    datapoints: z.int().describe('How many lie directly in it'),
    get datasets(): z.ZodArray<z.ZodType<TreeEntryResource>> {
      return z.array(TreeEntrySchema)
    },
  })
  .meta({ id: 'TreeEntry', description: 'A dataset and those below it' })
export const TreeSchema = z
  .object({
    id: z.uuid(),
    slug: z.string(),
    datasets: z.array(TreeEntrySchema),
    truncated: z.boolean().describe('There are more than 2000 datasets; deeper ones are left out'),
  })
  .meta({ id: 'Tree', description: 'The datasets of a project' })
export const TreeQuerySchema = z.strictObject({
  depth: z.coerce.number<string>().int().min(0).max(1000).default(0).describe('Levels of datasets; 0: all'),
})
export type TreeQuery = z.output<typeof TreeQuerySchema>
