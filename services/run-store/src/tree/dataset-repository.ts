/** Datasets: the inner nodes of the tree. */
import { Injectable } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import { allowed, hasRight, type Asker, type Rights } from '../access/rights.ts'
import { Database, type Statement } from '../database/database.ts'
import { isUuid, uuid7 } from '../runs/uuid7.ts'
import { checkSchema } from '../schema-check.ts'
import { checkName, invalid, PATH_LENGTH_MAX } from './names.ts'
import { isBroken } from './places.ts'
import { ASKER, DATASET_COLUMNS, rightsIn, type DatasetRow } from './tree-rows.ts'

const FIND: Statement = {
  name: 'dataset-find',
  text: `SELECT ${DATASET_COLUMNS}, d.ancestors, ${rightsIn('d.project_id')} FROM dataset d WHERE d.id = $3`,
}
const INSERT: Statement = {
  name: 'dataset-insert',
  text: `INSERT INTO dataset AS d (id, project_id, parent_id, name, path, ancestors, data, point_schema, created_by)
    VALUES ($1, $2, $3, $4, $5, $6::uuid[] || $1::uuid, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING ${DATASET_COLUMNS}`,
}
const LIST_TOP: Statement = {
  name: 'dataset-list-top',
  text: `SELECT ${DATASET_COLUMNS} FROM dataset d WHERE d.project_id = $1 AND d.parent_id IS NULL AND d.seq > $2 ORDER BY d.seq LIMIT $3`,
}
const LIST_BELOW: Statement = {
  name: 'dataset-list-below',
  text: `SELECT ${DATASET_COLUMNS} FROM dataset d WHERE d.parent_id = $1 AND d.seq > $2 ORDER BY d.seq LIMIT $3`,
}
const SET_SCHEMA: Statement = {
  name: 'dataset-set-schema',
  text: `UPDATE dataset d SET point_schema = $2 WHERE d.id = $1 RETURNING ${DATASET_COLUMNS}`,
}
const IS_DATAPOINT: Statement = {
  name: 'dataset-is-datapoint',
  text: `SELECT FROM datapoint t JOIN dataset d ON d.id = t.dataset_id WHERE t.id = $3 AND ${hasRight('read', 'd.project_id', ASKER)}`,
}

export type KnownDataset = DatasetRow & Rights & { readonly ancestors: readonly string[] }

/** Where a dataset is made: below a project or below another dataset. */
export interface Parent {
  readonly projectId: string
  readonly path: string
  /** Null directly below the project. */
  readonly datasetId: string | null
  readonly ancestors: readonly string[]
}

export interface NewDataset {
  readonly name: string
  readonly data: string
  /** JSON Schema; empty: none. */
  readonly pointSchema: string
}

@Injectable()
export class DatasetRepository {
  constructor(private readonly database: Database) {}

  /** Problems: `not-found`, `forbidden`; `state-conflict` for a datapoint, which has no children. */
  async find(asker: Asker, datasetId: string, right: 'read' | 'write' = 'read'): Promise<KnownDataset> {
    const values = [asker.userId, asker.role, datasetId]
    const [row] = isUuid(datasetId) ? await this.database.query<KnownDataset>(FIND, values) : []
    if (!row && isUuid(datasetId) && (await this.database.query(IS_DATAPOINT, values)).length > 0)
      throw new Problem('state-conflict', `${datasetId} is a datapoint; only datasets have children.`)
    return allowed(row, right, `dataset ${datasetId.slice(0, 80)}`)
  }

  /** Problems: `validation-failed`; `state-conflict` when the name is taken there; `not-found` when the parent goes meanwhile. */
  async create(asker: Asker, parent: Parent, { name, data, pointSchema }: NewDataset): Promise<DatasetRow> {
    const path = `${parent.path}/${checkName(name)}`
    if (path.length > PATH_LENGTH_MAX)
      throw invalid({
        pointer: '/name',
        value: name.slice(0, 80),
        message: `The path of the dataset would have ${path.length} characters.`,
        remedy: `Keep paths within ${PATH_LENGTH_MAX} characters: use shorter names or fewer levels.`,
      })
    if (pointSchema !== '') checkSchema(pointSchema, '/pointSchema')
    const values = [
      uuid7(Date.now()),
      parent.projectId,
      parent.datasetId,
      name,
      path,
      parent.ancestors,
      data,
      pointSchema || null,
      isUuid(asker.userId) ? asker.userId : null,
    ]
    const [made] = await this.database.query<DatasetRow>(INSERT, values).catch((error: unknown) => {
      if (isBroken(error, '23503', 'dataset_parent_id_fkey') || isBroken(error, '23503', 'dataset_project_id_fkey'))
        throw new Problem('not-found', `There is no ${parent.path} any more.`, { cause: error })
      throw error
    })
    if (!made) throw new Problem('state-conflict', `There is a dataset ${path} already.`)
    return made
  }

  /** Those directly below, in the order they were made; one more than asked for, where there are more. */
  async list(
    { projectId, datasetId }: Pick<Parent, 'projectId' | 'datasetId'>,
    { after, limit }: { readonly after: number; readonly limit: number },
  ): Promise<DatasetRow[]> {
    return datasetId === null
      ? this.database.query<DatasetRow>(LIST_TOP, [projectId, after, limit + 1])
      : this.database.query<DatasetRow>(LIST_BELOW, [datasetId, after, limit + 1])
  }

  /** From now on the data of its datapoints must fit; what is there already is left as it is. */
  async setPointSchema(datasetId: string, pointSchema: string): Promise<DatasetRow> {
    if (pointSchema !== '') checkSchema(pointSchema, '/pointSchema')
    const [row] = await this.database.query<DatasetRow>(SET_SCHEMA, [datasetId, pointSchema || null])
    if (!row) throw new Problem('not-found', `There is no dataset ${datasetId} any more.`)
    return row
  }
}
