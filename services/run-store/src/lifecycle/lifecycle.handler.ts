import { Controller } from '@nestjs/common'
import {
  store,
  type ChangeRunRequest,
  type DeleteRunReply,
  type DeleteRunRequest,
  type GetRetentionRequest,
  type GetRunReply,
  type ListAllRunsReply,
  type ListAllRunsRequest,
  type ListAllShardsReply,
  type ListAllShardsRequest,
  type RemoveShardReply,
  type RemoveShardRequest,
  type RetentionReply,
  type SetRetentionRequest,
} from '@lucihub/contracts'
import { Answer, type Call } from '@lucihub/messaging'
import { RunRepository } from '../runs/run-repository.ts'
import { askerOf } from '../tree/tree-rows.ts'
import { adminOnly, Overview } from './overview.ts'
import { Removal } from './removal.ts'
import { Retention } from './retention.ts'
import { RunChanges } from './run-changes.ts'

@Controller()
export class LifecycleHandler {
  constructor(
    private readonly runs: RunRepository,
    private readonly removal: Removal,
    private readonly changes: RunChanges,
    private readonly retention: Retention,
    private readonly overview: Overview,
  ) {}

  @Answer(store.deleteRun)
  async deleteRun({ actor, runId, force }: DeleteRunRequest, _call: Call): Promise<DeleteRunReply> {
    return { invalidated: await this.removal.removeRun(actor, runId, { force }) }
  }

  @Answer(store.changeRun)
  async changeRun(request: ChangeRunRequest, _call: Call): Promise<GetRunReply> {
    await this.changes.change(request)
    return { run: await this.runs.get(askerOf(request.actor), request.runId) }
  }

  @Answer(store.getRetention)
  async getRetention({ actor, project }: GetRetentionRequest, _call: Call): Promise<RetentionReply> {
    return this.retention.get(actor, project)
  }

  @Answer(store.setRetention)
  async setRetention(request: SetRetentionRequest, _call: Call): Promise<RetentionReply> {
    return this.retention.set(request.actor, request)
  }

  @Answer(store.listAllRuns)
  async listAllRuns(request: ListAllRunsRequest, _call: Call): Promise<ListAllRunsReply> {
    return this.overview.runs(request)
  }

  @Answer(store.listAllShards)
  async listAllShards(request: ListAllShardsRequest, _call: Call): Promise<ListAllShardsReply> {
    return this.overview.shards(request)
  }

  @Answer(store.removeShard)
  async removeShard({ actor, runId, index }: RemoveShardRequest, _call: Call): Promise<RemoveShardReply> {
    adminOnly(actor?.role)
    return { pages: await this.removal.removeShard(actor, { runId, index }) }
  }
}
