import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readEnvironment, type EnvironmentReader } from './environment.ts'

const read = (e: EnvironmentReader) => ({
  url: e.text('URL'),
  title: e.text('TITLE', 'none'),
  port: e.integer('PORT', { min: 0, max: 65_535 }),
  limit: e.integer('LIMIT', { default: 5 }),
  level: e.choice('LEVEL', ['info', 'debug'], 'info'),
})

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lucihub-environment-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

test('values are read, defaults fill in, an empty value counts as none', () => {
  expect(readEnvironment({ URL: 'nats://x', PORT: '0', TITLE: '', LEVEL: 'debug' }, read)).toEqual({
    url: 'nats://x',
    title: 'none',
    port: 0,
    limit: 5,
    level: 'debug',
  })
})

test('NAME_FILE names a file with the value', () => {
  const file = join(folder, 'url')
  writeFileSync(file, 'nats://secret\n')
  expect(readEnvironment({ URL_FILE: file, PORT: '1' }, read).url).toBe('nats://secret')
})

test('the variable itself wins over its file', () => {
  expect(readEnvironment({ URL: 'nats://here', URL_FILE: '/nowhere', PORT: '1' }, read).url).toBe('nats://here')
})

test('all mistakes are told at once, with value and remedy', () => {
  const missing = join(folder, 'missing')
  expect(() => readEnvironment({ PORT: '70000', LIMIT: '1.5', LEVEL: 'loud', TITLE_FILE: missing }, read)).toThrow(
    [
      'The environment is not usable:',
      '  URL is not set: set it to a text, or URL_FILE to a file that holds it.',
      `  TITLE_FILE is "${missing}", which cannot be read (ENOENT: no such file or directory, open '${missing}'): name a readable file.`,
      '  PORT is "70000": set it to a whole number from 0 to 65535.',
      `  LIMIT is "1.5": set it to a whole number from ${Number.MIN_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}.`,
      '  LEVEL is "loud": set it to one of info, debug.',
    ].join('\n'),
  )
})

test('a reader that stumbles over a missing value still tells of the missing value', () => {
  expect(() => readEnvironment({}, (e) => new URL(e.text('URL')))).toThrow(
    /^The environment is not usable:\n {2}URL is not set/,
  )
})

test('a choice or number without default must be given', () => {
  expect(() =>
    readEnvironment({}, (e) => [e.choice('LEVEL', ['a', 'b']), e.integer('PORT', { min: 1, max: 2 })]),
  ).toThrow(
    [
      'The environment is not usable:',
      '  LEVEL is not set: set it to one of a, b, or LEVEL_FILE to a file that holds it.',
      '  PORT is not set: set it to a whole number from 1 to 2, or PORT_FILE to a file that holds it.',
    ].join('\n'),
  )
})
