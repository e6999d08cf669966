import { RUN_STATES } from '@lucihub/analog'
import { z } from 'zod'
import { instant, NextCursor, pageQuery } from '../projects/data.schema.ts'

const owner = {
  username: z.string().describe('Empty where the owner is no user'),
  provider: z.string(),
}
const span = { startedAt: instant.nullable(), endedAt: instant.nullable() }

export const OwnedRunPageSchema = z
  .object({
    runs: z.array(
      z.object({
        id: z.uuid(),
        seq: z.int(),
        title: z.string(),
        state: z.enum(RUN_STATES),
        path: z.string(),
        ownerId: z.string(),
        ...owner,
        submittedAt: instant,
        ...span,
      }),
    ),
    nextCursor: NextCursor,
  })
  .meta({ id: 'OwnedRunPage', description: 'Runs of everybody, newest first' })

export const OwnedShardPageSchema = z
  .object({
    shards: z.array(
      z.object({
        runId: z.uuid(),
        index: z.int(),
        state: z.enum(RUN_STATES),
        requested: z.int(),
        completed: z.int(),
        workerId: z.string(),
        ...owner,
        ...span,
      }),
    ),
    nextCursor: NextCursor,
  })
  .meta({ id: 'OwnedShardPage', description: 'Shards of everybody, by run in the order of submission' })

const who = {
  user: z.string().max(200).optional().describe('Name of a user'),
  provider: z.string().max(200).optional().describe('`local`, or the issuer'),
}
export const AllRunsQuerySchema = z.strictObject({ ...pageQuery, ...who })
export type AllRunsQuery = z.output<typeof AllRunsQuerySchema>
export const AllShardsQuerySchema = z.strictObject({ ...pageQuery, ...who, run: z.uuid().optional() })
export type AllShardsQuery = z.output<typeof AllShardsQuerySchema>

export const ShardParams = z.coerce.number<string>().int().min(0).max(1_000_000)
