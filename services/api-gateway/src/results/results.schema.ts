import { SAMPLE_ENCODINGS } from '@lucihub/analog'
import { z } from 'zod'

const pageHead = {
  number: z.int(),
  name: z.string(),
  dimension: z.int().describe('0, 1 or 2'),
  shape: z.array(z.int()),
  kind: z.string().describe('samples, mean, std, final or json'),
  t0: z.number().nullable().describe('Of a device: seconds of op time of the first value'),
  dt: z.number().nullable().describe('Of a device: seconds from value to value'),
}
const PageHeadSchema = z.object(pageHead).meta({ id: 'PageHead', description: 'A page without what it holds' })

export const ChannelListSchema = z
  .object({
    attempt: z.int().nullable().describe('The attempt the figures are about; null before the first'),
    sampleRateHz: z.int().describe('Samples per second and channel'),
    problemTimePerSecond: z.number().describe('Problem time units per second of op time; 0 when unknown'),
    channels: z.array(
      z
        .object({
          index: z.int(),
          label: z.string(),
          unit: z.string(),
          gain: z.number().describe('physical = stored * gain + offset'),
          offset: z.number(),
          encoding: z
            .enum(SAMPLE_ENCODINGS)
            .nullable()
            .describe('How the samples are stored; null while there are none, and of a worker'),
          samples: z.int().describe('Stored so far; final once the run is over'),
          digest: z
            .string()
            .nullable()
            .describe('sha256 over the CRC-32s of the stored blocks, hex; null until sealed'),
          name: z.string(),
          sourceName: z.string().describe('As its engine called it'),
          metadata: z.record(z.string(), z.unknown()),
          pages: z.array(PageHeadSchema),
        })
        .meta({ id: 'Channel', description: 'One probe, sampled' }),
    ),
  })
  .meta({ id: 'ChannelList', description: 'The channels of a run' })
export type ChannelListResource = z.output<typeof ChannelListSchema>

const SeriesSchema = z.looseObject({
  name: z.string().optional(),
  unit: z.string().optional(),
  values: z.array(z.number().nullable()),
})
export const PageSchema = z
  .object({
    ...pageHead,
    data: SeriesSchema.optional(),
    axisDim1: SeriesSchema.nullable().optional(),
    axisDim2: SeriesSchema.nullable().optional(),
    dimensions: z.int().optional(),
    metadata: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'Page', description: 'A part of a channel, as it was handed in, or a window of samples' })
export const PageListSchema = z.object({ pages: z.array(PageSchema) }).meta({ id: 'PageList', description: 'Pages' })
export const ChannelSchema = z
  .object({
    name: z.string(),
    sourceName: z.string(),
    unit: z.string(),
    metadata: z.record(z.string(), z.unknown()),
    pages: z.array(PageSchema),
  })
  .meta({ id: 'ChannelResult', description: 'A channel with its pages' })

const shard = z.coerce
  .number<string>()
  .int()
  .min(0)
  .max(100_000)
  .optional()
  .describe('Of one shard; left out: of the run')
export const ShardQuerySchema = z.strictObject({ shard })
export type ShardQuery = z.output<typeof ShardQuerySchema>
export const PagesQuerySchema = z.strictObject({
  shard,
  numbers: z.string().max(1_000).optional().describe('Numbers and ranges; left out: all').meta({ example: '0-1,3' }),
})
export type PagesQuery = z.output<typeof PagesQuerySchema>

const Position = z
  .string()
  .regex(
    /^(#\d{1,15}|\d{1,9}(\.\d{1,12})?([eE][+-]?\d{1,2})?)$/,
    'It is neither seconds of op time, such as 0.25, nor a sample index, such as #1000.',
  )

const range = {
  channels: z
    .string()
    .max(2000)
    .optional()
    .describe('Labels or indices, comma-separated; left out: all')
    .meta({ example: 'x,y' }),
  from: Position.optional().describe('Seconds of op time, or a sample index as `#1000` (`%23` in a URL)'),
  to: Position.optional().describe('Exclusive; left out: the end'),
}

export const ResultQuerySchema = z.strictObject({
  ...range,
  format: z.enum(['json', 'csv', 'raw']).optional().describe('Instead of an Accept header'),
  time: z
    .enum(['op', 'problem'])
    .default('op')
    .describe("What the time column counts: seconds of op time, or the problem's own time"),
  encoding: z
    .enum(['physical', 'native'])
    .default('physical')
    .describe('With raw: float32 physical values, or the samples as they are stored'),
})
export type ResultQuery = z.output<typeof ResultQuerySchema>

export const PlotQuerySchema = z.strictObject({
  ...range,
  points: z.coerce.number<string>().int().min(1).max(10_000).default(2_000).describe('Buckets wanted per channel'),
})
export type PlotQuery = z.output<typeof PlotQuerySchema>

const plotHead = {
  fromIndex: z.int(),
  toIndex: z.int().describe('Exclusive'),
  sampleRateHz: z.int(),
  problemTimePerSecond: z.number(),
}
const reading = z.number().nullable().describe('Null for what JSON cannot say')

export const PlotSchema = z
  .object({
    ...plotHead,
    bucket: z.int().describe('Samples per bucket'),
    pyramidLevel: z.int().describe('Samples per stored entry that was read; 1: the samples themselves'),
    channels: z.array(
      z.object({
        index: z.int(),
        label: z.string(),
        unit: z.string(),
        minimum: z.array(reading),
        maximum: z.array(reading),
      }),
    ),
  })
  .meta({ id: 'Plot', description: 'Minimum and maximum per bucket' })

export const ResultSchema = z
  .object({
    ...plotHead,
    time: z.object({
      kind: z.enum(['op', 'problem']),
      first: z.number().describe('Time of the first sample'),
      step: z.number().describe('Time from sample to sample'),
    }),
    channels: z.array(z.object({ index: z.int(), label: z.string(), unit: z.string(), values: z.array(reading) })),
  })
  .meta({ id: 'Results', description: 'Measurements, column by column, physical units' })
