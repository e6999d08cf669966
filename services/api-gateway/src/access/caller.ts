import { SetMetadata, createParamDecorator, type ExecutionContext } from '@nestjs/common'
import { invariant } from '@lucihub/analog'
import type { FastifyRequest } from 'fastify'

/** What a key may be allowed to do. `admin:*` includes everything. */
export const SCOPES = [
  'runs:read',
  'runs:write',
  'runs:cancel',
  'devices:read',
  'compile:write',
  'export:read',
] as const
export type Scope = (typeof SCOPES)[number]

/** Who asks. */
export interface Caller {
  readonly userId: string
  readonly keyId: string
  readonly scopes: readonly string[]
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

/** The caller, as a handler's parameter. */
export const From = createParamDecorator((_none: unknown, context: ExecutionContext): Caller => {
  const caller = callers.get(context.switchToHttp().getRequest<FastifyRequest>())
  invariant(caller, 'only routes with a scope ask who calls')
  return caller
})
