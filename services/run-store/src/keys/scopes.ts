/** What roles may do, and what a key may therefore be allowed. */
import { Problem } from '@lucihub/analog'
import type { Actor } from '@lucihub/contracts'

export const ROLES = ['user', 'operator', 'admin'] as const
export type Role = (typeof ROLES)[number]

const USER_SCOPES = [
  'runs:read',
  'runs:write',
  'runs:cancel',
  'devices:read',
  'compile:write',
  'export:read',
  'projects:read',
  'projects:write',
  'recipes:write',
  'keys:self',
] as const
const SCOPES_BY_ROLE: Readonly<Record<Role, readonly string[]>> = {
  user: USER_SCOPES,
  operator: [...USER_SCOPES, 'devices:write'],
  admin: [...USER_SCOPES, 'devices:write', 'admin:*'],
}

export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text)
}

/** Scopes of a user who logged in, and the most that his keys can have. */
export function scopesOf(role: string): readonly string[] {
  return isRole(role) ? SCOPES_BY_ROLE[role] : []
}

/** Refuses with `forbidden` unless an administrator asks. */
export function needAdmin(actor: Actor | null | undefined): Actor {
  const known = needActor(actor)
  if (known.role !== 'admin') throw new Problem('forbidden', 'Only an administrator may do that.')
  return known
}

/** Refuses with `forbidden` unless an operator or an administrator asks. */
export function needOperator(actor: Actor | null | undefined): Actor {
  const known = needActor(actor)
  if (!scopesOf(known.role).includes('devices:write')) throw new Problem('forbidden', 'Only an operator may do that.')
  return known
}

/** Who asks; a request without is our gateway's mistake. */
export function needActor(actor: Actor | null | undefined): Actor {
  if (!actor || actor.userId === '') throw new Problem('invalid-request', 'The request names nobody who asks.')
  return actor
}
