/**
 * Passwords as `scrypt$N$r$p$salt$hash`: memory-hard, in Node itself, and its cost can rise later because every
 * hash carries its own. N = 2^15, r = 8 takes 32 MiB and about 60 ms here.
 */
import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto'

const COST = { N: 32_768, r: 8, p: 1 } as const
const HASH_BYTES = 32
const SALT_BYTES = 16
/** scrypt needs 128 · N · r bytes; room for twice today's cost. */
const MEMORY_MAX = 128 * COST.N * COST.r * 2

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const hash = await derive(password, salt, COST)
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64url'), hash.toString('base64url')].join('$')
}

/** `stored` null: nobody has that name. Takes as long as a real comparison, so that time does not tell which it was. */
export async function passwordMatches(password: string, stored: string | null): Promise<boolean> {
  const [, n, r, p, salt = '', hash = ''] = (stored ?? NOBODY).split('$')
  const expected = Buffer.from(hash, 'base64url')
  const actual = await derive(password, Buffer.from(salt, 'base64url'), { N: Number(n), r: Number(r), p: Number(p) })
  return stored !== null && timingSafeEqual(actual, expected)
}

const NOBODY = ['scrypt', COST.N, COST.r, COST.p, 'A'.repeat(22), 'A'.repeat(43)].join('$')

function derive(password: string, salt: Buffer, cost: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, HASH_BYTES, { ...cost, maxmem: MEMORY_MAX }, (error, hash) =>
      error ? reject(error) : resolve(hash),
    )
  })
}
