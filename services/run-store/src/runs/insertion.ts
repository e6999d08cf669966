/**
 * A run into the database. A plain one is one statement: the run, its configuration, its datapoint and, for a
 * compilation, its end. A run in parts is one transaction: the same statement, then its shards, and for each shard on
 * a device a hidden run of its own, which the dispatcher treats like any other.
 */
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { CompileReply, ConfigurationMessage, type RunOrigin, type RunSpec } from '@lucihub/contracts'
import type { Queries, Statement } from '../database/database.ts'
import {
  execConfigOf,
  generalConfigOf,
  SOFTWARE_VERSION,
  type ExecBody,
  type GeneralBody,
  type KeptConfig,
} from '../records/configurations.ts'
import { hasMore, keepRecord } from '../records/keeping.ts'
import { runName, type Place } from '../tree/places.ts'
import type { Division } from './division.ts'
import { RUN_COLUMNS, type RunRow, type RunTexts } from './run-rows.ts'
import { RUN_VERSION } from './run-version.ts'
import { specHash, type Submission } from './submission.ts'
import { uuid7 } from './uuid7.ts'

/** Parameters filled in, and where from. */
export interface RunRecord {
  readonly recipe: string
  readonly recipeVersion: number | null
  readonly parameters: Readonly<Record<string, unknown>>
  readonly paramSources: object
  /** Runs that values came from. */
  readonly lineage: readonly { readonly runId: string; readonly via: string }[]
  /** As its recipe says it begins with. */
  readonly result: Readonly<Record<string, unknown>>
}

export interface NewRun {
  readonly ownerId: string
  /** Empty: none. */
  readonly idempotencyKey: string
  readonly spec: RunSpec
  readonly submission: Submission
  readonly poolId: string | null
  readonly record: RunRecord
  /** More waiting runs of this owner are refused. */
  readonly maxQueued: number
  /** What made it, when no person did. */
  readonly origin?: RunOrigin | null | undefined
}

/** Waits in no device's queue: its shards do, or workers take it from a pool. */
const NO_QUEUE = { split: 'split', job: 'pool' } as const
/** Of what made and stored the run. */
const VERSIONS = { software: SOFTWARE_VERSION, compiler: SOFTWARE_VERSION, wireProto: 'lucihub.v1', run: 1 } as const

const COLUMNS = [
  'id',
  'owner_id',
  'idempotency_key',
  'spec_sha256',
  'kind',
  'title',
  'source',
  'report',
  'configuration_hash',
  'device_id',
  'device_class',
  'target',
  'op_time_ns',
  'ic_time_ns',
  'sample_rate_hz',
  'halt_on_overload',
  'max_attempts',
  'accept_gaps',
  'num_channels',
  'expected_samples',
  'state',
  'job_type',
  'input_kind',
  'engine',
  'pool_id',
  'project_id',
  'datapoint_id',
  'run_no',
  'shards_requested',
  'shards_effective',
  'work_unit',
  'requested_work',
  'merge_policy',
  'timeout_s',
  'schema_version',
  'recipe',
  'recipe_version',
  'general_config_id',
  'exec_config_id',
  'parameters',
  'param_sources',
  'result',
  'result_schemas',
  'versions',
  'tags',
  'notes',
  'sweep_id',
  'cloned_from',
  'halt',
] as const

const at = (column: (typeof COLUMNS)[number]): string => `$${COLUMNS.indexOf(column) + 1}`
const after = (place: number): string => `$${COLUMNS.length + place}`
/** Behind the columns: configuration body, bound of the queue, dataset, its path, name of the datapoint. */
const [BODY, MAX_QUEUED, DATASET, DATASET_PATH, NAME] = [after(1), after(2), after(3), after(4), after(5)]
/** Then what it is configured with: hash, title, project, date, software; hash, environment, polling, transports. */
const GENERAL = [6, 7, 8, 9, 10].map(after)
const EXEC = [11, 12, 13, 14].map(after)
/** Last: data of the datapoint. */
const DATA = after(15)
const POINT_NAME = `coalesce(nullif(${NAME}::text, ''), ${runName('n.seq')})`

const INSERT: Statement = {
  name: 'insert-run',
  text: `WITH kept AS (
      INSERT INTO configuration (hash, body) VALUES (${at('configuration_hash')}, ${BODY}) ON CONFLICT (hash) DO NOTHING),
    general AS (
      INSERT INTO general_config (id, hash, title, project, date, software_version, run_no, timeout_s)
      SELECT ${at('general_config_id')}::uuid, ${GENERAL[0]}::bytea, ${GENERAL[1]}::text, ${GENERAL[2]}::text, ${GENERAL[3]}::text, ${GENERAL[4]}::text,
        ${at('run_no')}::int, coalesce(${at('timeout_s')}::int, 0) ON CONFLICT DO NOTHING),
    exec AS (
      INSERT INTO exec_config (id, hash, env, poll_interval_s, transports)
      SELECT ${at('exec_config_id')}::uuid, ${EXEC[0]}::bytea, ${EXEC[1]}::jsonb, ${EXEC[2]}::float8, ${EXEC[3]}::text[] ON CONFLICT DO NOTHING),
    n AS MATERIALIZED (SELECT nextval('run_seq_seq') AS seq),
    r AS (
      INSERT INTO run (${COLUMNS.join(', ')}, seq, path, ended_at)
      SELECT ${COLUMNS.map((column) => (column === 'state' ? `${at(column)}::text` : at(column))).join(', ')}, n.seq,
        CASE WHEN ${DATASET}::uuid IS NULL THEN '' ELSE ${DATASET_PATH}::text || '/' || ${POINT_NAME} END,
        CASE WHEN ${at('state')}::text = 'COMPLETED' THEN now() END
      FROM n
      WHERE ${at('state')}::text <> 'QUEUED'
        OR (SELECT count(*) FROM (SELECT FROM run WHERE owner_id = ${at('owner_id')} AND state = 'QUEUED' LIMIT ${MAX_QUEUED}) waiting) < ${MAX_QUEUED}
      ON CONFLICT (owner_id, idempotency_key) DO NOTHING
      RETURNING *),
    point AS (
      INSERT INTO datapoint (id, dataset_id, name, data, run_id, created_by)
      SELECT r.datapoint_id, ${DATASET}::uuid, ${POINT_NAME}, ${DATA}::jsonb, r.id, (SELECT u.id FROM app_user u WHERE u.id::text = r.owner_id)
      FROM r, n WHERE ${DATASET}::uuid IS NOT NULL),
    ended AS (
      INSERT INTO run_terminal (run_id, state, purged) SELECT r.id, r.state, true FROM r WHERE r.state = 'COMPLETED')
    SELECT ${RUN_COLUMNS} FROM r`,
}

const INSERT_SHARDS: Statement = {
  name: 'insert-shards',
  text: `INSERT INTO shard (run_id, index, state, requested, seed, child_run_id)
    SELECT $1, s.index, 'QUEUED', s.requested, s.seed, s.child
    FROM unnest($2::int[], $3::bigint[], $4::bigint[], $5::uuid[]) AS s (index, requested, seed, child)`,
}

/** A shard's run has no place and no key: it is reached through its parent, whose project decides who may read it. */
const COPIED = COLUMNS.filter(
  (column) =>
    ![
      'id',
      'idempotency_key',
      'target',
      'datapoint_id',
      'shards_requested',
      'shards_effective',
      'requested_work',
      'timeout_s',
    ].includes(column),
)
const INSERT_CHILDREN: Statement = {
  name: 'insert-shard-runs',
  text: `INSERT INTO run (${COPIED.join(', ')}, id, target, parent_id, shard_index, requested_work)
    SELECT ${COPIED.map((column) => `p.${column}`).join(', ')}, s.child, coalesce(p.device_id, 'class:' || p.device_class), p.id, s.index, s.requested
    FROM run p CROSS JOIN unnest($2::int[], $3::bigint[], $4::uuid[]) AS s (index, requested, child) WHERE p.id = $1`,
}

const INSERT_INPUT: Statement = {
  name: 'insert-input',
  text: 'INSERT INTO run_input (run_id, body, sha256) VALUES ($1, $2, $3)',
}

export interface Inserted {
  readonly row: RunRow
  readonly texts: RunTexts
}

/** True for a run that needs more than the one statement. */
export function needsTransaction(run: NewRun): boolean {
  return isDivided(run) || hasMore(run.record)
}

/** True for a run with rows of shards. */
export function isDivided({ submission }: NewRun): boolean {
  return submission.engine === 'worker' || submission.division.shares.length > 1
}

/** Null when the key stands for another run already, or the owner's queue is full. */
export async function insertRun(queries: Queries, run: NewRun, place: Place | null): Promise<Inserted | null> {
  const { spec, submission, maxQueued } = run
  const configuration = Buffer.from(ConfigurationMessage.encode(submission.configuration))
  const report = reportOf(spec)
  const runNo = place?.runNo ?? spec.place?.runNo ?? 0
  const general = generalConfigOf(spec, { project: place?.path.split('/')[0] ?? '', runNo })
  const exec = execConfigOf(spec)
  const hash = createHash('sha256').update(configuration).digest()
  const values = [
    ...Object.values(columnsOf(run, { place, report, hash, general, exec })),
    configuration,
    maxQueued,
    place?.datasetId ?? null,
    place?.path ?? '',
    place?.name ?? '',
    general.hash,
    general.body.title,
    general.body.project,
    general.body.date,
    general.body.softwareVersion,
    exec.hash,
    exec.body.env,
    exec.body.pollIntervalS,
    exec.body.transports,
    run.origin?.dataJson || '{}',
  ]
  const [row] = await queries.query<RunRow>(INSERT, values)
  if (!row) return null
  if (isDivided(run)) await insertShards(queries, row.id, run)
  if (hasMore(run.record)) await keepRecord(queries, row.id, run.record)
  return { row, texts: { source: spec.source, report, configuration } }
}

async function insertShards(queries: Queries, runId: string, { submission, spec }: NewRun): Promise<void> {
  const { shares } = submission.division
  const onDevice = submission.engine === 'hub'
  const children = shares.map(() => (onDevice ? uuid7(Date.now()) : null))
  const indices = shares.map(({ index }) => index)
  const requested = shares.map((share) => share.requested)
  const seeds = shares.map(({ seed }) => seed)
  await queries.query(INSERT_SHARDS, [runId, indices, requested, seeds, children])
  if (onDevice) await queries.query(INSERT_CHILDREN, [runId, indices, requested, children])
  if (!spec.job) return
  const body = gzipSync(spec.job.inputJson)
  await queries.query(INSERT_INPUT, [runId, body, createHash('sha256').update(spec.job.inputJson).digest()])
}

function columnsOf(
  { ownerId, idempotencyKey, spec, submission, poolId, record, origin }: NewRun,
  {
    place,
    report,
    hash,
    general,
    exec,
  }: {
    place: Place | null
    report: Buffer | null
    hash: Buffer
    general: KeptConfig<GeneralBody>
    exec: KeptConfig<ExecBody>
  },
): Record<(typeof COLUMNS)[number], unknown> {
  const { division } = submission
  return {
    id: uuid7(Date.now()),
    owner_id: ownerId,
    idempotency_key: idempotencyKey || null,
    spec_sha256: specHash(spec),
    kind: submission.kind,
    title: spec.title,
    source: spec.source,
    report,
    configuration_hash: hash,
    device_id: submission.deviceId,
    device_class: submission.deviceClass,
    target: targetOf(submission),
    op_time_ns: submission.opTimeNs,
    ic_time_ns: submission.icTimeNs,
    sample_rate_hz: submission.sampleRateHz,
    halt_on_overload: spec.haltOnOverload,
    max_attempts: submission.maxAttempts,
    accept_gaps: spec.acceptGaps,
    num_channels: submission.numChannels,
    expected_samples: submission.expectedSamples,
    state: submission.kind === 'compile' ? 'COMPLETED' : 'QUEUED',
    job_type: submission.jobType,
    input_kind: submission.inputKind,
    engine: submission.engine,
    pool_id: poolId,
    project_id: place?.projectId ?? null,
    datapoint_id: place ? uuid7(Date.now()) : null,
    run_no: general.body.runNo,
    shards_requested: division.shardsRequested,
    shards_effective: division.shares.length,
    work_unit: division.workUnit,
    requested_work: division.requestedWork,
    merge_policy: mergePolicy(division),
    timeout_s: spec.timeoutS || null,
    schema_version: RUN_VERSION,
    recipe: record.recipe,
    recipe_version: record.recipeVersion,
    general_config_id: general.id,
    exec_config_id: exec.id,
    parameters: JSON.stringify(record.parameters),
    param_sources: JSON.stringify(record.paramSources),
    result: JSON.stringify(record.result),
    result_schemas: record.result['schemas'] ?? [],
    versions: JSON.stringify(VERSIONS),
    tags: spec.tags,
    notes: spec.notes,
    sweep_id: origin?.sweepId || null,
    cloned_from: origin?.clonedFrom || null,
    halt: JSON.stringify(submission.halt),
  }
}

function targetOf({ engine, division, deviceId, deviceClass }: Submission): string {
  if (engine === 'worker') return NO_QUEUE.job
  return division.shares.length > 1 ? NO_QUEUE.split : (deviceId ?? `class:${deviceClass}`)
}

function mergePolicy({ merge }: Division): string {
  return JSON.stringify(merge)
}

function reportOf(spec: RunSpec): Buffer | null {
  if (!spec.report && spec.diagnostics.length === 0) return null
  return Buffer.from(
    CompileReply.encode({ report: spec.report ?? null, diagnostics: spec.diagnostics, configuration: null }),
  )
}
