/**
 * What belongs to a project, table by table, in an order in which it can be put back: whoever refers comes after what it
 * refers to. Numbers that a hub gives itself (`seq`) are left out; the order of the rows keeps what they mean. Runs that
 * have not ended are not part of an archive, nor are people's credentials.
 */

/** $1 is the project's id everywhere. */
export const RUNS = `(SELECT r.id FROM run r LEFT JOIN run p ON p.id = r.parent_id WHERE r.project_id = $1 AND r.ended_at IS NOT NULL
  AND (p.id IS NULL OR p.ended_at IS NOT NULL) AND NOT EXISTS (SELECT FROM run c WHERE c.parent_id = r.id AND c.ended_at IS NULL))`
const DATASETS = '(SELECT id FROM dataset WHERE project_id = $1)'
const POINTS = `(SELECT t.id FROM datapoint t WHERE t.dataset_id IN ${DATASETS} AND (t.run_id IS NULL OR t.run_id IN ${RUNS}))`
const FLOWS = '(SELECT id FROM workflow WHERE project_id = $1 AND ended_at IS NOT NULL)'

/** SQL condition: the file `t` belongs to the project. */
export const FILES = `((t.owner_kind = 'dataset' AND t.owner_id IN ${DATASETS}) OR (t.owner_kind = 'datapoint' AND t.owner_id IN ${POINTS})
  OR (t.owner_kind = 'run' AND t.owner_id IN ${RUNS}))`

export interface ArchiveTable {
  readonly name: string
  /** SQL condition on a row `t`. */
  readonly where: string
  readonly order: string
  /** SQL: a jsonb object that replaces values which mean something in one hub only. */
  readonly instead?: string
  /** A row that is there already under another id, found by these columns, stands for this one. */
  readonly sameAs?: readonly string[]
  /** A row with the same key that is there already is left as it is. */
  readonly shared?: boolean
}

const ofRuns = (order: string) => ({ where: `t.run_id IN ${RUNS}`, order: `t.run_id, ${order}` })

export const ARCHIVE_TABLES: readonly ArchiveTable[] = [
  {
    name: 'app_user',
    where: `t.id::text IN (
      SELECT owner_id::text FROM project WHERE id = $1 UNION SELECT user_id::text FROM project_member WHERE project_id = $1
      UNION SELECT owner_id FROM run WHERE id IN ${RUNS} UNION SELECT owner_id FROM workflow WHERE project_id = $1
      UNION SELECT created_by::text FROM dataset WHERE project_id = $1
      UNION SELECT created_by::text FROM datapoint WHERE dataset_id IN ${DATASETS}
      UNION SELECT created_by::text FROM file t WHERE ${FILES}
      UNION SELECT created_by::text FROM recipe WHERE name IN (SELECT recipe FROM run WHERE id IN ${RUNS}))`,
    order: 't.username, t.provider',
    instead: `'{"role": "user", "disabled": false}'`,
    sameAs: ['username', 'provider'],
  },
  {
    name: 'pool',
    where: `t.id IN (SELECT pool_id FROM run WHERE id IN ${RUNS})`,
    order: 't.name',
    sameAs: ['name'],
  },
  {
    name: 'device',
    where: `t.id IN (SELECT device_id FROM attempt WHERE run_id IN ${RUNS} UNION SELECT device_id FROM run WHERE id IN ${RUNS})`,
    order: 't.id',
    instead: `jsonb_build_object('active', false, 'executor_host', null, 'bound_at', null, 'pool_id', null, 'last_seen', t.first_seen)`,
    shared: true,
  },
  {
    name: 'configuration',
    where: `t.hash IN (SELECT configuration_hash FROM run WHERE id IN ${RUNS})`,
    order: 't.hash',
    shared: true,
  },
  {
    name: 'parameter_schema',
    where: `t.hash IN (SELECT schema_hash FROM recipe WHERE name IN (SELECT recipe FROM run WHERE id IN ${RUNS}))`,
    order: 't.hash',
    shared: true,
  },
  {
    name: 'recipe',
    where: `t.name IN (SELECT recipe FROM run WHERE id IN ${RUNS})`,
    order: 't.name, t.version',
    shared: true,
  },
  {
    name: 'general_config',
    where: `t.id IN (SELECT general_config_id FROM run WHERE id IN ${RUNS})`,
    order: 't.hash',
    sameAs: ['hash'],
  },
  {
    name: 'exec_config',
    where: `t.id IN (SELECT exec_config_id FROM run WHERE id IN ${RUNS})`,
    order: 't.hash',
    sameAs: ['hash'],
  },
  { name: 'project', where: 't.id = $1', order: 't.id' },
  { name: 'project_member', where: 't.project_id = $1', order: 't.user_id' },
  { name: 'dataset', where: 't.project_id = $1', order: 't.seq' },
  { name: 'run', where: `t.id IN ${RUNS}`, order: 't.parent_id IS NOT NULL, t.seq' },
  { name: 'datapoint', where: `t.id IN ${POINTS}`, order: 't.seq' },
  { name: 'run_terminal', ...ofRuns('t.at'), instead: `'{"purged": true}'` },
  { name: 'attempt', ...ofRuns('t.number') },
  { name: 'journal', ...ofRuns('t.attempt, t.seq') },
  { name: 'page', ...ofRuns('t.attempt, t.channel, t.first_index') },
  { name: 'shard', ...ofRuns('t.index') },
  { name: 'run_input', ...ofRuns('t.sha256') },
  { name: 'channel', ...ofRuns('t.position') },
  { name: 'result_page', ...ofRuns('t.position, t.shard, t.number') },
  { name: 'log_blob', ...ofRuns('t.shard, t.attempt, t.name') },
  { name: 'parameter_index', ...ofRuns('t.path') },
  { name: 'validity_event', ...ofRuns('t.seq') },
  {
    name: 'lineage',
    where: `t.child_run_id IN ${RUNS} AND t.parent_run_id IN ${RUNS}`,
    order: 't.child_run_id, t.parent_run_id, t.via',
  },
  { name: 'sweep', where: `t.dataset_id IN ${DATASETS}`, order: 't.seq' },
  { name: 'workflow', where: `t.id IN ${FLOWS}`, order: 't.seq' },
  {
    name: 'workflow_step',
    where: `t.workflow_id IN ${FLOWS}`,
    order: 't.workflow_id, t.position',
    instead: `jsonb_build_object('run_id', CASE WHEN t.run_id IN ${RUNS} THEN t.run_id END)`,
  },
  { name: 'file', where: FILES, order: 't.seq' },
  {
    name: 'tombstone',
    where: `split_part(t.path, '/', 1) = (SELECT slug FROM project WHERE id = $1)`,
    order: 't.seq',
  },
]

/** Tables whose `seq` is part of what a row says: given by a stream, or by the hub that it was deleted from. */
export const KEEPS_SEQ: ReadonlySet<string> = new Set(['journal', 'tombstone'])
/** Tables with a path that begins with the project's slug. */
export const HAS_PATH: ReadonlySet<string> = new Set(['dataset', 'run', 'tombstone'])
