/** Rows of any table for people: secrets hidden, bytes shortened, everything else as it is. */
import { Problem } from '@lucihub/analog'
import { ENTITIES } from '../database/entities.ts'
import type { MaintenanceSession } from './session.ts'

const SECRET: ReadonlySet<string> = new Set([
  'setting.value',
  'api_key.secret_hmac',
  'local_credential.password_hash',
  'login_session.secret_hmac',
  'signing_key.secret',
])
/** Bytes of a bytea that are shown. */
const BYTES_SHOWN = 16

export type ShownRow = Readonly<Record<string, unknown>>

export interface TableQuery {
  readonly table: string
  /** `column=value`, `column~part`, or empty. */
  readonly where: string
  /** A text in any column; empty: all rows. */
  readonly search: string
  readonly limit: number
}

export const TABLES: readonly string[] = ENTITIES.map(({ options }) => options.name)

export function columnsOf(table: string): string[] {
  const entity = ENTITIES.find(({ options }) => options.name === table)
  if (!entity) throw new Problem('invalid-request', `There is no table "${table}"; there are ${TABLES.join(', ')}.`)
  return Object.keys(entity.options.columns)
}

/** In the order of their numbers, or keys. Problem `invalid-request` for a table or a condition that there is not. */
export async function rowsOf(
  session: MaintenanceSession,
  { table, where, search, limit }: TableQuery,
): Promise<ShownRow[]> {
  const columns = columnsOf(table)
  const entity = ENTITIES.find(({ options }) => options.name === table)
  const shown = columns.map((column) => {
    if (SECRET.has(`${table}.${column}`)) return `'(secret)'::text AS "${column}"`
    if (entity?.options.columns[column]?.type === 'bytea')
      return `'\\x' || encode(substring(t."${column}" FROM 1 FOR ${BYTES_SHOWN}), 'hex') || CASE WHEN octet_length(t."${column}") > ${BYTES_SHOWN}
        THEN '… (' || octet_length(t."${column}") || ' bytes)' ELSE '' END AS "${column}"`
    return `t."${column}"`
  })
  const values: unknown[] = []
  const conditions: string[] = []
  if (where !== '') {
    const [, column = '', operator, value = ''] = /^([a-z_0-9]+)\s*(=|~)\s*(.*)$/s.exec(where) ?? []
    if (!columns.includes(column) || SECRET.has(`${table}.${column}`))
      throw new Problem(
        'invalid-request',
        `"${where}" is no condition on ${table}: use <column>=<value> or <column>~<part>.`,
      )
    values.push(operator === '=' ? value : `%${value.replace(/[\\%_]/g, '\\$&')}%`)
    conditions.push(`t."${column}"::text ${operator === '=' ? '=' : 'ILIKE'} $${values.length}`)
  }
  const order = columns.includes('seq') ? 't.seq' : '1'
  const from = `SELECT ${shown.join(', ')} FROM ${table} t ${conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''}`
  if (search === '') return session.query<ShownRow>(`${from} ORDER BY ${order} LIMIT ${limit}`, values)
  values.push(`%${search.replace(/[\\%_]/g, '\\$&')}%`)
  return session.query<ShownRow>(
    `SELECT * FROM (${from} ORDER BY ${order}) s WHERE s::text ILIKE $${values.length} LIMIT ${limit}`,
    values,
  )
}

export interface Summary {
  readonly executions: readonly ShownRow[]
  /** Per recipe, or type of job: a row per run, a column per parameter. */
  readonly tasks: Readonly<Record<string, { readonly columns: readonly string[]; readonly rows: readonly ShownRow[] }>>
}

interface Execution {
  readonly id: string
  readonly at: string
  readonly task: string
  readonly summary: unknown
  readonly payload: unknown
  readonly state: string
  readonly valid: boolean
  readonly kept: ShownRow
}

/** Runs as executions of tasks, the oldest first. */
export async function summarize(session: MaintenanceSession, limit: number): Promise<Summary> {
  const runs = await session.query<Execution>(
    `SELECT r.id, to_char(r.submitted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at, coalesce(nullif(r.recipe, ''), r.job_type) AS task,
        r.result->'summary' AS summary, r.result->'payload' AS payload, r.state, r.valid,
        coalesce((SELECT jsonb_object_agg(k.path, coalesce(to_jsonb(k.num), to_jsonb(k.txt), to_jsonb(k.bool), k.json, 'null'))
          FROM parameter_index k WHERE k.run_id = r.id), '{}') AS kept
      FROM run r WHERE r.parent_id IS NULL ORDER BY r.seq LIMIT ${limit}`,
  )
  const tasks = [...new Set(runs.map(({ task }) => task))].map((task) => {
    const own = runs.filter((run) => run.task === task)
    const columns = [...new Set(own.flatMap(({ kept }) => Object.keys(kept)))].sort()
    const rows = own.map(({ id, kept }) => ({
      'Execution ID': id,
      ...Object.fromEntries(columns.map((column) => [column, kept[column] ?? null])),
    }))
    return [task, { columns: ['Execution ID', ...columns], rows }] as const
  })
  return {
    executions: runs.map(({ id, at, task, summary, payload, state, valid }) => ({
      'Execution ID': id,
      Timestamp: at,
      Task: task,
      Summary: summary ?? null,
      Payload: payload ?? null,
      Status: state,
      'Valid?': valid,
    })),
    tasks: Object.fromEntries(tasks),
  }
}

/** One line of text per row, columns aligned, no cell wider than `width`. */
export function textTable(columns: readonly string[], rows: readonly ShownRow[], width = 40): string[] {
  const cells = [columns, ...rows.map((row) => columns.map((column) => cellText(row[column], width)))]
  const widths = columns.map((_, at) => Math.max(...cells.map((line) => (line[at] ?? '').length)))
  return cells.map((line) =>
    line
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** Safe for a terminal: no control characters. */
export function cellText(value: unknown, width: number): string {
  const text =
    value === null || value === undefined
      ? ''
      : value instanceof Date
        ? value.toISOString()
        : typeof value === 'object'
          ? JSON.stringify(value)
          : String(value as string | number | boolean)
  const safe = text.replace(/\p{C}/gu, ' ')
  return safe.length > width ? `${safe.slice(0, width - 1)}…` : safe
}
