/**
 * Keys that let a worker report on one run and do nothing else. A signed token, so that an update is checked
 * without a slow hash, and a row, so that the key can be taken back and does not outlive its run.
 */
import { Injectable } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import type { IssueRunKeyReply } from '@lucihub/contracts'
import { Database, type Statement } from '../database/database.ts'
import { only } from '../runs/run-rows.ts'
import { isUuid, uuid7 } from '../runs/uuid7.ts'
import { textClaim, TokenSigner } from './token-signer.ts'

const TTL_S = { default: 7 * 86_400, max: 30 * 86_400 } as const

const INSERT: Statement = {
  name: 'insert-run-key',
  text: `INSERT INTO run_key (id, run_id, expires_at) VALUES ($1, $2, now() + $3 * interval '1 s') RETURNING expires_at`,
}
const FIND: Statement = {
  name: 'find-run-key',
  text: 'SELECT run_id FROM run_key WHERE id = $1 AND revoked_at IS NULL AND expires_at > now()',
}
const REVOKE: Statement = {
  name: 'revoke-run-key',
  text: 'UPDATE run_key SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 AND run_id = $2 RETURNING id',
}

@Injectable()
export class RunKeys {
  constructor(
    private readonly database: Database,
    private readonly signer: TokenSigner,
  ) {}

  /** The caller has checked that its holder may report on the run. `ttlS` 0: seven days. */
  async issue(runId: string, ttlS = 0): Promise<IssueRunKeyReply> {
    const life = ttlS || TTL_S.default
    if (life > TTL_S.max)
      throw new Problem('validation-failed', 'The key would live too long.', {
        violations: [
          {
            pointer: '/ttlS',
            value: String(ttlS),
            message: 'The value is out of bounds.',
            remedy: `Use at most ${TTL_S.max}.`,
          },
        ],
      })
    const keyId = uuid7(Date.now())
    const { expires_at: expiresAt } = only(
      await this.database.query<{ readonly expires_at: Date }>(INSERT, [keyId, runId, life]),
    )
    const token = await this.signer.sign('lucihub-run', { run: runId, jti: keyId }, life)
    return { token, keyId, expiresAtMs: expiresAt.getTime() }
  }

  /** The run that a key is for; null for a key that is forged, expired or taken back. */
  async runOf(token: string): Promise<{ readonly runId: string; readonly keyId: string } | null> {
    const claims = await this.signer.verify('lucihub-run', token)
    if (!claims) return null
    const keyId = textClaim(claims, 'jti')
    const [row] = isUuid(keyId) ? await this.database.query<{ readonly run_id: string }>(FIND, [keyId]) : []
    return row && row.run_id === claims['run'] ? { runId: row.run_id, keyId } : null
  }

  /** Idempotent. Problem `not-found` for a key of another run. */
  async revoke({ runId, keyId }: { readonly runId: string; readonly keyId: string }): Promise<void> {
    const revoked = isUuid(keyId) ? await this.database.query(REVOKE, [keyId, runId]) : []
    if (revoked.length === 0) throw new Problem('not-found', `The run has no key ${keyId.slice(0, 80)}.`)
  }
}
