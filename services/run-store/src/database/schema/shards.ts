/** Runs in parts, and what workers hand in: shards, inputs, channels, pages, logs. */

export const SHARDS = [
  // Only runs with more than one part, or done by workers, have rows here; child_run_id: the run that is this part on a device.
  `CREATE TABLE shard (
    run_id uuid NOT NULL REFERENCES run ON DELETE CASCADE,
    index int NOT NULL,
    state text NOT NULL CHECK (state IN ('CREATED', 'QUEUED', 'RUNNING', 'PAUSED', 'COMPLETED', 'FAILED', 'CANCELED', 'TIMED_OUT')),
    requested bigint NOT NULL,
    completed bigint NOT NULL DEFAULT 0,
    eta_s int,
    seed bigint NOT NULL,
    attempt int NOT NULL DEFAULT 1,
    worker_id text NOT NULL DEFAULT '',
    child_run_id uuid,
    started_at timestamptz,
    ended_at timestamptz,
    last_update_at timestamptz,
    error text NOT NULL DEFAULT '',
    PRIMARY KEY (run_id, index)) WITH (fillfactor = 50)`,
  `CREATE INDEX shard_waiting ON shard (run_id, index) WHERE state = 'QUEUED'`,
  `CREATE INDEX shard_at_worker ON shard (last_update_at) WHERE state = 'RUNNING' AND child_run_id IS NULL`,
  // gzip of UTF-8 JSON: the body as it was sent, and the files made from it.
  `CREATE TABLE run_input (
    run_id uuid PRIMARY KEY REFERENCES run ON DELETE CASCADE,
    body bytea NOT NULL,
    derived bytea,
    sha256 bytea NOT NULL)`,
  `CREATE TABLE channel (
    run_id uuid NOT NULL REFERENCES run ON DELETE CASCADE,
    position int NOT NULL,
    name text NOT NULL,
    source_name text NOT NULL,
    unit text NOT NULL DEFAULT '',
    metadata jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (run_id, position),
    UNIQUE (run_id, name),
    UNIQUE (run_id, source_name))`,
  // shard: -1 for the run as a whole (merged, or handed in so). body: gzip of UTF-8 JSON, or little-endian floats.
  `CREATE TABLE result_page (
    run_id uuid NOT NULL,
    position int NOT NULL,
    shard int NOT NULL,
    number int NOT NULL,
    name text NOT NULL DEFAULT '',
    dimension smallint NOT NULL CHECK (dimension BETWEEN 0 AND 2),
    shape int[] NOT NULL,
    kind text NOT NULL CHECK (kind IN ('samples', 'mean', 'std', 'final', 'json')),
    encoding text NOT NULL CHECK (encoding IN ('json+gzip', 'f64le+gzip')),
    body bytea NOT NULL,
    sha256 bytea NOT NULL,
    PRIMARY KEY (run_id, position, shard, number),
    FOREIGN KEY (run_id, position) REFERENCES channel ON DELETE CASCADE)`,
  `CREATE TABLE log_blob (
    run_id uuid NOT NULL REFERENCES run ON DELETE CASCADE,
    shard int NOT NULL,
    attempt int NOT NULL,
    name text NOT NULL,
    lines int NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (run_id, shard, attempt, name))`,
]

export const SHARDS_UNDONE = ['log_blob', 'result_page', 'channel', 'run_input', 'shard'].map(
  (table) => `DROP TABLE ${table}`,
)
