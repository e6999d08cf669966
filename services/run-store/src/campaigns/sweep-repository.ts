/** Sweeps: a dataset of their own whose datapoints are runs that differ in a few values. */
import { Injectable } from '@nestjs/common'
import { Problem, RUN_STATES, SWEEP_MODES, SWEEP_RUNS_MAX, type RunState } from '@lucihub/analog'
import { runState, type CreateSweepRequest, type Sweep } from '@lucihub/contracts'
import { allowed, hasRight, type Asker, type Rights } from '../access/rights.ts'
import { Database, type Statement } from '../database/database.ts'
import { isUuid, uuid7 } from '../runs/uuid7.ts'
import { DatasetRepository } from '../tree/dataset-repository.ts'
import { Paths } from '../tree/paths.ts'
import { Places } from '../tree/places.ts'
import { ProjectRepository } from '../tree/project-repository.ts'
import { ASKER, rightsIn } from '../tree/tree-rows.ts'

const COLUMNS = `s.id, s.seq, s.dataset_id, s.owner_id, s.mode, s.matrix::text AS matrix, s.base::text AS base, s.size, s.created_at,
  d.path, d.name, totals.states, totals.requested, totals.completed`
/** What became of its runs, counted when it is read: nothing has to be kept in step. */
const FROM = `sweep s JOIN dataset d ON d.id = s.dataset_id CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_object_agg(state, runs), '{}') AS states, coalesce(sum(requested), 0)::bigint AS requested,
      coalesce(sum(completed), 0)::bigint AS completed
    FROM (SELECT r.state, count(*) AS runs, sum(r.requested_work) AS requested,
        sum(CASE WHEN r.state = 'COMPLETED' THEN r.requested_work ELSE r.completed_work END) AS completed
      FROM run r WHERE r.sweep_id = s.id AND r.parent_id IS NULL GROUP BY r.state) counted) totals`
const FIND: Statement = {
  name: 'sweep-find',
  text: `SELECT ${COLUMNS}, ${rightsIn('d.project_id')} FROM ${FROM} WHERE s.id = $3`,
}
const LIST: Statement = {
  name: 'sweep-list',
  text: `SELECT ${COLUMNS} FROM ${FROM} JOIN project p ON p.id = d.project_id
    WHERE ${hasRight('read', 'd.project_id', ASKER)} AND ($3 = '' OR p.slug = $3) AND ($4 = 0 OR s.seq < $4)
    ORDER BY s.seq DESC LIMIT $5`,
}
const INSERT: Statement = {
  name: 'sweep-insert',
  text: 'INSERT INTO sweep (id, dataset_id, owner_id, mode, matrix, base, size) VALUES ($1, $2, $3, $4, $5, $6, $7)',
}

interface SweepRow {
  readonly id: string
  readonly seq: number
  readonly dataset_id: string
  readonly owner_id: string
  readonly mode: string
  readonly matrix: string
  readonly base: string
  readonly size: number
  readonly created_at: Date
  readonly path: string
  readonly name: string
  readonly states: Partial<Record<RunState, number>>
  readonly requested: number
  readonly completed: number
}

@Injectable()
export class SweepRepository {
  constructor(
    private readonly database: Database,
    private readonly places: Places,
    private readonly paths: Paths,
    private readonly datasets: DatasetRepository,
    private readonly projects: ProjectRepository,
  ) {}

  /** Makes the dataset and the sweep; its runs are submitted into it. Problems: those of the place and the name. */
  async create(asker: Asker, request: CreateSweepRequest): Promise<Sweep> {
    const { name, mode, size, matrixJson, baseJson } = request
    if (!SWEEP_MODES.some((word) => word === mode))
      throw new Problem('invalid-request', `"${mode}" is no mode of a sweep.`)
    if (size < 1 || size > SWEEP_RUNS_MAX)
      throw new Problem('invalid-request', `A sweep has 1 to ${SWEEP_RUNS_MAX} runs.`)
    const parent = await this.parent(asker, request)
    const dataset = await this.datasets.create(asker, parent, { name, data: '{}', pointSchema: '' })
    const id = uuid7(Date.now())
    await this.database.query(INSERT, [id, dataset.id, asker.userId, mode, matrixJson, baseJson, size])
    return this.get(asker, id)
  }

  /** Problem `not-found`. */
  async get(asker: Asker, id: string, right: 'read' | 'write' = 'read'): Promise<Sweep> {
    const values = [asker.userId, asker.role, id]
    const [row] = isUuid(id) ? await this.database.query<SweepRow & Rights>(FIND, values) : []
    return sweepToProto(allowed(row, right, `sweep ${id.slice(0, 80)}`))
  }

  /** Newest first; one more than asked for, where there are more. */
  async list(
    asker: Asker,
    { project, before, limit }: { readonly project: string; readonly before: number; readonly limit: number },
  ): Promise<Sweep[]> {
    const values = [asker.userId, asker.role, project.replaceAll('\0', ''), before, limit + 1]
    return (await this.database.query<SweepRow>(LIST, values)).map(sweepToProto)
  }

  private async parent(asker: Asker, { project, dataset }: CreateSweepRequest) {
    const wanted = { project: project || (await this.home(asker)), path: dataset, kind: 'dataset' as const }
    const found = await this.paths.resolve(asker, wanted)
    if (found.kind === 'dataset') {
      const { id, project_id: projectId, path, ancestors } = await this.datasets.find(asker, found.dataset.id, 'write')
      return { projectId, path, datasetId: id, ancestors }
    }
    const { id: projectId, slug: path } = await this.projects.find(asker, wanted.project, 'write')
    return { projectId, path, datasetId: null, ancestors: [] }
  }

  private async home(asker: Asker): Promise<string> {
    const place = await this.places.placeOf(asker, null)
    if (!place) throw new Problem('validation-failed', 'You have no project of your own: name one.')
    return place.path.split('/')[0] ?? ''
  }
}

function sweepToProto(row: SweepRow): Sweep {
  return {
    id: row.id,
    seq: row.seq,
    project: row.path.split('/')[0] ?? '',
    datasetId: row.dataset_id,
    path: row.path,
    name: row.name,
    mode: row.mode,
    matrixJson: row.matrix,
    baseJson: row.base,
    size: row.size,
    createdAtMs: row.created_at.getTime(),
    states: RUN_STATES.flatMap((state) => {
      const runs = row.states[state]
      return runs === undefined ? [] : [{ state: runState.toProto(state), runs }]
    }),
    requestedWork: row.requested,
    completedWork: row.completed,
    ownerId: row.owner_id,
  }
}
