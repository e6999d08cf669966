import { SetMetadata, createParamDecorator, type ExecutionContext } from '@nestjs/common'
import { invariant } from '@lucihub/analog'
import type { Actor } from '@lucihub/contracts'
import type { FastifyRequest } from 'fastify'

/** What a credential may be allowed to do. `admin:*` includes everything but `worker`, which only a run key gives. */
export const SCOPES = [
  'runs:read',
  'runs:write',
  'runs:cancel',
  'devices:read',
  'devices:write',
  'compile:write',
  'export:read',
  'projects:read',
  'projects:write',
  'recipes:write',
  'keys:self',
  'admin:*',
  'worker',
] as const
export type Scope = (typeof SCOPES)[number]

/** Who asks. */
export interface Caller {
  /** Empty for a worker. */
  readonly userId: string
  readonly userName: string
  /** user, operator or admin; empty for a worker. */
  readonly role: string
  /** Names the API key, session or run key, for rates and the audit. */
  readonly keyId: string
  readonly scopes: readonly string[]
  /** The one run that a worker may report on; empty for people. */
  readonly runId: string
  /** Where the request came from. */
  readonly address: string
}

export const SCOPE_METADATA = 'lucihub:scope'
export const PUBLIC = 'public'

/** The scope a route asks for. A route that names none is closed to everybody. */
export const Needs = (scope: Scope) => SetMetadata(SCOPE_METADATA, scope)
/** A route that needs no key. */
export const Public = () => SetMetadata(SCOPE_METADATA, PUBLIC)

const callers = new WeakMap<FastifyRequest, Caller>()

export function rememberCaller(request: FastifyRequest, caller: Caller): void {
  callers.set(request, caller)
}

/** The caller as the other services know him. */
export function actorOf({ userId, role, keyId, address }: Caller): Actor {
  return { userId, role, credential: keyId, address }
}

/** The caller, as a handler's parameter. */
export const From = createParamDecorator((_none: unknown, context: ExecutionContext): Caller => {
  const caller = callers.get(context.switchToHttp().getRequest<FastifyRequest>())
  invariant(caller, 'only routes with a scope ask who calls')
  return caller
})
