import { Controller } from '@nestjs/common'
import {
  store,
  type ListAuditReply,
  type ListAuditRequest,
  type VerifyAuditReply,
  type VerifyAuditRequest,
} from '@lucihub/contracts'
import { Answer } from '@lucihub/messaging'
import { Database } from '../database/database.ts'
import { needAdmin } from '../keys/scopes.ts'
import { readAudit, verifyAudit } from './audit.ts'

const LIST_LIMIT = { max: 500, default: 100 } as const

@Controller()
export class AuditHandler {
  constructor(private readonly database: Database) {}

  @Answer(store.listAudit)
  async list({ actor, before, limit }: ListAuditRequest): Promise<ListAuditReply> {
    needAdmin(actor)
    const rows = await readAudit(this.database, {
      before,
      limit: Math.min(limit || LIST_LIMIT.default, LIST_LIMIT.max),
    })
    return {
      entries: rows.map(({ seq, at, actor: who, action, object, outcome, detail }) => ({
        seq,
        atMs: at.getTime(),
        actor: who,
        action,
        object,
        outcome,
        detailJson: JSON.stringify(detail),
      })),
    }
  }

  @Answer(store.verifyAudit)
  verify({ actor }: VerifyAuditRequest): Promise<VerifyAuditReply> {
    needAdmin(actor)
    return verifyAudit(this.database)
  }
}
