import { createHash } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import { parseApiKey, store } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import type { Caller } from './caller.ts'

/** How long an answer of the run-store is believed: the longest time that a revoked credential still works. */
const BELIEVED_MS = 5_000
const REMEMBERED_MAX = 10_000
/** Three parts in base64url. */
const TOKEN = /^[\w-]{1,500}\.[\w-]{1,2000}\.[\w-]{1,500}$/

type Known = Omit<Caller, 'address'>

/** Whom an API key or a token belongs to. What has not the form of either is refused without asking anybody. */
@Injectable()
export class CredentialCheck {
  /** By digest, so that no secret lies in memory longer than its request. */
  readonly #answers = new Map<string, { readonly caller: Promise<Known | null>; readonly until: number }>()

  constructor(private readonly bus: Bus) {}

  /** Null when the credential is not valid. Rejects when nobody can tell. */
  async callerOf(credential: string): Promise<Known | null> {
    const key = parseApiKey(credential)
    if (!key && !TOKEN.test(credential)) return null
    const digest = createHash('sha256').update(credential).digest('base64')
    const known = this.#answers.get(digest)
    if (known && known.until > performance.now()) return known.caller

    const caller = key ? this.#ofKey(key) : this.#ofToken(credential)
    this.#forgetSome()
    this.#answers.set(digest, { caller, until: performance.now() + BELIEVED_MS })
    caller.catch(() => this.#answers.delete(digest)) // No answer is no answer to remember.
    return caller
  }

  /** At a log-out: what was believed a moment ago does not hold any more. */
  forget(credential: string): void {
    this.#answers.delete(createHash('sha256').update(credential).digest('base64'))
  }

  async #ofKey({ keyId, secret }: { keyId: string; secret: string }): Promise<Known | null> {
    const { valid, userId, userName, role, scopes } = await this.bus.call(store.authenticate, { keyId, secret })
    return valid ? { userId, userName, role, keyId, scopes, runId: '' } : null
  }

  async #ofToken(token: string): Promise<Known | null> {
    const { valid, user, scopes, runId, credential } = await this.bus.call(store.authenticateToken, { token })
    if (!valid) return null
    if (!user) return { userId: '', userName: '', role: '', keyId: credential, scopes: ['worker'], runId }
    return { userId: user.id, userName: user.username, role: user.role, keyId: credential, scopes, runId: '' }
  }

  #forgetSome(): void {
    const now = performance.now()
    for (const [digest, { until }] of this.#answers) {
      if (until > now && this.#answers.size < REMEMBERED_MAX) return // Oldest first: the rest is younger.
      this.#answers.delete(digest)
    }
  }
}

export function unauthenticated(): Problem {
  return new Problem('unauthenticated', 'Send a valid API key: "Authorization: Bearer lh_live_...".')
}
