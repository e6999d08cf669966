/**
 * Users' keys, and the first one. Without KEY_PEPPER the pepper is made once and kept in the table `setting`:
 * all replicas share it there and nothing has to be mounted; since secrets are random that costs no security a
 * stolen table could use. An installation that wants the pepper elsewhere gives KEY_PEPPER_FILE from its first start.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { chmod, writeFile } from 'node:fs/promises'
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common'
import type { AuthenticateReply } from '@lucihub/contracts'
import { CONFIG, type RunStoreConfig } from '../config.ts'
import { Database, type Queries, type Statement } from '../database/database.ts'
import { only } from '../runs/run-rows.ts'
import { uuid7 } from '../runs/uuid7.ts'
import { makeApiKey, secretHmac, type ApiKey } from './api-key.ts'

/** Any number that nothing else in this database locks. */
const FIRST_KEY_LOCK = 4_918_274
const ADMIN_SCOPES = [
  'runs:read',
  'runs:write',
  'runs:cancel',
  'devices:read',
  'compile:write',
  'export:read',
  'keys:self',
  'admin:*',
]

const LOCK: Statement = { name: 'first-key-lock', text: 'SELECT pg_advisory_xact_lock($1)' }
const ANY_KEY: Statement = { name: 'any-key', text: 'SELECT EXISTS (SELECT FROM api_key) AS found' }
const KEEP_PEPPER: Statement = {
  name: 'keep-pepper',
  text: `INSERT INTO setting (name, value) VALUES ('key-pepper', $1) ON CONFLICT DO NOTHING`,
}
const PEPPER: Statement = { name: 'pepper', text: `SELECT value FROM setting WHERE name = 'key-pepper'` }
const ADMIN: Statement = {
  name: 'insert-admin',
  text: `INSERT INTO app_user (id, username, role) VALUES ($1, 'admin', 'admin')
    ON CONFLICT (username, provider) DO UPDATE SET role = 'admin' RETURNING id`,
}
const INSERT_KEY: Statement = {
  name: 'insert-key',
  text: 'INSERT INTO api_key (key_id, user_id, name, secret_hmac, scopes) VALUES ($1, $2, $3, $4, $5)',
}
const FIND: Statement = {
  name: 'find-key',
  text: `SELECT k.secret_hmac, k.scopes, u.id AS user_id, u.username,
      k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND NOT u.disabled AS usable
    FROM api_key k JOIN app_user u ON u.id = k.user_id WHERE k.key_id = $1`,
}
/** At most once a minute per key, so that authentication stays a read. */
const TOUCH: Statement = {
  name: 'touch-key',
  text: `UPDATE api_key SET last_used_at = now() WHERE key_id = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')`,
}

interface KeyRow {
  readonly secret_hmac: Buffer
  readonly scopes: readonly string[]
  readonly user_id: string
  readonly username: string
  readonly usable: boolean
}

const INVALID: AuthenticateReply = { valid: false, userId: '', userName: '', scopes: [] }
/** Compared against when there is no such key, so that both answers take the same time. */
const NOBODY = randomBytes(32)

@Injectable()
export class KeyRepository implements OnModuleInit {
  private pepper: Buffer = Buffer.alloc(0)

  constructor(
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: RunStoreConfig,
  ) {}

  /** Makes the first user and key on an empty database; of replicas that start together one does. */
  async onModuleInit(): Promise<void> {
    this.pepper = await this.readPepper()
    const key = await this.database.transaction(async (transaction) => {
      await transaction.query(LOCK, [FIRST_KEY_LOCK])
      const { found } = only(await transaction.query<{ readonly found: boolean }>(ANY_KEY))
      return found ? null : this.insertFirst(transaction)
    })
    // With a file the key is not shown: logs are kept and copied.
    if (key && !this.config.firstKeyFile) process.stdout.write(`The first API key, shown only now: ${key.text}\n`)
  }

  async authenticate(keyId: string, secret: string): Promise<AuthenticateReply> {
    const [row] = /^[A-Za-z0-9]{1,64}$/.test(keyId) ? await this.database.query<KeyRow>(FIND, [keyId]) : []
    const same = timingSafeEqual(secretHmac(this.pepper, secret), row?.secret_hmac ?? NOBODY)
    if (!row || !same || !row.usable) return INVALID
    await this.database.query(TOUCH, [keyId])
    return { valid: true, userId: row.user_id, userName: row.username, scopes: row.scopes }
  }

  private async readPepper(): Promise<Buffer> {
    if (this.config.keyPepper !== '') return Buffer.from(this.config.keyPepper)
    await this.database.query(KEEP_PEPPER, [randomBytes(32)])
    return only(await this.database.query<{ readonly value: Buffer }>(PEPPER)).value
  }

  /** The file is written before the commit: a crash in between leaves a useless file and no key, never a key nobody has. */
  private async insertFirst(queries: Queries): Promise<ApiKey> {
    const key = makeApiKey()
    const { id } = only(await queries.query<{ readonly id: string }>(ADMIN, [uuid7(Date.now())]))
    await queries.query(INSERT_KEY, [key.keyId, id, 'first key', secretHmac(this.pepper, key.secret), ADMIN_SCOPES])
    if (this.config.firstKeyFile !== '') {
      await writeFile(this.config.firstKeyFile, `${key.text}\n`, { mode: 0o600 })
      // The mode above counts only for a file that was not there.
      await chmod(this.config.firstKeyFile, 0o600)
    }
    return key
  }
}
