/**
 * Deleting what is empty. References in the database decide, so that nothing slips in between: a dataset with children,
 * a datapoint of a run, a project with datasets or runs stay. Files go with what they belong to; their bytes are swept
 * once nothing refers to them.
 */
import { Injectable } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import type { Asker } from '../access/rights.ts'
import { Database, sqlState, type Statement } from '../database/database.ts'
import { DatapointRepository } from './datapoint-repository.ts'
import { DatasetRepository } from './dataset-repository.ts'
import type { NodeAddress, NodeKind } from './node-data.ts'
import { ProjectRepository } from './project-repository.ts'

const DELETE: Readonly<Record<NodeKind, Statement>> = {
  project: { name: 'delete-project', text: 'DELETE FROM project WHERE id = $1' },
  dataset: { name: 'delete-dataset', text: 'DELETE FROM dataset WHERE id = $1' },
  datapoint: { name: 'delete-datapoint', text: 'DELETE FROM datapoint WHERE id = $1 AND run_id IS NULL' },
}
const DELETE_FILES: Statement = {
  name: 'delete-files-of',
  text: 'DELETE FROM file WHERE owner_kind = $1 AND owner_id = $2',
}

@Injectable()
export class Deletion {
  constructor(
    private readonly database: Database,
    private readonly projects: ProjectRepository,
    private readonly datasets: DatasetRepository,
    private readonly datapoints: DatapointRepository,
  ) {}

  /** Problems: `not-found`, `forbidden`; `state-conflict` when it is not empty, or a run's. */
  async delete(asker: Asker, { kind, id }: NodeAddress): Promise<void> {
    const nodeId = await this.deletable(asker, { kind, id })
    try {
      await this.database.transaction(async (transaction) => {
        await transaction.query(DELETE[kind], [nodeId])
        await transaction.query(DELETE_FILES, [kind, nodeId])
      })
    } catch (error) {
      if (sqlState(error) !== '23503') throw error
      const inside = kind === 'project' ? 'datasets or runs' : 'datasets, datapoints or sweeps'
      throw new Problem('state-conflict', `The ${kind} is not empty: delete its ${inside} first.`, { cause: error })
    }
  }

  private async deletable(asker: Asker, { kind, id }: NodeAddress): Promise<string> {
    switch (kind) {
      case 'project':
        return (await this.projects.find(asker, id, 'own')).id
      case 'dataset':
        return (await this.datasets.find(asker, id, 'write')).id
      case 'datapoint': {
        const datapoint = await this.datapoints.find(asker, id, 'write')
        if (datapoint.run_id !== null)
          throw new Problem('state-conflict', `The datapoint belongs to run ${datapoint.run_id}: delete the run.`)
        return datapoint.id
      }
    }
  }
}
