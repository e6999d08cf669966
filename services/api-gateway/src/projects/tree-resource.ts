/** The tree as the bus tells it, as resources of the HTTP API. */
import { invariant } from '@lucihub/analog'
import type { Datapoint, Dataset, Project, ProjectReply, ReadTreeReply, ResolvePathReply } from '@lucihub/contracts'
import type { DatapointResource, ListedDatapointResource } from '../datapoints/datapoints.schema.ts'
import type { DatasetResource, DatasetSummaryResource } from '../datasets/datasets.schema.ts'
import { instant } from '../runs/run-resource.ts'
import { dataOf, type Data } from './data-answer.ts'
import type { ProjectResource, ProjectSummaryResource, TreeEntryResource } from './projects.schema.ts'

export function projectSummary({
  id,
  slug,
  title,
  ownerId,
  role,
  dataVersion,
  createdAtMs,
}: Project): ProjectSummaryResource {
  invariant(role === 'viewer' || role === 'editor' || role === 'owner', 'who sees a project has a role in it')
  return { id, slug, title, ownerId, role, dataVersion, createdAt: instant(createdAtMs) }
}

export function projectResource({ project, datasets }: ProjectReply): ProjectResource {
  const known = present(project)
  return { ...projectSummary(known), data: dataOf(known.dataJson), datasets: [...datasets] }
}

export function datasetSummary(dataset: Dataset): DatasetSummaryResource {
  const { id, projectId, parentId, name, path, depth, dataVersion, createdAtMs } = dataset
  const place = { projectId, project: slugOf(path), parentId: parentId || null }
  return { id, ...place, name, path, depth, dataVersion, createdAt: instant(createdAtMs) }
}

export function datasetResource(dataset: Dataset | null | undefined): DatasetResource {
  const known = present(dataset)
  const pointSchema = known.pointSchemaJson ? (JSON.parse(known.pointSchemaJson) as Record<string, unknown>) : null
  return { ...datasetSummary(known), data: dataOf(known.dataJson), pointSchema }
}

export function listedDatapoint(datapoint: Datapoint): ListedDatapointResource {
  const { id, projectId, datasetId, name, path, from, runId, dataVersion, createdAtMs, dataJson } = datapoint
  const place = { projectId, project: slugOf(path), datasetId, name, path, from }
  const data: { data?: Data } = dataJson === '' ? {} : { data: dataOf(dataJson) }
  return { id, ...place, runId: runId || null, dataVersion, createdAt: instant(createdAtMs), ...data }
}

export function datapointResource(datapoint: Datapoint | null | undefined): DatapointResource {
  const known = present(datapoint)
  return { ...listedDatapoint(known), data: dataOf(known.dataJson) }
}

export function resolvedResource({ project, dataset, datapoint }: ResolvePathReply) {
  if (datapoint) {
    const resource = datapointResource(datapoint)
    return { kind: 'datapoint' as const, id: resource.id, path: resource.path, datapoint: resource }
  }
  if (dataset) {
    const resource = datasetResource(dataset)
    return { kind: 'dataset' as const, id: resource.id, path: resource.path, dataset: resource }
  }
  const resource = projectSummary(present(project))
  return { kind: 'project' as const, id: resource.id, path: resource.slug, project: resource }
}

/** Parents come before their children. */
export function treeResource({ project, datasets, truncated }: ReadTreeReply) {
  const { id, slug } = present(project)
  const root: { path: string; datasets: TreeEntryResource[] } = { path: slug, datasets: [] }
  const known = new Map<string, typeof root>([['', root]])
  for (const { id: datasetId, parentId, name, datapoints } of datasets) {
    const parent = known.get(parentId)
    invariant(parent, 'a dataset follows its parent')
    const entry = { id: datasetId, name, path: `${parent.path}/${name}`, datapoints, datasets: [] }
    parent.datasets.push(entry)
    known.set(datasetId, entry)
  }
  return { id, slug, datasets: root.datasets, truncated }
}

function slugOf(path: string): string {
  return path.split('/')[0] ?? ''
}

function present<T>(found: T | null | undefined): T {
  invariant(found, 'the store answers with what was asked for or a problem')
  return found
}
