/** Records: configurations shared by content, recipes and their schemas, parameters by path, validity, lineage. */

export const RECORDS = [
  `CREATE TABLE general_config (
    id uuid PRIMARY KEY,
    hash bytea NOT NULL UNIQUE,
    title text NOT NULL,
    project_id uuid REFERENCES project,
    run_no int NOT NULL,
    date text NOT NULL,
    software_version text NOT NULL,
    timeout_s int NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now())`,
  `CREATE TABLE exec_config (
    id uuid PRIMARY KEY,
    hash bytea NOT NULL UNIQUE,
    env jsonb NOT NULL,
    poll_interval_s double precision NOT NULL,
    transports text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now())`,
  `CREATE TABLE parameter_schema (
    hash bytea PRIMARY KEY,
    body jsonb NOT NULL)`,
  `CREATE TABLE recipe (
    name text COLLATE "C" NOT NULL,
    version int NOT NULL,
    job_type text NOT NULL,
    description text NOT NULL DEFAULT '',
    schema_hash bytea NOT NULL REFERENCES parameter_schema,
    defaults jsonb NOT NULL DEFAULT '{}',
    bindings jsonb NOT NULL DEFAULT '[]',
    result jsonb NOT NULL DEFAULT '{}',
    hooks jsonb NOT NULL DEFAULT '{}',
    created_by uuid REFERENCES app_user,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, version))`,
  // One row per leaf of the parameters, for filters and tables; can be made again from the runs.
  `CREATE TABLE parameter_index (
    run_id uuid NOT NULL REFERENCES run ON DELETE CASCADE,
    path text COLLATE "C" NOT NULL,
    num double precision,
    txt text,
    bool boolean,
    json jsonb,
    PRIMARY KEY (run_id, path))`,
  'CREATE INDEX parameter_num ON parameter_index (path, num) WHERE num IS NOT NULL',
  'CREATE INDEX parameter_txt ON parameter_index (path, left(txt, 200)) WHERE txt IS NOT NULL',
  `CREATE TABLE validity_event (
    run_id uuid NOT NULL REFERENCES run ON DELETE CASCADE,
    seq bigserial,
    valid boolean NOT NULL,
    reason text NOT NULL,
    actor text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, seq))`,
  // via: the parameter's path, "input", or an artifact's id.
  `CREATE TABLE lineage (
    child_run_id uuid NOT NULL REFERENCES run ON DELETE CASCADE,
    parent_run_id uuid NOT NULL REFERENCES run,
    via text NOT NULL,
    PRIMARY KEY (child_run_id, parent_run_id, via))`,
  'CREATE INDEX lineage_parent ON lineage (parent_run_id)',
  `CREATE TABLE rejected_submission (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    owner_id text COLLATE "C" NOT NULL,
    recipe text NOT NULL,
    body jsonb NOT NULL,
    violations jsonb NOT NULL)`,
]

export const RECORDS_UNDONE = [
  'rejected_submission',
  'lineage',
  'validity_event',
  'parameter_index',
  'recipe',
  'parameter_schema',
  'exec_config',
  'general_config',
].map((table) => `DROP TABLE ${table}`)
