/**
 * Access tokens and run keys: JWTs signed with keys that live in Postgres, so that they outlast a restart and hold
 * at every replica. A signature alone lets nobody in: the session or run key it names is looked up too, so both
 * can be taken back at once.
 */
import { randomBytes } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { errors, jwtVerify, SignJWT, type JWTPayload } from 'jose'
import { Problem } from '@lucihub/analog'
import { Database, type Statement } from '../database/database.ts'

/** A new key signs after this; the old one verifies for as long again, which is longer than any token lives. */
const KEY_LIFE_DAYS = 90
const ALGORITHM = 'HS256'
/** Any number that nothing else in this database locks. */
const LOCK_NUMBER = 4_918_275

const LOCK: Statement = { name: 'signing-key-lock', text: 'SELECT pg_advisory_xact_lock($1)' }
const READ: Statement = {
  name: 'signing-keys',
  text: `SELECT kid, secret, created_at > now() - $1 * interval '1 day' AS fresh FROM signing_key
    WHERE retired_at IS NULL AND created_at > now() - 2 * $1 * interval '1 day' ORDER BY created_at DESC, kid`,
}
const INSERT: Statement = { name: 'insert-signing-key', text: 'INSERT INTO signing_key (kid, secret) VALUES ($1, $2)' }

interface SigningKey {
  readonly kid: string
  readonly secret: Buffer
  readonly fresh: boolean
}

/** What a token is for: one is never accepted in place of the other. */
export type Audience = 'lucihub-access' | 'lucihub-run'

@Injectable()
export class TokenSigner {
  private keys: readonly SigningKey[] = []

  constructor(private readonly database: Database) {}

  /** `claims` and a life of `ttlS` seconds, signed. */
  async sign(audience: Audience, claims: JWTPayload, ttlS: number): Promise<string> {
    const { kid, secret } = await this.signingKey()
    return new SignJWT(claims)
      .setProtectedHeader({ alg: ALGORITHM, kid })
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime(`${ttlS}s`)
      .sign(secret)
  }

  /** The claims; null for a token that is forged, expired, of another audience or signed with a retired key. */
  async verify(audience: Audience, token: string): Promise<JWTPayload | null> {
    try {
      const { payload } = await jwtVerify(token, async ({ kid }) => this.keyNamed(kid ?? ''), {
        algorithms: [ALGORITHM],
        audience,
        requiredClaims: ['exp'],
      })
      return payload
    } catch (error) {
      if (error instanceof errors.JOSEError) return null
      throw error
    }
  }

  private async keyNamed(kid: string): Promise<Uint8Array> {
    const known = this.keys.find((key) => key.kid === kid)
    if (known) return known.secret
    this.keys = await this.read()
    const found = this.keys.find((key) => key.kid === kid)
    if (!found) throw new errors.JWKSNoMatchingKey()
    return found.secret
  }

  private async signingKey(): Promise<SigningKey> {
    const known = this.keys.find(({ fresh }) => fresh)
    if (known) return known
    return this.database.transaction(async (transaction) => {
      await transaction.query(LOCK, [LOCK_NUMBER])
      this.keys = await transaction.query<SigningKey>(READ, [KEY_LIFE_DAYS])
      const [newest] = this.keys
      if (newest?.fresh) return newest
      const made = { kid: randomBytes(9).toString('base64url'), secret: randomBytes(32), fresh: true }
      await transaction.query(INSERT, [made.kid, made.secret])
      this.keys = [made, ...this.keys]
      return made
    })
  }

  private async read(): Promise<readonly SigningKey[]> {
    return this.database.query<SigningKey>(READ, [KEY_LIFE_DAYS])
  }
}

/** A claim that must be a text. */
export function textClaim(payload: JWTPayload, name: string): string {
  const value = payload[name]
  if (typeof value !== 'string') throw new Problem('invalid-request', `The token has no ${name}.`)
  return value
}
