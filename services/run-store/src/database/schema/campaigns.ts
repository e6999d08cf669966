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
  `CREATE TABLE workflow_step (
    workflow_id uuid NOT NULL REFERENCES workflow ON DELETE CASCADE,
    position int NOT NULL,
    name text NOT NULL,
    after text[] NOT NULL DEFAULT '{}',
    trigger_rule text NOT NULL,
    submission jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('WAITING', 'SUBMITTED', 'SKIPPED', 'FAILED')),
    reason text NOT NULL DEFAULT '',
    run_id uuid REFERENCES run ON DELETE SET NULL,
    PRIMARY KEY (workflow_id, name))`,
  `CREATE TABLE tombstone (
    run_id uuid PRIMARY KEY,
    seq bigint NOT NULL,
    owner_id text COLLATE "C" NOT NULL,
    path text NOT NULL,
    hashes jsonb NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL DEFAULT now())`,
]

export const CAMPAIGNS_UNDONE = ['tombstone', 'workflow_step', 'workflow', 'sweep'].map(
  (table) => `DROP TABLE ${table}`,
)
