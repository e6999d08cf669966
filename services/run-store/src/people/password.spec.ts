import { hashPassword, passwordMatches } from './password.ts'

test('a password matches its own hash only', async () => {
  const stored = await hashPassword('correct horse')
  expect(stored).toMatch(/^scrypt\$32768\$8\$1\$[\w-]{22}\$[\w-]{43}$/)
  expect(await passwordMatches('correct horse', stored)).toBe(true)
  expect(await passwordMatches('correct horsf', stored)).toBe(false)
  expect(await passwordMatches('correct horse', await hashPassword('another'))).toBe(false)
})

test('the same password gets another hash each time', async () => {
  expect(await hashPassword('twice')).not.toBe(await hashPassword('twice'))
})

test('nobody has no password', async () => {
  expect(await passwordMatches('', null)).toBe(false)
})

test('two ways to write one letter are one password', async () => {
  expect(await passwordMatches('cafe\u0301-wall', await hashPassword('caf\u00e9-wall'))).toBe(true)
})
