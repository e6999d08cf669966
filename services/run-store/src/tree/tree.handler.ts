import { Controller } from '@nestjs/common'
import {
  store,
  type CreateDatapointRequest,
  type CreateDatasetRequest,
  type CreateProjectRequest,
  type DatapointReply,
  type DatasetReply,
  type GetDatapointRequest,
  type GetDatasetRequest,
  type GetProjectRequest,
  type ListDatapointsReply,
  type ListDatapointsRequest,
  type ListDatasetsReply,
  type ListDatasetsRequest,
  type ListMembersReply,
  type ListMembersRequest,
  type ListProjectsReply,
  type ListProjectsRequest,
  type ProjectReply,
  type SetMemberRequest,
  type SetPointSchemaRequest,
} from '@lucihub/contracts'
import { Answer, type Call } from '@lucihub/messaging'
import type { Asker } from '../access/rights.ts'
import { DatapointRepository } from './datapoint-repository.ts'
import { DatasetRepository, type Parent } from './dataset-repository.ts'
import { ProjectRepository, type KnownProject } from './project-repository.ts'
import {
  askerOf,
  checkObject,
  datapointToProto,
  datasetToProto,
  limitOf,
  pageOf,
  projectToProto,
  seqOf,
} from './tree-rows.ts'

@Controller()
export class TreeHandler {
  constructor(
    private readonly projects: ProjectRepository,
    private readonly datasets: DatasetRepository,
    private readonly datapoints: DatapointRepository,
  ) {}

  @Answer(store.createProject)
  async createProject({ actor, slug, title, dataJson }: CreateProjectRequest, _call: Call): Promise<ProjectReply> {
    const data = checkObject(dataJson, '/data')
    return this.#shown(await this.projects.create(askerOf(actor), { slug, title, data }))
  }

  @Answer(store.listProjects)
  async listProjects(request: ListProjectsRequest, _call: Call): Promise<ListProjectsReply> {
    const limit = limitOf(request.limit)
    const rows = await this.projects.list(askerOf(request.actor), { after: seqOf(request.cursor), limit })
    const { shown, nextCursor } = pageOf(rows, limit)
    // Lists show no data: it may be long.
    return { projects: shown.map((row) => projectToProto({ ...row, data: '' })), nextCursor }
  }

  @Answer(store.getProject)
  async getProject({ actor, project }: GetProjectRequest, _call: Call): Promise<ProjectReply> {
    return this.#shown(await this.projects.find(askerOf(actor), project))
  }

  @Answer(store.listMembers)
  async listMembers({ actor, project }: ListMembersRequest, _call: Call): Promise<ListMembersReply> {
    const { id } = await this.projects.find(askerOf(actor), project)
    return { members: await this.projects.members(id) }
  }

  @Answer(store.setMember)
  async setMember({ actor, project, user, role }: SetMemberRequest, _call: Call): Promise<ListMembersReply> {
    const { id } = await this.projects.find(askerOf(actor), project, 'own')
    await this.projects.setMember(id, { user, role })
    return { members: await this.projects.members(id) }
  }

  @Answer(store.createDataset)
  async createDataset(request: CreateDatasetRequest, _call: Call): Promise<DatasetReply> {
    const asker = askerOf(request.actor)
    const parent = await this.#parent(asker, request, 'write')
    const { name, pointSchemaJson: pointSchema } = request
    const data = checkObject(request.dataJson, '/data')
    return { dataset: datasetToProto(await this.datasets.create(asker, parent, { name, data, pointSchema })) }
  }

  @Answer(store.listDatasets)
  async listDatasets(request: ListDatasetsRequest, _call: Call): Promise<ListDatasetsReply> {
    const parent = await this.#parent(askerOf(request.actor), request, 'read')
    const limit = limitOf(request.limit)
    const rows = await this.datasets.list(parent, { after: seqOf(request.cursor), limit })
    const { shown, nextCursor } = pageOf(rows, limit)
    return { datasets: shown.map((row) => datasetToProto({ ...row, data: '', point_schema: null })), nextCursor }
  }

  @Answer(store.getDataset)
  async getDataset({ actor, datasetId }: GetDatasetRequest, _call: Call): Promise<DatasetReply> {
    return { dataset: datasetToProto(await this.datasets.find(askerOf(actor), datasetId)) }
  }

  @Answer(store.setPointSchema)
  async setPointSchema(request: SetPointSchemaRequest, _call: Call): Promise<DatasetReply> {
    const { id } = await this.datasets.find(askerOf(request.actor), request.datasetId, 'write')
    return { dataset: datasetToProto(await this.datasets.setPointSchema(id, request.pointSchemaJson)) }
  }

  @Answer(store.createDatapoint)
  async createDatapoint(request: CreateDatapointRequest, _call: Call): Promise<DatapointReply> {
    const asker = askerOf(request.actor)
    const dataset = await this.datasets.find(asker, request.datasetId, 'write')
    const data = checkObject(request.dataJson, '/data')
    const made = await this.datapoints.create(asker, dataset, { name: request.name, data })
    return { datapoint: datapointToProto(made) }
  }

  @Answer(store.listDatapoints)
  async listDatapoints(request: ListDatapointsRequest, _call: Call): Promise<ListDatapointsReply> {
    const dataset = await this.datasets.find(askerOf(request.actor), request.datasetId)
    const { inherit, withData, cursor } = request
    const options = { inherit, withData, cursor, limit: limitOf(request.limit) }
    const { points, nextCursor } = await this.datapoints.list(dataset, options)
    return { datapoints: points.map(datapointToProto), nextCursor }
  }

  @Answer(store.getDatapoint)
  async getDatapoint({ actor, datapointId }: GetDatapointRequest, _call: Call): Promise<DatapointReply> {
    return { datapoint: datapointToProto(await this.datapoints.find(askerOf(actor), datapointId)) }
  }

  async #shown(project: KnownProject): Promise<ProjectReply> {
    return { project: projectToProto(project), datasets: await this.projects.datasetNames(project.id) }
  }

  async #parent(
    asker: Asker,
    { project, parentId }: { readonly project: string; readonly parentId: string },
    right: 'read' | 'write',
  ): Promise<Parent> {
    if (parentId !== '') {
      const dataset = await this.datasets.find(asker, parentId, right)
      const { id: datasetId, project_id: projectId, path, ancestors } = dataset
      return { projectId, datasetId, path, ancestors }
    }
    const { id: projectId, slug: path } = await this.projects.find(asker, project, right)
    return { projectId, path, datasetId: null, ancestors: [] }
  }
}
