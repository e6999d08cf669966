/**
 * Every table as a TypeORM entity: what the browser and the archive read by, and what a test holds against the schema
 * that the migrations make, so that the two cannot part. The hot paths ask in SQL and know their columns themselves.
 */
import { EntitySchema, type ColumnType, type EntitySchemaColumnOptions } from 'typeorm'

/** A row of any table, by column name. */
export type TableRow = Readonly<Record<string, unknown>>

export const ENTITIES: readonly EntitySchema<TableRow>[] = [
  entity('setting', 'name text key, value bytea'),
  entity(
    'app_user',
    `id uuid key, username text, provider text, display_name text, role text, disabled boolean,
      created_at timestamptz`,
  ),
  entity(
    'api_key',
    `key_id text key, user_id uuid, name text, secret_hmac bytea, scopes text[], created_at timestamptz,
      expires_at timestamptz null, last_used_at timestamptz null, revoked_at timestamptz null`,
  ),
  entity(
    'device',
    `id text key, name text, device_class text, host text, port int, description bytea, description_hash text,
      scanner text, active boolean, executor_host text null, bound_at timestamptz null, first_seen timestamptz,
      last_seen timestamptz, pool_id uuid null, parameter_schema jsonb null, approval text, approval_reason text,
      approval_since timestamptz, pinned jsonb, pinned_at text, source text, generation text, firmware text,
      stack int null, carrier int null, also_at text[], drained boolean, offered_from time null,
      offered_until time null, offered_zone text`,
  ),
  entity('device_change', 'seq bigint key, device_id text, at timestamptz, change text, detail jsonb'),
  entity('device_list', 'scanner text key, boot_id text, sequence bigint, received_at timestamptz'),
  entity('device_lease', 'device_id text key, epoch bigint, host text, boot_id text, expires timestamptz'),
  entity('configuration', 'hash bytea key, body bytea, created_at timestamptz'),
  entity(
    'run',
    `id uuid key, seq bigint, owner_id text, idempotency_key text null, spec_sha256 bytea, kind text, title text,
      source text, configuration_hash bytea, report bytea null, device_id text null, device_class text, target text,
      op_time_ns bigint, ic_time_ns bigint, sample_rate_hz int, halt_on_overload boolean, max_attempts int,
      accept_gaps boolean, num_channels int, expected_samples bigint, priority int, state text, reason text,
      attempts int, live_attempt int null, winning_attempt int null, overloads int[], final_values real[],
      cancel_requested_at timestamptz null, submitted_at timestamptz, started_at timestamptz null,
      ended_at timestamptz null, job_type text, input_kind text, engine text, pool_id uuid null, project_id uuid null,
      datapoint_id uuid null, path text, run_no int, parent_id uuid null, shard_index int null, shards_requested int,
      shards_effective int, work_unit text, requested_work bigint, completed_work bigint, eta_s int null,
      merge_policy jsonb, partial boolean, timeout_s int null, timed_out boolean, recipe text, recipe_version int null,
      general_config_id uuid null, exec_config_id uuid null, parameters jsonb, param_sources jsonb, result jsonb,
      result_schemas text[], valid boolean, versions jsonb, schema_version int, state_changes jsonb, tags text[],
      notes text, sweep_id uuid null, cloned_from uuid null, halt jsonb`,
  ),
  entity('owner_turn', 'owner_id text key, served_at timestamptz'),
  entity('run_terminal', 'run_id uuid key, state text, at timestamptz, purged boolean'),
  entity(
    'attempt',
    `run_id uuid key, number int key, state text, device_id text, host text, boot_id text null, epoch bigint,
      device_run_id uuid null, outcome text, reason text, counted boolean, publications int, published_at timestamptz,
      dispatched_at timestamptz, claimed_at timestamptz null, progress_at timestamptz null, ended_at timestamptz null,
      stored_records bigint, stored_samples bigint, contiguous bigint, last_seq bigint null, encoding text,
      digests bytea null`,
  ),
  entity(
    'journal',
    `run_id uuid key, attempt int key, seq bigint key, kind smallint, body bytea null, first_index bigint null,
      count int null, checksums bytea null`,
  ),
  entity(
    'page',
    `run_id uuid key, attempt int key, channel smallint key, first_index bigint key, count int, encoding smallint,
      samples bytea, level64 bytea, level512 bytea`,
  ),
  entity('local_credential', 'user_id uuid key, password_hash text, changed_at timestamptz'),
  entity('oidc_identity', 'user_id uuid key, issuer text, subject text'),
  entity(
    'login_session',
    `id uuid key, user_id uuid, secret_hmac bytea, created_at timestamptz, expires_at timestamptz,
      revoked_at timestamptz null`,
  ),
  entity('signing_key', 'kid text key, secret bytea, created_at timestamptz, retired_at timestamptz null'),
  entity(
    'run_key',
    `id uuid key, run_id uuid, created_at timestamptz, expires_at timestamptz, revoked_at timestamptz null`,
  ),
  entity('pool', 'id uuid key, name text, kind text, policy jsonb, created_at timestamptz'),
  entity(
    'audit',
    `seq bigint key, at timestamptz, actor text, action text, object text, outcome text, detail jsonb,
      previous bytea, hash bytea`,
  ),
  entity(
    'project',
    `id uuid key, seq bigint, slug text, title text, owner_id uuid, home_of uuid null, data jsonb, data_version int,
      retention jsonb, created_at timestamptz`,
  ),
  entity('project_member', 'project_id uuid key, user_id uuid key, role text'),
  entity(
    'dataset',
    `id uuid key, seq bigint, project_id uuid, parent_id uuid null, name text, path text, ancestors uuid[],
      data jsonb, data_version int, point_schema jsonb null, created_by uuid null, created_at timestamptz`,
  ),
  entity(
    'datapoint',
    `id uuid key, seq bigint, dataset_id uuid, name text, data jsonb, data_version int, run_id uuid null,
      created_by uuid null, created_at timestamptz`,
  ),
  entity('blob', 'id uuid key, sha256 bytea null, size bigint, created_at timestamptz'),
  entity('blob_part', 'blob_id uuid key, number int key, bytes bytea'),
  entity(
    'file',
    `id uuid key, seq bigint, owner_kind text, owner_id uuid, name text, version int, current boolean, size bigint,
      sha256 bytea, content_type text, role text, created_by uuid null, created_at timestamptz`,
  ),
  entity(
    'shard',
    `run_id uuid key, index int key, state text, requested bigint, completed bigint, eta_s int null, seed bigint,
      attempt int, worker_id text, child_run_id uuid null, started_at timestamptz null, ended_at timestamptz null,
      last_update_at timestamptz null, error text`,
  ),
  entity('run_input', 'run_id uuid key, body bytea, derived bytea null, sha256 bytea'),
  entity('channel', 'run_id uuid key, position int key, name text, source_name text, unit text, metadata jsonb'),
  entity(
    'result_page',
    `run_id uuid key, position int key, shard int key, number int key, name text, dimension smallint, shape int[],
      kind text, encoding text, body bytea, sha256 bytea`,
  ),
  entity('log_blob', 'run_id uuid key, shard int key, attempt int key, name text key, lines int, body bytea'),
  entity(
    'general_config',
    `id uuid key, hash bytea, title text, project text, run_no int, date text, software_version text,
      timeout_s int, created_at timestamptz`,
  ),
  entity(
    'exec_config',
    `id uuid key, hash bytea, env jsonb, poll_interval_s float8, transports text[], created_at timestamptz`,
  ),
  entity('parameter_schema', 'hash bytea key, body jsonb'),
  entity(
    'recipe',
    `name text key, version int key, job_type text, description text, schema_hash bytea, defaults jsonb,
      bindings jsonb, result jsonb, hooks jsonb, created_by uuid null, created_at timestamptz`,
  ),
  entity(
    'parameter_index',
    `run_id uuid key, path text key, num float8 null, txt text null, bool boolean null, json jsonb null`,
  ),
  entity('validity_event', 'run_id uuid key, seq bigint key, valid boolean, reason text, actor text, at timestamptz'),
  entity('lineage', 'child_run_id uuid key, parent_run_id uuid key, via text key'),
  entity(
    'rejected_submission',
    `id uuid key, at timestamptz, owner_id text, recipe text, body jsonb, violations jsonb`,
  ),
  entity(
    'sweep',
    `id uuid key, seq bigint, dataset_id uuid, owner_id text, mode text, matrix jsonb, base jsonb, size int,
      created_at timestamptz`,
  ),
  entity(
    'workflow',
    `id uuid key, seq bigint, project_id uuid, owner_id text, title text, created_at timestamptz,
      ended_at timestamptz null`,
  ),
  entity(
    'workflow_step',
    `workflow_id uuid key, position int, name text key, after text[], trigger_rule text, submission jsonb,
      state text, reason text, outcome text, run_id uuid null`,
  ),
  entity(
    'tombstone',
    `run_id uuid key, seq bigint, owner_id text, path text, hashes jsonb, actor text, reason text, at timestamptz`,
  ),
]

/** `columns`: name, Postgres type, then `key` for the primary key or `null` where there may be none. */
function entity(name: string, columns: string): EntitySchema<TableRow> {
  const described = columns.split(',').map((column): [string, EntitySchemaColumnOptions] => {
    const [named = '', type = '', mark] = column.trim().split(/\s+/)
    return [
      named,
      {
        type: type.replace('[]', '') as ColumnType,
        array: type.endsWith('[]'),
        primary: mark === 'key',
        nullable: mark === 'null',
      },
    ]
  })
  return new EntitySchema<TableRow>({ name, tableName: name, columns: Object.fromEntries(described) })
}
