/**
 * Datapoints: the leaves. Data flows down: a listing may go on with the datapoints of the ancestors, the nearest first.
 * Nothing is hidden by a nearer datapoint of the same name; a datapoint is known by its whole path.
 */
import { Injectable } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import { allowed, type Asker, type Rights } from '../access/rights.ts'
import { Database, type Statement } from '../database/database.ts'
import { isUuid, uuid7 } from '../runs/uuid7.ts'
import { schemaViolations } from '../schema-check.ts'
import { checkName } from './names.ts'
import type { KnownDataset } from './dataset-repository.ts'
import { isBroken } from './places.ts'
import { DATAPOINT_COLUMNS, notACursor, rightsIn, type DatapointRow } from './tree-rows.ts'

/** Data in one page of a list, as text: a reply has to fit the bus. */
const PAGE_BYTES_MAX = 524_288

const FIND: Statement = {
  name: 'datapoint-find',
  text: `SELECT ${DATAPOINT_COLUMNS}, ${rightsIn('d.project_id')} FROM datapoint t JOIN dataset d ON d.id = t.dataset_id WHERE t.id = $3`,
}
const INSERT: Statement = {
  name: 'datapoint-insert',
  text: `WITH t AS (
      INSERT INTO datapoint (id, dataset_id, name, data, created_by) VALUES ($1, $2, $3, $4, $5)
      ON CONFLICT (dataset_id, name) DO NOTHING RETURNING *)
    SELECT ${DATAPOINT_COLUMNS} FROM t JOIN dataset d ON d.id = t.dataset_id`,
}
/** Each level gives at most a page, found by its index; levels are ordered by their distance. */
const LIST: Statement = {
  name: 'datapoint-list',
  text: `SELECT id, seq, project_id, dataset_id, name, "from", CASE WHEN $5 THEN data ELSE '' END AS data, data_version, run_id, created_at, distance
    FROM (
      SELECT t.*, level.distance, sum(CASE WHEN $5 THEN octet_length(t.data) ELSE 0 END) OVER w AS bytes, row_number() OVER w AS number
      FROM unnest($1::uuid[]) WITH ORDINALITY AS level (dataset_id, distance)
        CROSS JOIN LATERAL (
          SELECT ${DATAPOINT_COLUMNS} FROM datapoint t JOIN dataset d ON d.id = t.dataset_id
          WHERE t.dataset_id = level.dataset_id AND (level.distance > $2 OR t.seq > $3) ORDER BY t.seq LIMIT $4 + 1) t
      WHERE level.distance >= $2
      WINDOW w AS (ORDER BY level.distance, t.seq)) page
    WHERE number = 1 OR (number <= $4 + 1 AND bytes <= ${PAGE_BYTES_MAX})
    ORDER BY number`,
}
const ANY_BEHIND: Statement = {
  name: 'datapoint-any-behind',
  text: `SELECT FROM unnest($1::uuid[]) WITH ORDINALITY AS level (dataset_id, distance)
    WHERE level.distance >= $2 AND EXISTS (
      SELECT FROM datapoint t WHERE t.dataset_id = level.dataset_id AND (level.distance > $2 OR t.seq > $3)) LIMIT 1`,
}

export interface PointPage {
  readonly points: readonly DatapointRow[]
  readonly nextCursor: string
}

@Injectable()
export class DatapointRepository {
  constructor(private readonly database: Database) {}

  /** Problems: `not-found`, `forbidden`. */
  async find(asker: Asker, id: string, right: 'read' | 'write' = 'read'): Promise<DatapointRow & Rights> {
    const values = [asker.userId, asker.role, id]
    const [row] = isUuid(id) ? await this.database.query<DatapointRow & Rights>(FIND, values) : []
    return allowed(row, right, `datapoint ${id.slice(0, 80)}`)
  }

  /** Problems: `validation-failed` for the name or data; `state-conflict` when the name is taken. */
  async create(
    asker: Asker,
    dataset: KnownDataset,
    { name, data }: { readonly name: string; readonly data: string },
  ): Promise<DatapointRow> {
    checkName(name)
    checkFits(dataset.point_schema, data)
    const createdBy = isUuid(asker.userId) ? asker.userId : null
    const [made] = await this.database
      .query<DatapointRow>(INSERT, [uuid7(Date.now()), dataset.id, name, data, createdBy])
      .catch((error: unknown) => {
        if (isBroken(error, '23503', 'datapoint_dataset_id_fkey'))
          throw new Problem('not-found', `There is no dataset ${dataset.id} any more.`, { cause: error })
        throw error
      })
    if (!made) throw new Problem('state-conflict', `There is a datapoint ${dataset.path}/${name} already.`)
    return made
  }

  /** Own ones in the order they were made, then those of each ancestor, the nearest first. */
  async list(
    dataset: Pick<KnownDataset, 'id' | 'ancestors'>,
    options: { readonly inherit: boolean; readonly withData: boolean; readonly cursor: string; readonly limit: number },
  ): Promise<PointPage> {
    const { inherit, withData, cursor, limit } = options
    const levels = inherit ? dataset.ancestors.toReversed() : [dataset.id]
    const { distance, seq } = placeOf(cursor)
    const rows = await this.database.query<DatapointRow & { readonly distance: number }>(LIST, [
      levels,
      distance,
      seq,
      limit,
      withData,
    ])
    const points = rows.slice(0, limit)
    const last = points.at(-1)
    if (!last) return { points, nextCursor: '' }
    // A page that its bytes have ended does not tell whether there is more.
    const more =
      rows.length > limit ||
      (withData && (await this.database.query(ANY_BEHIND, [levels, last.distance, last.seq])).length > 0)
    return { points, nextCursor: more ? `${last.distance}.${last.seq}` : '' }
  }
}

/** Problem `validation-failed` when the data of a datapoint does not fit its dataset's schema. */
export function checkFits(pointSchema: string | null, data: string): void {
  if (pointSchema === null) return
  const violations = schemaViolations(pointSchema, JSON.parse(data), '/data')
  if (violations.length > 0)
    throw new Problem('validation-failed', "The data does not fit the schema of the dataset's datapoints.", {
      violations,
    })
}

/** A cursor names the last datapoint that was shown: how far up its dataset lies (1: the dataset itself), and its number. */
function placeOf(cursor: string): { readonly distance: number; readonly seq: number } {
  if (cursor === '') return { distance: 1, seq: 0 }
  const [, distance, seq] = /^([1-9][0-9]{0,3})\.([1-9][0-9]{0,15})$/.exec(cursor) ?? []
  if (distance === undefined || seq === undefined) throw notACursor(cursor)
  return { distance: Number(distance), seq: Number(seq) }
}
