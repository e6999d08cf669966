import { z } from 'zod'

export const StatusSchema = z
  .object({
    name: z.string(),
    version: z.string(),
    uptimeS: z.number().describe('Of this gateway'),
    ready: z.boolean().describe('True when every service is reachable'),
    services: z.array(
      z.object({
        name: z.string(),
        reachable: z.boolean(),
        detail: z.string().describe('Why not; empty when it is reachable'),
      }),
    ),
  })
  .meta({ id: 'Status', description: 'How the hub is' })
export type StatusResource = z.output<typeof StatusSchema>

export const HealthSchema = z
  .object({ status: z.literal('healthy') })
  .meta({ id: 'Health', description: 'This gateway answers' })
