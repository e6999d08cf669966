import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common'
import { Reflector } from '@nestjs/core'
import { Problem, invariant } from '@lucihub/analog'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { PUBLIC, SCOPE_METADATA, rememberCaller, type Scope } from './caller.ts'
import { sessionCookies } from './cookies.ts'
import { CredentialCheck, unauthenticated } from './credential-check.ts'
import { RateLimits } from './rate-limits.ts'

/** Deny by default: lets a request in when its route is public, or when its credential is valid, in scope and within its rate. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly credentials: CredentialCheck,
    private readonly limits: RateLimits,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const scope = this.reflector.getAllAndOverride<Scope | typeof PUBLIC | undefined>(SCOPE_METADATA, [
      context.getHandler(),
      context.getClass(),
    ])
    if (scope === PUBLIC) return true
    invariant(scope, `${context.getClass().name}.${context.getHandler().name} names its scope`)

    const request = context.switchToHttp().getRequest<FastifyRequest>()
    const credential = credentialOf(request)
    const caller = credential === undefined ? null : await this.credentials.callerOf(credential)
    if (!caller) {
      this.limits.failedKey(request.ip)
      throw unauthenticated()
    }
    this.limits.request(caller.keyId, context.switchToHttp().getResponse<FastifyReply>())
    if (!mayDo(caller.scopes, scope)) throw new Problem('forbidden', `This key lacks the scope ${scope}.`)
    rememberCaller(request, { ...caller, address: request.ip })
    return true
  }
}

/** What a request proves itself with: an `Authorization` header, else a browser's cookie. */
export function credentialOf(request: FastifyRequest): string | undefined {
  const { authorization } = request.headers
  if (authorization === undefined) return sessionCookies(request).access
  return /^Bearer +(\S+) *$/i.exec(authorization)?.[1]
}

function mayDo(scopes: readonly string[], scope: Scope): boolean {
  return scopes.includes(scope) || (scope !== 'worker' && scopes.includes('admin:*'))
}
