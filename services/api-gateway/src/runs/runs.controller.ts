import { Body, Controller, Get, Headers, HttpCode, Inject, Post, Query, Req, Res } from '@nestjs/common'
import { ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger'
import { Problem, invariant } from '@lucihub/analog'
import { configurationFromProto, runKind, runState, store, type RunMessage } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { crashPoint } from '@lucihub/service-kit'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { From, Needs, type Caller } from '../access/caller.ts'
import { CIRCUIT_MEDIA, CIRCUIT_MEDIA_DESCRIBED, represent } from '../circuits/representation.ts'
import { negotiate } from '../http/accept.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { unlessKnown } from '../http/etag.ts'
import { parseWith } from '../http/violations.ts'
import { specificationOfRun, targetOf } from './compilation.ts'
import { ConfigurationSchema } from './configuration.schema.ts'
import { inputOf, RunInputSchema } from './run-input.ts'
import { RunId } from './run-id.ts'
import { runResource, runSummary } from './run-resource.ts'
import {
  IdempotencyKey,
  RunFilterSchema,
  RunPageSchema,
  RunSchema,
  RunSubmissionSchema,
  type RunFilter,
  type RunSubmission,
} from './runs.schema.ts'
import { specify } from './submission.ts'

@ApiTags('runs')
@Controller('api/v1/runs')
export class RunsController {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @Post()
  @Needs('runs:write')
  @ApiOperation({
    summary: 'Submit a run',
    description:
      'Compiles the program and accepts the run. A 201 is durable: the run will reach exactly one terminal state. A program that does not compile is refused and nothing is stored.',
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'The same key with the same request gives the run that was accepted first, with status 200',
  })
  @Answers(201, RunSchema, 'Accepted', { headers: ['Location', 'ETag'] })
  @Answers(200, RunSchema, 'Accepted before under this Idempotency-Key', { headers: ['Location', 'ETag'] })
  @Problems(
    'invalid-request',
    'too-large',
    'unsupported-media-type',
    'validation-failed',
    'compilation-failed',
    'idempotency-mismatch',
  )
  async submit(
    @From() caller: Caller,
    @Headers('idempotency-key') key: string | undefined,
    @Body({ schema: RunSubmissionSchema }) submission: RunSubmission,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Req() request: FastifyRequest,
  ) {
    const idempotencyKey = parseWith(IdempotencyKey, key) ?? ''
    const spec = await specify(this.bus, submission)
    const { userId: ownerId, role } = caller
    crashPoint('submission-read')
    const { run, existing } = await this.bus.call(store.submitRun, { ownerId, role, idempotencyKey, spec })
    crashPoint('submission-accepted')
    const resource = runResource(present(run))
    unlessKnown(request, reply, resource)
    reply.code(existing ? 200 : 201).header('location', `/api/v1/runs/${resource.id}`)
    return resource
  }

  @Get()
  @Needs('runs:read')
  @ApiOperation({ summary: 'List runs', description: 'Your runs, newest first, page by page.' })
  @Answers(200, RunPageSchema, 'A page of runs')
  @Problems('invalid-request', 'validation-failed')
  async list(@From() caller: Caller, @Query({ schema: RunFilterSchema }) filter: RunFilter) {
    const deviceId = filter.device === undefined ? '' : (await targetOf(this.bus, filter.device)).id
    const size = filter.page === undefined ? filter.limit : (filter.page_size ?? filter.limit)
    const { runs, nextCursor, total } = await this.bus.call(store.listRuns, {
      ownerId: caller.userId,
      role: caller.role,
      states: (filter.state ?? []).map(runState.toProto),
      kinds: (filter.kind ?? []).map(runKind.toProto),
      deviceId,
      project: filter.project ?? '',
      dataset: filter.dataset ?? '',
      recipe: filter.recipe ?? '',
      jobType: filter.job_type ?? '',
      runNo: filter.run_no ?? 0,
      ...(filter.valid !== undefined && { valid: filter.valid }),
      schema: filter.schema ?? '',
      tags: filter.tag ?? [],
      pool: filter.pool ?? '',
      engine: filter.executor_kind === undefined ? '' : filter.executor_kind === 'pool' ? 'worker' : 'hub',
      text: filter.q ?? '',
      sweepId: filter.sweep ?? '',
      orderBy: filter.order_by === 'submitted_at' ? '' : filter.order_by,
      ascending: filter.order === 'asc',
      page: filter.page ?? 0,
      cursor: filter.cursor ?? '',
      limit: size,
    })
    const counted = filter.page === undefined ? null : total
    return {
      runs: runs.map(runSummary),
      nextCursor: filter.page === undefined ? nextCursor || null : null,
      total: counted,
      pageCount: counted === null ? null : Math.ceil(counted / size),
    }
  }

  @Get(':id')
  @Needs('runs:read')
  @ApiOperation({
    summary: 'Read a run',
    description: 'With an ETag: ask with If-None-Match and an unchanged run costs a 304.',
  })
  @Answers(200, RunSchema, 'The run', { headers: ['ETag'] })
  @Answers(304, null, 'Unchanged since the ETag in If-None-Match')
  @Problems('not-found')
  async read(
    @From() caller: Caller,
    @RunId() runId: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return unlessKnown(request, reply, runResource(await this.#run(caller, runId)))
  }

  @Get(':id/configuration')
  @Needs('runs:read')
  @ApiOperation({
    summary: 'Read the configuration of a run',
    description:
      'All block settings that the device is loaded with: as JSON, which may be submitted again as `configuration`; as .apb; as a picture; as equations.',
  })
  @Answers(200, ConfigurationSchema, 'The configuration', { headers: ['ETag'], media: CIRCUIT_MEDIA_DESCRIBED })
  @Answers(304, null, 'Unchanged since the ETag in If-None-Match')
  @Problems('not-found', 'not-acceptable')
  async configuration(
    @From() caller: Caller,
    @RunId() runId: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const media = negotiate(request.headers.accept, Object.values(CIRCUIT_MEDIA))
    const { spec } = await this.#run(caller, runId)
    if (!spec?.configuration) throw new Problem('not-found', `Run ${runId} has no configuration.`)
    const configuration = configurationFromProto(spec.configuration)
    reply.header('vary', 'accept')
    if (media === CIRCUIT_MEDIA.json) return unlessKnown(request, reply, configuration)
    const device = await specificationOfRun(this.bus, { deviceId: spec.deviceId, configuration })
    if (!unlessKnown(request, reply, { media, configuration, device })) return undefined
    const { type, body } = represent({ configuration, specification: device, description: null }, media)
    reply.type(type)
    return body
  }

  @Get(':id/input')
  @Needs('runs:read')
  @ApiOperation({
    summary: 'Read the input of a run',
    description:
      'Exactly what was sent, what was made from it, and the total work: files of each shard, of a program its configuration.',
  })
  @Answers(200, RunInputSchema, 'The input', { headers: ['ETag'] })
  @Answers(304, null, 'Unchanged since the ETag in If-None-Match')
  @Problems('not-found')
  async input(
    @From() caller: Caller,
    @RunId() runId: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return unlessKnown(request, reply, inputOf(await this.#run(caller, runId)))
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @Needs('runs:cancel')
  @ApiOperation({
    summary: 'Cancel a run',
    description:
      'A waiting run is canceled at once (200). A running one is asked to stop (202): follow its events. A run that is over cannot be canceled (409).',
  })
  @Answers(200, RunSchema, 'Canceled')
  @Answers(202, RunSchema, 'Asked to stop')
  @Problems('not-found', 'state-conflict')
  async cancel(@From() caller: Caller, @RunId() runId: string, @Res({ passthrough: true }) reply: FastifyReply) {
    const { run } = await this.bus.call(store.cancelRun, { ownerId: caller.userId, role: caller.role, runId })
    crashPoint('cancellation-accepted')
    const resource = runResource(present(run))
    if (resource.state !== 'CANCELED') reply.code(202)
    return resource
  }

  async #run({ userId, role }: Caller, runId: string): Promise<RunMessage> {
    return present((await this.bus.call(store.getRun, { ownerId: userId, role, runId })).run)
  }
}

function present(run: RunMessage | null | undefined): RunMessage {
  invariant(run, 'the store answers with a run or a problem')
  return run
}
