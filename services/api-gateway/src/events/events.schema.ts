import { z } from 'zod'

export const LogQuerySchema = z.strictObject({
  format: z
    .enum(['json', 'text', 'files'])
    .optional()
    .describe('Instead of an Accept header; `files`: an object with a text for each name of a log'),
})
export type LogQuery = z.output<typeof LogQuerySchema>

export const LogSchema = z
  .object({
    lines: z.array(
      z.object({
        shard: z.int(),
        name: z.string().describe('Of the log'),
        attempt: z.int(),
        at: z.iso.datetime().describe("The executor's clock, or the hub's for a worker; UTC"),
        line: z.string(),
      }),
    ),
  })
  .meta({ id: 'Log', description: 'What was said about a run' })
