import { Body, Controller, Delete, Get, Inject, Param, Put } from '@nestjs/common'
import { ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger'
import { store, type ListMembersReply } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { From, Needs, actorOf, type Caller } from '../access/caller.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { MemberListSchema, MembershipSchema, type Membership } from './projects.schema.ts'

const MemberParams = () => ApiParam({ name: 'project', description: 'Slug or id' })
const UserParam = () => ApiParam({ name: 'user', description: 'Name or id of a user' })

@ApiTags('projects')
@Controller('api/v1/projects/:project/members')
export class MembersController {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @Get()
  @Needs('projects:read')
  @ApiOperation({
    summary: 'List the members of a project',
    description: 'Viewers read, editors write, owners say who may.',
  })
  @MemberParams()
  @Answers(200, MemberListSchema, 'The members')
  @Problems('not-found')
  async list(@From() caller: Caller, @Param('project') project: string) {
    return memberList(await this.bus.call(store.listMembers, { actor: actorOf(caller), project }))
  }

  @Put(':user')
  @Needs('projects:write')
  @ApiOperation({
    summary: 'Give a user a role in a project',
    description: 'Owners only. A project keeps at least one owner.',
  })
  @MemberParams()
  @UserParam()
  @Answers(200, MemberListSchema, 'The members now')
  @Problems('not-found', 'invalid-request', 'validation-failed', 'state-conflict')
  async set(
    @From() caller: Caller,
    @Param('project') project: string,
    @Param('user') user: string,
    @Body({ schema: MembershipSchema }) { role }: Membership,
  ) {
    return memberList(await this.bus.call(store.setMember, { actor: actorOf(caller), project, user, role }))
  }

  @Delete(':user')
  @Needs('projects:write')
  @ApiOperation({
    summary: 'Take a user out of a project',
    description: 'Owners only. A project keeps at least one owner.',
  })
  @MemberParams()
  @UserParam()
  @Answers(200, MemberListSchema, 'The members now')
  @Problems('not-found', 'state-conflict')
  async remove(@From() caller: Caller, @Param('project') project: string, @Param('user') user: string) {
    return memberList(await this.bus.call(store.setMember, { actor: actorOf(caller), project, user, role: '' }))
  }
}

function memberList({ members }: ListMembersReply) {
  return { members: members.map(({ userId, username, role }) => ({ userId, username, role })) }
}
