import { Body, Controller, Get, HttpCode, Inject, Post, Req, Res } from '@nestjs/common'
import { ApiOperation, ApiTags } from '@nestjs/swagger'
import { Problem } from '@lucihub/analog'
import { store, type SessionReply } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { credentialOf } from '../access/access.guard.ts'
import { From, Needs, Public, actorOf, type Caller } from '../access/caller.ts'
import { giveCookies, sessionCookies, takeCookies } from '../access/cookies.ts'
import { CredentialCheck } from '../access/credential-check.ts'
import { OidcProvider } from '../access/oidc.ts'
import { RateLimits } from '../access/rate-limits.ts'
import { CONFIG } from '../config-token.ts'
import type { GatewayConfig } from '../config.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { sessionResource, userResource } from './people-resource.ts'
import {
  CredentialsSchema,
  MeSchema,
  RefreshSchema,
  RegistrationSchema,
  SessionSchema,
  UserSchema,
  type Credentials,
  type Refresh,
  type Registration,
} from './people.schema.ts'

@ApiTags('auth')
@Controller('api/v1/auth')
export class AuthController {
  readonly #oidc: OidcProvider
  readonly #secure: boolean

  constructor(
    @Inject(Bus) private readonly bus: Bus,
    @Inject(CONFIG) private readonly config: GatewayConfig,
    private readonly limits: RateLimits,
    private readonly credentials: CredentialCheck,
  ) {
    this.#oidc = new OidcProvider(config.oidc)
    this.#secure = config.publicUrl.startsWith('https:')
  }

  @Post('register')
  @Public()
  @ApiOperation({
    summary: 'Register',
    description: 'Makes a local user with the role `user`. 403 where the operator has closed registration.',
  })
  @Answers(201, UserSchema, 'Made')
  @Problems('invalid-request', 'validation-failed', 'state-conflict')
  async register(@Body({ schema: RegistrationSchema }) registration: Registration, @Req() request: FastifyRequest) {
    if (!this.config.openRegistration)
      throw new Problem('forbidden', 'Registration is closed here. Ask an administrator for an account.')
    this.limits.guess(request.ip)
    const { user } = await this.bus.call(store.registerUser, { ...registration, role: '', actor: null })
    return userResource(user)
  }

  @Post('login')
  @Public()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Log in',
    description:
      'With name and password. Gives an access token for 10 minutes and a refresh token for 2 hours, and sets both as cookies.',
  })
  @Answers(200, SessionSchema, 'The session')
  @Problems('invalid-request', 'validation-failed')
  async logIn(
    @Body({ schema: CredentialsSchema }) { username, password }: Credentials,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const address = request.ip
    return this.#begin(request, reply, this.bus.call(store.logIn, { username, password, address }))
  }

  @Post('oidc')
  @Public()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Log in with an identity token',
    description: 'Of the configured OpenID provider, as `Authorization: Bearer`. Makes the user the first time.',
  })
  @Answers(200, SessionSchema, 'The session')
  @Problems('invalid-request')
  async logInOidc(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const [, token] = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '') ?? []
    if (token === undefined)
      throw new Problem('unauthenticated', 'Send the identity token: "Authorization: Bearer ...".')
    const opened = this.#oidc
      .verify(token)
      .then((identity) => this.bus.call(store.logInOidc, { ...identity, address: request.ip }))
    return this.#begin(request, reply, opened)
  }

  @Post('refresh')
  @Public()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Go on with a session',
    description: 'Gives a new pair of tokens. A refresh token works once; used again, it ends the session.',
  })
  @Answers(200, SessionSchema, 'The session')
  @Problems('invalid-request')
  async refresh(
    @Body({ schema: RefreshSchema }) body: Refresh,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const refreshToken = body?.refreshToken ?? sessionCookies(request).refresh ?? ''
    return this.#begin(request, reply, this.bus.call(store.refreshSession, { refreshToken }))
  }

  @Post('logout')
  @Public()
  @HttpCode(204)
  @ApiOperation({ summary: 'Log out', description: 'Ends the session of the refresh token. Never fails.' })
  @Answers(204, null, 'Ended')
  @Problems('invalid-request')
  async logOut(
    @Body({ schema: RefreshSchema }) body: Refresh,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const refreshToken = body?.refreshToken ?? sessionCookies(request).refresh ?? ''
    await this.bus.call(store.logOut, { refreshToken })
    const access = credentialOf(request)
    if (access !== undefined) this.credentials.forget(access)
    takeCookies(reply, this.#secure)
  }

  @Get('me')
  @Needs('runs:read')
  @ApiOperation({ summary: 'Who am I?', description: 'The user behind the credential, and what it may do.' })
  @Answers(200, MeSchema, 'The user')
  @Problems()
  async me(@From() caller: Caller) {
    const { user } = await this.bus.call(store.getUser, { actor: actorOf(caller), userId: caller.userId })
    return { user: userResource(user), scopes: [...caller.scopes] }
  }

  /** A refusal counts as a guess of this address, so that passwords cannot be tried fast. */
  async #begin(request: FastifyRequest, reply: FastifyReply, opened: Promise<SessionReply>) {
    try {
      const session = await opened
      giveCookies(reply, session, this.#secure)
      reply.header('cache-control', 'no-store')
      return sessionResource(session)
    } catch (error) {
      if (error instanceof Problem && error.type === 'unauthenticated') this.limits.failedKey(request.ip)
      throw error
    }
  }
}
