import { z } from 'zod'

export const ComparisonQuerySchema = z.strictObject({
  with: z.string().max(100).describe('The other run').meta({ example: '0199b0a4-7c1e-7000-8000-000000000002' }),
  tolerance: z.coerce
    .number<string>()
    .gt(0)
    .max(1)
    .default(0.01)
    .describe('Largest difference that still counts as agreement, as a part of full scale (1 machine unit)'),
})
export type ComparisonQuery = z.output<typeof ComparisonQuerySchema>

const Verdict = z
  .enum(['agrees', 'agrees-until-horizon', 'differs'])
  .describe(
    '`agrees`: within the tolerance throughout; `agrees-until-horizon`: the runs part as solutions of a chaotic system do, and were within the tolerance until then; `differs`: anything else',
  )

const difference = (what: string) =>
  z
    .object({
      machine: z.number().nullable().describe('Machine units; null when a sample is no number'),
      physical: z.number().nullable().describe('The unit of the channel'),
    })
    .describe(what)

const instant = (what: string) => z.number().nullable().describe(what)

export const ComparisonSchema = z
  .object({
    run: z.string().describe('The run that the differences are about'),
    with: z.string().describe('The run it was compared with, read at the instants of the first'),
    verdict: Verdict,
    tolerance: z.number().describe('Machine units'),
    time: z
      .enum(['op', 'problem'])
      .describe('What all times count: seconds of op time, or problem time where the runs pass it at different paces'),
    span: z
      .object({ from: z.number(), until: z.number() })
      .nullable()
      .describe('First and last instant compared; null when the runs do not overlap'),
    divergence: z
      .object({
        growthRate: z.number().describe('Differences grow e-fold in 1 / growthRate'),
        horizon: z.number().describe('Up to this time the runs have to agree'),
      })
      .nullable()
      .describe('Null when the runs agree, or part otherwise than by chaos'),
    channels: z.array(
      z
        .object({
          index: z.int(),
          label: z.string(),
          unit: z.string(),
          fullScale: z.number().describe('The physical value of 1 machine unit'),
          verdict: Verdict,
          samples: z.int().describe('Samples compared'),
          rms: difference('Root mean square of the differences'),
          max: difference('The largest difference'),
          maxTime: instant('When; null without samples'),
          firstExcursion: instant('When a difference first exceeds the tolerance; null when none does'),
          rmsBefore: difference('Root mean square up to the first excursion'),
        })
        .meta({ id: 'ChannelComparison', description: 'One channel of two runs, compared' }),
    ),
  })
  .meta({ id: 'Comparison', description: 'Two runs of one configuration, compared channel by channel' })
export type ComparisonResource = z.output<typeof ComparisonSchema>
