import { Inject, Injectable } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import type { FastifyReply } from 'fastify'
import { CONFIG } from '../config-token.ts'
import type { GatewayConfig } from '../config.ts'
import { TokenBuckets } from './token-buckets.ts'

/** Wrong keys from one address: ten at once, then one every two seconds. */
const FAILED_KEYS = { perSecond: 0.5, burst: 10 }

/** How often a key may ask, and how often an address may guess. Per process: N gateways allow N times as much. */
@Injectable()
export class RateLimits {
  readonly #requests: TokenBuckets
  readonly #failedKeys = new TokenBuckets(FAILED_KEYS)

  constructor(@Inject(CONFIG) config: GatewayConfig) {
    this.#requests = new TokenBuckets({ perSecond: config.requestsPerSecond, burst: config.requestBurst })
  }

  /** Counts a request and says on the answer what is left. Throws `too-many-requests`. */
  request(keyId: string, reply: FastifyReply): void {
    const { allowed, remaining, waitS, resetS } = this.#requests.take(keyId, performance.now() / 1000)
    const { burst, perSecond } = this.#requests.limit
    reply.headers({ 'ratelimit-limit': burst, 'ratelimit-remaining': remaining, 'ratelimit-reset': Math.ceil(resetS) })
    if (!allowed) throw tooMany(`This key may make ${perSecond} requests per second.`, waitS)
  }

  /** Counts a request that anybody may make but nobody needs often. Throws `too-many-requests`. */
  guess(address: string): void {
    const { allowed, waitS } = this.#failedKeys.take(address, performance.now() / 1000)
    if (!allowed) throw tooMany('Too many requests without a valid key came from this address.', waitS)
  }

  /** Counts a request without a valid key. Throws `too-many-requests`; a valid key is never held up by it. */
  failedKey(address: string): void {
    const { allowed, waitS } = this.#failedKeys.take(address, performance.now() / 1000)
    if (!allowed) throw tooMany('Too many requests without a valid key came from this address.', waitS)
  }
}

function tooMany(detail: string, waitS: number): Problem {
  return new Problem('too-many-requests', detail, { retryAfterS: Math.max(1, Math.ceil(waitS)) })
}
