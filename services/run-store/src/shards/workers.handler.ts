import { gzipSync } from 'node:zlib'
import { Controller } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import {
  runState,
  store,
  type AppendLogReply,
  type AppendLogRequest,
  type ClaimShardReply,
  type ClaimShardRequest,
  type EnterStateReply,
  type EnterStateRequest,
  type PutResultsReply,
  type PutResultsRequest,
  type ShardUpdate,
  type UpdateShardsReply,
  type UpdateShardsRequest,
} from '@lucihub/contracts'
import { Answer } from '@lucihub/messaging'
import { mayWriteRun } from '../access/rights.ts'
import { needActor } from '../keys/scopes.ts'
import { RunKeys } from '../people/run-keys.ts'
import { RunRepository } from '../runs/run-repository.ts'
import { HotView } from '../view/hot-view.ts'
import { Merger } from './merger.ts'
import { ResultRepository, WHOLE } from './result-repository.ts'
import type { RunEntered } from './shard-rows.ts'
import { ShardUpdates } from './shard-updates.ts'

/** Operators run the workers of pools; anybody may work on what he may write. */
const MAY_TAKE = `($2::text = 'operator' OR ${mayWriteRun('r', { user: '$1', role: '$2' })})`
const LINE_LENGTH_MAX = 8_192

/** What workers take and tell. The gateway has checked the run key. */
@Controller()
export class WorkersHandler {
  constructor(
    private readonly shards: ShardUpdates,
    private readonly runs: RunRepository,
    private readonly keys: RunKeys,
    private readonly view: HotView,
    private readonly merger: Merger,
  ) {}

  @Answer(store.claimShard)
  async claim({ actor, pool, workerId, jobTypes }: ClaimShardRequest): Promise<ClaimShardReply> {
    const { userId, role } = needActor(actor)
    const values = [userId, role, pool.replaceAll('\0', ''), jobTypes] as const
    const taken = await this.shards.claim(MAY_TAKE, values, workerId.replaceAll('\0', ''))
    if (!taken) return { runKey: '', runKeyExpiresAtMs: 0 }
    this.tell(taken.entered)
    // Whoever may work on a run may read it.
    const run = await this.runs.get({ userId, role: role === 'operator' ? 'admin' : role }, taken.runId)
    const key = await this.keys.issue(taken.runId)
    const shard = run.shards.find(({ index }) => index === taken.index) ?? null
    return { shard, run, runKey: key.token, runKeyExpiresAtMs: key.expiresAtMs }
  }

  @Answer(store.updateShards)
  async update({ runId, updates }: UpdateShardsRequest): Promise<UpdateShardsReply> {
    const { answers, entered } = await this.shards.update(runId, updates.map(wordOf))
    this.tell(entered)
    return { results: answers.map(({ result, state }) => ({ result, state: runState.toProto(state) })) }
  }

  @Answer(store.enterState)
  async enterState({ runId, state, reason }: EnterStateRequest): Promise<EnterStateReply> {
    const { accepted, entered } = await this.shards.enterState(runId, {
      state: runState.fromProto(state),
      reason: reason.replaceAll('\0', ''),
    })
    this.tell(entered)
    return { accepted, run: await this.runs.get({ userId: '', role: 'admin' }, runId) }
  }

  private tell(entered: RunEntered | null): void {
    if (!entered) return
    this.view.entered(entered.runId, { attempt: 0, ...entered })
    if (entered.state === 'MERGE_QUEUED') this.merger.wake()
  }
}

/** What workers hand in. */
@Controller()
export class HandInHandler {
  constructor(private readonly results: ResultRepository) {}

  @Answer(store.putResults)
  async put({ runId, shardPlusOne, channels }: PutResultsRequest): Promise<PutResultsReply> {
    return { pages: await this.results.put(runId, shardPlusOne === 0 ? WHOLE : shardPlusOne - 1, channels) }
  }

  /** The time is this process's: lines of one call share it. */
  @Answer(store.appendLog)
  async append({ runId, shard, attempt, name, lines }: AppendLogRequest): Promise<AppendLogReply> {
    if (lines.length === 0) return { lines: 0 }
    if (shard > 0x7fffffff || attempt > 0x7fffffff) throw new Problem('not-found', `The run has no shard ${shard}.`)
    const at = new Date().toISOString()
    const text = lines.map((line) => `${at} ${line.slice(0, LINE_LENGTH_MAX).replaceAll(/[\0\r\n]+/g, ' ')}\n`).join('')
    const stored = { shard, attempt, name: name || 'worker.log', lines: lines.length, body: gzipSync(text) }
    return { lines: await this.results.appendLog(runId, stored) }
  }
}

function wordOf({ index, state, completed, requested, etaS, error, workerId, attempt }: ShardUpdate) {
  return {
    index,
    word: {
      ...(typeof state === 'number' && { state: runState.fromProto(state) }),
      ...(typeof completed === 'number' && { completed }),
      ...(typeof requested === 'number' && { requested }),
      ...(typeof etaS === 'number' && { etaS }),
      ...(typeof error === 'string' && { error: error.replaceAll('\0', '') }),
      workerId: workerId.replaceAll('\0', ''),
      attempt,
    },
  }
}
