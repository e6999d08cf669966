import { Controller } from '@nestjs/common'
import {
  store,
  type AuthenticateReply,
  type AuthenticateRequest,
  type CreateKeyReply,
  type CreateKeyRequest,
  type ListKeysReply,
  type ListKeysRequest,
  type RevokeKeyReply,
  type RevokeKeyRequest,
} from '@lucihub/contracts'
import { Answer, type Call } from '@lucihub/messaging'
import { KeyRepository } from './key-repository.ts'
import { needActor } from './scopes.ts'

@Controller()
export class KeysHandler {
  constructor(private readonly keys: KeyRepository) {}

  @Answer(store.authenticate)
  authenticate({ keyId, secret }: AuthenticateRequest, _call: Call): Promise<AuthenticateReply> {
    return this.keys.authenticate(keyId, secret)
  }

  @Answer(store.createKey)
  create({ actor, name, scopes, ttlDays, userId }: CreateKeyRequest): Promise<CreateKeyReply> {
    return this.keys.create(needActor(actor), { name, scopes, ttlDays, userId })
  }

  @Answer(store.listKeys)
  async list({ actor, userId }: ListKeysRequest): Promise<ListKeysReply> {
    return { keys: await this.keys.list(needActor(actor), userId) }
  }

  @Answer(store.revokeKey)
  async revoke({ actor, keyId }: RevokeKeyRequest): Promise<RevokeKeyReply> {
    return { key: await this.keys.revoke(needActor(actor), keyId) }
  }
}
