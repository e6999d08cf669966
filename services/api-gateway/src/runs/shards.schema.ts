/** A run in parts: how it is divided and merged, and what each part is up to. */
import { RUN_LIMITS, RUN_STATES } from '@lucihub/analog'
import { z } from 'zod'

const { shards, requestedWork } = RUN_LIMITS
const Reduction = z.enum(['mean', 'mean_std', 'concat', 'none'])

export const MergePolicySchema = z
  .strictObject({
    mode: z.enum(['any', 'all', 'min_fraction']).default('any').describe('Which shards must complete for a result'),
    minFraction: z.number().min(0).max(1).default(1).describe('With min_fraction: of all shards'),
    reduce: Reduction.default('mean').describe(
      'What becomes of a channel: its mean, mean and standard deviation, all shards after each other, or nothing',
    ),
    byChannel: z.record(z.string().max(128), Reduction).default({}).describe('For channels by their name'),
  })
  .meta({ id: 'MergePolicy', description: 'How the results of shards become one' })

/** Fields of a submission. */
export const division = {
  shards: z
    .int()
    .min(0)
    .max(shards.max)
    .optional()
    .describe('Parts whose results are combined; clamped to 1 and to the requested work'),
  requestedWork: z
    .int()
    .min(1)
    .max(requestedWork.max)
    .optional()
    .describe('Total over all shards, in `workUnit`; divided without a remainder'),
  workUnit: z.string().max(64).optional().describe('Of the work: samples by default'),
  merge: MergePolicySchema.optional(),
  seed: z
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER - shards.max)
    .optional()
    .describe('Shard i gets seed + i'),
}

const instant = z.iso.datetime().describe('ISO 8601, UTC')

export const ShardSchema = z
  .object({
    index: z.int(),
    state: z.enum(RUN_STATES),
    requested: z.int().describe('Work, in the unit of the run'),
    completed: z.int(),
    etaS: z.int().nullable().describe('Null when ended or not known'),
    seed: z.int(),
    attempt: z.int(),
    workerId: z.string(),
    deviceId: z.string(),
    childRunId: z.uuid().nullable().describe('The run that is this shard on a device'),
    startedAt: instant.nullable(),
    endedAt: instant.nullable(),
    lastUpdateAt: instant.nullable(),
    error: z.string(),
  })
  .meta({ id: 'Shard', description: 'One part of a run' })

export const StateChangeSchema = z
  .object({ at: instant, state: z.enum(RUN_STATES), reason: z.string() })
  .meta({ id: 'StateChange', description: 'When a run entered a state' })
