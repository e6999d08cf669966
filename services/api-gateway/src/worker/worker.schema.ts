/** What workers take, tell and hand in. */
import { RUN_LIMITS, RUN_STATES } from '@lucihub/analog'
import { z } from 'zod'
import { RunSchema } from '../runs/runs.schema.ts'
import { ShardSchema } from '../runs/shards.schema.ts'

const WORD_STATES = ['QUEUED', 'RUNNING', 'PAUSED', 'COMPLETED', 'FAILED', 'CANCELED', 'TIMED_OUT'] as const
const work = z.int().min(0).max(RUN_LIMITS.requestedWork.max)
const Text = (length: number) =>
  z
    .string()
    .max(length)
    .refine((text) => !text.includes('\0'), { message: 'It contains a NUL.', params: { remedy: 'Remove it.' } })

export const ClaimSchema = z
  .strictObject({
    pool: Text(128).default('').describe('Name of the pool; left out: runs that name none'),
    workerId: Text(200).default('').describe('As the worker calls itself'),
    jobTypes: z.array(Text(64)).max(64).default([]).describe('Left out: any'),
  })
  .meta({ id: 'WorkerClaim', description: 'What a worker looks for' })
export type Claim = z.output<typeof ClaimSchema>

export const AssignmentSchema = z
  .object({
    run: RunSchema,
    shard: ShardSchema,
    runKey: z.string().describe('Bearer token for /worker/runs/{id}; for this run only'),
    runKeyExpiresAt: z.iso.datetime(),
  })
  .meta({ id: 'Assignment', description: 'A shard that is now this worker’s' })

export const ShardUpdateSchema = z
  .strictObject({
    state: z.enum(WORD_STATES).optional().describe('QUEUED gives it back: a new attempt'),
    completed: work.optional(),
    requested: work.optional().describe('Only while it is not known'),
    etaS: z.int().min(0).max(0x7fffffff).nullable().optional().describe('Seconds'),
    error: Text(2_000).optional(),
    workerId: Text(200).optional(),
    attempt: z.int().min(1).max(0x7fffffff).optional().describe('Words about another attempt are ignored'),
  })
  .meta({ id: 'ShardUpdate', description: 'How far a shard is; what is left out stays' })
export type ShardWord = z.output<typeof ShardUpdateSchema>

export const ShardAnswerSchema = z
  .object({
    result: z.enum(['accepted', 'ignored']).describe('Ignored: it is over, or the word is about another attempt'),
    state: z.enum(RUN_STATES).describe('Of the shard'),
  })
  .meta({ id: 'ShardAnswer', description: 'What became of a word' })

export const RunWordSchema = z
  .strictObject({
    state: z.enum(WORD_STATES),
    reason: Text(2_000).default(''),
    log: z.array(Text(8_192)).max(1_000).default([]).describe('Lines of its log'),
  })
  .meta({ id: 'RunWord', description: 'A state for all shards that are open' })
export type RunWord = z.output<typeof RunWordSchema>

export const RunAnswerSchema = z
  .object({ accepted: z.boolean().describe('False: the run was over'), state: z.enum(RUN_STATES) })
  .meta({ id: 'RunAnswer', description: 'What became of a word about a run' })

const number = z.number().nullable()
const SeriesSchema = z.looseObject({
  name: z.string().max(200).optional(),
  unit: z.string().max(64).optional(),
  values: z.array(number),
})
const axis = SeriesSchema.nullable().optional()

/** What a page holds; kept as it is. */
export const pageBody = {
  data: SeriesSchema.optional(),
  axisDim1: axis,
  axisDim2: axis,
  dimensions: z.int().min(0).max(2).optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
}

const PageSchema = z.strictObject({
  number: z.int().min(0).max(999_999),
  name: z.string().max(200).default(''),
  dimension: z.int().min(0).max(2).default(1),
  kind: z.enum(['samples', 'mean', 'std', 'final', 'json']).default('json'),
  ...pageBody,
})

export const HandInSchema = z
  .strictObject({
    shard: z.int().min(0).max(RUN_LIMITS.shards.max).optional().describe('Left out: of the run as a whole'),
    channels: z
      .array(
        z.strictObject({
          name: Text(200).min(1).describe('For people; unique in the run'),
          sourceName: Text(200).optional().describe('As the engine called it; left out: the name'),
          unit: Text(64).default(''),
          metadata: z.record(z.string(), z.unknown()).default({}),
          pages: z.array(PageSchema).max(10_000).default([]),
        }),
      )
      .max(1_000),
  })
  .meta({ id: 'HandIn', description: 'Channels in declared order, with pages; handed in again they are the same' })
export type HandIn = z.output<typeof HandInSchema>

export const HandedInSchema = z.object({ pages: z.int() }).meta({ id: 'HandedIn', description: 'Pages stored' })

export const LogAppendSchema = z
  .strictObject({
    shard: z.int().min(0).max(RUN_LIMITS.shards.max).default(0),
    attempt: z.int().min(1).max(0x7fffffff).optional().describe('Left out: the current one'),
    name: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,128}$/, 'A name has 1 to 128 letters, digits, ".", "_" or "-".')
      .default('worker.log'),
    lines: z.array(z.string().max(8_192)).max(10_000),
  })
  .meta({ id: 'LogAppend', description: 'Lines behind those of a log' })
export type LogAppend = z.output<typeof LogAppendSchema>

export const LogLengthSchema = z.object({ lines: z.int() }).meta({ id: 'LogLength', description: 'Lines in the log' })
