import { formatApiKey, parseApiKey } from './api-key.ts'

const key = { keyId: 'demoKey00001', secret: 'A'.repeat(42) + '7' }

test('a key is read back as it was written', () => {
  expect(formatApiKey(key)).toMatch(/^lh_live_demoKey00001_A{42}7_[0-9A-Za-z]{6}$/)
  expect(parseApiKey(formatApiKey(key))).toEqual(key)
})

test.each([
  ['one digit of the secret is another', formatApiKey(key).replace('AA7', 'AB7')],
  ['the checksum is missing', 'lh_live_demoKey00001_' + key.secret],
  ['it belongs to somebody else', 'ghp_' + 'A'.repeat(36)],
  ['a line break follows', formatApiKey(key) + '\n'],
  ['it is empty', ''],
])('a key is refused when %s', (_why, text) => {
  expect(parseApiKey(text)).toBeNull()
})
