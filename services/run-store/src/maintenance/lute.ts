/**
 * Records as an SQLite file of LUTE's first layout: `gen_cfg`, `exec_cfg`, and a table per task with a column per
 * parameter path. Rows are in the order of submission, because the last one is what LUTE takes for the latest.
 */
import { writeFile } from 'node:fs/promises'
import type { RunState } from '@lucihub/analog'
import type { Database as SqlFile, SqlValue } from 'sql.js'
import initSqlJs from 'sql.js/dist/sql-wasm-inline.js'
import { flatten } from '../records/flatten.ts'
import { projectId } from './archive-export.ts'
import { inSession } from './session.ts'

export interface LuteCount {
  readonly project: string
  readonly tasks: number
  readonly records: number
}

interface RecordRow {
  readonly task: string
  readonly run_no: number
  readonly state: RunState
  readonly at: string
  readonly valid: boolean
  readonly parameters: Readonly<Record<string, unknown>>
  readonly result: Readonly<Record<string, unknown>>
  readonly result_schemas: readonly string[]
  readonly title: string
  readonly date: string
  readonly software_version: string
  readonly timeout_s: number
  readonly env: Readonly<Record<string, unknown>>
  readonly poll_interval_s: number
  readonly transports: readonly string[]
}

/** Where LUTE's words differ from ours. */
const STATUS: Partial<Record<RunState, string>> = {
  CREATED: 'PENDING',
  QUEUED: 'PENDING',
  PAUSED: 'STOPPED',
  MERGE_QUEUED: 'RUNNING',
  MERGING: 'RUNNING',
  CANCELED: 'CANCELLED',
  TIMED_OUT: 'TIMEDOUT',
}

export async function exportLute(
  url: string,
  { project, file }: { project: string; file: string },
): Promise<LuteCount> {
  const records = await inSession(url, 'read', async (session) => {
    const id = await projectId(session, project)
    return session.query<RecordRow>(
      `SELECT coalesce(nullif(r.recipe, ''), r.job_type) AS task, r.run_no, r.state,
          to_char(coalesce(r.ended_at, r.submitted_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS at, r.valid, r.parameters, r.result,
          r.result_schemas, coalesce(g.title, r.title) AS title, coalesce(g.date, '') AS date, coalesce(g.software_version, '') AS software_version,
          coalesce(g.timeout_s, r.timeout_s, 0) AS timeout_s, coalesce(e.env, '{}') AS env, coalesce(e.poll_interval_s, 0) AS poll_interval_s,
          coalesce(e.transports, '{}') AS transports
        FROM run r LEFT JOIN general_config g ON g.id = r.general_config_id LEFT JOIN exec_config e ON e.id = r.exec_config_id
        WHERE r.project_id = $1 AND r.parent_id IS NULL AND r.ended_at IS NOT NULL ORDER BY r.seq`,
      [id],
    )
  })
  const { Database } = await initSqlJs()
  const database = new Database()
  const tasks = [...new Set(records.map(({ task }) => task))]
  database.run(
    'CREATE TABLE gen_cfg (id INTEGER PRIMARY KEY, title TEXT, experiment TEXT, run INTEGER, date TEXT, lute_version TEXT, task_timeout INTEGER)',
  )
  database.run('CREATE TABLE exec_cfg (id INTEGER PRIMARY KEY, env TEXT, poll_interval REAL, communicator_desc TEXT)')
  const genCfg = shared(database, 'gen_cfg')
  const execCfg = shared(database, 'exec_cfg')
  for (const task of tasks) {
    const own = records.filter((record) => record.task === task)
    const paths = [...new Set(own.flatMap(({ parameters }) => [...flatten(parameters).keys()]))]
    const columns = [
      'id INTEGER PRIMARY KEY',
      'timestamp DATETIME',
      'gen_cfg_id INTEGER',
      'exec_cfg_id INTEGER',
      ...paths.map((path) => `${quoted(path)} ${typeOf(own, path)}`),
      `${quoted('result.task_status')} TEXT`,
      `${quoted('result.summary')} TEXT`,
      `${quoted('result.payload')} TEXT`,
      `${quoted('result.impl_schemas')} TEXT`,
      'valid_flag INTEGER',
    ]
    database.run(`CREATE TABLE ${quoted(task)} (${columns.join(', ')})`)
    for (const record of own) {
      const leaves = flatten(record.parameters)
      const { title, run_no, date, software_version, timeout_s, result } = record
      const general = genCfg([title, project, run_no, date, software_version, timeout_s])
      const env = Object.entries(record.env).map(([key, value]) => `${key}=${String(value)}`)
      const exec = execCfg([env.join(';'), record.poll_interval_s, record.transports.join(';')])
      const values: SqlValue[] = [
        null,
        record.at,
        general,
        exec,
        ...paths.map((path) => valueOf(leaves.get(path)?.value)),
        STATUS[record.state] ?? record.state,
        summaryOf(result['summary']),
        valueOf(result['payload']),
        record.result_schemas.join(';'),
        record.valid ? 1 : 0,
      ]
      database.run(`INSERT INTO ${quoted(task)} VALUES (${values.map(() => '?').join(', ')})`, values)
    }
  }
  await writeFile(file, database.export(), { flag: 'wx' })
  database.close()
  return { project, tasks: tasks.length, records: records.length }
}

/** Inserts a row, or finds the equal one; gives its id. */
function shared(database: SqlFile, table: string): (values: readonly SqlValue[]) => number {
  const known = new Map<string, number>()
  return (values) => {
    const key = JSON.stringify(values)
    const id = known.get(key) ?? known.size + 1
    if (!known.has(key))
      database.run(`INSERT INTO ${table} VALUES (${['?', ...values.map(() => '?')].join(', ')})`, [id, ...values])
    known.set(key, id)
    return id
  }
}

function typeOf(records: readonly RecordRow[], path: string): string {
  const values = records
    .map(({ parameters }) => flatten(parameters).get(path)?.value)
    .filter((value) => value !== undefined)
  if (values.every((value) => typeof value === 'boolean' || Number.isInteger(value))) return 'INTEGER'
  if (values.every((value) => typeof value === 'number')) return 'REAL'
  return values.every((value) => typeof value === 'string') ? 'TEXT' : 'BLOB'
}

function valueOf(value: unknown): SqlValue {
  if (value === undefined || value === null) return null
  if (typeof value === 'boolean') return value ? 1 : 0
  return typeof value === 'number' || typeof value === 'string' ? value : JSON.stringify(value)
}

function summaryOf(summary: unknown): SqlValue {
  if (typeof summary !== 'object' || summary === null || Array.isArray(summary)) return valueOf(summary)
  return Object.entries(summary)
    .map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(';')
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
