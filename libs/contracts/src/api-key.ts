/**
 * API keys: `lh_live_<key id>_<secret>_<checksum>`. The key id is public and looked up; the secret is 256 random
 * bits, kept by the run-store only as a keyed hash; the checksum lets a gateway refuse a mistyped or made-up key
 * without asking anybody. Everything is base62, so a key is one word to a double click and to a secret scanner.
 */
import { crc32 } from 'node:zlib'

export const API_KEY_PREFIX = 'lh_live_'
const KEY_ID_LENGTH = 12
const SECRET_LENGTH = 43
const CHECKSUM_LENGTH = 6
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

const SHAPE = new RegExp(
  `^${API_KEY_PREFIX}([${DIGITS}]{${KEY_ID_LENGTH}})_([${DIGITS}]{${SECRET_LENGTH}})_([${DIGITS}]{${CHECKSUM_LENGTH}})$`,
)

export interface ApiKey {
  /** Public part, 12 base62 digits. */
  readonly keyId: string
  /** 43 base62 digits. */
  readonly secret: string
}

/** The key as its owner sees it, once. */
export function formatApiKey({ keyId, secret }: ApiKey): string {
  const body = `${API_KEY_PREFIX}${keyId}_${secret}`
  return `${body}_${checksumOf(body)}`
}

/** Takes a key apart; null when it has not the form or its checksum does not match. */
export function parseApiKey(text: string): ApiKey | null {
  const [, keyId, secret, checksum] = SHAPE.exec(text) ?? []
  if (keyId === undefined || secret === undefined || checksum === undefined) return null
  return checksumOf(`${API_KEY_PREFIX}${keyId}_${secret}`) === checksum ? { keyId, secret } : null
}

/** CRC-32 (IEEE) of the text, in base62, most significant digit first. */
function checksumOf(text: string): string {
  let rest = crc32(text)
  let digits = ''
  for (let place = 0; place < CHECKSUM_LENGTH; place += 1) {
    digits = DIGITS.charAt(rest % 62) + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}
