/** Runs and shards of everybody, for administrators. */
import { Injectable } from '@nestjs/common'
import { Problem, type RunState } from '@lucihub/analog'
import {
  runState,
  type ListAllRunsRequest,
  type ListAllShardsRequest,
  type OwnedRun,
  type OwnedShard,
} from '@lucihub/contracts'
import { Database, type Statement } from '../database/database.ts'
import { isUuid } from '../runs/uuid7.ts'
import { limitOf, notACursor, seqOf } from '../tree/tree-rows.ts'

const OWNED = `($1 = '' OR u.username = $1) AND ($2 = '' OR u.provider = $2)`
const RUNS: Statement = {
  name: 'overview-runs',
  text: `SELECT r.id, r.seq, r.title, r.state, r.owner_id, coalesce(u.username, '') AS username, coalesce(u.provider, '') AS provider,
      r.submitted_at, r.started_at, r.ended_at, r.path
    FROM run r LEFT JOIN app_user u ON u.id::text = r.owner_id
    WHERE r.parent_id IS NULL AND ${OWNED} AND ($3 = 0 OR r.seq < $3) ORDER BY r.seq DESC LIMIT $4`,
}
/** A run that is not divided has one shard, itself. */
const SHARDS: Statement = {
  name: 'overview-shards',
  text: `SELECT r.id AS run_id, r.seq, coalesce(s.index, 0) AS index, coalesce(c.state, s.state, r.state) AS state,
      coalesce(s.requested, r.requested_work) AS requested, coalesce(s.completed, r.completed_work) AS completed,
      coalesce(u.username, '') AS username, coalesce(u.provider, '') AS provider, coalesce(c.started_at, s.started_at, r.started_at) AS started_at,
      coalesce(c.ended_at, s.ended_at, r.ended_at) AS ended_at, coalesce(s.worker_id, '') AS worker_id
    FROM run r LEFT JOIN shard s ON s.run_id = r.id LEFT JOIN run c ON c.id = s.child_run_id LEFT JOIN app_user u ON u.id::text = r.owner_id
    WHERE r.parent_id IS NULL AND (s.run_id IS NOT NULL OR (r.engine = 'hub' AND r.shards_effective = 1)) AND ${OWNED}
      AND ($3::uuid IS NULL OR r.id = $3) AND (r.seq, coalesce(s.index, 0)) > ($4::bigint, $5::int)
    ORDER BY r.seq, coalesce(s.index, 0) LIMIT $6`,
}

interface RunRow {
  readonly id: string
  readonly seq: number
  readonly title: string
  readonly state: RunState
  readonly owner_id: string
  readonly username: string
  readonly provider: string
  readonly submitted_at: Date
  readonly started_at: Date | null
  readonly ended_at: Date | null
  readonly path: string
}

interface ShardRow {
  readonly run_id: string
  readonly seq: number
  readonly index: number
  readonly state: RunState
  readonly requested: number
  readonly completed: number
  readonly username: string
  readonly provider: string
  readonly started_at: Date | null
  readonly ended_at: Date | null
  readonly worker_id: string
}

@Injectable()
export class Overview {
  constructor(private readonly database: Database) {}

  /** Newest first. Problem `forbidden` for anybody but administrators. */
  async runs(request: ListAllRunsRequest): Promise<{ runs: OwnedRun[]; nextCursor: string }> {
    adminOnly(request.actor?.role)
    const limit = limitOf(request.limit)
    const values = [clean(request.username), clean(request.provider), seqOf(request.cursor), limit + 1]
    const rows = await this.database.query<RunRow>(RUNS, values)
    const runs = rows.slice(0, limit).map((row) => ({
      id: row.id,
      seq: row.seq,
      title: row.title,
      state: runState.toProto(row.state),
      ownerId: row.owner_id,
      username: row.username,
      provider: row.provider,
      submittedAtMs: row.submitted_at.getTime(),
      startedAtMs: row.started_at?.getTime() ?? 0,
      endedAtMs: row.ended_at?.getTime() ?? 0,
      path: row.path,
    }))
    return { runs, nextCursor: rows.length > limit ? String(runs.at(-1)?.seq) : '' }
  }

  /** By run in the order of submission, then by index. Problems: `forbidden`, `not-found`. */
  async shards(request: ListAllShardsRequest): Promise<{ shards: OwnedShard[]; nextCursor: string }> {
    adminOnly(request.actor?.role)
    const { runId, cursor } = request
    if (runId !== '' && !isUuid(runId)) throw new Problem('not-found', `There is no run ${runId.slice(0, 80)}.`)
    const [, seq = '0', index = '-1'] = /^(\d{1,16})\.(\d{1,9})$/.exec(cursor) ?? []
    if (cursor !== '' && seq === '0') throw notACursor(cursor)
    const limit = limitOf(request.limit)
    const owner = [clean(request.username), clean(request.provider)]
    const rows = await this.database.query<ShardRow>(SHARDS, [...owner, runId || null, seq, index, limit + 1])
    const shown = rows.slice(0, limit)
    const last = shown.at(-1)
    return {
      shards: shown.map((row) => ({
        runId: row.run_id,
        index: row.index,
        state: runState.toProto(row.state),
        requested: row.requested,
        completed: row.completed,
        username: row.username,
        provider: row.provider,
        startedAtMs: row.started_at?.getTime() ?? 0,
        endedAtMs: row.ended_at?.getTime() ?? 0,
        workerId: row.worker_id,
      })),
      nextCursor: rows.length > limit && last ? `${last.seq}.${last.index}` : '',
    }
  }
}

export function adminOnly(role: string | undefined): void {
  if (role !== 'admin') throw new Problem('forbidden', 'Only administrators may do that.')
}

function clean(text: string): string {
  return text.replaceAll('\0', '')
}
