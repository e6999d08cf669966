/** From paths to what lies there, and the tree as a whole. */
import { Injectable } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import type { TreeDataset } from '@lucihub/contracts'
import type { Asker } from '../access/rights.ts'
import { Database, type Statement } from '../database/database.ts'
import { segmentsOf } from './names.ts'
import { ProjectRepository, type KnownProject } from './project-repository.ts'
import { DATAPOINT_COLUMNS, DATASET_COLUMNS, type DatapointRow, type DatasetRow } from './tree-rows.ts'

const TREE_MAX = 2000
/** More names cannot be in a path that is short enough. */
const SEGMENTS_MAX = 600

const DATASETS: Statement = {
  name: 'path-datasets',
  text: `SELECT ${DATASET_COLUMNS} FROM dataset d WHERE d.path = ANY ($1) AND d.project_id = $2 ORDER BY cardinality(d.ancestors)`,
}
const DATAPOINT: Statement = {
  name: 'path-datapoint',
  text: `SELECT ${DATAPOINT_COLUMNS} FROM datapoint t JOIN dataset d ON d.id = t.dataset_id WHERE d.id = $1 AND t.name = $2`,
}
const TREE: Statement = {
  name: 'path-tree',
  text: `SELECT d.id, coalesce(d.parent_id::text, '') AS "parentId", d.name,
      (SELECT count(*) FROM datapoint t WHERE t.dataset_id = d.id)::int AS datapoints
    FROM dataset d WHERE d.project_id = $1 AND ($2 = 0 OR cardinality(d.ancestors) <= $2)
    ORDER BY cardinality(d.ancestors), d.seq LIMIT ${TREE_MAX + 1}`,
}

export type Resolved =
  | { readonly kind: 'project'; readonly project: KnownProject }
  | { readonly kind: 'dataset'; readonly dataset: DatasetRow }
  | { readonly kind: 'datapoint'; readonly datapoint: DatapointRow }

@Injectable()
export class Paths {
  constructor(
    private readonly database: Database,
    private readonly projects: ProjectRepository,
  ) {}

  /**
   * What lies at a path below a project. Where a dataset and a datapoint have the same one, the dataset, or what `kind`
   * says. Problem `not-found` names the first segment that is missing.
   */
  async resolve(
    asker: Asker,
    wanted: { readonly project: string; readonly path: string; readonly kind: 'dataset' | 'datapoint' | null },
  ): Promise<Resolved> {
    const project = await this.projects.find(asker, wanted.project)
    const segments = segmentsOf(wanted.path.replaceAll('\0', '\u{fffd}')).slice(0, SEGMENTS_MAX)
    if (segments.length === 0) return { kind: 'project', project }
    const prefixes = segments.map((_, index) => [project.slug, ...segments.slice(0, index + 1)].join('/'))
    const datasets = await this.database.query<DatasetRow>(DATASETS, [prefixes, project.id])
    const whole = datasets[segments.length - 1]
    if (whole && wanted.kind !== 'datapoint') return { kind: 'dataset', dataset: whole }
    const parent = datasets[segments.length - 2]
    if (parent && wanted.kind !== 'dataset') {
      const [datapoint] = await this.database.query<DatapointRow>(DATAPOINT, [parent.id, segments.at(-1)])
      if (datapoint) return { kind: 'datapoint', datapoint }
    }
    const known = Math.min(datasets.length, segments.length - 1)
    const where = prefixes[known - 1] ?? `project "${project.slug}"`
    throw new Problem('not-found', `There is no "${(segments[known] ?? '').slice(0, 130)}" in ${where}.`)
  }

  /** Datasets down to a depth (0: all), parents first. */
  async tree(
    projectId: string,
    depth: number,
  ): Promise<{ readonly datasets: readonly TreeDataset[]; readonly truncated: boolean }> {
    const rows = await this.database.query<TreeDataset>(TREE, [projectId, depth])
    return { datasets: rows.slice(0, TREE_MAX), truncated: rows.length > TREE_MAX }
  }
}
