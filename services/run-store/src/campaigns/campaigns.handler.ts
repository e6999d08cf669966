import { Controller } from '@nestjs/common'
import {
  store,
  type CreateSweepRequest,
  type CreateWorkflowRequest,
  type DeleteSweepReply,
  type DeleteSweepRequest,
  type GetSweepRequest,
  type GetWorkflowRequest,
  type ListSweepsReply,
  type ListSweepsRequest,
  type ListWorkflowsReply,
  type ListWorkflowsRequest,
  type SweepReply,
  type WorkflowReply,
} from '@lucihub/contracts'
import { Answer, type Call } from '@lucihub/messaging'
import { Removal } from '../lifecycle/removal.ts'
import { askerOf, limitOf, pageOf, seqOf } from '../tree/tree-rows.ts'
import { SweepRepository } from './sweep-repository.ts'
import { WorkflowRepository } from './workflow-repository.ts'

@Controller()
export class CampaignsHandler {
  constructor(
    private readonly sweeps: SweepRepository,
    private readonly workflows: WorkflowRepository,
    private readonly removal: Removal,
  ) {}

  @Answer(store.createSweep)
  async createSweep(request: CreateSweepRequest, _call: Call): Promise<SweepReply> {
    return { sweep: await this.sweeps.create(askerOf(request.actor), request) }
  }

  @Answer(store.getSweep)
  async getSweep({ actor, sweepId }: GetSweepRequest, _call: Call): Promise<SweepReply> {
    return { sweep: await this.sweeps.get(askerOf(actor), sweepId) }
  }

  @Answer(store.listSweeps)
  async listSweeps({ actor, project, cursor, limit }: ListSweepsRequest, _call: Call): Promise<ListSweepsReply> {
    const wanted = { project, before: seqOf(cursor), limit: limitOf(limit) }
    const { shown, nextCursor } = pageOf(await this.sweeps.list(askerOf(actor), wanted), wanted.limit)
    return { sweeps: shown, nextCursor }
  }

  @Answer(store.deleteSweep)
  async deleteSweep({ actor, sweepId, force }: DeleteSweepRequest, _call: Call): Promise<DeleteSweepReply> {
    const sweep = await this.sweeps.get(askerOf(actor), sweepId, 'write')
    return { runs: await this.removal.removeSweep(actor, sweep, { force }) }
  }

  @Answer(store.createWorkflow)
  async createWorkflow(request: CreateWorkflowRequest, _call: Call): Promise<WorkflowReply> {
    return { workflow: await this.workflows.create(askerOf(request.actor), request) }
  }

  @Answer(store.getWorkflow)
  async getWorkflow({ actor, workflowId }: GetWorkflowRequest, _call: Call): Promise<WorkflowReply> {
    return { workflow: await this.workflows.get(askerOf(actor), workflowId) }
  }

  @Answer(store.listWorkflows)
  async listWorkflows({ actor, cursor, limit }: ListWorkflowsRequest, _call: Call): Promise<ListWorkflowsReply> {
    const wanted = { before: seqOf(cursor), limit: limitOf(limit) }
    const { shown, nextCursor } = pageOf(await this.workflows.list(askerOf(actor), wanted), wanted.limit)
    return { workflows: shown, nextCursor }
  }
}
