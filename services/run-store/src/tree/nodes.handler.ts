import { Controller } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import {
  store,
  treeKind,
  type DataReply,
  type DeleteTreeReply,
  type DeleteTreeRequest,
  type PatchDataRequest,
  type ReadDataRequest,
  type ReadTreeReply,
  type ReadTreeRequest,
  type ResolvePathReply,
  type ResolvePathRequest,
} from '@lucihub/contracts'
import { Answer, type Call } from '@lucihub/messaging'
import { Deletion } from './deletion.ts'
import { NodeData, type NodeKind } from './node-data.ts'
import { Paths } from './paths.ts'
import { ProjectRepository } from './project-repository.ts'
import { askerOf, checkObject, datapointToProto, datasetToProto, projectToProto } from './tree-rows.ts'

/** What projects, datasets and datapoints have in common: data, a path, an end. */
@Controller()
export class NodesHandler {
  constructor(
    private readonly projects: ProjectRepository,
    private readonly data: NodeData,
    private readonly paths: Paths,
    private readonly deletion: Deletion,
  ) {}

  @Answer(store.readData)
  readData({ actor, kind, id, effective }: ReadDataRequest, _call: Call): Promise<DataReply> {
    return this.data.read(askerOf(actor), { kind: kindOf(kind), id, effective })
  }

  @Answer(store.patchData)
  async patchData({ actor, kind, id, patchJson }: PatchDataRequest, _call: Call): Promise<DataReply> {
    return this.data.patch(askerOf(actor), { kind: kindOf(kind), id }, checkObject(patchJson, ''))
  }

  @Answer(store.deleteTree)
  async deleteTree({ actor, kind, id }: DeleteTreeRequest, _call: Call): Promise<DeleteTreeReply> {
    await this.deletion.delete(askerOf(actor), { kind: kindOf(kind), id })
    return {}
  }

  @Answer(store.resolvePath)
  async resolvePath({ actor, project, path, kind }: ResolvePathRequest, _call: Call): Promise<ResolvePathReply> {
    const word = kind === 0 ? null : treeKind.fromProto(kind)
    const found = await this.paths.resolve(askerOf(actor), { project, path, kind: word === 'project' ? null : word })
    const nothing = { project: null, dataset: null, datapoint: null }
    switch (found.kind) {
      case 'project':
        return { ...nothing, project: projectToProto(found.project) }
      case 'dataset':
        return { ...nothing, dataset: datasetToProto(found.dataset) }
      case 'datapoint':
        return { ...nothing, datapoint: datapointToProto(found.datapoint) }
    }
  }

  @Answer(store.readTree)
  async readTree({ actor, project, depth }: ReadTreeRequest, _call: Call): Promise<ReadTreeReply> {
    const found = await this.projects.find(askerOf(actor), project)
    return { project: projectToProto(found), ...(await this.paths.tree(found.id, depth)) }
  }
}

function kindOf(number: ReadDataRequest['kind']): NodeKind {
  if (number === 0) throw new Problem('invalid-request', 'The kind of thing is missing.')
  return treeKind.fromProto(number)
}
