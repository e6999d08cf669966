import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common'
import { Reflector } from '@nestjs/core'
import { Problem, invariant } from '@lucihub/analog'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { PUBLIC, SCOPE_METADATA, rememberCaller, type Caller, type Scope } from './caller.ts'
import { KeyCheck, unauthenticated } from './key-check.ts'
import { RateLimits } from './rate-limits.ts'

/** Deny by default: lets a request in when its route is public, or when its key is valid, in scope and within its rate. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly keys: KeyCheck,
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
    const [, key] = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '') ?? []
    const caller = key === undefined ? null : await this.keys.callerOf(key)
    if (!caller) {
      this.limits.failedKey(request.ip)
      throw unauthenticated()
    }
    this.limits.request(caller.keyId, context.switchToHttp().getResponse<FastifyReply>())
    if (!mayDo(caller, scope)) throw new Problem('forbidden', `This key lacks the scope ${scope}.`)
    rememberCaller(request, caller)
    return true
  }
}

function mayDo({ scopes }: Caller, scope: Scope): boolean {
  return scopes.includes(scope) || scopes.includes('admin:*')
}
