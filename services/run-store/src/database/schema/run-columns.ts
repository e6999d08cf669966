/**
 * What a run carries beyond its execution: its place in the tree, its record (parameters, sources, result, validity),
 * its division into shards. One wide row, so that reading a run joins nothing but its configuration.
 */

export const RUN_COLUMNS_ADDED = [
  // Job types are open-ended: no list of them in the schema.
  'ALTER TABLE run DROP CONSTRAINT run_kind_check',
  // parent_id, shard_index: a shard that runs on a device is a run of its own below the run that was asked for; lists show
  // only runs without a parent. path: of its datapoint. requested_work and completed_work are sums over the shards.
  // state_changes: [{"at", "state", "reason"}], written by the trigger below and by nobody else.
  `ALTER TABLE run
    ADD job_type text NOT NULL DEFAULT '',
    ADD input_kind text NOT NULL DEFAULT 'ode',
    ADD engine text NOT NULL DEFAULT 'hub' CHECK (engine IN ('hub', 'worker')),
    ADD pool_id uuid REFERENCES pool,
    ADD project_id uuid REFERENCES project,
    ADD datapoint_id uuid UNIQUE,
    ADD path text COLLATE "C" NOT NULL DEFAULT '',
    ADD run_no int NOT NULL DEFAULT 0,
    ADD parent_id uuid REFERENCES run ON DELETE CASCADE,
    ADD shard_index int,
    ADD shards_requested int NOT NULL DEFAULT 1,
    ADD shards_effective int NOT NULL DEFAULT 1,
    ADD work_unit text NOT NULL DEFAULT 'samples',
    ADD requested_work bigint NOT NULL DEFAULT 0,
    ADD completed_work bigint NOT NULL DEFAULT 0,
    ADD eta_s int,
    ADD merge_policy jsonb NOT NULL DEFAULT '{}',
    ADD partial boolean NOT NULL DEFAULT false,
    ADD timeout_s int,
    ADD timed_out boolean NOT NULL DEFAULT false,
    ADD recipe text NOT NULL DEFAULT '',
    ADD recipe_version int,
    ADD general_config_id uuid,
    ADD exec_config_id uuid,
    ADD parameters jsonb NOT NULL DEFAULT '{}',
    ADD param_sources jsonb NOT NULL DEFAULT '{}',
    ADD result jsonb NOT NULL DEFAULT '{}',
    ADD result_schemas text[] NOT NULL DEFAULT '{}',
    ADD valid boolean NOT NULL DEFAULT false,
    ADD versions jsonb NOT NULL DEFAULT '{}',
    ADD schema_version int NOT NULL DEFAULT 1,
    ADD state_changes jsonb NOT NULL DEFAULT '[]',
    ADD tags text[] NOT NULL DEFAULT '{}',
    ADD notes text NOT NULL DEFAULT '',
    ADD sweep_id uuid,
    ADD cloned_from uuid`,
  `UPDATE run SET job_type = kind, input_kind = CASE WHEN source = '' THEN 'circuit' ELSE 'ode' END,
    requested_work = expected_samples, valid = state = 'COMPLETED',
    state_changes = jsonb_build_array(jsonb_build_object('at', submitted_at, 'state', 'CREATED', 'reason', ''))
      || jsonb_build_array(jsonb_build_object('at', submitted_at, 'state', 'QUEUED', 'reason', ''))
      || CASE WHEN started_at IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_object('at', started_at, 'state', 'RUNNING', 'reason', '')) END
      || CASE WHEN ended_at IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_object('at', ended_at, 'state', state, 'reason', reason)) END`,
  // Every path that changes a state passes here, so the list is complete; valid follows from COMPLETED once, and may be taken
  // back by a person later.
  `CREATE FUNCTION run_state_entered() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'INSERT' THEN
        NEW.state_changes := jsonb_build_array(jsonb_build_object('at', clock_timestamp(), 'state', 'CREATED', 'reason', ''));
        IF NEW.state = 'CREATED' THEN RETURN NEW; END IF;
      ELSIF NEW.state = OLD.state THEN
        RETURN NEW;
      END IF;
      NEW.state_changes := NEW.state_changes
        || jsonb_build_object('at', clock_timestamp(), 'state', NEW.state, 'reason', NEW.reason);
      NEW.valid := NEW.state = 'COMPLETED';
      RETURN NEW;
    END $$`,
  'CREATE TRIGGER run_state_entered BEFORE INSERT OR UPDATE OF state ON run FOR EACH ROW EXECUTE FUNCTION run_state_entered()',
  'CREATE INDEX run_project ON run (project_id, seq DESC) WHERE parent_id IS NULL',
  'CREATE INDEX run_recipe ON run (recipe, project_id, run_no, seq DESC)',
  'CREATE INDEX run_parent ON run (parent_id, shard_index) WHERE parent_id IS NOT NULL',
  'CREATE INDEX run_result_schemas ON run USING gin (result_schemas)',
  'CREATE INDEX run_tags ON run USING gin (tags)',
  'CREATE INDEX run_deadline ON run (started_at) WHERE timeout_s IS NOT NULL AND ended_at IS NULL',
  `CREATE INDEX run_to_merge ON run (seq) WHERE state IN ('MERGE_QUEUED', 'MERGING')`,
  `CREATE INDEX run_for_workers ON run (pool_id, seq) WHERE engine = 'worker' AND state IN ('QUEUED', 'RUNNING')`,
]

export const RUN_COLUMNS_REMOVED = [
  'DROP TRIGGER run_state_entered ON run',
  'DROP FUNCTION run_state_entered',
  ...[
    'run_project',
    'run_recipe',
    'run_parent',
    'run_result_schemas',
    'run_tags',
    'run_deadline',
    'run_to_merge',
    'run_for_workers',
  ].map((index) => `DROP INDEX ${index}`),
  `ALTER TABLE run
    DROP job_type, DROP input_kind, DROP engine, DROP pool_id, DROP project_id, DROP datapoint_id, DROP path, DROP run_no,
    DROP parent_id, DROP shard_index, DROP shards_requested, DROP shards_effective, DROP work_unit, DROP requested_work,
    DROP completed_work, DROP eta_s, DROP merge_policy, DROP partial, DROP timeout_s, DROP timed_out, DROP recipe, DROP recipe_version,
    DROP general_config_id, DROP exec_config_id, DROP parameters, DROP param_sources, DROP result, DROP result_schemas,
    DROP valid, DROP versions, DROP schema_version, DROP state_changes, DROP tags, DROP notes, DROP sweep_id,
    DROP cloned_from`,
]
