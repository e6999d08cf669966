import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Patch, Post, Query, Res } from '@nestjs/common'
import { ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger'
import { store } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import type { FastifyReply } from 'fastify'
import { From, Needs, actorOf, type Caller } from '../access/caller.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { userResource } from './people-resource.ts'
import {
  NewUserSchema,
  UserChangeSchema,
  UserFilterSchema,
  UserPageSchema,
  UserRemovalSchema,
  UserSchema,
  type NewUser,
  type UserChange,
  type UserFilter,
  type UserRemoval,
} from './people.schema.ts'

@ApiTags('users')
@Controller('api/v1/users')
export class UsersController {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @Get()
  @Needs('admin:*')
  @ApiOperation({ summary: 'List users', description: 'In the order of their making, page by page.' })
  @Answers(200, UserPageSchema, 'A page of users')
  @Problems('invalid-request', 'validation-failed')
  async list(@From() caller: Caller, @Query({ schema: UserFilterSchema }) { provider, cursor, limit }: UserFilter) {
    const request = { actor: actorOf(caller), provider: provider ?? '', cursor: cursor ?? '', limit }
    const { users, nextCursor, total } = await this.bus.call(store.listUsers, request)
    return { users: users.map(userResource), nextCursor: nextCursor || null, total }
  }

  @Post()
  @Needs('admin:*')
  @ApiOperation({ summary: 'Add a user', description: 'A local one, with a password.' })
  @Answers(201, UserSchema, 'Made', { headers: ['Location'] })
  @Problems('invalid-request', 'validation-failed', 'state-conflict')
  async add(
    @From() caller: Caller,
    @Body({ schema: NewUserSchema }) user: NewUser,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const made = await this.bus.call(store.registerUser, { ...user, actor: actorOf(caller) })
    const resource = userResource(made.user)
    reply.header('location', `/api/v1/users/${resource.id}`)
    return resource
  }

  @Get(':user')
  @Needs('admin:*')
  @ApiOperation({ summary: 'Read a user', description: 'By id.' })
  @ApiParam({ name: 'user', description: 'Id' })
  @Answers(200, UserSchema, 'The user')
  @Problems('not-found')
  async read(@From() caller: Caller, @Param('user') userId: string) {
    return userResource((await this.bus.call(store.getUser, { actor: actorOf(caller), userId })).user)
  }

  @Patch(':user')
  @Needs('admin:*')
  @ApiOperation({ summary: 'Change a user', description: 'A new password or a lock ends the sessions of the user.' })
  @ApiParam({ name: 'user', description: 'Id' })
  @Answers(200, UserSchema, 'The user as it is now')
  @Problems('invalid-request', 'validation-failed', 'not-found', 'state-conflict')
  async change(
    @From() caller: Caller,
    @Param('user') userId: string,
    @Body({ schema: UserChangeSchema }) change: UserChange,
  ) {
    const { password, role, disabled, displayName } = change
    const { user } = await this.bus.call(store.changeUser, {
      actor: actorOf(caller),
      userId,
      changes: Object.keys(change).map((name) => (name === 'displayName' ? 'display_name' : name)),
      password: password ?? '',
      role: role ?? '',
      disabled: disabled ?? false,
      displayName: displayName ?? '',
    })
    return userResource(user)
  }

  @Delete(':user')
  @Needs('admin:*')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Remove a user',
    description: 'Refused while the user has runs or projects, unless somebody gets them or they are deleted too.',
  })
  @ApiParam({ name: 'user', description: 'Id' })
  @Answers(204, null, 'Removed')
  @Problems('invalid-request', 'validation-failed', 'not-found', 'state-conflict')
  async remove(
    @From() caller: Caller,
    @Param('user') userId: string,
    @Query({ schema: UserRemovalSchema }) { reassignTo, withRuns }: UserRemoval,
  ) {
    const request = { actor: actorOf(caller), userId, reassignTo: reassignTo ?? '', withRuns: withRuns === 'true' }
    await this.bus.call(store.removeUser, request)
  }
}
