import { z } from 'zod'
import { DataSchema, flag, instant, Name, NextCursor, pageQuery } from '../projects/data.schema.ts'

export const DatapointCreationSchema = z
  .strictObject({
    name: Name.describe('Unique in its dataset').meta({ example: 'p.0' }),
    data: DataSchema.optional(),
  })
  .meta({ id: 'DatapointCreation', description: 'A new datapoint' })
export type DatapointCreation = z.output<typeof DatapointCreationSchema>

const summary = {
  id: z.uuid(),
  projectId: z.uuid(),
  project: z.string().describe("The project's slug"),
  datasetId: z.uuid(),
  name: z.string(),
  path: z.string().describe("Names from the project's slug down, joined by `/`"),
  from: z.string().describe('Path of the dataset it lies in'),
  runId: z.uuid().nullable().describe('The run that it is the place of; null for none'),
  dataVersion: z.int(),
  createdAt: instant,
}
export const DatapointSchema = z
  .object({ ...summary, data: DataSchema })
  .meta({ id: 'Datapoint', description: 'A leaf: data and files, perhaps of a run' })
export const ListedDatapointSchema = z
  .object({ ...summary, data: DataSchema.optional().describe('With `data=true`') })
  .meta({ id: 'ListedDatapoint', description: 'A datapoint as lists show it' })
export type DatapointResource = z.output<typeof DatapointSchema>
export type ListedDatapointResource = z.output<typeof ListedDatapointSchema>

export const DatapointPageSchema = z
  .object({ datapoints: z.array(ListedDatapointSchema), nextCursor: NextCursor })
  .meta({ id: 'DatapointPage', description: 'Own datapoints in the order they were made, then inherited ones' })

export const DatapointQuerySchema = z.strictObject({
  inherit: flag
    .default('true')
    .describe('`true`: followed by those of its ancestors, the nearest first; equal names do not hide each other'),
  data: flag.default('false').describe('`true`: with their data'),
  ...pageQuery,
})
export type DatapointQuery = z.output<typeof DatapointQuerySchema>
