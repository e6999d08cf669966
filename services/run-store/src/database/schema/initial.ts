/**
 * The tables, as README.md lists them. Invariants that the database itself holds, whatever the code does:
 * one terminal state per run, one live attempt per run, one live attempt per device, one record per
 * (run, attempt, seq), one page per (run, attempt, channel, first sample).
 * Names follow the domain model, so that projects, datapoints, shards and recipes can join as columns and tables.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm'

export class InitialSchema1763700000000 implements MigrationInterface {
  readonly name = 'InitialSchema1763700000000'

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [...ACCESS, ...DEVICES, ...RUNS, ...MEASUREMENTS]) await runner.query(statement)
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of TABLES) await runner.query(`DROP TABLE ${table}`)
  }
}

/** Whoever refers comes before what it refers to. */
const TABLES = [
  'page',
  'journal',
  'run_terminal',
  'attempt',
  'owner_turn',
  'run',
  'configuration',
  'device_lease',
  'device_change',
  'device_list',
  'device',
  'api_key',
  'app_user',
  'setting',
]

const ACCESS = [
  `CREATE TABLE setting (
    name text PRIMARY KEY,
    value bytea NOT NULL)`,
  `CREATE TABLE app_user (
    id uuid PRIMARY KEY,
    username text NOT NULL,
    provider text NOT NULL DEFAULT 'local',
    display_name text NOT NULL DEFAULT '',
    role text NOT NULL CHECK (role IN ('user', 'operator', 'admin')),
    disabled boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (username, provider))`,
  `CREATE TABLE api_key (
    key_id text PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES app_user,
    name text NOT NULL,
    secret_hmac bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz)`,
  'CREATE INDEX api_key_user ON api_key (user_id)',
]

const DEVICES = [
  `CREATE TABLE device (
    id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    device_class text NOT NULL CHECK (device_class IN ('LUCIDAC', 'REDAC', 'SIMULATOR')),
    host text NOT NULL,
    port int NOT NULL,
    description bytea NOT NULL,
    description_hash text NOT NULL,
    scanner text NOT NULL,
    active boolean NOT NULL,
    executor_host text,
    bound_at timestamptz,
    first_seen timestamptz NOT NULL DEFAULT now(),
    last_seen timestamptz NOT NULL DEFAULT now())`,
  'CREATE INDEX device_name ON device (name)',
  `CREATE TABLE device_change (
    seq bigserial PRIMARY KEY,
    device_id text NOT NULL REFERENCES device,
    at timestamptz NOT NULL DEFAULT now(),
    change text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}')`,
  'CREATE INDEX device_change_device ON device_change (device_id, seq)',
  `CREATE TABLE device_list (
    scanner text PRIMARY KEY,
    boot_id text NOT NULL,
    sequence bigint NOT NULL,
    received_at timestamptz NOT NULL)`,
  // Renewed every second: room on the page keeps the updates off the index.
  `CREATE TABLE device_lease (
    device_id text COLLATE "C" PRIMARY KEY REFERENCES device,
    epoch bigint NOT NULL,
    host text NOT NULL,
    boot_id text NOT NULL,
    expires timestamptz NOT NULL) WITH (fillfactor = 50)`,
]

const RUNS = [
  `CREATE TABLE configuration (
    hash bytea PRIMARY KEY,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now())`,
  // target: the device id asked for, or 'class:' and the device class. live_attempt: number of the attempt that is
  // DISPATCHED or CLAIMED. claims: attempts that count against max_attempts.
  `CREATE TABLE run (
    id uuid PRIMARY KEY,
    seq bigserial UNIQUE,
    owner_id text COLLATE "C" NOT NULL,
    idempotency_key text,
    spec_sha256 bytea NOT NULL,
    kind text NOT NULL CHECK (kind IN ('compile', 'simulate', 'run')),
    title text NOT NULL,
    source text NOT NULL,
    configuration_hash bytea NOT NULL REFERENCES configuration,
    report bytea,
    device_id text,
    device_class text NOT NULL,
    target text COLLATE "C" NOT NULL,
    op_time_ns bigint NOT NULL,
    ic_time_ns bigint NOT NULL,
    sample_rate_hz int NOT NULL,
    halt_on_overload boolean NOT NULL,
    max_attempts int NOT NULL,
    accept_gaps boolean NOT NULL,
    num_channels int NOT NULL,
    expected_samples bigint NOT NULL,
    priority int NOT NULL DEFAULT 0,
    state text NOT NULL CHECK (state IN ('CREATED', 'QUEUED', 'RUNNING', 'PAUSED', 'MERGE_QUEUED', 'MERGING',
      'COMPLETED', 'FAILED', 'CANCELED', 'TIMED_OUT')),
    reason text NOT NULL DEFAULT '',
    attempts int NOT NULL DEFAULT 0,
    live_attempt int,
    winning_attempt int,
    overloads int[] NOT NULL DEFAULT '{}',
    final_values real[] NOT NULL DEFAULT '{}',
    cancel_requested_at timestamptz,
    submitted_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    ended_at timestamptz,
    UNIQUE (owner_id, idempotency_key)) WITH (fillfactor = 70)`,
  `CREATE INDEX run_queue ON run (target, owner_id, priority DESC, seq) WHERE state = 'QUEUED' AND live_attempt IS NULL`,
  `CREATE INDEX run_queued_owner ON run (owner_id) WHERE state = 'QUEUED'`,
  'CREATE INDEX run_live_owner ON run (owner_id) WHERE live_attempt IS NOT NULL',
  'CREATE INDEX run_owner ON run (owner_id, seq DESC)',
  // When each owner had the last run dispatched: who waits longest comes first.
  `CREATE TABLE owner_turn (
    owner_id text COLLATE "C" PRIMARY KEY,
    served_at timestamptz NOT NULL) WITH (fillfactor = 50)`,
  // purged: its records are gone from the streams.
  `CREATE TABLE run_terminal (
    run_id uuid PRIMARY KEY REFERENCES run,
    state text NOT NULL CHECK (state IN ('COMPLETED', 'FAILED', 'CANCELED', 'TIMED_OUT')),
    at timestamptz NOT NULL DEFAULT now(),
    purged boolean NOT NULL DEFAULT false)`,
  'CREATE INDEX run_terminal_unpurged ON run_terminal (at) WHERE NOT purged',
  `CREATE TABLE attempt (
    run_id uuid NOT NULL REFERENCES run,
    number int NOT NULL,
    state text NOT NULL CHECK (state IN ('DISPATCHED', 'CLAIMED', 'ENDED', 'ABORTED', 'LOST', 'CANCELED')),
    device_id text COLLATE "C" NOT NULL REFERENCES device,
    host text NOT NULL,
    boot_id text,
    epoch bigint NOT NULL DEFAULT 0,
    device_run_id uuid UNIQUE,
    outcome text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT '',
    counted boolean NOT NULL DEFAULT false,
    publications int NOT NULL DEFAULT 1,
    published_at timestamptz NOT NULL DEFAULT now(),
    dispatched_at timestamptz NOT NULL DEFAULT now(),
    claimed_at timestamptz,
    progress_at timestamptz,
    ended_at timestamptz,
    stored_records bigint NOT NULL DEFAULT 0,
    stored_samples bigint NOT NULL DEFAULT 0,
    contiguous bigint NOT NULL DEFAULT 0,
    last_seq bigint,
    encoding text NOT NULL DEFAULT 'f32',
    digests bytea,
    PRIMARY KEY (run_id, number)) WITH (fillfactor = 50)`,
  `CREATE UNIQUE INDEX one_live_attempt_per_run ON attempt (run_id) WHERE state IN ('DISPATCHED', 'CLAIMED')`,
  `CREATE UNIQUE INDEX one_live_attempt_per_device ON attempt (device_id) WHERE state IN ('DISPATCHED', 'CLAIMED')`,
  'CREATE INDEX attempt_device ON attempt (device_id)',
]

const MEASUREMENTS = [
  // body: the record without its samples; first_index, count and checksums are set for chunks only.
  `CREATE TABLE journal (
    run_id uuid NOT NULL,
    attempt int NOT NULL,
    seq bigint NOT NULL,
    kind smallint NOT NULL,
    body bytea,
    first_index bigint,
    count int,
    checksums bytea,
    PRIMARY KEY (run_id, attempt, seq))`,
  // Samples lie outside the row and are not compressed, so that a slice reads only its part; the pyramid lies in the row.
  `CREATE TABLE page (
    run_id uuid NOT NULL,
    attempt int NOT NULL,
    channel smallint NOT NULL,
    first_index bigint NOT NULL,
    count int NOT NULL CHECK (count BETWEEN 1 AND 16384),
    encoding smallint NOT NULL,
    samples bytea NOT NULL,
    level64 bytea NOT NULL,
    level512 bytea NOT NULL,
    PRIMARY KEY (run_id, attempt, channel, first_index))`,
  'ALTER TABLE page ALTER samples SET STORAGE EXTERNAL, ALTER level64 SET STORAGE PLAIN, ALTER level512 SET STORAGE PLAIN',
]
