import { Controller } from '@nestjs/common'
import {
  store,
  type Actor,
  type IssueRunKeyReply,
  type IssueRunKeyRequest,
  type RevokeRunKeyReply,
  type RevokeRunKeyRequest,
} from '@lucihub/contracts'
import { Answer } from '@lucihub/messaging'
import { allowed, mayReadRun, mayWriteRun, type Rights } from '../access/rights.ts'
import { Database, type Statement } from '../database/database.ts'
import { needActor } from '../keys/scopes.ts'
import { isUuid } from '../runs/uuid7.ts'
import { RunKeys } from './run-keys.ts'

const ASKER = { user: '$2', role: '$3' }
const RIGHTS: Statement = {
  name: 'rights-on-run',
  text: `SELECT ${mayReadRun('r', ASKER)} AS may_read, ${mayWriteRun('r', ASKER)} AS may_write FROM run r WHERE r.id = $1`,
}

@Controller()
export class RunKeysHandler {
  constructor(
    private readonly keys: RunKeys,
    private readonly database: Database,
  ) {}

  @Answer(store.issueRunKey)
  async issue({ actor, runId, ttlS }: IssueRunKeyRequest): Promise<IssueRunKeyReply> {
    await this.mayWrite(needActor(actor), runId)
    return this.keys.issue(runId, ttlS)
  }

  @Answer(store.revokeRunKey)
  async revoke({ actor, runId, keyId }: RevokeRunKeyRequest): Promise<RevokeRunKeyReply> {
    await this.mayWrite(needActor(actor), runId)
    await this.keys.revoke({ runId, keyId })
    return {}
  }

  private async mayWrite({ userId, role }: Actor, runId: string): Promise<void> {
    const [row] = isUuid(runId) ? await this.database.query<Rights>(RIGHTS, [runId, userId, role]) : []
    allowed(row, 'write', `run ${runId.slice(0, 80)}`)
  }
}
