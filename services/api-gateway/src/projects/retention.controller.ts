import { Body, Controller, Get, Inject, Param, Put } from '@nestjs/common'
import { ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger'
import { store } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { From, Needs, actorOf, type Caller } from '../access/caller.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { RetentionSchema, type Retention } from '../runs/lifecycle.schema.ts'

@ApiTags('projects')
@Controller('api/v1/projects/:project/retention')
export class RetentionController {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @Get()
  @Needs('projects:read')
  @ApiOperation({ summary: 'Read how long runs are kept', description: 'Without a policy: for ever.' })
  @ApiParam({ name: 'project', description: 'Slug or id' })
  @Answers(200, RetentionSchema, 'The policy')
  @Problems('not-found')
  async read(@From() caller: Caller, @Param('project') project: string) {
    const { days, keepValid } = await this.bus.call(store.getRetention, { actor: actorOf(caller), project })
    return { days, keepValid }
  }

  @Put()
  @Needs('projects:write')
  @ApiOperation({
    summary: 'Say how long runs are kept',
    description:
      'Owners only. Older runs are deleted like any other; what something was made from stays as long as that does.',
  })
  @ApiParam({ name: 'project', description: 'Slug or id' })
  @Answers(200, RetentionSchema, 'The policy now')
  @Problems('not-found', 'invalid-request', 'validation-failed')
  async set(
    @From() caller: Caller,
    @Param('project') project: string,
    @Body({ schema: RetentionSchema }) { days, keepValid }: Retention,
  ) {
    const wanted = { actor: actorOf(caller), project, days, keepValid }
    const kept = await this.bus.call(store.setRetention, wanted)
    return { days: kept.days, keepValid: kept.keepValid }
  }
}
