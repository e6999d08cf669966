/** The statements about runs. Every reading one is scoped by who asks: what one may not see does not exist. */
import { gunzipSync } from 'node:zlib'
import { Injectable } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import type { ListRunsRequest, RunMessage, RunSpec } from '@lucihub/contracts'
import { mayReadRun, type Asker } from '../access/rights.ts'
import { Database, type Statement } from '../database/database.ts'
import { HotProgress, type Told } from '../shards/hot-progress.ts'
import { Places } from '../tree/places.ts'
import { insertRun, isDivided, type NewRun } from './insertion.ts'
import { listPlan } from './run-list.ts'
import {
  ATTEMPT_COLUMNS,
  only,
  RUN_COLUMNS,
  runToProto,
  SHARDS_COLUMN,
  type AttemptRow,
  type RunRow,
  type RunTexts,
  type ShardJson,
  type ShardsColumn,
} from './run-rows.ts'
import { specHash } from './submission.ts'
import { isUuid } from './uuid7.ts'

const TEXTS = `r.source, r.report, c.body AS configuration, ${SHARDS_COLUMN},
  CASE WHEN r.engine = 'worker' THEN (SELECT i.body FROM run_input i WHERE i.run_id = r.id) END AS input`

interface WholeRow extends RunRow, RunTexts, ShardsColumn {
  /** gzip of the JSON, of jobs only. */
  readonly input: Buffer | null
}

const BY_KEY: Statement = {
  name: 'run-by-key',
  text: `SELECT ${RUN_COLUMNS}, ${TEXTS}, r.spec_sha256 FROM run r JOIN configuration c ON c.hash = r.configuration_hash
    WHERE r.owner_id = $1 AND r.idempotency_key = $2`,
}

const BY_ID: Statement = {
  name: 'run-by-id',
  text: `SELECT ${RUN_COLUMNS}, ${TEXTS} FROM run r JOIN configuration c ON c.hash = r.configuration_hash
    WHERE r.id = $3 AND ${mayReadRun('r', { user: '$1', role: '$2' })}`,
}

const ATTEMPTS: Statement = {
  name: 'attempts-of-runs',
  text: `SELECT ${ATTEMPT_COLUMNS} FROM attempt a WHERE a.run_id = ANY ($1::uuid[]) ORDER BY a.run_id, a.number`,
}

@Injectable()
export class RunRepository {
  constructor(
    private readonly database: Database,
    private readonly places: Places,
    private readonly hot: HotProgress,
  ) {}

  /** Accepts a run, or finds the one that the key already stands for. Problems: `idempotency-mismatch`, `too-many-requests`, and those of its place. */
  async accept(run: NewRun, asker: Asker): Promise<{ readonly run: RunMessage; readonly existing: boolean }> {
    const inserted = await this.places.settle(asker, run.spec.place ?? null, (place) =>
      isDivided(run)
        ? this.database.transaction((transaction) => insertRun(transaction, run, place))
        : insertRun(this.database, run, place),
    )
    if (inserted) {
      const { row, texts } = inserted
      return isDivided(run)
        ? { run: await this.get(asker, row.id), existing: false }
        : { run: runToProto(row, { attempts: [], texts, shards: null }), existing: false }
    }
    const existing = await this.byKey(run.ownerId, run.idempotencyKey, run.spec)
    if (existing) return { run: existing, existing: true }
    throw new Problem(
      'too-many-requests',
      `You have ${run.maxQueued} runs waiting, which is the most that one user may have.`,
      { retryAfterS: 10 },
    )
  }

  /** The run that an idempotency key stands for, or null. Problem `idempotency-mismatch` when that was another request. */
  async byKey(ownerId: string, key: string, spec: RunSpec): Promise<RunMessage | null> {
    if (key === '') return null
    const [row] = await this.database.query<WholeRow & { readonly spec_sha256: Buffer }>(BY_KEY, [ownerId, key])
    if (!row) return null
    if (!row.spec_sha256.equals(specHash(spec)))
      throw new Problem('idempotency-mismatch', `The key "${key}" stands for run ${row.id}, which was another request.`)
    return this.whole(row)
  }

  /** Problem `not-found` also for a run that the asker may not see. */
  async get({ userId, role }: Asker, runId: string): Promise<RunMessage> {
    const [row] = isUuid(runId) ? await this.database.query<WholeRow>(BY_ID, [userId, role, runId]) : []
    if (!row) throw noSuchRun(runId)
    return this.whole(row)
  }

  /** `nextSeq`: where to go on, 0 at the end. `total`: with pages only. */
  async list(
    request: ListRunsRequest,
  ): Promise<{ readonly runs: readonly RunMessage[]; readonly nextSeq: number; readonly total: number }> {
    const { list, count, values, limit } = listPlan(request)
    const rows = await this.database.query<RunRow>(list, values)
    const [counted] = count ? await this.database.query<{ readonly total: number }>(count, values) : []
    const shown = rows.slice(0, limit)
    const attempts = await this.attempts(shown.map((row) => row.id))
    return {
      runs: shown.map((row) =>
        runToProto(row, {
          attempts: attempts.filter((attempt) => attempt.run_id === row.id),
          texts: null,
          shards: null,
        }),
      ),
      nextSeq: rows.length > limit ? only(shown.slice(-1)).seq : 0,
      total: counted?.total ?? 0,
    }
  }

  private async whole(row: WholeRow): Promise<RunMessage> {
    const working = row.engine === 'worker' && row.state === 'RUNNING'
    const [attempts, newer] = await Promise.all([
      this.attempts([row.id]),
      working ? this.hot.newer(row.id) : new Map<number, Told>(),
    ])
    const shards = row.shards?.map((shard) => withNewer(shard, newer.get(shard.index))) ?? null
    const run = runToProto(row, { attempts, texts: row, shards })
    return row.input ? { ...run, inputJson: gunzipSync(row.input).toString() } : run
  }

  private async attempts(runIds: readonly string[]): Promise<AttemptRow[]> {
    return runIds.length === 0 ? [] : this.database.query<AttemptRow>(ATTEMPTS, [runIds])
  }
}

/** What a worker told since the last write to the database. */
function withNewer(shard: ShardJson, told: Told | undefined): ShardJson {
  if (!told || shard.state !== 'RUNNING' || told.attempt !== shard.attempt) return shard
  return {
    ...shard,
    completed: Math.max(shard.completed, told.completed),
    etaS: told.etaS,
    lastUpdateAtMs: Math.max(shard.lastUpdateAtMs, told.atMs),
  }
}

export function noSuchRun(runId: string): Problem {
  return new Problem('not-found', `There is no run ${runId.slice(0, 80)}.`)
}
