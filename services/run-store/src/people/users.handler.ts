import { Controller } from '@nestjs/common'
import {
  store,
  type ChangeUserRequest,
  type GetUserRequest,
  type ListUsersReply,
  type ListUsersRequest,
  type RegisterUserRequest,
  type RemoveUserReply,
  type RemoveUserRequest,
  type UserReply,
} from '@lucihub/contracts'
import { Answer } from '@lucihub/messaging'
import { Database } from '../database/database.ts'
import { needActor, needAdmin } from '../keys/scopes.ts'
import { eraseBelongings } from '../runs/erasure.ts'
import { UserRepository } from './user-repository.ts'
import { removeUser } from './user-removal.ts'

const LIST_LIMIT = { max: 200, default: 50 } as const

@Controller()
export class UsersHandler {
  constructor(
    private readonly users: UserRepository,
    private readonly database: Database,
  ) {}

  @Answer(store.registerUser)
  async register({ username, password, displayName, role, actor }: RegisterUserRequest): Promise<UserReply> {
    // Nobody makes himself more than a user.
    const given = role === '' || role === 'user' ? 'user' : (needAdmin(actor), role)
    return { user: await this.users.add({ username, password, displayName, role: given, actor: actor ?? null }) }
  }

  @Answer(store.getUser)
  async get({ actor, userId }: GetUserRequest): Promise<UserReply> {
    if (needActor(actor).userId !== userId) needAdmin(actor)
    return { user: await this.users.get(userId) }
  }

  @Answer(store.listUsers)
  async list({ actor, provider, cursor, limit }: ListUsersRequest): Promise<ListUsersReply> {
    needAdmin(actor)
    const { users, next, total } = await this.users.list({
      provider,
      after: cursor,
      limit: Math.min(limit || LIST_LIMIT.default, LIST_LIMIT.max),
    })
    return { users, nextCursor: next, total }
  }

  @Answer(store.changeUser)
  async change(request: ChangeUserRequest): Promise<UserReply> {
    const { actor, userId, changes, password, role, disabled, displayName } = request
    const change = {
      ...(changes.includes('password') && { password }),
      ...(changes.includes('role') && { role }),
      ...(changes.includes('disabled') && { disabled }),
      ...(changes.includes('display_name') && { displayName }),
    }
    return { user: await this.users.change(needAdmin(actor), userId, change) }
  }

  @Answer(store.removeUser)
  remove({ actor, userId, withRuns, reassignTo }: RemoveUserRequest): Promise<RemoveUserReply> {
    return removeUser(this.database, needAdmin(actor), { userId, withRuns, reassignTo, erase: eraseBelongings })
  }
}
