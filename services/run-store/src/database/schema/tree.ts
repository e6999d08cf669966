/**
 * Projects, datasets, datapoints and files. Names never change, so a path is written once and read without a
 * join. Bytes of files are addressed by their content and never change.
 */

export const TREE = [
  // owner_id: who made it; what somebody may do in it is in project_member alone. home_of: whose runs go here when they
  // name no other place.
  `CREATE TABLE project (
    id uuid PRIMARY KEY,
    seq bigserial UNIQUE,
    slug text COLLATE "C" NOT NULL UNIQUE,
    title text NOT NULL DEFAULT '',
    owner_id uuid NOT NULL REFERENCES app_user,
    home_of uuid UNIQUE REFERENCES app_user,
    data jsonb NOT NULL DEFAULT '{}',
    data_version int NOT NULL DEFAULT 1,
    retention jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now())`,
  'CREATE INDEX project_owner ON project (owner_id)',
  `CREATE TABLE project_member (
    project_id uuid NOT NULL REFERENCES project ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES app_user,
    role text NOT NULL CHECK (role IN ('viewer', 'editor', 'owner')),
    PRIMARY KEY (project_id, user_id))`,
  'CREATE INDEX project_member_user ON project_member (user_id)',
  // path: names from the project's slug down, joined by "/". ancestors: ids from the root down, this one last.
  `CREATE TABLE dataset (
    id uuid PRIMARY KEY,
    seq bigserial UNIQUE,
    project_id uuid NOT NULL REFERENCES project,
    parent_id uuid REFERENCES dataset,
    name text COLLATE "C" NOT NULL,
    path text COLLATE "C" NOT NULL UNIQUE,
    ancestors uuid[] NOT NULL,
    data jsonb NOT NULL DEFAULT '{}',
    data_version int NOT NULL DEFAULT 1,
    point_schema jsonb,
    created_by uuid REFERENCES app_user,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (project_id, parent_id, name))`,
  'CREATE INDEX dataset_parent ON dataset (parent_id, seq)',
  // A run's datapoint goes when the run goes; others may stand alone.
  `CREATE TABLE datapoint (
    id uuid PRIMARY KEY,
    seq bigserial UNIQUE,
    dataset_id uuid NOT NULL REFERENCES dataset,
    name text COLLATE "C" NOT NULL,
    data jsonb NOT NULL DEFAULT '{}',
    data_version int NOT NULL DEFAULT 1,
    run_id uuid UNIQUE REFERENCES run ON DELETE CASCADE,
    created_by uuid REFERENCES app_user,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (dataset_id, name))`,
  'CREATE INDEX datapoint_order ON datapoint (dataset_id, seq)',
  // A blob without sha256 is being uploaded. All parts but the last have the same length, so that an offset names a part.
  `CREATE TABLE blob (
    id uuid PRIMARY KEY,
    sha256 bytea UNIQUE,
    size bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now())`,
  `CREATE TABLE blob_part (
    blob_id uuid NOT NULL REFERENCES blob ON DELETE CASCADE,
    number int NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (blob_id, number))`,
  'ALTER TABLE blob_part ALTER bytes SET STORAGE EXTERNAL',
  `CREATE TABLE file (
    id uuid PRIMARY KEY,
    seq bigserial UNIQUE,
    owner_kind text NOT NULL CHECK (owner_kind IN ('dataset', 'datapoint', 'run')),
    owner_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    version int NOT NULL,
    current boolean NOT NULL DEFAULT true,
    size bigint NOT NULL,
    sha256 bytea NOT NULL REFERENCES blob (sha256),
    content_type text NOT NULL,
    role text NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'payload', 'input', 'log', 'calibration')),
    created_by uuid REFERENCES app_user,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (owner_kind, owner_id, name, version))`,
  'CREATE UNIQUE INDEX file_current ON file (owner_kind, owner_id, name) WHERE current',
  'CREATE INDEX file_blob ON file (sha256)',
]

export const TREE_UNDONE = ['file', 'blob_part', 'blob', 'datapoint', 'dataset', 'project_member', 'project'].map(
  (table) => `DROP TABLE ${table}`,
)
