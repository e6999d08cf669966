import { RUN_STATES } from '@lucihub/analog'
import { z } from 'zod'
import { instant, Name, NextCursor } from '../projects/data.schema.ts'
import { RunSubmissionSchema } from '../runs/runs.schema.ts'

const TRIGGERS = ['all_success', 'any_success', 'all_completed', 'all_failed', 'any_failed', 'always'] as const
const Trigger = z
  .string()
  .transform((word) => word.toLowerCase())
  .pipe(z.enum(TRIGGERS))
  .default('all_success')
  .describe(
    `${TRIGGERS.join(', ')}, in upper or lower case. \`any_…\` start as soon as they can, \`always\` waits for nothing`,
  )

export const WorkflowSubmissionSchema = z
  .strictObject({
    title: z.string().max(200).default(''),
    project: Name.optional().describe("Slug; left out: the caller's own"),
    steps: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(64),
          after: z.array(z.string().max(64)).max(50).default([]).describe('Names of steps that come before'),
          trigger: Trigger,
          run: RunSubmissionSchema,
        }),
      )
      .min(1)
      .max(50),
  })
  .meta({ id: 'WorkflowSubmission', description: 'Runs that start when others end' })
export type WorkflowSubmission = z.output<typeof WorkflowSubmissionSchema>

export const WorkflowSchema = z
  .object({
    id: z.uuid(),
    title: z.string(),
    project: z.string(),
    ownerId: z.string(),
    createdAt: instant,
    endedAt: instant.nullable().describe('Null until all its steps are over'),
    steps: z.array(
      z.object({
        name: z.string(),
        after: z.array(z.string()),
        trigger: z.enum(TRIGGERS),
        state: z.enum(['WAITING', 'SUBMITTED', 'SKIPPED', 'FAILED']).describe('FAILED: its run was refused'),
        reason: z.string(),
        runId: z.uuid().nullable(),
        runState: z.enum(RUN_STATES).nullable(),
      }),
    ),
  })
  .meta({ id: 'Workflow', description: 'A workflow and how far it is' })
export type WorkflowResource = z.output<typeof WorkflowSchema>

export const WorkflowPageSchema = z
  .object({ workflows: z.array(WorkflowSchema), nextCursor: NextCursor })
  .meta({ id: 'WorkflowPage', description: 'Workflows, newest first' })
