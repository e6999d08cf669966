/**
 * Token buckets by name: each holds up to `burst` tokens and gains `perSecond`. A bucket that is full again is
 * forgotten, so memory is bound by who was active lately.
 */
export interface TokenAnswer {
  readonly allowed: boolean
  readonly remaining: number
  /** Seconds until a token is there again; 0 when one is. */
  readonly waitS: number
  /** Seconds until the bucket is full. */
  readonly resetS: number
}

interface Bucket {
  tokens: number
  at: number
}

const BUCKETS_MAX = 50_000

export class TokenBuckets {
  readonly #buckets = new Map<string, Bucket>()

  constructor(readonly limit: { readonly perSecond: number; readonly burst: number }) {}

  /** `now` in seconds, from any clock that only goes forward. */
  take(name: string, now: number): TokenAnswer {
    const { perSecond, burst } = this.limit
    const bucket = this.#buckets.get(name) ?? { tokens: burst, at: now }
    const filled = Math.min(burst, bucket.tokens + (now - bucket.at) * perSecond)
    const allowed = filled >= 1
    const tokens = allowed ? filled - 1 : filled
    if (this.#buckets.size >= BUCKETS_MAX) this.#forgetFull(now)
    this.#buckets.set(name, { tokens, at: now })
    return {
      allowed,
      remaining: Math.floor(tokens),
      waitS: tokens >= 1 ? 0 : (1 - tokens) / perSecond,
      resetS: (burst - tokens) / perSecond,
    }
  }

  #forgetFull(now: number): void {
    for (const [name, { tokens, at }] of this.#buckets) {
      if (tokens + (now - at) * this.limit.perSecond >= this.limit.burst) this.#buckets.delete(name)
    }
  }
}
