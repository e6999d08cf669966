import { z } from 'zod'
import { SCOPES } from '../access/caller.ts'

const instant = z.iso.datetime().describe('ISO 8601, UTC')
const ROLES = ['user', 'operator', 'admin'] as const
const PROVIDERS = ['local', 'oidc'] as const
const Password = z.string().min(1).max(1_000).describe('8 to 200 characters')
const Username = z.string().min(1).max(200).describe('1 to 64 letters, digits, ".", "_", "-", "+" or "@"')

export const UserSchema = z
  .object({
    id: z.uuid(),
    username: z.string(),
    provider: z.enum(PROVIDERS).describe('A name may exist once per provider'),
    displayName: z.string(),
    role: z.enum(ROLES),
    disabled: z.boolean(),
    createdAt: instant,
  })
  .meta({ id: 'User', description: 'Somebody who may use the hub' })

export const SessionSchema = z
  .object({
    user: UserSchema,
    accessToken: z.string().describe('Send it as `Authorization: Bearer`; a browser has it in a cookie too'),
    accessExpiresAt: instant,
    refreshToken: z.string().describe('Works once; the answer to `refresh` brings the next one'),
    refreshExpiresAt: instant,
  })
  .meta({ id: 'Session', description: 'What a log-in gives' })

export const MeSchema = z
  .object({ user: UserSchema, scopes: z.array(z.string()).describe('What this credential may do') })
  .meta({ id: 'Me', description: 'Who is asking' })

export const CredentialsSchema = z
  .strictObject({ username: Username, password: Password })
  .meta({ id: 'Credentials', description: 'Name and password of a local user' })
export type Credentials = z.output<typeof CredentialsSchema>

export const RegistrationSchema = z
  .strictObject({ username: Username, password: Password, displayName: z.string().max(200).default('') })
  .meta({ id: 'Registration', description: 'A new local user' })
export type Registration = z.output<typeof RegistrationSchema>

export const RefreshSchema = z
  .strictObject({ refreshToken: z.string().max(500).optional().describe('Left out by browsers: it is in a cookie') })
  .optional()
  .meta({ id: 'Refresh', description: 'What a session goes on with' })
export type Refresh = z.output<typeof RefreshSchema>

export const NewUserSchema = z
  .strictObject({
    username: Username,
    password: Password,
    displayName: z.string().max(200).default(''),
    role: z.enum(ROLES).default('user'),
  })
  .meta({ id: 'NewUser', description: 'A local user, made by an administrator' })
export type NewUser = z.output<typeof NewUserSchema>

export const UserChangeSchema = z
  .strictObject({
    password: Password.optional(),
    role: z.enum(ROLES).optional(),
    disabled: z.boolean().optional().describe('A locked user keeps everything and gets in nowhere'),
    displayName: z.string().max(200).optional(),
  })
  .meta({ id: 'UserChange', description: 'What is left out stays' })
export type UserChange = z.output<typeof UserChangeSchema>

export const UserFilterSchema = z.strictObject({
  provider: z.enum(PROVIDERS).optional(),
  cursor: z.string().max(100).optional().describe('`nextCursor` of the page before'),
  limit: z.coerce.number<string>().int().min(1).max(200).default(50),
})
export type UserFilter = z.output<typeof UserFilterSchema>

export const UserPageSchema = z
  .object({
    users: z.array(UserSchema),
    nextCursor: z.string().nullable().describe('Pass as `cursor`; null at the end'),
    total: z.int(),
  })
  .meta({ id: 'UserPage', description: 'One page of users' })

export const UserRemovalSchema = z.strictObject({
  reassignTo: z.uuid().optional().describe('Id of the user who gets the runs and projects'),
  withRuns: z.enum(['true', 'false']).default('false').describe('Delete the runs and projects too'),
})
export type UserRemoval = z.output<typeof UserRemovalSchema>

export const ApiKeySchema = z
  .object({
    keyId: z.string(),
    name: z.string(),
    scopes: z.array(z.string()),
    createdAt: instant,
    expiresAt: instant.nullable(),
    lastUsedAt: instant.nullable().describe('To the minute'),
    revokedAt: instant.nullable(),
  })
  .meta({ id: 'ApiKey', description: 'A key without its secret' })

export const ApiKeyFilterSchema = z.strictObject({
  user: z.uuid().optional().describe('Whose, by id; only for administrators. Left out: yours'),
})
export type ApiKeyFilter = z.output<typeof ApiKeyFilterSchema>

export const NewApiKeySchema = z
  .strictObject({
    name: z.string().min(1).max(100),
    scopes: z.array(z.enum(SCOPES)).min(1).describe('At most those of its holder'),
    ttlDays: z.int().min(1).max(365).default(90),
  })
  .meta({ id: 'NewApiKey', description: 'A key to make' })
export type NewApiKey = z.output<typeof NewApiKeySchema>

export const MadeApiKeySchema = z
  .object({ key: ApiKeySchema, text: z.string().describe('The whole key. It is shown only now') })
  .meta({ id: 'MadeApiKey', description: 'A key with its secret' })

export const ApiKeyListSchema = z
  .object({ keys: z.array(ApiKeySchema) })
  .meta({ id: 'ApiKeyList', description: 'The keys of a user' })

export const RunKeySchema = z
  .object({ token: z.string().describe('Shown only now'), keyId: z.uuid(), expiresAt: instant })
  .meta({ id: 'RunKey', description: 'Lets a worker report on one run, and do nothing else' })

export const NewRunKeySchema = z
  .strictObject({ ttlS: z.int().min(1).optional().describe('Seconds; seven days when left out') })
  .optional()
  .meta({ id: 'NewRunKey', description: 'How long the key shall hold' })
export type NewRunKey = z.output<typeof NewRunKeySchema>

const Policy = z
  .strictObject({ requires_provider: z.enum(PROVIDERS).optional().describe('Only its users may use the pool') })
  .describe('Who may use it')

export const PoolSchema = z
  .object({ id: z.uuid(), name: z.string(), kind: z.enum(['worker', 'device']), policy: Policy, createdAt: instant })
  .meta({ id: 'Pool', description: 'A named group of workers or devices' })

export const NewPoolSchema = z
  .strictObject({
    name: z.string().min(1).max(200).describe('1 to 128 letters, digits, ".", "_" or "-"'),
    kind: z.enum(['worker', 'device']).default('worker'),
    policy: Policy.default({}),
  })
  .meta({ id: 'NewPool', description: 'A pool to make' })
export type NewPool = z.output<typeof NewPoolSchema>

export const PoolListSchema = z
  .object({ pools: z.array(PoolSchema) })
  .meta({ id: 'PoolList', description: 'All pools, by name' })

export const AuditFilterSchema = z.strictObject({
  before: z.coerce.number<string>().int().min(1).optional().describe('Entries before this `seq`'),
  limit: z.coerce.number<string>().int().min(1).max(500).default(100),
})
export type AuditFilter = z.output<typeof AuditFilterSchema>

export const AuditPageSchema = z
  .object({
    entries: z.array(
      z.object({
        seq: z.int(),
        at: instant,
        actor: z.string().describe('Id of the user; empty for nobody who is known'),
        action: z.string(),
        object: z.string(),
        outcome: z.string(),
        detail: z.record(z.string(), z.unknown()),
      }),
    ),
  })
  .meta({ id: 'AuditPage', description: 'What was done, newest first' })

export const AuditCheckSchema = z
  .object({
    entries: z.int(),
    brokenAt: z.int().nullable().describe('`seq` of the first entry that does not follow from the one before it'),
  })
  .meta({ id: 'AuditCheck', description: 'Whether the chain of the audit holds' })
