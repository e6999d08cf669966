import { z } from 'zod'
import { instant, NextCursor } from '../projects/data.schema.ts'

export const FileSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    version: z.int().describe('1, 2, ...; a version never changes'),
    current: z.boolean().describe('No later version has replaced it'),
    size: z.int().describe('Bytes'),
    sha256: z.string().describe('Of the content, hex'),
    contentType: z.string(),
    role: z.enum(['user', 'payload', 'input', 'log', 'calibration']),
    createdBy: z.uuid().nullable(),
    createdAt: instant,
  })
  .meta({ id: 'File', description: 'One version of a file' })
export type FileResource = z.output<typeof FileSchema>

export const FilePageSchema = z
  .object({ files: z.array(FileSchema), nextCursor: NextCursor })
  .meta({ id: 'FilePage', description: 'Files in the order they came' })

export const FileVersionSchema = z.strictObject({
  version: z.coerce.number<string>().int().min(1).max(2_147_483_647).optional().describe('Left out: the current one'),
})
export type FileVersion = z.output<typeof FileVersionSchema>
