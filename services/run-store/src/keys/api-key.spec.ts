import { crc32 } from 'node:zlib'
import { makeApiKey } from './api-key.ts'

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

test('a key has its three parts, and its checksum is the CRC-32 of what stands before it', () => {
  for (let made = 0; made < 50; made++) {
    const { keyId, secret, text } = makeApiKey()
    const [, body = '', checksum = ''] = /^(lh_live_[0-9A-Za-z]{12}_[0-9A-Za-z]{43})_([0-9A-Za-z]{6})$/.exec(text) ?? []
    expect(body).toBe(`lh_live_${keyId}_${secret}`)
    expect([...checksum].reduce((value, digit) => value * 62 + BASE62.indexOf(digit), 0)).toBe(crc32(body))
  }
})
