/** The statements about runs. Every reading one is scoped by the owner: a foreign run does not exist. */
import { createHash } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { Problem, type RunKind, type RunState } from '@lucihub/analog'
import { CompileReply, ConfigurationMessage, type RunMessage, type RunSpec } from '@lucihub/contracts'
import { Database, type Statement } from '../database/database.ts'
import {
  ATTEMPT_COLUMNS,
  only,
  RUN_COLUMNS,
  runToProto,
  type AttemptRow,
  type RunRow,
  type RunTexts,
} from './run-rows.ts'
import { specHash, type Submission } from './submission.ts'
import { isUuid, uuid7 } from './uuid7.ts'

export interface NewRun {
  readonly ownerId: string
  /** Empty: none. */
  readonly idempotencyKey: string
  readonly spec: RunSpec
  readonly submission: Submission
  /** More waiting runs of this owner are refused. */
  readonly maxQueued: number
}

export interface RunFilter {
  readonly ownerId: string
  readonly states: readonly RunState[]
  readonly kinds: readonly RunKind[]
  readonly deviceId: string
  /** Only runs submitted before the one of this number. */
  readonly beforeSeq: number
  readonly limit: number
}

const TEXTS = `r.source, r.report, c.body AS configuration`

/** One statement is one transaction: the run, its configuration and, for a compilation, its terminal state. */
const INSERT: Statement = {
  name: 'insert-run',
  text: `WITH kept AS (
      INSERT INTO configuration (hash, body) VALUES ($9, $10) ON CONFLICT (hash) DO NOTHING),
    r AS (
      INSERT INTO run (id, owner_id, idempotency_key, spec_sha256, kind, title, source, report, configuration_hash,
        device_id, device_class, target, op_time_ns, ic_time_ns, sample_rate_hz, halt_on_overload, max_attempts, accept_gaps,
        num_channels, expected_samples, state, ended_at)
      SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22::text,
        CASE WHEN $22::text = 'COMPLETED' THEN now() END
      WHERE $22::text <> 'QUEUED'
        OR (SELECT count(*) FROM (SELECT FROM run WHERE owner_id = $2 AND state = 'QUEUED' LIMIT $23) waiting) < $23
      ON CONFLICT (owner_id, idempotency_key) DO NOTHING
      RETURNING *),
    ended AS (
      INSERT INTO run_terminal (run_id, state, purged) SELECT r.id, r.state, true FROM r WHERE r.state = 'COMPLETED')
    SELECT ${RUN_COLUMNS} FROM r`,
}

const BY_KEY: Statement = {
  name: 'run-by-key',
  text: `SELECT ${RUN_COLUMNS}, ${TEXTS}, r.spec_sha256 FROM run r JOIN configuration c ON c.hash = r.configuration_hash
    WHERE r.owner_id = $1 AND r.idempotency_key = $2`,
}

const BY_ID: Statement = {
  name: 'run-by-id',
  text: `SELECT ${RUN_COLUMNS}, ${TEXTS} FROM run r JOIN configuration c ON c.hash = r.configuration_hash WHERE r.owner_id = $1 AND r.id = $2`,
}

const ATTEMPTS: Statement = {
  name: 'attempts-of-runs',
  text: `SELECT ${ATTEMPT_COLUMNS} FROM attempt a WHERE a.run_id = ANY ($1::uuid[]) ORDER BY a.run_id, a.number`,
}

const LIST: Statement = {
  name: 'list-runs',
  text: `SELECT ${RUN_COLUMNS} FROM run r
    WHERE r.owner_id = $1 AND r.seq < $2
      AND (cardinality($3::text[]) = 0 OR r.state = ANY ($3)) AND (cardinality($4::text[]) = 0 OR r.kind = ANY ($4))
      AND ($5 = '' OR r.device_id = $5 OR EXISTS (SELECT FROM attempt a WHERE a.run_id = r.id AND a.device_id = $5))
    ORDER BY r.seq DESC LIMIT $6`,
}

@Injectable()
export class RunRepository {
  constructor(private readonly database: Database) {}

  /** Accepts a run, or finds the one that the key already stands for. Problems: `idempotency-mismatch`, `too-many-requests`. */
  async accept(run: NewRun): Promise<{ readonly run: RunMessage; readonly existing: boolean }> {
    const configuration = Buffer.from(ConfigurationMessage.encode(run.submission.configuration))
    const report =
      run.spec.report || run.spec.diagnostics.length > 0
        ? Buffer.from(
            CompileReply.encode({
              report: run.spec.report ?? null,
              diagnostics: run.spec.diagnostics,
              configuration: null,
            }),
          )
        : null
    const rows = await this.database.query<RunRow>(INSERT, insertValues(run, { configuration, report }))
    const [row] = rows
    if (row)
      return {
        run: runToProto(row, { attempts: [], texts: { source: run.spec.source, report, configuration } }),
        existing: false,
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
    const [row] = await this.database.query<RunRow & RunTexts & { readonly spec_sha256: Buffer }>(BY_KEY, [
      ownerId,
      key,
    ])
    if (!row) return null
    if (!row.spec_sha256.equals(specHash(spec)))
      throw new Problem('idempotency-mismatch', `The key "${key}" stands for run ${row.id}, which was another request.`)
    return runToProto(row, { attempts: await this.attempts([row.id]), texts: row })
  }

  /** Problem `not-found` also when it belongs to somebody else. */
  async get(ownerId: string, runId: string): Promise<RunMessage> {
    const [row] = isUuid(runId) ? await this.database.query<RunRow & RunTexts>(BY_ID, [ownerId, runId]) : []
    if (!row) throw noSuchRun(runId)
    return runToProto(row, { attempts: await this.attempts([row.id]), texts: row })
  }

  /** Newest first. `nextSeq`: where to go on, 0 at the end. */
  async list(filter: RunFilter): Promise<{ readonly runs: readonly RunMessage[]; readonly nextSeq: number }> {
    const rows = await this.database.query<RunRow>(LIST, [
      filter.ownerId,
      filter.beforeSeq,
      filter.states,
      filter.kinds,
      filter.deviceId,
      filter.limit + 1,
    ])
    const shown = rows.slice(0, filter.limit)
    const attempts = await this.attempts(shown.map((row) => row.id))
    return {
      runs: shown.map((row) =>
        runToProto(row, { attempts: attempts.filter((attempt) => attempt.run_id === row.id), texts: null }),
      ),
      nextSeq: rows.length > filter.limit ? only(shown.slice(-1)).seq : 0,
    }
  }

  private async attempts(runIds: readonly string[]): Promise<AttemptRow[]> {
    return runIds.length === 0 ? [] : this.database.query<AttemptRow>(ATTEMPTS, [runIds])
  }
}

export function noSuchRun(runId: string): Problem {
  return new Problem('not-found', `There is no run ${runId.slice(0, 80)}.`)
}

function insertValues(
  { ownerId, idempotencyKey, spec, submission, maxQueued }: NewRun,
  { configuration, report }: { configuration: Buffer; report: Buffer | null },
): unknown[] {
  return [
    uuid7(Date.now()),
    ownerId,
    idempotencyKey || null,
    specHash(spec),
    submission.kind,
    spec.title,
    spec.source,
    report,
    createHash('sha256').update(configuration).digest(),
    configuration,
    submission.deviceId,
    submission.deviceClass,
    submission.deviceId ?? `class:${submission.deviceClass}`,
    submission.opTimeNs,
    submission.icTimeNs,
    submission.sampleRateHz,
    spec.haltOnOverload,
    submission.maxAttempts,
    spec.acceptGaps,
    submission.numChannels,
    submission.expectedSamples,
    submission.kind === 'compile' ? 'COMPLETED' : 'QUEUED',
    maxQueued,
  ]
}
