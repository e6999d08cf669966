import { Body, Controller, Get, Inject, Param, Post, Query, Res } from '@nestjs/common'
import { ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger'
import { Problem, invariant } from '@lucihub/analog'
import { runState, store, type Workflow, type WorkflowStepSpec } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import type { FastifyReply } from 'fastify'
import { From, Needs, actorOf, type Caller } from '../access/caller.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { PageQuerySchema, type PageQuery } from '../projects/data.schema.ts'
import { instant } from '../runs/run-resource.ts'
import { specify } from '../runs/submission.ts'
import {
  WorkflowPageSchema,
  WorkflowSchema,
  WorkflowSubmissionSchema,
  type WorkflowResource,
  type WorkflowSubmission,
} from './workflows.schema.ts'

@ApiTags('workflows')
@Controller('api/v1/workflows')
export class WorkflowsController {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @Post()
  @Needs('runs:write')
  @ApiOperation({
    summary: 'Submit a workflow',
    description:
      'Steps without `after` start at once, the others when their rule comes true. Every program is compiled first: if one is refused, nothing is accepted.',
  })
  @Answers(201, WorkflowSchema, 'Accepted', { headers: ['Location'] })
  @Problems(
    'invalid-request',
    'too-large',
    'unsupported-media-type',
    'validation-failed',
    'compilation-failed',
    'not-found',
  )
  async submit(
    @From() caller: Caller,
    @Body({ schema: WorkflowSubmissionSchema }) { title, project = '', steps }: WorkflowSubmission,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const specified: WorkflowStepSpec[] = []
    for (const [at, { name, after, trigger, run }] of steps.entries()) {
      const spec = await specify(this.bus, run).catch((failure: unknown) => {
        throw stepProblem(failure, { at, name })
      })
      specified.push({ name, after, trigger, spec })
    }
    const wanted = { actor: actorOf(caller), title, project, steps: specified }
    const resource = workflowResource((await this.bus.call(store.createWorkflow, wanted)).workflow)
    reply.header('location', `/api/v1/workflows/${resource.id}`)
    return resource
  }

  @Get()
  @Needs('runs:read')
  @ApiOperation({ summary: 'List workflows', description: 'Those in projects that you may read, newest first.' })
  @Answers(200, WorkflowPageSchema, 'A page of workflows')
  @Problems('invalid-request', 'validation-failed')
  async list(@From() caller: Caller, @Query({ schema: PageQuerySchema }) { cursor = '', limit }: PageQuery) {
    const wanted = { actor: actorOf(caller), cursor, limit }
    const { workflows, nextCursor } = await this.bus.call(store.listWorkflows, wanted)
    return { workflows: workflows.map(workflowResource), nextCursor: nextCursor || null }
  }

  @Get(':workflow')
  @Needs('runs:read')
  @ApiOperation({ summary: 'Read a workflow', description: 'With its steps and their runs.' })
  @ApiParam({ name: 'workflow', description: 'Id' })
  @Answers(200, WorkflowSchema, 'The workflow')
  @Problems('not-found')
  async read(@From() caller: Caller, @Param('workflow') workflowId: string) {
    const wanted = { actor: actorOf(caller), workflowId }
    return workflowResource((await this.bus.call(store.getWorkflow, wanted)).workflow)
  }
}

function stepProblem(failure: unknown, { at, name }: { readonly at: number; readonly name: string }): unknown {
  if (!(failure instanceof Problem)) return failure
  const violations = failure.violations.map((violation) => ({
    ...violation,
    pointer: `/steps/${at}/run${violation.pointer}`,
  }))
  const problem = new Problem(failure.type, `Step "${name}": ${failure.message}`, { violations, cause: failure })
  return Object.assign(problem, 'diagnostics' in failure && { diagnostics: failure.diagnostics })
}

function workflowResource(workflow: Workflow | null | undefined): WorkflowResource {
  invariant(workflow, 'the store answers with a workflow or a problem')
  const { id, title, project, ownerId, createdAtMs, endedAtMs, steps } = workflow
  return {
    id,
    title,
    project,
    ownerId,
    createdAt: instant(createdAtMs),
    endedAt: endedAtMs === 0 ? null : instant(endedAtMs),
    steps: steps.map(({ name, after, trigger, state, reason, runId, runState: entered }) => ({
      name,
      after: [...after],
      trigger: trigger as WorkflowResource['steps'][number]['trigger'],
      state: state as WorkflowResource['steps'][number]['state'],
      reason,
      runId: runId || null,
      runState: entered === 0 ? null : runState.fromProto(entered),
    })),
  }
}
