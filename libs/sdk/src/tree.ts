/** Projects, datasets and datapoints. A path is names joined by "/", from the project's slug down. */
import type { Http } from './http.ts'

export type Data = Readonly<Record<string, unknown>>
export type ProjectRole = 'viewer' | 'editor' | 'owner'

export interface ProjectSummary {
  readonly id: string
  readonly slug: string
  readonly title: string
  /** Who made it. */
  readonly ownerId: string
  /** What you may do: viewers read, editors write, owners say who may. */
  readonly role: ProjectRole
  readonly dataVersion: number
  readonly createdAt: string
}

export interface ProjectResource extends ProjectSummary {
  readonly data: Data
  /** Names of its top datasets, the first 1000. */
  readonly datasets: readonly string[]
}

export interface ProjectPage {
  readonly projects: readonly ProjectSummary[]
  readonly nextCursor: string | null
}

export interface MemberList {
  readonly members: readonly { readonly userId: string; readonly username: string; readonly role: ProjectRole }[]
}

export interface DatasetSummary {
  readonly id: string
  readonly projectId: string
  /** The project's slug. */
  readonly project: string
  /** Null directly below the project. */
  readonly parentId: string | null
  readonly name: string
  readonly path: string
  /** 1 directly below the project. */
  readonly depth: number
  readonly dataVersion: number
  readonly createdAt: string
}

export interface DatasetResource extends DatasetSummary {
  readonly data: Data
  /** JSON Schema for the data of its datapoints. */
  readonly pointSchema: Data | null
}

export interface DatasetPage {
  readonly datasets: readonly DatasetSummary[]
  readonly nextCursor: string | null
}

export interface DatapointResource {
  readonly id: string
  readonly projectId: string
  /** The project's slug. */
  readonly project: string
  readonly datasetId: string
  readonly name: string
  readonly path: string
  /** Path of the dataset it lies in. */
  readonly from: string
  /** The run that it is the place of. */
  readonly runId: string | null
  readonly dataVersion: number
  readonly createdAt: string
  readonly data: Data
}

/** Without its data unless the list was asked for it. */
export type ListedDatapoint = Omit<DatapointResource, 'data'> & { readonly data?: Data | undefined }

export interface DatapointPage {
  readonly datapoints: readonly ListedDatapoint[]
  readonly nextCursor: string | null
}

export interface ResolvedResource {
  readonly kind: 'project' | 'dataset' | 'datapoint'
  readonly id: string
  readonly path: string
  readonly project?: ProjectSummary | undefined
  readonly dataset?: DatasetResource | undefined
  readonly datapoint?: DatapointResource | undefined
}

export interface TreeEntry {
  readonly id: string
  readonly name: string
  readonly path: string
  /** How many lie directly in it. */
  readonly datapoints: number
  readonly datasets: readonly TreeEntry[]
}

export interface TreeResource {
  readonly id: string
  readonly slug: string
  readonly datasets: readonly TreeEntry[]
  /** There are more than 2000 datasets; deeper ones are left out. */
  readonly truncated: boolean
}

/** `limit` 1 to 200, default 100. */
export interface PageOptions {
  readonly cursor?: string
  readonly limit?: number
}

/** Where a dataset is made: a project (slug or id), or a dataset's id. */
export type DatasetParent = { readonly project: string } | { readonly dataset: string }

export interface NewDataset {
  readonly name: string
  readonly data?: Data
  readonly pointSchema?: Data
}

export interface TreeClient {
  createProject(project: { slug: string; title?: string; data?: Data }): Promise<ProjectResource>
  projects(page?: PageOptions): Promise<ProjectPage>
  /** By slug or id, as everywhere. */
  project(project: string): Promise<ProjectResource>
  deleteProject(project: string): Promise<void>
  members(project: string): Promise<MemberList>
  /** `user`: name or id. */
  setMember(project: string, member: { user: string; role: ProjectRole }): Promise<MemberList>
  removeMember(project: string, user: string): Promise<MemberList>
  /** What lies at a path such as "project/a/b/p". Rejects with `not-found`, which names the first segment that is missing. */
  resolve(path: string, options?: { kind?: 'dataset' | 'datapoint' }): Promise<ResolvedResource>
  /** `depth` 0, or left out: all levels. */
  tree(project: string, options?: { depth?: number }): Promise<TreeResource>
  createDataset(parent: DatasetParent, dataset: NewDataset): Promise<DatasetResource>
  datasets(parent: DatasetParent, page?: PageOptions): Promise<DatasetPage>
  dataset(id: string): Promise<DatasetResource>
  deleteDataset(id: string): Promise<void>
  /** What the data of its datapoints must be like from now on; `{}`: anything. */
  setPointSchema(datasetId: string, schema: Data): Promise<DatasetResource>
  createDatapoint(datasetId: string, datapoint: { name: string; data?: Data }): Promise<DatapointResource>
  /** Own ones, then (unless `inherit` is false) those of its ancestors, the nearest first. */
  datapoints(datasetId: string, options?: PageOptions & { inherit?: boolean; data?: boolean }): Promise<DatapointPage>
  datapoint(id: string): Promise<DatapointResource>
  deleteDatapoint(id: string): Promise<void>
  /** `effective`: with the data of everything above it, the nearest wins. */
  data(kind: TreeKind, id: string, options?: { effective?: boolean }): Promise<Data>
  /** Replaces these keys, keeps the others, and gives the data as it is then. */
  patchData(kind: TreeKind, id: string, patch: Data): Promise<Data>
}

export type TreeKind = 'project' | 'dataset' | 'datapoint'

export function treeClient({ request, json }: Http): TreeClient {
  const at = (kind: TreeKind, id: string): string => `/${kind}s/${encodeURIComponent(id)}`
  const below = (parent: DatasetParent): string =>
    'project' in parent ? at('project', parent.project) : at('dataset', parent.dataset)
  const member = (project: string, user: string): string =>
    `${at('project', project)}/members/${encodeURIComponent(user)}`
  const remove = async (kind: TreeKind, id: string): Promise<void> =>
    void (await request(at(kind, id), { method: 'DELETE' }))
  return {
    createProject: (body) => json('/projects', { method: 'POST', body }),
    projects: (page = {}) => json('/projects', { query: { ...page } }),
    project: (project) => json(at('project', project)),
    deleteProject: (project) => remove('project', project),
    members: (project) => json(`${at('project', project)}/members`),
    setMember: (project, { user, role }) => json(member(project, user), { method: 'PUT', body: { role } }),
    removeMember: (project, user) => json(member(project, user), { method: 'DELETE' }),
    resolve: (path, options = {}) => {
      const [project = '', ...rest] = path.split('/').filter((segment) => segment !== '')
      return json(`${at('project', project)}/resolve`, { query: { path: rest.join('/'), ...options } })
    },
    tree: (project, options = {}) => json(`${at('project', project)}/tree`, { query: { ...options } }),
    createDataset: (parent, body) => json(`${below(parent)}/datasets`, { method: 'POST', body }),
    datasets: (parent, page = {}) => json(`${below(parent)}/datasets`, { query: { ...page } }),
    dataset: (id) => json(at('dataset', id)),
    deleteDataset: (id) => remove('dataset', id),
    setPointSchema: (id, body) => json(`${at('dataset', id)}/point-schema`, { method: 'PUT', body }),
    createDatapoint: (id, body) => json(`${at('dataset', id)}/datapoints`, { method: 'POST', body }),
    datapoints: (id, options = {}) => json(`${at('dataset', id)}/datapoints`, { query: { ...options } }),
    datapoint: (id) => json(at('datapoint', id)),
    deleteDatapoint: (id) => remove('datapoint', id),
    data: (kind, id, options = {}) => json(`${at(kind, id)}/data`, { query: { ...options } }),
    patchData: (kind, id, body) => json(`${at(kind, id)}/data`, { method: 'PATCH', body }),
  }
}
