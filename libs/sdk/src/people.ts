/** Users, sessions, keys, pools and the audit. */
import type { Http } from './http.ts'

export type Role = 'user' | 'operator' | 'admin'
export type Provider = 'local' | 'oidc'

export interface UserResource {
  readonly id: string
  readonly username: string
  /** A name may exist once per provider. */
  readonly provider: Provider
  readonly displayName: string
  readonly role: Role
  readonly disabled: boolean
  readonly createdAt: string
}

export interface UserPage {
  readonly users: readonly UserResource[]
  /** Null at the end. */
  readonly nextCursor: string | null
  readonly total: number
}

export interface SessionResource {
  readonly user: UserResource
  /** Usable as `apiKey` of a client. */
  readonly accessToken: string
  readonly accessExpiresAt: string
  /** Works once. */
  readonly refreshToken: string
  readonly refreshExpiresAt: string
}

export interface MeResource {
  readonly user: UserResource
  readonly scopes: readonly string[]
}

export interface ApiKeyResource {
  readonly keyId: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly createdAt: string
  readonly expiresAt: string | null
  readonly lastUsedAt: string | null
  readonly revokedAt: string | null
}

export interface MadeApiKey {
  readonly key: ApiKeyResource
  /** The whole key; no other answer has it. */
  readonly text: string
}

export interface RunKeyResource {
  readonly token: string
  readonly keyId: string
  readonly expiresAt: string
}

export interface PoolResource {
  readonly id: string
  readonly name: string
  readonly kind: 'worker' | 'device'
  readonly policy: { readonly requires_provider?: Provider | undefined }
  readonly createdAt: string
}

export interface AuditEntryResource {
  readonly seq: number
  readonly at: string
  readonly actor: string
  readonly action: string
  readonly object: string
  readonly outcome: string
  readonly detail: Readonly<Record<string, unknown>>
}

export interface NewUser {
  readonly username: string
  readonly password: string
  readonly displayName?: string
}

export interface PeopleClient {
  register(user: NewUser): Promise<UserResource>
  logIn(credentials: { username: string; password: string }): Promise<SessionResource>
  refresh(refreshToken: string): Promise<SessionResource>
  logOut(refreshToken: string): Promise<void>
  me(): Promise<MeResource>
  users(filter?: { provider?: Provider; cursor?: string; limit?: number }): Promise<UserPage>
  addUser(user: NewUser & { role?: Role }): Promise<UserResource>
  user(id: string): Promise<UserResource>
  changeUser(
    id: string,
    change: { password?: string; role?: Role; disabled?: boolean; displayName?: string },
  ): Promise<UserResource>
  removeUser(id: string, options?: { reassignTo?: string; withRuns?: boolean }): Promise<void>
  /** Your own, or, for an administrator, those of the user of this id. */
  keys(filter?: { user?: string }): Promise<readonly ApiKeyResource[]>
  makeKey(key: { name: string; scopes: readonly string[]; ttlDays?: number }): Promise<MadeApiKey>
  revokeKey(keyId: string): Promise<ApiKeyResource>
  /** Lets a worker report on one run; `ttlS` seconds, seven days when left out. */
  makeRunKey(runId: string, options?: { ttlS?: number }): Promise<RunKeyResource>
  revokeRunKey(runId: string, keyId: string): Promise<void>
  pools(): Promise<readonly PoolResource[]>
  addPool(pool: { name: string; kind?: PoolResource['kind']; policy?: PoolResource['policy'] }): Promise<PoolResource>
  audit(filter?: { before?: number; limit?: number }): Promise<readonly AuditEntryResource[]>
  /** Whether the chain of the audit holds. */
  checkAudit(): Promise<{ readonly entries: number; readonly brokenAt: number | null }>
}

export function peopleClient({ request, json }: Http): PeopleClient {
  const runKeys = (runId: string): string => `/runs/${encodeURIComponent(runId)}/keys`
  const user = (id: string): string => `/users/${encodeURIComponent(id)}`
  return {
    register: (body) => json('/auth/register', { method: 'POST', body }),
    logIn: (body) => json('/auth/login', { method: 'POST', body }),
    refresh: (refreshToken) => json('/auth/refresh', { method: 'POST', body: { refreshToken } }),
    logOut: async (refreshToken) => void (await request('/auth/logout', { method: 'POST', body: { refreshToken } })),
    me: () => json('/auth/me'),
    users: (filter = {}) => json('/users', { query: { ...filter } }),
    addUser: (body) => json('/users', { method: 'POST', body }),
    user: (id) => json(user(id)),
    changeUser: (id, body) => json(user(id), { method: 'PATCH', body }),
    removeUser: async (id, options = {}) => void (await request(user(id), { method: 'DELETE', query: { ...options } })),
    keys: async (filter = {}) => (await json<{ keys: ApiKeyResource[] }>('/keys', { query: { ...filter } })).keys,
    makeKey: (body) => json('/keys', { method: 'POST', body }),
    revokeKey: (keyId) => json(`/keys/${encodeURIComponent(keyId)}`, { method: 'DELETE' }),
    makeRunKey: (runId, options = {}) => json(runKeys(runId), { method: 'POST', body: options }),
    revokeRunKey: async (runId, keyId) =>
      void (await request(`${runKeys(runId)}/${encodeURIComponent(keyId)}`, { method: 'DELETE' })),
    pools: async () => (await json<{ pools: PoolResource[] }>('/pools')).pools,
    addPool: (body) => json('/pools', { method: 'POST', body }),
    audit: async (filter = {}) =>
      (await json<{ entries: AuditEntryResource[] }>('/admin/audit', { query: { ...filter } })).entries,
    checkAudit: () => json('/admin/audit/check'),
  }
}
