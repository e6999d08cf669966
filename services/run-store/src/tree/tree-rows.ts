/** Rows of the tree as messages, and the SQL that makes them. Data travels as text: nobody here looks inside. */
import { Problem } from '@lucihub/analog'
import type { Actor, Datapoint, Dataset, Project } from '@lucihub/contracts'
import { hasRight, type Asker } from '../access/rights.ts'
import { invalid } from './names.ts'

/** In every statement of the tree the first two parameters say who asks. */
export const ASKER = { user: '$1', role: '$2' }
/** A page of the longest paths still fits the bus. */
export const PAGE = { max: 200, default: 100 } as const
/** Of the data of one project, dataset or datapoint, as JSON. */
export const DATA_BYTES_MAX = 262_144

/** SQL: the rights of the asker in a project, as the columns of `Rights`. */
export function rightsIn(project: string): string {
  return `${hasRight('read', project, ASKER)} AS may_read, ${hasRight('write', project, ASKER)} AS may_write`
}

export const PROJECT_COLUMNS = `p.id, p.seq, p.slug, p.title, p.owner_id, p.data::text AS data, p.data_version, p.created_at,
  CASE WHEN $2::text = 'admin' THEN 'owner' ELSE (SELECT pm.role FROM project_member pm WHERE pm.project_id = p.id AND pm.user_id::text = $1) END AS role`

export interface ProjectRow {
  readonly id: string
  readonly seq: number
  readonly slug: string
  readonly title: string
  readonly owner_id: string
  readonly data: string
  readonly data_version: number
  readonly created_at: Date
  readonly role: string | null
}

export const DATASET_COLUMNS = `d.id, d.seq, d.project_id, d.parent_id, d.name, d.path, cardinality(d.ancestors) AS depth,
  d.data::text AS data, d.data_version, d.point_schema::text AS point_schema, d.created_at`

export interface DatasetRow {
  readonly id: string
  readonly seq: number
  readonly project_id: string
  readonly parent_id: string | null
  readonly name: string
  readonly path: string
  readonly depth: number
  readonly data: string
  readonly data_version: number
  readonly point_schema: string | null
  readonly created_at: Date
}

/** Of a datapoint `t` in the dataset `d`. */
export const DATAPOINT_COLUMNS = `t.id, t.seq, d.project_id, t.dataset_id, t.name, d.path AS "from", t.data::text AS data, t.data_version,
  t.run_id, t.created_at`

export interface DatapointRow {
  readonly id: string
  readonly seq: number
  readonly project_id: string
  readonly dataset_id: string
  readonly name: string
  readonly from: string
  readonly data: string
  readonly data_version: number
  readonly run_id: string | null
  readonly created_at: Date
}

export function projectToProto(row: ProjectRow): Project {
  return {
    id: row.id,
    slug: row.slug,
    title: row.title,
    ownerId: row.owner_id,
    dataJson: row.data,
    dataVersion: row.data_version,
    createdAtMs: row.created_at.getTime(),
    role: row.role ?? '',
  }
}

export function datasetToProto(row: DatasetRow): Dataset {
  return {
    id: row.id,
    projectId: row.project_id,
    parentId: row.parent_id ?? '',
    name: row.name,
    path: row.path,
    depth: row.depth,
    dataJson: row.data,
    dataVersion: row.data_version,
    pointSchemaJson: row.point_schema ?? '',
    createdAtMs: row.created_at.getTime(),
  }
}

export function datapointToProto(row: DatapointRow): Datapoint {
  return {
    id: row.id,
    projectId: row.project_id,
    datasetId: row.dataset_id,
    name: row.name,
    path: `${row.from}/${row.name}`,
    from: row.from,
    dataJson: row.data,
    dataVersion: row.data_version,
    runId: row.run_id ?? '',
    createdAtMs: row.created_at.getTime(),
  }
}

/** Problem `invalid-request` when nobody asks. */
export function askerOf(actor: Actor | null | undefined): Asker {
  if (!actor || actor.userId === '' || actor.userId.includes('\0'))
    throw new Problem('invalid-request', 'Somebody has to ask this.')
  return { userId: actor.userId, role: actor.role }
}

export function limitOf(limit: number): number {
  return Math.min(limit || PAGE.default, PAGE.max)
}

/** A cursor is the number of the last row that was shown. Problem `invalid-request`. */
export function seqOf(cursor: string): number {
  if (cursor === '') return 0
  if (!/^[1-9][0-9]{0,15}$/.test(cursor)) throw notACursor(cursor)
  return Number(cursor)
}

export function notACursor(cursor: string): Problem {
  return new Problem('invalid-request', `"${cursor.slice(0, 40)}" is not a cursor of this list.`)
}

/** The rows of a page of which one more was asked for, and the cursor behind them. */
export function pageOf<Row extends { readonly seq: number }>(
  rows: readonly Row[],
  limit: number,
): { readonly shown: readonly Row[]; readonly nextCursor: string } {
  const shown = rows.slice(0, limit)
  return { shown, nextCursor: rows.length > limit ? String(shown.at(-1)?.seq) : '' }
}

/** The text of a JSON object as Postgres can keep it; empty: `{}`. Problem `validation-failed`, `too-large`. */
export function checkObject(json: string, pointer: string): string {
  if (json === '') return '{}'
  if (Buffer.byteLength(json) > DATA_BYTES_MAX) throw tooMuchData()
  const value = parsed(json)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid({
      pointer,
      value: json.slice(0, 80),
      message: 'The data must be a JSON object.',
      remedy: 'Send an object, such as {"gain": 2}.',
    })
  if (!isStorable(value))
    throw invalid({
      pointer,
      value: '',
      message: 'A text in the data has a NUL character or half of a surrogate pair.',
      remedy: 'Remove it; put bytes into a file.',
    })
  return json
}

export function tooMuchData(): Problem {
  return new Problem('too-large', `Data may have at most ${DATA_BYTES_MAX} bytes as JSON; put more into a file.`)
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw new Problem('invalid-request', 'The data is not JSON.', { cause })
  }
}

function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return !value.includes('\0') && Buffer.from(value).toString() === value
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([key, member]) => isStorable(key) && isStorable(member))
}
