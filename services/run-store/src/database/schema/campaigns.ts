/** Many runs from one request (sweeps, workflows), and what stays of a deleted one. */

export const CAMPAIGNS = [
  `CREATE TABLE sweep (
    id uuid PRIMARY KEY,
    seq bigserial UNIQUE,
    dataset_id uuid NOT NULL REFERENCES dataset,
    owner_id text COLLATE "C" NOT NULL,
    mode text NOT NULL CHECK (mode IN ('product', 'zip')),
    matrix jsonb NOT NULL,
    base jsonb NOT NULL,
    size int NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now())`,
  `CREATE TABLE workflow (
    id uuid PRIMARY KEY,
    seq bigserial UNIQUE,
    project_id uuid NOT NULL REFERENCES project,
    owner_id text COLLATE "C" NOT NULL,
    title text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz)`,
  // outcome: terminal state of its run, kept when the run is deleted.
  `CREATE TABLE workflow_step (
    workflow_id uuid NOT NULL REFERENCES workflow ON DELETE CASCADE,
    position int NOT NULL,
    name text NOT NULL,
    after text[] NOT NULL DEFAULT '{}',
    trigger_rule text NOT NULL,
    submission jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('WAITING', 'SUBMITTED', 'SKIPPED', 'FAILED')),
    reason text NOT NULL DEFAULT '',
    outcome text NOT NULL DEFAULT '',
    run_id uuid REFERENCES run ON DELETE SET NULL,
    PRIMARY KEY (workflow_id, name))`,
  'CREATE INDEX workflow_open ON workflow (seq) WHERE ended_at IS NULL',
  'CREATE INDEX workflow_step_run ON workflow_step (run_id)',
  `CREATE TABLE tombstone (
    run_id uuid PRIMARY KEY,
    seq bigint NOT NULL,
    owner_id text COLLATE "C" NOT NULL,
    path text NOT NULL,
    hashes jsonb NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL DEFAULT now())`,
  'CREATE INDEX run_sweep ON run (sweep_id) WHERE sweep_id IS NOT NULL',
  // What lists search: words of letters and digits, whatever stands between them. Immutable for the index: nothing in it
  // depends on settings.
  `CREATE FUNCTION run_words(title text, notes text, source text, path text, tags text[]) RETURNS tsvector LANGUAGE sql IMMUTABLE
    AS $$ SELECT to_tsvector('simple', regexp_replace(title || ' ' || notes || ' ' || path || ' ' || array_to_string(tags, ' ') || ' '
      || left(source, 20000), '[^[:alnum:]]+', ' ', 'g')) $$`,
  'CREATE INDEX run_words ON run USING gin (run_words(title, notes, source, path, tags)) WHERE parent_id IS NULL',
]

export const CAMPAIGNS_UNDONE = [
  'DROP INDEX run_words, run_sweep',
  'DROP FUNCTION run_words',
  ...['tombstone', 'workflow_step', 'workflow', 'sweep'].map((table) => `DROP TABLE ${table}`),
]
