import { Body, Controller, Get, Inject, Post } from '@nestjs/common'
import { ApiOperation, ApiTags } from '@nestjs/swagger'
import { store } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { From, Needs, actorOf, type Caller } from '../access/caller.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { poolResource } from './people-resource.ts'
import { NewPoolSchema, PoolListSchema, PoolSchema, type NewPool } from './people.schema.ts'

@ApiTags('pools')
@Controller('api/v1/pools')
export class PoolsController {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @Get()
  @Needs('devices:read')
  @ApiOperation({ summary: 'List pools', description: 'Groups of workers or devices, by name.' })
  @Answers(200, PoolListSchema, 'The pools')
  @Problems()
  async list(@From() caller: Caller) {
    const { pools } = await this.bus.call(store.listPools, { actor: actorOf(caller) })
    return { pools: pools.map(poolResource) }
  }

  @Post()
  @Needs('admin:*')
  @ApiOperation({ summary: 'Add a pool', description: 'A name is given once.' })
  @Answers(201, PoolSchema, 'Made')
  @Problems('invalid-request', 'validation-failed', 'state-conflict')
  async add(@From() caller: Caller, @Body({ schema: NewPoolSchema }) { name, kind, policy }: NewPool) {
    const request = { actor: actorOf(caller), name, kind, policyJson: JSON.stringify(policy) }
    return poolResource((await this.bus.call(store.addPool, request)).pool)
  }
}
