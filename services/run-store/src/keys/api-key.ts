/**
 * Making API keys; their form is in the contracts. The secret has 256 bits and is stored as HMAC-SHA-256 under the
 * pepper only: a slow password hash would add nothing to a random secret.
 */
import { randomInt } from 'node:crypto'
import { formatApiKey } from '@lucihub/contracts'

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const KEY_ID_LENGTH = 12
const SECRET_LENGTH = 43

export interface ApiKey {
  readonly keyId: string
  readonly secret: string
  /** The whole key, as its user keeps it. */
  readonly text: string
}

/** A new key from the system's random source. */
export function makeApiKey(): ApiKey {
  const keyId = random(KEY_ID_LENGTH)
  const secret = random(SECRET_LENGTH)
  return { keyId, secret, text: formatApiKey({ keyId, secret }) }
}

function random(length: number): string {
  return Array.from({ length }, () => BASE62[randomInt(BASE62.length)]).join('')
}
