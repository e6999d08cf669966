/** What becomes of runs after they were accepted: changed, run again, deleted. */
import { Body, Controller, Delete, HttpCode, Inject, Patch, Post, Query, Res } from '@nestjs/common'
import { ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger'
import { invariant } from '@lucihub/analog'
import { store } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { Headers } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import { From, Needs, actorOf, type Caller } from '../access/caller.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { parseWith } from '../http/violations.ts'
import { ForceQuerySchema, RunChangeSchema, type ForceQuery, type RunChange } from './lifecycle.schema.ts'
import { RunId } from './run-id.ts'
import { runResource } from './run-resource.ts'
import { IdempotencyKey, RunSchema } from './runs.schema.ts'

@ApiTags('runs')
@Controller('api/v1/runs')
export class LifecycleController {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @Patch(':id')
  @Needs('runs:write')
  @ApiOperation({ summary: 'Change title, notes or tags', description: 'All else about a run is history.' })
  @Answers(200, RunSchema, 'The run as it is now')
  @Problems('not-found', 'invalid-request', 'validation-failed')
  async change(
    @From() caller: Caller,
    @RunId() runId: string,
    @Body({ schema: RunChangeSchema }) { title, notes, tags }: RunChange,
  ) {
    const { run } = await this.bus.call(store.changeRun, {
      actor: actorOf(caller),
      runId,
      ...(title !== undefined && { title }),
      ...(notes !== undefined && { notes }),
      ...(tags !== undefined && { tags: { tags } }),
    })
    invariant(run, 'the store answers with a run or a problem')
    return runResource(run)
  }

  @Post(':id/rerun')
  @HttpCode(201)
  @Needs('runs:write')
  @ApiOperation({
    summary: 'Run it again',
    description:
      'A new run of yours with the same configuration, parameters and input, in the same dataset under a new name. `clonedFrom` names the run that it repeats.',
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'The same key gives the run that was accepted first, with status 200',
  })
  @Answers(201, RunSchema, 'Accepted', { headers: ['Location'] })
  @Answers(200, RunSchema, 'Accepted before under this Idempotency-Key', { headers: ['Location'] })
  @Problems('not-found', 'validation-failed', 'idempotency-mismatch', 'state-conflict')
  async rerun(
    @From() caller: Caller,
    @RunId() runId: string,
    @Headers('idempotency-key') key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { userId: ownerId, role } = caller
    const idempotencyKey = parseWith(IdempotencyKey, key) ?? ''
    const { run: known } = await this.bus.call(store.getRun, { ownerId, role, runId })
    invariant(known?.spec, 'a run has a specification')
    const { spec, inputJson } = known
    const { run, existing } = await this.bus.call(store.submitRun, {
      ownerId,
      role,
      idempotencyKey,
      spec: {
        ...spec,
        place: spec.place ? { ...spec.place, name: '' } : null,
        job: spec.job ? { ...spec.job, inputJson } : null,
      },
      origin: { sweepId: '', clonedFrom: runId, dataJson: '' },
    })
    invariant(run, 'the store answers with a run or a problem')
    reply.code(existing ? 200 : 201).header('location', `/api/v1/runs/${run.id}`)
    return runResource(run)
  }

  @Delete(':id')
  @HttpCode(204)
  @Needs('runs:write')
  @ApiOperation({
    summary: 'Delete a run',
    description:
      'For good: samples, results, logs, files, its datapoint. Only a run that has ended, and that no other run was made from. What stays is a note that it was there.',
  })
  @Answers(204, null, 'Deleted')
  @Problems('not-found', 'state-conflict', 'invalid-request', 'validation-failed')
  async remove(
    @From() caller: Caller,
    @RunId() runId: string,
    @Query({ schema: ForceQuerySchema }) { force }: ForceQuery,
  ) {
    await this.bus.call(store.deleteRun, { actor: actorOf(caller), runId, force: force === 'true' })
  }
}
