import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common'
import { ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger'
import { invariant } from '@lucihub/analog'
import { runState, store, type Sweep } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import type { FastifyReply } from 'fastify'
import { From, Needs, actorOf, type Caller } from '../access/caller.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { ForceQuerySchema, type ForceQuery } from '../runs/lifecycle.schema.ts'
import { instant } from '../runs/run-resource.ts'
import { planned } from './points.ts'
import {
  SweepPageSchema,
  SweepQuerySchema,
  SweepSchema,
  SweepSubmissionSchema,
  type SweepQuery,
  type SweepResource,
  type SweepSubmission,
} from './sweeps.schema.ts'

@ApiTags('sweeps')
@Controller('api/v1/sweeps')
export class SweepsController {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @Post()
  @Needs('runs:write')
  @ApiOperation({
    summary: 'Submit a parameter sweep',
    description:
      'Makes a dataset and one run per point, all with the same values but those of the matrix. Every point is compiled first: if one is refused, none is accepted.',
  })
  @Answers(201, SweepSchema, 'Accepted', { headers: ['Location'] })
  @Problems(
    'invalid-request',
    'too-large',
    'unsupported-media-type',
    'validation-failed',
    'compilation-failed',
    'not-found',
    'state-conflict',
  )
  async submit(
    @From() caller: Caller,
    @Body({ schema: SweepSubmissionSchema }) sweep: SweepSubmission,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const runs = await planned(this.bus, sweep)
    const { project = '', dataset, name, mode, matrix, base } = sweep
    const made = await this.bus.call(store.createSweep, {
      actor: actorOf(caller),
      project,
      dataset,
      name,
      mode,
      matrixJson: JSON.stringify(matrix),
      baseJson: JSON.stringify(base),
      size: runs.length,
    })
    const { id, path } = present(made.sweep)
    const [slug = '', ...below] = path.split('/')
    const { userId: ownerId, role } = caller
    for (const [at, { spec, point, name: runName }] of runs.entries()) {
      const place = { runNo: 0, ...spec.place, project: slug, dataset: below.join('/'), name: runName }
      const origin = { sweepId: id, clonedFrom: '', dataJson: JSON.stringify(point) }
      const idempotencyKey = `sweep:${id}:${at}`
      await this.bus.call(store.submitRun, { ownerId, role, idempotencyKey, spec: { ...spec, place }, origin })
    }
    reply.header('location', `/api/v1/sweeps/${id}`)
    return this.#read(caller, id)
  }

  @Get()
  @Needs('runs:read')
  @ApiOperation({ summary: 'List sweeps', description: 'Those in projects that you may read, newest first.' })
  @Answers(200, SweepPageSchema, 'A page of sweeps')
  @Problems('invalid-request', 'validation-failed')
  async list(
    @From() caller: Caller,
    @Query({ schema: SweepQuerySchema }) { project = '', cursor = '', limit }: SweepQuery,
  ) {
    const wanted = { actor: actorOf(caller), project, cursor, limit }
    const { sweeps, nextCursor } = await this.bus.call(store.listSweeps, wanted)
    return { sweeps: sweeps.map(sweepResource), nextCursor: nextCursor || null }
  }

  @Get(':sweep')
  @Needs('runs:read')
  @ApiOperation({ summary: 'Read a sweep', description: 'With how many of its runs are in which state.' })
  @ApiParam({ name: 'sweep', description: 'Id' })
  @Answers(200, SweepSchema, 'The sweep')
  @Problems('not-found')
  async read(@From() caller: Caller, @Param('sweep') id: string) {
    return this.#read(caller, id)
  }

  @Delete(':sweep')
  @HttpCode(204)
  @Needs('runs:write')
  @ApiOperation({
    summary: 'Delete a sweep',
    description: 'With its runs and its dataset, all or nothing; the rules are those of deleting a run.',
  })
  @ApiParam({ name: 'sweep', description: 'Id' })
  @Answers(204, null, 'Deleted')
  @Problems('not-found', 'state-conflict', 'invalid-request', 'validation-failed')
  async remove(
    @From() caller: Caller,
    @Param('sweep') sweepId: string,
    @Query({ schema: ForceQuerySchema }) { force }: ForceQuery,
  ) {
    await this.bus.call(store.deleteSweep, { actor: actorOf(caller), sweepId, force: force === 'true' })
  }

  async #read(caller: Caller, sweepId: string): Promise<SweepResource> {
    return sweepResource(present((await this.bus.call(store.getSweep, { actor: actorOf(caller), sweepId })).sweep))
  }
}

function sweepResource(sweep: Sweep): SweepResource {
  const { id, project, datasetId, path, name, ownerId, mode, size, requestedWork, completedWork } = sweep
  invariant(mode === 'product' || mode === 'zip', 'a sweep has a mode')
  return {
    id,
    project,
    datasetId,
    path,
    name,
    ownerId,
    mode,
    matrix: JSON.parse(sweep.matrixJson) as Record<string, unknown[]>,
    base: JSON.parse(sweep.baseJson) as Record<string, unknown>,
    size,
    states: Object.fromEntries(sweep.states.map(({ state, runs }) => [runState.fromProto(state), runs])),
    progress: { fraction: requestedWork > 0 ? Math.min(1, completedWork / requestedWork) : 0 },
    createdAt: instant(sweep.createdAtMs),
    runs: `/api/v1/runs?sweep=${id}`,
  }
}

function present<T>(found: T | null | undefined): T {
  invariant(found, 'the store answers with what was asked for or a problem')
  return found
}
