import { gzip } from 'node:zlib'
import { promisify } from 'node:util'
import { Body, Controller, HttpCode, Inject, Param, Patch, Post, Put, Res } from '@nestjs/common'
import { ApiOperation, ApiTags } from '@nestjs/swagger'
import { Problem, invariant } from '@lucihub/analog'
import { runState, store, type ResultChannel } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import type { FastifyReply } from 'fastify'
import { actorOf, From, Needs, type Caller } from '../access/caller.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { RunId } from '../runs/run-id.ts'
import { instant, runResource } from '../runs/run-resource.ts'
import { ShardBatches } from './shard-batches.ts'
import {
  AssignmentSchema,
  ClaimSchema,
  HandedInSchema,
  HandInSchema,
  LogAppendSchema,
  LogLengthSchema,
  RunAnswerSchema,
  RunWordSchema,
  ShardAnswerSchema,
  ShardUpdateSchema,
  type Claim,
  type HandIn,
  type LogAppend,
  type RunWord,
  type ShardWord,
} from './worker.schema.ts'

const compress = promisify(gzip)
/** A job's results are stored by many statements. */
const HAND_IN_TIMEOUT_MS = 20_000

@ApiTags('worker')
@Controller('api/v1/worker')
export class WorkerController {
  constructor(
    @Inject(Bus) private readonly bus: Bus,
    @Inject(ShardBatches) private readonly batches: ShardBatches,
  ) {}

  @Post('claim')
  @HttpCode(200)
  @Needs('runs:write')
  @ApiOperation({
    summary: 'Take the next shard of a pool',
    description:
      'Gives a shard that waits, now RUNNING, with its run, its input and a run key. 204 when nothing waits. Operators and administrators work on all runs, others on those they may change.',
  })
  @Answers(200, AssignmentSchema, 'A shard')
  @Answers(204, null, 'Nothing waits')
  @Problems('invalid-request', 'validation-failed')
  async claim(
    @From() caller: Caller,
    @Body({ schema: ClaimSchema }) { pool, workerId, jobTypes }: Claim,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const taken = await this.bus.call(store.claimShard, { actor: actorOf(caller), pool, workerId, jobTypes })
    if (!taken.run || !taken.shard) return void reply.code(204)
    const run = runResource(taken.run)
    const shard = run.shards.find(({ index }) => index === taken.shard?.index)
    invariant(shard, 'a claimed shard is one of its run')
    return { run, shard, runKey: taken.runKey, runKeyExpiresAt: instant(taken.runKeyExpiresAtMs) }
  }

  @Patch('runs/:id/shards/:index')
  @HttpCode(202)
  @Needs('worker')
  @ApiOperation({
    summary: 'Tell how far a shard is',
    description: 'What is over takes no more words: they are ignored.',
  })
  @Answers(202, ShardAnswerSchema, 'Taken, or ignored')
  @Problems('not-found', 'invalid-request', 'validation-failed', 'state-conflict')
  async update(
    @From() caller: Caller,
    @RunId() runId: string,
    @Param('index') at: string,
    @Body({ schema: ShardUpdateSchema }) word: ShardWord,
  ) {
    ownRun(caller, runId)
    const index = /^\d{1,6}$/.test(at) ? Number(at) : -1
    if (index < 0) throw noSuchShard(at)
    const { state, completed, requested, etaS, error, workerId = '', attempt = 0 } = word
    const { result, state: now } = await this.batches.tell(runId, {
      index,
      workerId,
      attempt,
      ...(state !== undefined && { state: runState.toProto(state) }),
      ...(completed !== undefined && { completed }),
      ...(requested !== undefined && { requested }),
      ...(typeof etaS === 'number' && { etaS }),
      ...(error !== undefined && { error }),
    })
    if (result === 'unknown') throw noSuchShard(at)
    const shardState = runState.fromProto(now)
    if (result === 'refused')
      throw new Problem('state-conflict', `Shard ${index} is ${shardState} and cannot become ${state ?? 'RUNNING'}.`)
    return { result: result === 'accepted' ? ('accepted' as const) : ('ignored' as const), state: shardState }
  }

  @Post('runs/:id/state')
  @HttpCode(202)
  @Needs('worker')
  @ApiOperation({
    summary: 'Tell the state of a run',
    description:
      'For all its shards that are open. COMPLETED lets their results be merged; FAILED ends the run as it is.',
  })
  @Answers(202, RunAnswerSchema, 'Taken, or ignored')
  @Problems('not-found', 'invalid-request', 'validation-failed', 'state-conflict')
  async state(
    @From() caller: Caller,
    @RunId() runId: string,
    @Body({ schema: RunWordSchema }) { state, reason, log }: RunWord,
  ) {
    ownRun(caller, runId)
    if (log.length > 0)
      await this.bus.call(store.appendLog, { runId, shard: 0, attempt: 0, name: 'run.log', lines: log })
    const { accepted, run } = await this.bus.call(store.enterState, {
      runId,
      state: runState.toProto(state),
      reason,
      log: [],
    })
    invariant(run, 'the store tells the run')
    return { accepted, state: runState.fromProto(run.state) }
  }

  @Put('runs/:id/results')
  @HttpCode(200)
  @Needs('worker')
  @ApiOperation({
    summary: 'Hand in results',
    description:
      'Channels with their pages, of a shard or of the run. Handed in again they replace themselves. A body has at most 1 MiB: send more pages in more requests.',
  })
  @Answers(200, HandedInSchema, 'Stored')
  @Problems('not-found', 'invalid-request', 'validation-failed', 'state-conflict', 'too-large')
  async results(
    @From() caller: Caller,
    @RunId() runId: string,
    @Body({ schema: HandInSchema }) { shard, channels }: HandIn,
  ) {
    ownRun(caller, runId)
    return this.bus.call(
      store.putResults,
      {
        runId,
        shardPlusOne: shard === undefined ? 0 : shard + 1,
        channels: await Promise.all(channels.map(channelMessage)),
      },
      { timeoutMs: HAND_IN_TIMEOUT_MS },
    )
  }

  @Post('runs/:id/logs')
  @HttpCode(202)
  @Needs('worker')
  @ApiOperation({ summary: 'Append to a log', description: 'Logs are kept by shard, attempt and name.' })
  @Answers(202, LogLengthSchema, 'Appended')
  @Problems('not-found', 'invalid-request', 'validation-failed', 'too-large')
  async logs(
    @From() caller: Caller,
    @RunId() runId: string,
    @Body({ schema: LogAppendSchema }) { shard, attempt = 0, name, lines }: LogAppend,
  ) {
    ownRun(caller, runId)
    return this.bus.call(store.appendLog, { runId, shard, attempt, name, lines })
  }
}

/** A run key is for one run. */
function ownRun({ runId: own }: Caller, runId: string): void {
  if (own !== runId) throw new Problem('forbidden', 'This key is for another run.')
}

function noSuchShard(index: string): Problem {
  return new Problem('not-found', `The run has no shard ${index.slice(0, 40)}.`)
}

async function channelMessage(
  { name, sourceName = name, unit, metadata, pages }: HandIn['channels'][number],
  position: number,
): Promise<ResultChannel> {
  return {
    position,
    name,
    sourceName,
    unit,
    metadataJson: JSON.stringify(metadata),
    pages: await Promise.all(
      pages.map(async ({ number, name: title, dimension, kind, ...body }) => ({
        number,
        name: title,
        dimension,
        kind,
        shape: [body.data?.values.length ?? 0],
        encoding: 'json+gzip',
        body: await compress(JSON.stringify(body)),
      })),
    ),
  }
}
