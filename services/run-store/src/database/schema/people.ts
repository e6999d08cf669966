/** Who may do what: local passwords, identities of an OpenID provider, sessions, workers' keys, pools, the audit chain. */

export const PEOPLE = [
  `CREATE TABLE local_credential (
    user_id uuid PRIMARY KEY REFERENCES app_user ON DELETE CASCADE,
    password_hash text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now())`,
  `CREATE TABLE oidc_identity (
    user_id uuid PRIMARY KEY REFERENCES app_user ON DELETE CASCADE,
    issuer text NOT NULL,
    subject text NOT NULL,
    UNIQUE (issuer, subject))`,
  // A refresh token is the session's id and a secret; using it once replaces the secret.
  `CREATE TABLE login_session (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES app_user ON DELETE CASCADE,
    secret_hmac bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz)`,
  'CREATE INDEX login_session_user ON login_session (user_id)',
  // Signs access tokens and run keys. The newest signs, all that are not retired verify.
  `CREATE TABLE signing_key (
    kid text PRIMARY KEY,
    secret bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz)`,
  `CREATE TABLE run_key (
    id uuid PRIMARY KEY,
    run_id uuid NOT NULL REFERENCES run ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz)`,
  'CREATE INDEX run_key_run ON run_key (run_id)',
  `CREATE TABLE pool (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('worker', 'device')),
    policy jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now())`,
  'ALTER TABLE device ADD pool_id uuid REFERENCES pool, ADD parameter_schema jsonb',
  // hash: sha256 over the row and the hash of the row before, so that a change or a hole shows.
  `CREATE TABLE audit (
    seq bigserial PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    object text NOT NULL,
    outcome text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}',
    previous bytea NOT NULL,
    hash bytea NOT NULL)`,
]

export const PEOPLE_UNDONE = [
  'ALTER TABLE device DROP pool_id, DROP parameter_schema',
  ...['audit', 'pool', 'run_key', 'signing_key', 'login_session', 'oidc_identity', 'local_credential'].map(
    (table) => `DROP TABLE ${table}`,
  ),
]
