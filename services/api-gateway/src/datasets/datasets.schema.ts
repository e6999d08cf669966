import { z } from 'zod'
import { DataSchema, instant, JsonSchemaSchema, Name, NextCursor } from '../projects/data.schema.ts'

export const DatasetCreationSchema = z
  .strictObject({
    name: Name.describe('Unique among its siblings').meta({ example: 'warm-up' }),
    data: DataSchema.optional(),
    pointSchema: JsonSchemaSchema.optional().describe('What the data of its datapoints must be like'),
  })
  .meta({ id: 'DatasetCreation', description: 'A new dataset' })
export type DatasetCreation = z.output<typeof DatasetCreationSchema>

export const datasetSummary = {
  id: z.uuid(),
  projectId: z.uuid(),
  project: z.string().describe("The project's slug"),
  parentId: z.uuid().nullable().describe('Null directly below the project'),
  name: z.string(),
  path: z.string().describe("Names from the project's slug down, joined by `/`"),
  depth: z.int().describe('1 directly below the project'),
  dataVersion: z.int(),
  createdAt: instant,
}
export const DatasetSummarySchema = z
  .object(datasetSummary)
  .meta({ id: 'DatasetSummary', description: 'A dataset as lists show it' })
export const DatasetSchema = z
  .object({ ...datasetSummary, data: DataSchema, pointSchema: JsonSchemaSchema.nullable() })
  .meta({ id: 'Dataset', description: 'Holds datasets and datapoints' })
export type DatasetSummaryResource = z.output<typeof DatasetSummarySchema>
export type DatasetResource = z.output<typeof DatasetSchema>

export const DatasetPageSchema = z
  .object({ datasets: z.array(DatasetSummarySchema), nextCursor: NextCursor })
  .meta({ id: 'DatasetPage', description: 'Datasets in the order they were made' })
