/** What projects, datasets, datapoints and files have in common: names, data, pages. */
import { z } from 'zod'

export const NAME_PATTERN = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,128}$/

export const Name = z
  .string()
  .regex(NAME_PATTERN, 'A name is 1 to 128 letters (A-Z, a-z), digits, ".", "_" and "-", but not "." or "..".')

/** Of a value that has to be an object: anything else is a wrong value (422), not a wrong shape. */
export const DataSchema = z
  .unknown()
  .superRefine((value, context) => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return
    context.addIssue({
      code: 'custom',
      message: 'Data is a JSON object.',
      input: value,
      params: { remedy: 'Send an object, such as {"gain": 2}.' },
    })
  })
  .meta({
    id: 'Data',
    type: 'object',
    additionalProperties: true,
    description: 'A JSON object of at most 256 KiB',
    example: { gain: 2 },
  }) as z.ZodType<Readonly<Record<string, unknown>>> // What passes the check above is one.

export const JsonSchemaSchema = z
  .record(z.string(), z.unknown())
  .meta({ id: 'JsonSchema', description: 'A JSON Schema of draft 2020-12 without outside references' })

export const instant = z.iso.datetime().describe('ISO 8601, UTC')
export const NextCursor = z.string().nullable().describe('Pass as `cursor`; null at the end')

export const pageQuery = {
  cursor: z.string().max(100).optional().describe('`nextCursor` of the page before'),
  limit: z.coerce
    .number<string>()
    .int()
    .min(1)
    .max(200)
    .default(100)
    .describe('At most so many; a page may be shorter'),
}
export const PageQuerySchema = z.strictObject(pageQuery)
export type PageQuery = z.output<typeof PageQuerySchema>

export const flag = z.enum(['true', 'false'])

export const DataQuerySchema = z.strictObject({
  effective: flag
    .default('false')
    .describe('`true`: merged with the data of everything above it, the nearest wins key by key'),
})
export type DataQuery = z.output<typeof DataQuerySchema>
