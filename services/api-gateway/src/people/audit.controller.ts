import { Controller, Get, Inject, Query } from '@nestjs/common'
import { ApiOperation, ApiTags } from '@nestjs/swagger'
import { store } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { From, Needs, actorOf, type Caller } from '../access/caller.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { auditResource } from './people-resource.ts'
import { AuditCheckSchema, AuditFilterSchema, AuditPageSchema, type AuditFilter } from './people.schema.ts'

@ApiTags('admin')
@Controller('api/v1/admin/audit')
export class AuditController {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @Get()
  @Needs('admin:*')
  @ApiOperation({ summary: 'Read the audit', description: 'Who did what, newest first.' })
  @Answers(200, AuditPageSchema, 'A page of entries')
  @Problems('invalid-request', 'validation-failed')
  async list(@From() caller: Caller, @Query({ schema: AuditFilterSchema }) { before, limit }: AuditFilter) {
    const { entries } = await this.bus.call(store.listAudit, { actor: actorOf(caller), before: before ?? 0, limit })
    return { entries: entries.map(auditResource) }
  }

  @Get('check')
  @Needs('admin:*')
  @ApiOperation({
    summary: 'Check the audit',
    description: 'Computes the chain of hashes again. An entry that was changed or removed shows.',
  })
  @Answers(200, AuditCheckSchema, 'Whether the chain holds')
  @Problems()
  async check(@From() caller: Caller) {
    const { entries, brokenAt } = await this.bus.call(store.verifyAudit, { actor: actorOf(caller) })
    return { entries, brokenAt: brokenAt || null }
  }
}
