import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common'
import { ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger'
import { store } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { From, Needs, actorOf, type Caller } from '../access/caller.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { instant } from '../runs/run-resource.ts'
import { RunId } from '../runs/run-id.ts'
import { apiKeyResource } from './people-resource.ts'
import {
  ApiKeyFilterSchema,
  ApiKeyListSchema,
  ApiKeySchema,
  MadeApiKeySchema,
  NewApiKeySchema,
  NewRunKeySchema,
  RunKeySchema,
  type ApiKeyFilter,
  type NewApiKey,
  type NewRunKey,
} from './people.schema.ts'

@ApiTags('keys')
@Controller('api/v1')
export class KeysController {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @Get('keys')
  @Needs('keys:self')
  @ApiOperation({ summary: 'List your API keys', description: 'Without their secrets, oldest first.' })
  @Answers(200, ApiKeyListSchema, 'The keys')
  @Problems('invalid-request', 'validation-failed', 'not-found')
  async list(@From() caller: Caller, @Query({ schema: ApiKeyFilterSchema }) { user }: ApiKeyFilter) {
    const { keys } = await this.bus.call(store.listKeys, { actor: actorOf(caller), userId: user ?? '' })
    return { keys: keys.map(apiKeyResource) }
  }

  @Post('keys')
  @Needs('keys:self')
  @ApiOperation({ summary: 'Make an API key', description: 'The answer is the only place where the whole key is.' })
  @Answers(201, MadeApiKeySchema, 'Made')
  @Problems('invalid-request', 'validation-failed', 'state-conflict')
  async make(@From() caller: Caller, @Body({ schema: NewApiKeySchema }) wanted: NewApiKey) {
    const { key, text } = await this.bus.call(store.createKey, { actor: actorOf(caller), ...wanted, userId: '' })
    return { key: apiKeyResource(key), text }
  }

  @Delete('keys/:key')
  @Needs('keys:self')
  @ApiOperation({ summary: 'Revoke an API key', description: 'It stops working within five seconds. Idempotent.' })
  @ApiParam({ name: 'key', description: 'Public part of the key' })
  @Answers(200, ApiKeySchema, 'The key, revoked')
  @Problems('not-found')
  async revoke(@From() caller: Caller, @Param('key') keyId: string) {
    return apiKeyResource((await this.bus.call(store.revokeKey, { actor: actorOf(caller), keyId })).key)
  }

  @Post('runs/:id/keys')
  @Needs('runs:write')
  @ApiOperation({
    summary: 'Make a key for the workers of a run',
    description: 'It lets its holder report on this run and do nothing else.',
  })
  @ApiParam({ name: 'id', description: 'Id of the run' })
  @Answers(201, RunKeySchema, 'Made')
  @Problems('invalid-request', 'validation-failed', 'not-found')
  async makeRunKey(
    @From() caller: Caller,
    @RunId() runId: string,
    @Body({ schema: NewRunKeySchema }) wanted: NewRunKey,
  ) {
    const request = { actor: actorOf(caller), runId, ttlS: wanted?.ttlS ?? 0 }
    const { token, keyId, expiresAtMs } = await this.bus.call(store.issueRunKey, request)
    return { token, keyId, expiresAt: instant(expiresAtMs) }
  }

  @Delete('runs/:id/keys/:key')
  @Needs('runs:write')
  @ApiOperation({
    summary: 'Take back a key of a run',
    description: 'It stops working within five seconds. Idempotent.',
  })
  @ApiParam({ name: 'id', description: 'Id of the run' })
  @ApiParam({ name: 'key', description: 'Id of the key' })
  @Answers(204, null, 'Taken back')
  @Problems('not-found')
  @HttpCode(204)
  async revokeRunKey(@From() caller: Caller, @RunId() runId: string, @Param('key') keyId: string) {
    await this.bus.call(store.revokeRunKey, { actor: actorOf(caller), runId, keyId })
  }
}
