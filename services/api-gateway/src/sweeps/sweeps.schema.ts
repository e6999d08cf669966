import { RUN_STATES, SWEEP_MODES, SWEEP_RUNS_MAX } from '@lucihub/analog'
import { z } from 'zod'
import { instant, Name, NextCursor, pageQuery } from '../projects/data.schema.ts'

export const SweepSubmissionSchema = z
  .strictObject({
    project: Name.optional().describe("Slug; left out: the caller's own"),
    dataset: z
      .string()
      .max(1_000)
      .default('')
      .describe('Path below the project, where the dataset of the sweep is made'),
    name: Name.describe('Of the dataset; the runs are `<name>_0`, `<name>_1`, …'),
    mode: z.enum(SWEEP_MODES).default('product').describe('Every combination, or the lists side by side'),
    matrix: z
      .unknown()
      .describe(`Lists of values by name; {} is one run. At most ${SWEEP_RUNS_MAX} runs`)
      .meta({ example: { mu: [0.5, 1, 2] } }),
    base: z
      .record(z.string(), z.unknown())
      .describe(
        'A run submission without project, dataset and name. Values go to `{{name}}`, to `let name = …;` of the source, and to the parameters',
      ),
  })
  .meta({ id: 'SweepSubmission', description: 'Runs that differ in a few values' })
export type SweepSubmission = z.output<typeof SweepSubmissionSchema>

export const SweepSchema = z
  .object({
    id: z.uuid(),
    project: z.string(),
    datasetId: z.uuid(),
    path: z.string().describe('Of its dataset'),
    name: z.string(),
    ownerId: z.string(),
    mode: z.enum(SWEEP_MODES),
    matrix: z.record(z.string(), z.array(z.unknown())),
    base: z.record(z.string(), z.unknown()),
    size: z.int().describe('Runs that it was made with'),
    states: z.partialRecord(z.enum(RUN_STATES), z.int()).describe('How many of its runs are in each state'),
    progress: z.object({ fraction: z.number().describe('0 to 1, by work') }),
    createdAt: instant,
    runs: z.string().describe('Address of its runs'),
  })
  .meta({ id: 'Sweep', description: 'A parameter sweep and what became of its runs' })
export type SweepResource = z.output<typeof SweepSchema>

export const SweepPageSchema = z
  .object({ sweeps: z.array(SweepSchema), nextCursor: NextCursor })
  .meta({ id: 'SweepPage', description: 'Sweeps, newest first' })

export const SweepQuerySchema = z.strictObject({
  ...pageQuery,
  project: z.string().max(128).optional().describe('Slug; left out: all that you may read'),
})
export type SweepQuery = z.output<typeof SweepQuerySchema>
