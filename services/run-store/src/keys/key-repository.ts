/** Users' API keys, and the first one of an empty database. */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { chmod, writeFile } from 'node:fs/promises'
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common'
import { Problem, type Violation } from '@lucihub/analog'
import type { Actor, ApiKeyInfo, AuthenticateReply } from '@lucihub/contracts'
import { CONFIG, type RunStoreConfig } from '../config.ts'
import { Database, type Queries, type Statement } from '../database/database.ts'
import { audit } from '../people/audit.ts'
import { userRow } from '../people/user-repository.ts'
import { only } from '../runs/run-rows.ts'
import { uuid7 } from '../runs/uuid7.ts'
import { makeApiKey, type ApiKey } from './api-key.ts'
import { Pepper } from './pepper.ts'
import { scopesOf } from './scopes.ts'

/** Any number that nothing else in this database locks. */
const FIRST_KEY_LOCK = 4_918_274
const TTL_DAYS = { default: 90, max: 365 } as const
const NAME_LENGTH_MAX = 100
/** Usable keys of one user. */
const KEYS_MAX = 50

const LOCK: Statement = { name: 'first-key-lock', text: 'SELECT pg_advisory_xact_lock($1)' }
const ANY_KEY: Statement = { name: 'any-key', text: 'SELECT EXISTS (SELECT FROM api_key) AS found' }
const ADMIN: Statement = {
  name: 'insert-admin',
  text: `INSERT INTO app_user (id, username, role) VALUES ($1, 'admin', 'admin')
    ON CONFLICT (username, provider) DO UPDATE SET role = 'admin' RETURNING id`,
}
const KEY_COLUMNS = 'key_id, user_id, name, scopes, created_at, expires_at, last_used_at, revoked_at'
const INSERT_KEY: Statement = {
  name: 'insert-key',
  text: `INSERT INTO api_key (key_id, user_id, name, secret_hmac, scopes, expires_at)
    VALUES ($1, $2, $3, $4, $5, now() + $6 * interval '1 day') RETURNING ${KEY_COLUMNS}`,
}
const LIST: Statement = {
  name: 'list-keys',
  text: `SELECT ${KEY_COLUMNS} FROM api_key WHERE user_id = $1 ORDER BY created_at, key_id`,
}
const REVOKE: Statement = {
  name: 'revoke-key',
  text: `UPDATE api_key SET revoked_at = coalesce(revoked_at, now()) WHERE key_id = $1 AND ($2::uuid IS NULL OR user_id = $2)
    RETURNING ${KEY_COLUMNS}`,
}
const FIND: Statement = {
  name: 'find-key',
  text: `SELECT k.secret_hmac, k.scopes, u.id AS user_id, u.username, u.role,
      k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND NOT u.disabled AS usable
    FROM api_key k JOIN app_user u ON u.id = k.user_id WHERE k.key_id = $1`,
}
/** At most once a minute per key, so that authentication stays a read. */
const TOUCH: Statement = {
  name: 'touch-key',
  text: `UPDATE api_key SET last_used_at = now() WHERE key_id = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')`,
}

interface FoundRow {
  readonly secret_hmac: Buffer
  readonly scopes: readonly string[]
  readonly user_id: string
  readonly username: string
  readonly role: string
  readonly usable: boolean
}

interface KeyRow {
  readonly key_id: string
  readonly user_id: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly created_at: Date
  readonly expires_at: Date | null
  readonly last_used_at: Date | null
  readonly revoked_at: Date | null
}

export interface NewKey {
  readonly name: string
  readonly scopes: readonly string[]
  /** 0: 90. */
  readonly ttlDays: number
  /** Whose; empty: the actor's. */
  readonly userId: string
}

const INVALID: AuthenticateReply = { valid: false, userId: '', userName: '', scopes: [], role: '' }
/** Compared against when there is no such key, so that both answers take the same time. */
const NOBODY = randomBytes(32)

@Injectable()
export class KeyRepository implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly pepper: Pepper,
    @Inject(CONFIG) private readonly config: RunStoreConfig,
  ) {}

  /** Makes the first user and key on an empty database; of replicas that start together one does. */
  async onModuleInit(): Promise<void> {
    const key = await this.database.transaction(async (transaction) => {
      await transaction.query(LOCK, [FIRST_KEY_LOCK])
      const { found } = only(await transaction.query<{ readonly found: boolean }>(ANY_KEY))
      return found ? null : this.insertFirst(transaction)
    })
    // With a file the key is not shown: logs are kept and copied.
    if (key && !this.config.firstKeyFile) process.stdout.write(`The first API key, shown only now: ${key.text}\n`)
  }

  async authenticate(keyId: string, secret: string): Promise<AuthenticateReply> {
    const [row] = /^[A-Za-z0-9]{1,64}$/.test(keyId) ? await this.database.query<FoundRow>(FIND, [keyId]) : []
    const same = timingSafeEqual(await this.pepper.hmac(secret), row?.secret_hmac ?? NOBODY)
    if (!row || !same || !row.usable) return INVALID
    await this.database.query(TOUCH, [keyId])
    // A role that was taken away takes its scopes out of the keys made under it.
    const allowed = scopesOf(row.role)
    const scopes = row.scopes.filter((scope) => allowed.includes(scope))
    return { valid: true, userId: row.user_id, userName: row.username, scopes, role: row.role }
  }

  /** A new key; its text is in this answer and nowhere else. Problems: `forbidden`, `validation-failed`, `state-conflict`. */
  async create(actor: Actor, { name, scopes, ttlDays, userId }: NewKey): Promise<{ key: ApiKeyInfo; text: string }> {
    const holderId = userId === '' ? actor.userId : userId
    ownOrAdmin(actor, holderId)
    const made = makeApiKey()
    const hmac = await this.pepper.hmac(made.secret)
    return this.database.transaction(async (transaction) => {
      const holder = await userRow(transaction, holderId)
      const violations = newKeyViolations({ name, scopes, ttlDays }, scopesOf(holder.role))
      if (violations.length > 0)
        throw new Problem('validation-failed', 'The key cannot be made as described.', { violations })
      const held = await transaction.query<KeyRow>(LIST, [holderId])
      if (held.filter(({ revoked_at: revokedAt }) => revokedAt === null).length >= KEYS_MAX)
        throw new Problem('state-conflict', `${holder.username} has ${KEYS_MAX} keys. Revoke one first.`)
      const row = only(
        await transaction.query<KeyRow>(INSERT_KEY, [
          made.keyId,
          holderId,
          name,
          hmac,
          scopes,
          ttlDays || TTL_DAYS.default,
        ]),
      )
      await audit(transaction, {
        actor,
        action: 'key.create',
        object: row.key_id,
        outcome: 'ok',
        detail: { name, scopes, userId: holderId },
      })
      return { key: keyToProto(row), text: made.text }
    })
  }

  async list(actor: Actor, userId: string): Promise<ApiKeyInfo[]> {
    const holderId = userId === '' ? actor.userId : userId
    ownOrAdmin(actor, holderId)
    const holder = await userRow(this.database, holderId)
    return (await this.database.query<KeyRow>(LIST, [holder.id])).map(keyToProto)
  }

  /** Idempotent. Problem `not-found` also for a foreign key, unless an administrator asks. */
  async revoke(actor: Actor, keyId: string): Promise<ApiKeyInfo> {
    return this.database.transaction(async (transaction) => {
      const [row] = await transaction.query<KeyRow>(REVOKE, [keyId, actor.role === 'admin' ? null : actor.userId])
      if (!row) throw new Problem('not-found', `There is no key ${keyId.slice(0, 80)}.`)
      await audit(transaction, { actor, action: 'key.revoke', object: keyId, outcome: 'ok' })
      return keyToProto(row)
    })
  }

  /** The file is written before the commit: a crash in between leaves a useless file and no key, never a key nobody has. */
  private async insertFirst(queries: Queries): Promise<ApiKey> {
    const key = makeApiKey()
    const { id } = only(await queries.query<{ readonly id: string }>(ADMIN, [uuid7(Date.now())]))
    const hmac = await this.pepper.hmac(key.secret)
    await queries.query(INSERT_KEY, [key.keyId, id, 'first key', hmac, scopesOf('admin'), null])
    if (this.config.firstKeyFile !== '') {
      await writeFile(this.config.firstKeyFile, `${key.text}\n`, { mode: 0o600 })
      // The mode above counts only for a file that was not there.
      await chmod(this.config.firstKeyFile, 0o600)
    }
    return key
  }
}

function ownOrAdmin(actor: Actor, holderId: string): void {
  if (holderId !== actor.userId && actor.role !== 'admin')
    throw new Problem('forbidden', "Only an administrator may see or make another user's keys.")
}

function newKeyViolations(
  { name, scopes, ttlDays }: Omit<NewKey, 'userId'>,
  allowed: readonly string[],
): readonly Violation[] {
  const violations: Violation[] = []
  if (name === '' || name.length > NAME_LENGTH_MAX || name.includes('\0'))
    violations.push({
      pointer: '/name',
      value: name.slice(0, 80),
      message: 'A key needs a name.',
      remedy: `Use 1 to ${NAME_LENGTH_MAX} characters.`,
    })
  if (scopes.length === 0)
    violations.push({
      pointer: '/scopes',
      value: '[]',
      message: 'The key could do nothing.',
      remedy: `Use some of ${allowed.join(', ')}.`,
    })
  scopes.forEach((scope, index) => {
    if (!allowed.includes(scope))
      violations.push({
        pointer: `/scopes/${index}`,
        value: scope.slice(0, 80),
        message: 'Its holder may not do that.',
        remedy: `Use some of ${allowed.join(', ')}.`,
      })
  })
  if (ttlDays > TTL_DAYS.max)
    violations.push({
      pointer: '/ttlDays',
      value: String(ttlDays),
      message: 'The key would live too long.',
      remedy: `Use at most ${TTL_DAYS.max} days.`,
    })
  return violations
}

function keyToProto(row: KeyRow): ApiKeyInfo {
  return {
    keyId: row.key_id,
    userId: row.user_id,
    name: row.name,
    scopes: row.scopes,
    createdAtMs: row.created_at.getTime(),
    expiresAtMs: row.expires_at?.getTime() ?? 0,
    lastUsedAtMs: row.last_used_at?.getTime() ?? 0,
    revokedAtMs: row.revoked_at?.getTime() ?? 0,
  }
}
