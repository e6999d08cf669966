import { SAMPLE_ENCODINGS } from '@lucihub/analog'
import { z } from 'zod'

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
            .describe('How the samples are stored; null while there are none'),
          samples: z.int().describe('Stored so far; final once the run is over'),
          digest: z
            .string()
            .nullable()
            .describe('sha256 over the CRC-32s of the stored blocks, hex; null until sealed'),
        })
        .meta({ id: 'Channel', description: 'One probe, sampled' }),
    ),
  })
  .meta({ id: 'ChannelList', description: 'The channels of a run' })
export type ChannelListResource = z.output<typeof ChannelListSchema>

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
