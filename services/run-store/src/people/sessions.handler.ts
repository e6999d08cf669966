import { Controller } from '@nestjs/common'
import {
  store,
  type AuthenticateTokenReply,
  type AuthenticateTokenRequest,
  type LogInOidcRequest,
  type LogInRequest,
  type LogOutReply,
  type LogOutRequest,
  type RefreshSessionRequest,
  type SessionReply,
} from '@lucihub/contracts'
import { Answer } from '@lucihub/messaging'
import { RunKeys } from './run-keys.ts'
import { Sessions } from './sessions.ts'

const NOBODY: AuthenticateTokenReply = { valid: false, user: null, scopes: [], runId: '', credential: '' }

@Controller()
export class SessionsHandler {
  constructor(
    private readonly sessions: Sessions,
    private readonly runKeys: RunKeys,
  ) {}

  @Answer(store.logIn)
  logIn(request: LogInRequest): Promise<SessionReply> {
    return this.sessions.logIn(request)
  }

  @Answer(store.logInOidc)
  logInOidc(request: LogInOidcRequest): Promise<SessionReply> {
    return this.sessions.logInOidc(request)
  }

  @Answer(store.refreshSession)
  refresh({ refreshToken }: RefreshSessionRequest): Promise<SessionReply> {
    return this.sessions.refresh(refreshToken)
  }

  @Answer(store.logOut)
  async logOut({ refreshToken }: LogOutRequest): Promise<LogOutReply> {
    await this.sessions.logOut(refreshToken)
    return {}
  }

  @Answer(store.authenticateToken)
  async authenticateToken({ token }: AuthenticateTokenRequest): Promise<AuthenticateTokenReply> {
    const holder = await this.sessions.holderOf(token)
    if (holder) return { valid: true, ...holder, runId: '' }
    const key = await this.runKeys.runOf(token)
    return key ? { ...NOBODY, valid: true, runId: key.runId, credential: `run-key:${key.keyId}` } : NOBODY
  }
}
