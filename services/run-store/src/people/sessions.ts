/**
 * Logging in: a password or a verified identity becomes a session, which is a row. The access token is short and
 * stateless but for that row; the refresh token is a secret that changes with every use, so that a stolen one
 * shows: whoever uses an old one ends the session for both.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import type { AuthenticateTokenReply, LogInOidcRequest, SessionReply } from '@lucihub/contracts'
import { Database, type Queries, type Statement } from '../database/database.ts'
import { Pepper } from '../keys/pepper.ts'
import { scopesOf } from '../keys/scopes.ts'
import { only } from '../runs/run-rows.ts'
import { isUuid, uuid7 } from '../runs/uuid7.ts'
import { audit } from './audit.ts'
import { passwordMatches } from './password.ts'
import { textClaim, TokenSigner } from './token-signer.ts'
import { USER_COLUMNS, userToProto, type UserRow } from './user-repository.ts'

const ACCESS_TTL_S = 600
const REFRESH_TTL_S = 7_200

const LOCAL: Statement = {
  name: 'local-user',
  text: `SELECT ${USER_COLUMNS}, c.password_hash FROM app_user u JOIN local_credential c ON c.user_id = u.id
    WHERE u.username = $1 AND u.provider = 'local'`,
}
/** The identity decides who it is; the name may have changed at the provider since. */
const OIDC: Statement = {
  name: 'oidc-user',
  text: `WITH known AS (SELECT user_id FROM oidc_identity WHERE issuer = $1 AND subject = $2),
    renamed AS (
      UPDATE app_user u SET username = $3, display_name = $4 FROM known WHERE u.id = known.user_id RETURNING ${USER_COLUMNS}),
    made AS (
      INSERT INTO app_user AS u (id, username, provider, display_name, role)
      SELECT $5, $3, 'oidc', $4, 'user' WHERE NOT EXISTS (SELECT FROM known) RETURNING ${USER_COLUMNS}),
    identified AS (INSERT INTO oidc_identity (user_id, issuer, subject) SELECT id, $1, $2 FROM made)
    SELECT *, true AS is_new FROM made UNION ALL SELECT *, false FROM renamed`,
}
const OPEN: Statement = {
  name: 'open-session',
  text: `INSERT INTO login_session (id, user_id, secret_hmac, expires_at) VALUES ($1, $2, $3, now() + $4 * interval '1 s') RETURNING expires_at`,
}
const FIND: Statement = {
  name: 'find-session',
  text: `SELECT ${USER_COLUMNS}, s.secret_hmac, s.revoked_at IS NULL AND s.expires_at > now() AND NOT u.disabled AS usable
    FROM login_session s JOIN app_user u ON u.id = s.user_id WHERE s.id = $1`,
}
const LOCKED: Statement = { name: 'lock-session', text: `${FIND.text} FOR UPDATE OF s` }
const RENEW: Statement = {
  name: 'renew-session',
  text: `UPDATE login_session SET secret_hmac = $2, expires_at = now() + $3 * interval '1 s' WHERE id = $1 RETURNING expires_at`,
}
const END: Statement = {
  name: 'end-session',
  text: 'UPDATE login_session SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL',
}

interface SessionRow extends UserRow {
  readonly secret_hmac: Buffer
  readonly usable: boolean
}

export const NO_SESSION = (): Problem => new Problem('unauthenticated', 'The session has ended. Log in again.')

@Injectable()
export class Sessions {
  constructor(
    private readonly database: Database,
    private readonly signer: TokenSigner,
    private readonly pepper: Pepper,
  ) {}

  /** Problem `unauthenticated` for a wrong name, a wrong password and a locked user alike. */
  async logIn({
    username,
    password,
    address,
  }: {
    readonly username: string
    readonly password: string
    readonly address: string
  }): Promise<SessionReply> {
    const [row] = await this.database.query<UserRow & { readonly password_hash: string }>(LOCAL, [username])
    const matches = await passwordMatches(password, row?.password_hash ?? null)
    if (!row || !matches || row.disabled) {
      await this.database.transaction((transaction) =>
        audit(transaction, {
          actor: null,
          action: 'session.open',
          object: row?.id ?? '',
          outcome: 'denied',
          detail: { username: username.slice(0, 64), address },
        }),
      )
      throw new Problem('unauthenticated', 'The user name or the password is wrong.')
    }
    return this.open(row, address)
  }

  /** For an identity that the gateway has verified. Makes the user the first time. */
  async logInOidc({ issuer, subject, username, displayName, address }: LogInOidcRequest): Promise<SessionReply> {
    if (issuer === '' || subject === '' || username === '')
      throw new Problem('invalid-request', 'An identity has an issuer, a subject and a user name.')
    const row = only(
      await this.database.query<UserRow>(OIDC, [issuer, subject, username, displayName, uuid7(Date.now())]),
    )
    if (row.disabled) throw new Problem('forbidden', `${username} is locked here. Ask an administrator.`)
    return this.open(row, address)
  }

  /** Problem `unauthenticated`. A token that was used before ends the session: somebody else has a copy. */
  async refresh(refreshToken: string): Promise<SessionReply> {
    const { id, secret } = parts(refreshToken)
    const hmac = await this.pepper.hmac(secret)
    const next = newSecret()
    const nextHmac = await this.pepper.hmac(next)
    const renewed = await this.database.transaction(async (transaction) => {
      const [row] = id === null ? [] : await transaction.query<SessionRow>(LOCKED, [id])
      if (!row?.usable) return null
      if (!timingSafeEqual(row.secret_hmac, hmac)) {
        await transaction.query(END, [id])
        return null
      }
      const { expires_at: expiresAt } = only(
        await transaction.query<{ readonly expires_at: Date }>(RENEW, [id, nextHmac, REFRESH_TTL_S]),
      )
      return { row, expiresAt }
    })
    if (!renewed || id === null) throw NO_SESSION()
    return this.reply(renewed.row, { id, secret: next, expiresAt: renewed.expiresAt })
  }

  /** Idempotent. */
  async logOut(refreshToken: string): Promise<void> {
    const { id, secret } = parts(refreshToken)
    const [row] = id === null ? [] : await this.database.query<SessionRow>(FIND, [id])
    if (row && timingSafeEqual(row.secret_hmac, await this.pepper.hmac(secret))) await this.database.query(END, [id])
  }

  /** Whom an access token stands for, now; null for a token that lets nobody in. */
  async holderOf(accessToken: string): Promise<Omit<AuthenticateTokenReply, 'valid' | 'runId'> | null> {
    const claims = await this.signer.verify('lucihub-access', accessToken)
    if (!claims) return null
    const [row] = await findUsable(this.database, textClaim(claims, 'sid'))
    return row
      ? { user: userToProto(row), scopes: scopesOf(row.role), credential: `session:${textClaim(claims, 'sid')}` }
      : null
  }

  private async open(row: UserRow, address: string): Promise<SessionReply> {
    const id = uuid7(Date.now())
    const secret = newSecret()
    const hmac = await this.pepper.hmac(secret)
    const expiresAt = await this.database.transaction(async (transaction) => {
      const opened = only(
        await transaction.query<{ readonly expires_at: Date }>(OPEN, [id, row.id, hmac, REFRESH_TTL_S]),
      )
      await audit(transaction, {
        actor: { userId: row.id, role: row.role, credential: `session:${id}`, address },
        action: 'session.open',
        object: row.id,
        outcome: 'ok',
      })
      return opened.expires_at
    })
    return this.reply(row, { id, secret, expiresAt })
  }

  private async reply(
    row: UserRow,
    { id, secret, expiresAt }: { readonly id: string; readonly secret: string; readonly expiresAt: Date },
  ): Promise<SessionReply> {
    return {
      user: userToProto(row),
      accessToken: await this.signer.sign('lucihub-access', { sub: row.id, sid: id }, ACCESS_TTL_S),
      accessExpiresAtMs: Date.now() + ACCESS_TTL_S * 1000,
      refreshToken: `${id}.${secret}`,
      refreshExpiresAtMs: expiresAt.getTime(),
    }
  }
}

async function findUsable(queries: Queries, id: string): Promise<SessionRow[]> {
  const rows = isUuid(id) ? await queries.query<SessionRow>(FIND, [id]) : []
  return rows.filter(({ usable }) => usable)
}

function newSecret(): string {
  return randomBytes(32).toString('base64url')
}

function parts(refreshToken: string): { readonly id: string | null; readonly secret: string } {
  const [id = '', secret = ''] = refreshToken.split('.')
  return { id: isUuid(id) ? id : null, secret }
}
