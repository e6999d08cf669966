/**
 * The records of a recipe as one table: a row per run, a column per parameter that any of them ever had. Also runs
 * that are not over have a row, since a record begins with the submission.
 */
import { Injectable } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import type { ListRecordsReply, ListRecordsRequest, RecipeRecord } from '@lucihub/contracts'
import { mayReadRun, type Asker } from '../access/rights.ts'
import { Database } from '../database/database.ts'
import { staleSql } from '../runs/run-rows.ts'

const LIMIT = { max: 500, default: 100 } as const
/** A reply has to fit the bus. */
const REPLY_BYTES_MAX = 700_000
const COLUMNS_MAX = 2_000
const FILTERS_MAX = 20

interface RecordRow {
  readonly runId: string
  readonly seq: number
  readonly submitted_at: Date
  readonly ended_at: Date | null
  readonly recipeVersion: number | null
  readonly generalConfigId: string | null
  readonly execConfigId: string | null
  readonly path: string
  readonly runNo: number
  readonly state: string
  readonly valid: boolean
  readonly stale: boolean
  readonly resultJson: string
  readonly valuesJson: string
}

const ROW = `r.id AS "runId", r.seq, r.submitted_at, r.ended_at, r.recipe_version AS "recipeVersion", r.general_config_id AS "generalConfigId",
  r.exec_config_id AS "execConfigId", r.path, r.run_no AS "runNo", r.state, r.valid, ${staleSql('r')} AS stale, r.result::text AS "resultJson",
  coalesce((SELECT jsonb_object_agg(k.path, coalesce(to_jsonb(k.num), to_jsonb(k.txt), to_jsonb(k.bool), k.json))
    FROM parameter_index k WHERE k.run_id = r.id), '{}')::text AS "valuesJson"`

@Injectable()
export class RecordTable {
  constructor(private readonly database: Database) {}

  /** Oldest first. Problems: `invalid-request` for a cursor that is none. */
  async list({ userId, role }: Asker, request: ListRecordsRequest): Promise<ListRecordsReply> {
    const limit = Math.min(request.limit || LIMIT.default, LIMIT.max)
    const { where, values } = conditions({ userId, role }, request)
    const after = request.cursor === '' ? 0 : seqOf(request.cursor)
    const page = {
      name: '',
      text: `SELECT ${ROW} FROM run r WHERE ${where} AND r.seq > ${after} ORDER BY r.seq LIMIT ${limit + 1}`,
    }
    const paths = {
      name: '',
      text: `SELECT DISTINCT k.path FROM parameter_index k JOIN run r ON r.id = k.run_id WHERE ${where} ORDER BY 1 LIMIT ${COLUMNS_MAX}`,
    }
    const [rows, columns] = await Promise.all([
      this.database.query<RecordRow>(page, values),
      this.database.query<{ readonly path: string }>(paths, values),
    ])
    let bytes = 0
    const shown = rows
      .slice(0, limit)
      .filter((row, at) => (bytes += row.valuesJson.length + row.resultJson.length + 300) < REPLY_BYTES_MAX || at === 0)
    return {
      records: shown.map(recordToProto),
      columns: columns.map(({ path }) => path),
      nextCursor: shown.length < rows.length ? String(shown.at(-1)?.seq ?? 0) : '',
    }
  }
}

function conditions({ userId, role }: Asker, request: ListRecordsRequest): { where: string; values: unknown[] } {
  const text = (value: string): string => value.replaceAll('\0', '')
  const values: unknown[] = [userId, role, text(request.recipe)]
  const next = (value: unknown): string => `$${values.push(value)}`
  const found = ['r.parent_id IS NULL', 'r.recipe = $3', mayReadRun('r', { user: '$1', role: '$2' })]
  if (request.project !== '')
    found.push(`r.project_id = (SELECT id FROM project WHERE slug = ${next(text(request.project))})`)
  if (request.runNo > 0) found.push(`r.run_no = ${next(request.runNo)}`)
  if (typeof request.valid === 'boolean') found.push(`r.valid = ${next(request.valid)}`)
  if (request.summary !== '') found.push(`r.result->'summary' ? ${next(text(request.summary))}`)
  const wanted = Object.entries(JSON.parse(request.valuesJson || '{}') as Record<string, unknown>)
  if (wanted.length > FILTERS_MAX)
    throw new Problem('invalid-request', `A table is filtered by at most ${FILTERS_MAX} parameters.`)
  for (const [path, value] of wanted) found.push(filter(next(text(path)), next(text(String(value)))))
  return { where: found.join(' AND '), values }
}

/** A filter is text, as it stands in an address: it means the number, the text or the truth that reads so. */
function filter(path: string, value: string): string {
  const number = `CASE WHEN ${value}::text ~ '^-?[0-9]{1,200}([.][0-9]{1,200})?([eE][+-]?[0-9]{1,2})?$' THEN (${value}::text)::float8 END`
  return `EXISTS (SELECT FROM parameter_index k WHERE k.run_id = r.id AND k.path = ${path}::text
    AND (k.num = ${number} OR k.txt = ${value}::text OR k.bool::text = ${value}::text))`
}

function recordToProto({ submitted_at, ended_at, ...row }: RecordRow): RecipeRecord {
  return {
    ...row,
    submittedAtMs: submitted_at.getTime(),
    endedAtMs: ended_at?.getTime() ?? 0,
    recipeVersion: row.recipeVersion ?? 0,
    generalConfigId: row.generalConfigId ?? '',
    execConfigId: row.execConfigId ?? '',
  }
}

function seqOf(cursor: string): number {
  if (!/^[1-9][0-9]{0,15}$/.test(cursor))
    throw new Problem('invalid-request', `"${cursor.slice(0, 40)}" is not a cursor of this list.`)
  return Number(cursor)
}
