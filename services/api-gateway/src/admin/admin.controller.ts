import { Controller, Delete, Get, HttpCode, Inject, Param, Query } from '@nestjs/common'
import { ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger'
import { runState, store } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { From, Needs, actorOf, type Caller } from '../access/caller.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { parseWith } from '../http/violations.ts'
import { parseRunId } from '../runs/run-id.ts'
import { instant } from '../runs/run-resource.ts'
import {
  AllRunsQuerySchema,
  AllShardsQuerySchema,
  OwnedRunPageSchema,
  OwnedShardPageSchema,
  ShardParams,
  type AllRunsQuery,
  type AllShardsQuery,
} from './admin.schema.ts'

@ApiTags('admin')
@Controller('api/v1/admin')
export class AdminController {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @Get('runs')
  @Needs('admin:*')
  @ApiOperation({ summary: 'List the runs of everybody', description: 'For administrators; newest first.' })
  @Answers(200, OwnedRunPageSchema, 'A page of runs')
  @Problems('invalid-request', 'validation-failed')
  async runs(@From() caller: Caller, @Query({ schema: AllRunsQuerySchema }) query: AllRunsQuery) {
    const { user: username = '', provider = '', cursor = '', limit } = query
    const wanted = { actor: actorOf(caller), username, provider, cursor, limit }
    const { runs, nextCursor } = await this.bus.call(store.listAllRuns, wanted)
    return {
      // Field by field: what a message leaves out is not its own property.
      runs: runs.map((run) => ({
        id: run.id,
        seq: run.seq,
        title: run.title,
        state: runState.fromProto(run.state),
        path: run.path,
        ownerId: run.ownerId,
        username: run.username,
        provider: run.provider,
        submittedAt: instant(run.submittedAtMs),
        ...spanOf(run),
      })),
      nextCursor: nextCursor || null,
    }
  }

  @Get('shards')
  @Needs('admin:*')
  @ApiOperation({
    summary: 'List the shards of everybody',
    description: 'For administrators; by run, then by index. A run that is not divided has one.',
  })
  @Answers(200, OwnedShardPageSchema, 'A page of shards')
  @Problems('invalid-request', 'validation-failed', 'not-found')
  async shards(@From() caller: Caller, @Query({ schema: AllShardsQuerySchema }) query: AllShardsQuery) {
    const { user: username = '', provider = '', run: runId = '', cursor = '', limit } = query
    const wanted = { actor: actorOf(caller), username, provider, runId, cursor, limit }
    const { shards, nextCursor } = await this.bus.call(store.listAllShards, wanted)
    return {
      shards: shards.map((shard) => ({
        runId: shard.runId,
        index: shard.index,
        state: runState.fromProto(shard.state),
        requested: shard.requested,
        completed: shard.completed,
        workerId: shard.workerId,
        username: shard.username,
        provider: shard.provider,
        ...spanOf(shard),
      })),
      nextCursor: nextCursor || null,
    }
  }

  @Delete('shards/:run/:index')
  @HttpCode(204)
  @Needs('admin:*')
  @ApiOperation({
    summary: 'Remove one shard of a run',
    description: 'With its own results and logs; the other shards and what was merged stay. The run has to have ended.',
  })
  @ApiParam({ name: 'run', description: 'Id of the run' })
  @ApiParam({ name: 'index', description: 'Of the shard' })
  @Answers(204, null, 'Removed')
  @Problems('not-found', 'state-conflict', 'invalid-request', 'validation-failed')
  async removeShard(@From() caller: Caller, @Param('run') run: string, @Param('index') index: string) {
    const wanted = { actor: actorOf(caller), runId: parseRunId(run), index: parseWith(ShardParams, index) }
    await this.bus.call(store.removeShard, wanted)
  }
}

function spanOf({ startedAtMs, endedAtMs }: { readonly startedAtMs: number; readonly endedAtMs: number }) {
  return { startedAt: startedAtMs ? instant(startedAtMs) : null, endedAt: endedAtMs ? instant(endedAtMs) : null }
}
