/**
 * The data of projects, datasets and datapoints: a JSON object whose keys are replaced one by one. The merge is one
 * UPDATE, so patches of different keys that come at once all survive. What a run wrote of itself (`params`, `result`)
 * only the run may write.
 */
import { Injectable } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import type { DataReply } from '@lucihub/contracts'
import type { Asker } from '../access/rights.ts'
import { Database, type Statement } from '../database/database.ts'
import { checkFits, DatapointRepository } from './datapoint-repository.ts'
import { DatasetRepository } from './dataset-repository.ts'
import { ProjectRepository } from './project-repository.ts'
import { DATA_BYTES_MAX, tooMuchData } from './tree-rows.ts'

export type NodeKind = 'project' | 'dataset' | 'datapoint'

export interface NodeAddress {
  readonly kind: NodeKind
  readonly id: string
}

/** Keys of the data of a run's datapoint that the hub writes. */
export const LOCKED_KEYS = ['params', 'result'] as const

/** Of the data of all levels together: a reply has to fit the bus. */
const EFFECTIVE_BYTES_MAX = 786_432

const MERGE: Readonly<Record<NodeKind, Statement>> = {
  project: merge('project'),
  dataset: merge('dataset'),
  datapoint: merge('datapoint'),
}

function merge(table: NodeKind): Statement {
  return {
    name: `merge-${table}`,
    text: `UPDATE ${table} SET data = data || $2::jsonb, data_version = data_version + 1 WHERE id = $1
      RETURNING data::text AS data, data_version`,
  }
}

const POINT_SCHEMA: Statement = {
  name: 'node-point-schema',
  text: 'SELECT point_schema::text FROM dataset WHERE id = $1',
}
/** From the project down to the dataset; later objects win in the concatenation. */
const ABOVE: Statement = {
  name: 'node-above',
  text: `SELECT p.data::text AS data FROM dataset d JOIN project p ON p.id = d.project_id WHERE d.id = $1
    UNION ALL
    (SELECT a.data::text FROM dataset d CROSS JOIN LATERAL unnest(d.ancestors) WITH ORDINALITY AS up (id, depth)
      JOIN dataset a ON a.id = up.id WHERE d.id = $1 ORDER BY up.depth)`,
}

interface DataRow {
  readonly data: string
  readonly data_version: number
}

@Injectable()
export class NodeData {
  constructor(
    private readonly database: Database,
    private readonly projects: ProjectRepository,
    private readonly datasets: DatasetRepository,
    private readonly datapoints: DatapointRepository,
  ) {}

  /** Its own data; `effective`: with that of everything above it, the nearest wins key by key. */
  async read(asker: Asker, { kind, id, effective }: NodeAddress & { readonly effective: boolean }): Promise<DataReply> {
    const { data, data_version: dataVersion, above } = await this.node(asker, { kind, id }, 'read')
    if (!effective || above === null) return { dataJson: data, dataVersion }
    const layers = await this.database.query<{ readonly data: string }>(ABOVE, [above])
    const merged = Object.assign(
      {},
      ...[...layers.map((layer) => layer.data), data].map((text) => JSON.parse(text) as object),
    )
    const dataJson = JSON.stringify(merged)
    if (Buffer.byteLength(dataJson) > EFFECTIVE_BYTES_MAX) throw tooMuchData()
    return { dataJson, dataVersion }
  }

  /** Merges `patch`, the text of an object. Problems: `state-conflict` for locked keys; `too-large`; `validation-failed`. */
  async patch(asker: Asker, address: NodeAddress, patch: string): Promise<DataReply> {
    const node = await this.node(asker, address, 'write')
    if (node.runId !== null) refuseLocked(patch, node.runId)
    return this.database.transaction(async (transaction) => {
      const [row] = await transaction.query<DataRow>(MERGE[address.kind], [node.id, patch])
      if (!row) throw new Problem('not-found', `There is no ${address.kind} ${address.id.slice(0, 80)} any more.`)
      if (Buffer.byteLength(row.data) > DATA_BYTES_MAX) throw tooMuchData()
      if (address.kind === 'datapoint') {
        const [dataset] = await transaction.query<{ readonly point_schema: string | null }>(POINT_SCHEMA, [node.above])
        checkFits(dataset?.point_schema ?? null, row.data)
      }
      return { dataJson: row.data, dataVersion: row.data_version }
    })
  }

  /** `above`: the dataset where the layers above it begin, itself included for a dataset; null for a project. */
  private async node(
    asker: Asker,
    { kind, id }: NodeAddress,
    right: 'read' | 'write',
  ): Promise<DataRow & { readonly id: string; readonly above: string | null; readonly runId: string | null }> {
    switch (kind) {
      case 'project':
        return { ...(await this.projects.find(asker, id, right)), above: null, runId: null }
      case 'dataset': {
        const dataset = await this.datasets.find(asker, id, right)
        return { ...dataset, above: dataset.id, runId: null }
      }
      case 'datapoint': {
        const datapoint = await this.datapoints.find(asker, id, right)
        return { ...datapoint, above: datapoint.dataset_id, runId: datapoint.run_id }
      }
    }
  }
}

function refuseLocked(patch: string, runId: string): void {
  const locked = Object.keys(JSON.parse(patch) as object).filter((key) => LOCKED_KEYS.some((word) => word === key))
  if (locked.length === 0) return
  throw new Problem('state-conflict', `${locked.join(' and ')} belong to run ${runId}, which alone writes them.`, {
    violations: locked.map((key) => ({
      pointer: `/${key}`,
      value: '',
      message: 'Only the run itself writes this.',
      remedy: 'Use another key.',
    })),
  })
}
