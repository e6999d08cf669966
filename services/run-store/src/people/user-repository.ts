/** Users: one row each, with a local password or an identity of an OpenID provider beside it. */
import { Injectable } from '@nestjs/common'
import { Problem, type Violation } from '@lucihub/analog'
import type { Actor, User } from '@lucihub/contracts'
import { Database, sqlState, type Queries, type Statement, type Transaction } from '../database/database.ts'
import { isRole, ROLES } from '../keys/scopes.ts'
import { only } from '../runs/run-rows.ts'
import { isUuid, uuid7 } from '../runs/uuid7.ts'
import { audit } from './audit.ts'
import { hashPassword } from './password.ts'

export interface UserRow {
  readonly id: string
  readonly username: string
  readonly provider: string
  readonly display_name: string
  readonly role: string
  readonly disabled: boolean
  readonly created_at: Date
}

export const USER_COLUMNS = 'u.id, u.username, u.provider, u.display_name, u.role, u.disabled, u.created_at'
const PASSWORD_LENGTH = { min: 8, max: 200 } as const
const USERNAME = /^[A-Za-z0-9._@+-]{1,64}$/
const NAME_LENGTH_MAX = 200
const UNIQUE_VIOLATION = '23505'
const NO_SUCH_USER = (id: string): Problem => new Problem('not-found', `There is no user ${id.slice(0, 80)}.`)

const INSERT: Statement = {
  name: 'insert-user',
  text: `WITH u AS (
      INSERT INTO app_user (id, username, provider, display_name, role) VALUES ($1, $2, 'local', $3, $4) RETURNING *),
    kept AS (INSERT INTO local_credential (user_id, password_hash) SELECT u.id, $5 FROM u)
    SELECT ${USER_COLUMNS} FROM u`,
}
const BY_ID: Statement = { name: 'user-by-id', text: `SELECT ${USER_COLUMNS} FROM app_user u WHERE u.id = $1` }
const LIST: Statement = {
  name: 'list-users',
  text: `SELECT ${USER_COLUMNS}, count(*) OVER () AS total FROM app_user u WHERE ($1 = '' OR u.provider = $1) AND u.id > $2 ORDER BY u.id LIMIT $3`,
}
const COUNT: Statement = {
  name: 'count-users',
  text: `SELECT count(*) AS n FROM app_user WHERE $1 = '' OR provider = $1`,
}
const CHANGE: Statement = {
  name: 'change-user',
  text: `UPDATE app_user u SET role = coalesce($2, u.role), disabled = coalesce($3, u.disabled), display_name = coalesce($4, u.display_name)
    WHERE u.id = $1 RETURNING ${USER_COLUMNS}`,
}
const SET_PASSWORD: Statement = {
  name: 'set-password',
  text: `UPDATE local_credential SET password_hash = $2, changed_at = now() WHERE user_id = $1 RETURNING user_id`,
}
const END_SESSIONS: Statement = {
  name: 'end-sessions',
  text: 'UPDATE login_session SET revoked_at = now() WHERE user_id = $1 AND revoked_at IS NULL',
}
/** One row when the last administrator who can act would be gone. */
const OTHER_ADMINS: Statement = {
  name: 'other-admins',
  text: `SELECT count(*) AS n FROM (SELECT FROM app_user WHERE role = 'admin' AND NOT disabled AND id <> $1 FOR SHARE) others`,
}

export interface NewUser {
  readonly username: string
  readonly password: string
  readonly displayName: string
  readonly role: string
  /** Null: the user registers himself. */
  readonly actor: Actor | null
}

/** What is left out stays. */
export interface UserChange {
  readonly password?: string
  readonly role?: string
  readonly disabled?: boolean
  readonly displayName?: string
}

@Injectable()
export class UserRepository {
  constructor(private readonly database: Database) {}

  /** Problems: `validation-failed`; `state-conflict` when a local user has that name. */
  async add({ username, password, displayName, role, actor }: NewUser): Promise<User> {
    refuse([
      ...usernameViolations(username),
      ...passwordViolations(password),
      ...roleViolations(role),
      ...nameViolations(displayName),
    ])
    const hash = await hashPassword(password)
    try {
      return await this.database.transaction(async (transaction) => {
        const row = only(
          await transaction.query<UserRow>(INSERT, [uuid7(Date.now()), username, displayName, role, hash]),
        )
        await audit(transaction, {
          actor,
          action: 'user.add',
          object: row.id,
          outcome: 'ok',
          detail: { username, role },
        })
        return userToProto(row)
      })
    } catch (error) {
      if (sqlState(error) !== UNIQUE_VIOLATION) throw error
      throw new Problem('state-conflict', `There is a user "${username}" already. Choose another name.`, {
        cause: error,
      })
    }
  }

  async get(id: string): Promise<User> {
    const [row] = isUuid(id) ? await this.database.query<UserRow>(BY_ID, [id]) : []
    if (!row) throw NO_SUCH_USER(id)
    return userToProto(row)
  }

  /** In order of their making. `after`: id, or empty. */
  async list(page: {
    readonly provider: string
    readonly after: string
    readonly limit: number
  }): Promise<{ readonly users: readonly User[]; readonly next: string; readonly total: number }> {
    const after = page.after === '' ? '00000000-0000-0000-0000-000000000000' : page.after
    if (!isUuid(after)) throw new Problem('invalid-request', `"${after.slice(0, 40)}" is not a cursor of this list.`)
    const [rows, counted] = await Promise.all([
      this.database.query<UserRow>(LIST, [page.provider, after, page.limit + 1]),
      this.database.query<{ readonly n: number }>(COUNT, [page.provider]),
    ])
    const shown = rows.slice(0, page.limit)
    return {
      users: shown.map(userToProto),
      next: rows.length > page.limit ? (shown.at(-1)?.id ?? '') : '',
      total: only(counted).n,
    }
  }

  /** A new password or a lock ends the user's sessions. */
  async change(actor: Actor, id: string, change: UserChange): Promise<User> {
    refuse([
      ...(change.password === undefined ? [] : passwordViolations(change.password)),
      ...(change.role === undefined ? [] : roleViolations(change.role)),
      ...(change.displayName === undefined ? [] : nameViolations(change.displayName)),
    ])
    if (!isUuid(id)) throw NO_SUCH_USER(id)
    const hash = change.password === undefined ? null : await hashPassword(change.password)
    return this.database.transaction(async (transaction) => {
      if (change.disabled === true || (change.role !== undefined && change.role !== 'admin'))
        await keepAnAdmin(transaction, id)
      const [row] = await transaction.query<UserRow>(CHANGE, [
        id,
        change.role ?? null,
        change.disabled ?? null,
        change.displayName ?? null,
      ])
      if (!row) throw NO_SUCH_USER(id)
      if (hash !== null) {
        const changed = await transaction.query(SET_PASSWORD, [id, hash])
        if (changed.length === 0)
          throw new Problem(
            'state-conflict',
            `${row.username} logs in through ${row.provider} and has no password here.`,
          )
      }
      if (hash !== null || change.disabled === true) await transaction.query(END_SESSIONS, [id])
      const { password: _secret, ...shown } = change
      await audit(transaction, {
        actor,
        action: 'user.change',
        object: id,
        outcome: 'ok',
        detail: { ...shown, ...(hash !== null && { password: 'changed' }) },
      })
      return userToProto(row)
    })
  }
}

/** Refuses to leave the hub without anybody who could let somebody in again. */
export async function keepAnAdmin(transaction: Transaction, leavingId: string): Promise<void> {
  const [leaving] = await transaction.query<UserRow>(BY_ID, [leavingId])
  if (leaving?.role !== 'admin') return
  const { n } = only(await transaction.query<{ readonly n: number }>(OTHER_ADMINS, [leavingId]))
  if (n === 0)
    throw new Problem('state-conflict', `${leaving.username} is the only administrator. Make another one first.`)
}

/** The row of a user that must be there. Problem `not-found`. */
export async function userRow(queries: Queries, id: string): Promise<UserRow> {
  const [row] = isUuid(id) ? await queries.query<UserRow>(BY_ID, [id]) : []
  if (!row) throw NO_SUCH_USER(id)
  return row
}

export function userToProto(row: UserRow): User {
  return {
    id: row.id,
    username: row.username,
    provider: row.provider,
    displayName: row.display_name,
    role: row.role,
    disabled: row.disabled,
    createdAtMs: row.created_at.getTime(),
  }
}

function refuse(violations: readonly Violation[]): void {
  if (violations.length > 0)
    throw new Problem('validation-failed', 'The user cannot be accepted as described.', { violations })
}

function usernameViolations(username: string): Violation[] {
  return USERNAME.test(username)
    ? []
    : [
        {
          pointer: '/username',
          value: username.slice(0, 80),
          message: 'This cannot be a user name.',
          remedy: 'Use 1 to 64 letters, digits, ".", "_", "-", "+" or "@".',
        },
      ]
}

function passwordViolations(password: string): Violation[] {
  const { min, max } = PASSWORD_LENGTH
  return password.length >= min && password.length <= max
    ? []
    : [
        {
          pointer: '/password',
          value: `${password.length} characters`,
          message: 'The password has not the right length.',
          remedy: `Use ${min} to ${max} characters.`,
        },
      ]
}

function roleViolations(role: string): Violation[] {
  return isRole(role)
    ? []
    : [
        {
          pointer: '/role',
          value: role.slice(0, 80),
          message: 'There is no such role.',
          remedy: `Use ${ROLES.join(', ')}.`,
        },
      ]
}

function nameViolations(name: string): Violation[] {
  return name.length <= NAME_LENGTH_MAX && !name.includes('\0')
    ? []
    : [
        {
          pointer: '/displayName',
          value: name.slice(0, 80),
          message: 'The name is too long or contains U+0000.',
          remedy: `Use at most ${NAME_LENGTH_MAX} characters.`,
        },
      ]
}
