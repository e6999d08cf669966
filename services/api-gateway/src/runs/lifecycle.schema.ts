import { RUN_LIMITS } from '@lucihub/analog'
import { z } from 'zod'
import { flag } from '../projects/data.schema.ts'

const { titleLength, notesLength, tags } = RUN_LIMITS

export const ForceQuerySchema = z.strictObject({
  force: flag.default('false').describe('`true`: also when other runs were made from it; they are marked invalid'),
})
export type ForceQuery = z.output<typeof ForceQuerySchema>

export const RunChangeSchema = z
  .strictObject({
    title: z.string().max(titleLength.max).optional(),
    notes: z.string().max(notesLength.max).optional(),
    tags: z.array(z.string().min(1).max(tags.length)).max(tags.max).optional().describe('Replaces those it has'),
  })
  .meta({ id: 'RunChange', description: 'What may be said about a run later; left out: as it is' })
export type RunChange = z.output<typeof RunChangeSchema>

export const RetentionSchema = z
  .strictObject({
    days: z.int().min(0).max(36_500).describe('After the end of a run; 0: for ever'),
    keepValid: z.boolean().default(true).describe('Valid runs stay, however old'),
  })
  .meta({ id: 'Retention', description: 'How long a project keeps its runs' })
export type Retention = z.output<typeof RetentionSchema>
