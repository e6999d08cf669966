import { Controller } from '@nestjs/common'
import {
  store,
  type AddPoolRequest,
  type ListPoolsReply,
  type ListPoolsRequest,
  type PoolReply,
} from '@lucihub/contracts'
import { Answer } from '@lucihub/messaging'
import { needActor, needAdmin } from '../keys/scopes.ts'
import { PoolRepository } from './pool-repository.ts'

@Controller()
export class PoolsHandler {
  constructor(private readonly pools: PoolRepository) {}

  @Answer(store.addPool)
  async add({ actor, name, kind, policyJson }: AddPoolRequest): Promise<PoolReply> {
    return { pool: await this.pools.add(needAdmin(actor), { name, kind, policyJson }) }
  }

  @Answer(store.listPools)
  async list({ actor }: ListPoolsRequest): Promise<ListPoolsReply> {
    needActor(actor)
    return { pools: await this.pools.list() }
  }
}
