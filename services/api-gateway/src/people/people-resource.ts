/** Messages about people as resources of HTTP. */
import type { z } from 'zod'
import { invariant } from '@lucihub/analog'
import type { ApiKeyInfo, AuditEntry, Pool, SessionReply, User } from '@lucihub/contracts'
import { instant } from '../runs/run-resource.ts'
import type { ApiKeySchema, AuditPageSchema, PoolSchema, SessionSchema, UserSchema } from './people.schema.ts'

export function userResource(user: User | null | undefined): z.output<typeof UserSchema> {
  invariant(user, 'the store answers with a user')
  const { id, username, provider, displayName, role, disabled, createdAtMs } = user
  return {
    id,
    username,
    displayName,
    disabled,
    provider: provider as 'local' | 'oidc',
    role: role as 'user' | 'operator' | 'admin',
    createdAt: instant(createdAtMs),
  }
}

export function sessionResource(session: SessionReply): z.output<typeof SessionSchema> {
  return {
    user: userResource(session.user),
    accessToken: session.accessToken,
    accessExpiresAt: instant(session.accessExpiresAtMs),
    refreshToken: session.refreshToken,
    refreshExpiresAt: instant(session.refreshExpiresAtMs),
  }
}

export function apiKeyResource(key: ApiKeyInfo | null | undefined): z.output<typeof ApiKeySchema> {
  invariant(key, 'the store answers with a key')
  return {
    keyId: key.keyId,
    name: key.name,
    scopes: [...key.scopes],
    createdAt: instant(key.createdAtMs),
    expiresAt: instantOrNull(key.expiresAtMs),
    lastUsedAt: instantOrNull(key.lastUsedAtMs),
    revokedAt: instantOrNull(key.revokedAtMs),
  }
}

export function poolResource(pool: Pool | null | undefined): z.output<typeof PoolSchema> {
  invariant(pool, 'the store answers with a pool')
  return {
    id: pool.id,
    name: pool.name,
    kind: pool.kind as 'worker' | 'device',
    policy: JSON.parse(pool.policyJson) as z.output<typeof PoolSchema>['policy'],
    createdAt: instant(pool.createdAtMs),
  }
}

export function auditResource(entry: AuditEntry): z.output<typeof AuditPageSchema>['entries'][number] {
  const { seq, atMs, actor, action, object, outcome, detailJson } = entry
  const detail = JSON.parse(detailJson) as Record<string, unknown>
  return { seq, at: instant(atMs), actor, action, object, outcome, detail }
}

function instantOrNull(ms: number): string | null {
  return ms === 0 ? null : instant(ms)
}
