/**
 * API keys: `lh_live_<key id>_<secret>_<checksum>`, 12, 43 and 6 characters of base62. The key id is public;
 * the secret has 256 bits and is stored as HMAC-SHA-256 under the pepper only (a slow password hash would add
 * nothing to a random secret); the checksum (CRC-32 of what stands before it) lets anyone tell a mistyped key
 * from a wrong one without asking.
 */
import { createHmac, randomInt } from 'node:crypto'
import { crc32 } from 'node:zlib'

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const KEY_ID_LENGTH = 12
const SECRET_LENGTH = 43
const CHECKSUM_LENGTH = 6

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
  const body = `lh_live_${keyId}_${secret}`
  return { keyId, secret, text: `${body}_${checksum(body)}` }
}

/** What is stored of a secret. */
export function secretHmac(pepper: Buffer, secret: string): Buffer {
  return createHmac('sha256', pepper).update(secret).digest()
}

function random(length: number): string {
  return Array.from({ length }, () => BASE62[randomInt(BASE62.length)]).join('')
}

function checksum(text: string): string {
  let rest = crc32(text)
  let digits = ''
  for (let place = 0; place < CHECKSUM_LENGTH; place++) {
    digits = `${BASE62[rest % BASE62.length]}${digits}`
    rest = Math.floor(rest / BASE62.length)
  }
  return digits
}
