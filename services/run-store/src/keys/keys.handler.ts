import { Controller } from '@nestjs/common'
import { store, type AuthenticateReply, type AuthenticateRequest } from '@lucihub/contracts'
import { Answer, type Call } from '@lucihub/messaging'
import { KeyRepository } from './key-repository.ts'

@Controller()
export class KeysHandler {
  constructor(private readonly keys: KeyRepository) {}

  @Answer(store.authenticate)
  authenticate({ keyId, secret }: AuthenticateRequest, _call: Call): Promise<AuthenticateReply> {
    return this.keys.authenticate(keyId, secret)
  }
}
