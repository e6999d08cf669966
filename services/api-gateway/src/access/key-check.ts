import { createHash } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import { parseApiKey, store } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import type { Caller } from './caller.ts'

/** How long an answer of the run-store is believed: the longest time that a revoked key still works. */
const BELIEVED_MS = 5_000
const REMEMBERED_MAX = 10_000

/** Whom an API key belongs to. A key with a wrong checksum is refused without asking anybody. */
@Injectable()
export class KeyCheck {
  /** By digest, so that no secret lies in memory longer than its request. */
  readonly #answers = new Map<string, { readonly caller: Promise<Caller | null>; readonly until: number }>()

  constructor(private readonly bus: Bus) {}

  /** Null when the key is not valid. Rejects when nobody can tell. */
  async callerOf(apiKey: string): Promise<Caller | null> {
    const parts = parseApiKey(apiKey)
    if (!parts) return null
    const digest = createHash('sha256').update(apiKey).digest('base64')
    const known = this.#answers.get(digest)
    if (known && known.until > performance.now()) return known.caller

    const caller = this.#ask(parts)
    this.#forgetSome()
    this.#answers.set(digest, { caller, until: performance.now() + BELIEVED_MS })
    caller.catch(() => this.#answers.delete(digest)) // No answer is no answer to remember.
    return caller
  }

  async #ask({ keyId, secret }: { keyId: string; secret: string }): Promise<Caller | null> {
    const reply = await this.bus.call(store.authenticate, { keyId, secret })
    return reply.valid ? { userId: reply.userId, keyId, scopes: reply.scopes } : null
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
