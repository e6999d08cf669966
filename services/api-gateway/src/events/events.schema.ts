import { z } from 'zod'

export const LogQuerySchema = z.strictObject({
  format: z.enum(['json', 'text']).optional().describe('Instead of an Accept header'),
})
export type LogQuery = z.output<typeof LogQuerySchema>

export const LogSchema = z
  .object({
    lines: z.array(
      z.object({ attempt: z.int(), at: z.iso.datetime().describe("The executor's clock, UTC"), line: z.string() }),
    ),
  })
  .meta({ id: 'Log', description: 'What was said about a run' })
