/** Pools: named groups of workers or devices, with a policy on who may use them. */
import { Injectable } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import type { Actor, Pool } from '@lucihub/contracts'
import { Database, sqlState, type Queries, type Statement } from '../database/database.ts'
import { only } from '../runs/run-rows.ts'
import { uuid7 } from '../runs/uuid7.ts'
import { audit } from './audit.ts'

export interface PoolRow {
  readonly id: string
  readonly name: string
  readonly kind: 'worker' | 'device'
  readonly policy: PoolPolicy
  readonly created_at: Date
}

export interface PoolPolicy {
  /** Only users of this provider may use the pool. */
  readonly requires_provider?: 'local' | 'oidc'
}

const COLUMNS = 'id, name, kind, policy, created_at'
const NAME = /^[A-Za-z0-9._-]{1,128}$/
const UNIQUE_VIOLATION = '23505'
const INSERT: Statement = {
  name: 'insert-pool',
  text: `INSERT INTO pool (id, name, kind, policy) VALUES ($1, $2, $3, $4) RETURNING ${COLUMNS}`,
}
const LIST: Statement = { name: 'list-pools', text: `SELECT ${COLUMNS} FROM pool ORDER BY name` }
const BY_NAME: Statement = { name: 'pool-by-name', text: `SELECT ${COLUMNS} FROM pool WHERE name = $1` }
const PROVIDER: Statement = { name: 'provider-of-user', text: 'SELECT provider FROM app_user WHERE id::text = $1' }

@Injectable()
export class PoolRepository {
  constructor(private readonly database: Database) {}

  /** Problems: `validation-failed`, `state-conflict` for a name that is taken. */
  async add(
    actor: Actor,
    { name, kind, policyJson }: { readonly name: string; readonly kind: string; readonly policyJson: string },
  ): Promise<Pool> {
    const policy = acceptedPolicy({ name, kind, policyJson })
    try {
      return await this.database.transaction(async (transaction) => {
        const row = only(await transaction.query<PoolRow>(INSERT, [uuid7(Date.now()), name, kind, policy]))
        await audit(transaction, { actor, action: 'pool.add', object: row.id, outcome: 'ok', detail: { name, kind } })
        return poolToProto(row)
      })
    } catch (error) {
      if (sqlState(error) !== UNIQUE_VIOLATION) throw error
      throw new Problem('state-conflict', `There is a pool "${name}" already.`, { cause: error })
    }
  }

  async list(): Promise<Pool[]> {
    return (await this.database.query<PoolRow>(LIST)).map(poolToProto)
  }
}

/**
 * The pool a run asks for. Problems: `validation-failed` for a name that nobody gave to a pool (never another pool
 * instead), `forbidden` where its policy keeps the owner out.
 */
export async function poolFor(
  queries: Queries,
  { name, ownerId }: { name: string; ownerId: string },
): Promise<PoolRow> {
  const [pool] = await queries.query<PoolRow>(BY_NAME, [name])
  if (!pool)
    throw new Problem('validation-failed', `There is no pool "${name.slice(0, 80)}".`, {
      violations: [
        {
          pointer: '/pool',
          value: name.slice(0, 80),
          message: 'There is no such pool.',
          remedy: 'Use the name of a pool in the list of pools.',
        },
      ],
    })
  const { requires_provider: required } = pool.policy
  if (required === undefined) return pool
  const [owner] = await queries.query<{ readonly provider: string }>(PROVIDER, [ownerId])
  if (owner?.provider !== required)
    throw new Problem('forbidden', `The pool "${pool.name}" is for users who log in through ${required}.`)
  return pool
}

export function poolToProto(row: PoolRow): Pool {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    policyJson: JSON.stringify(row.policy),
    createdAtMs: row.created_at.getTime(),
  }
}

function acceptedPolicy({ name, kind, policyJson }: { name: string; kind: string; policyJson: string }): PoolPolicy {
  const violations = []
  if (!NAME.test(name))
    violations.push({
      pointer: '/name',
      value: name.slice(0, 80),
      message: 'This cannot be the name of a pool.',
      remedy: 'Use 1 to 128 letters, digits, ".", "_" or "-".',
    })
  if (kind !== 'worker' && kind !== 'device')
    violations.push({
      pointer: '/kind',
      value: kind.slice(0, 80),
      message: 'There is no such kind of pool.',
      remedy: 'Use worker or device.',
    })
  const policy = policyOf(policyJson)
  if (!policy)
    violations.push({
      pointer: '/policy',
      value: policyJson.slice(0, 80),
      message: 'The policy says something that is not known.',
      remedy: 'Use {} or {"requires_provider": "oidc"}.',
    })
  if (violations.length > 0 || !policy)
    throw new Problem('validation-failed', 'The pool cannot be accepted as described.', { violations })
  return policy
}

function policyOf(text: string): PoolPolicy | null {
  try {
    const policy: unknown = JSON.parse(text || '{}')
    if (typeof policy !== 'object' || policy === null || Array.isArray(policy)) return null
    const { requires_provider: provider, ...others } = policy as Record<string, unknown>
    if (Object.keys(others).length > 0) return null
    if (provider === undefined) return {}
    return provider === 'local' || provider === 'oidc' ? { requires_provider: provider } : null
  } catch {
    // Not JSON: the caller says what a policy looks like.
    return null
  }
}
