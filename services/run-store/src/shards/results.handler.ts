import { Controller } from '@nestjs/common'
import {
  store,
  type ListPagesReply,
  type ListPagesRequest,
  type ReadLogsReply,
  type ReadLogsRequest,
  type ReadPageReply,
  type ReadPageRequest,
} from '@lucihub/contracts'
import { Answer } from '@lucihub/messaging'
import { ResultRepository, WHOLE } from './result-repository.ts'

/** What workers handed in, read back. */
@Controller()
export class ResultsHandler {
  constructor(private readonly results: ResultRepository) {}

  @Answer(store.listPages)
  async list({ ownerId, role, runId, shardPlusOne }: ListPagesRequest): Promise<ListPagesReply> {
    const asker = { userId: ownerId, role: role || 'user' }
    return { channels: await this.results.list(asker, runId, shardOf(shardPlusOne)) }
  }

  @Answer(store.readPage)
  async page({ ownerId, role, runId, shardPlusOne, position, number }: ReadPageRequest): Promise<ReadPageReply> {
    const asker = { userId: ownerId, role: role || 'user' }
    const place = { runId, shard: shardOf(shardPlusOne), position, number: Math.min(number, 0x7fffffff) }
    return { page: await this.results.page(asker, place) }
  }

  @Answer(store.readLogs)
  logs({ ownerId, role, runId, offset }: ReadLogsRequest): Promise<ReadLogsReply> {
    return this.results.logs({ userId: ownerId, role: role || 'user' }, runId, offset)
  }
}

function shardOf(plusOne: number): number {
  return plusOne === 0 ? WHOLE : Math.min(plusOne, 0x7fffffff) - 1
}
