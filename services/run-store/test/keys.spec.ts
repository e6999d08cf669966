import { readFile, stat, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { store } from '@lucihub/contracts'
import { start } from '@lucihub/service-kit'
import pg from 'pg'
import { runStore } from '../src/run-store.ts'
import { startHub, type Hub } from './hub.ts'

let folder: string
let hub: Hub

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lucihub-keys-'))
  hub = await startHub({ firstKeyFile: join(folder, 'first-key'), keyPepper: '' })
})

afterAll(async () => {
  await hub.close()
  await rm(folder, { recursive: true })
})

async function firstKey(): Promise<{ readonly keyId: string; readonly secret: string }> {
  const [, keyId = '', secret = ''] =
    /^lh_live_([0-9A-Za-z]{12})_([0-9A-Za-z]{43})_[0-9A-Za-z]{6}\n$/.exec(
      await readFile(hub.config.firstKeyFile, 'utf8'),
    ) ?? []
  return { keyId, secret }
}

test('an empty database gets one user with one key, readable by its owner alone', async () => {
  expect((await stat(hub.config.firstKeyFile)).mode & 0o777).toBe(0o600)
  const reply = await hub.bus.call(store.authenticate, await firstKey())
  expect(reply).toMatchObject({ valid: true, userName: 'admin' })
  expect(reply.userId).toMatch(/^[0-9a-f-]{36}$/)
  expect(reply.scopes).toContain('runs:write')
})

test.each([
  ['another secret', (key: { keyId: string; secret: string }) => ({ ...key, secret: `x${key.secret.slice(1)}` })],
  ['another id', (key: { keyId: string; secret: string }) => ({ ...key, keyId: '000000000000' })],
  ['no id', (key: { keyId: string; secret: string }) => ({ ...key, keyId: '' })],
  ['an id that is none', (key: { keyId: string; secret: string }) => ({ ...key, keyId: "' OR true" })],
])('%s is nobody', async (_, change) => {
  const { valid, userId, userName, scopes } = await hub.bus.call(store.authenticate, change(await firstKey()))
  expect([valid, userId, userName, scopes]).toEqual([false, '', '', []])
})

test('a second replica, or a second start, makes no second key and takes the same ones', async () => {
  const before = await firstKey()
  const replica = await start(runStore(hub.config))
  await hub.service.close()
  expect(await firstKey()).toEqual(before)
  expect(await hub.bus.call(store.authenticate, before)).toMatchObject({ valid: true })
  hub.service = replica
  expect(await ask('SELECT count(*)::int AS keys FROM api_key')).toEqual([{ keys: 1 }])
})

test('a revoked or expired key is refused, and a secret is stored nowhere', async () => {
  const key = await firstKey()
  expect(JSON.stringify(await ask('SELECT * FROM api_key'))).not.toContain(key.secret)
  for (const change of ['revoked_at = now()', "revoked_at = NULL, expires_at = now() - interval '1 s'"]) {
    await ask(`UPDATE api_key SET ${change}`)
    expect(await hub.bus.call(store.authenticate, key)).toMatchObject({ valid: false })
  }
  await ask('UPDATE api_key SET expires_at = NULL')
  expect(await hub.bus.call(store.authenticate, key)).toMatchObject({ valid: true })
})

async function ask(text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: hub.database.url })
  await client.connect()
  try {
    return (await client.query(text)).rows as unknown[]
  } finally {
    await client.end()
  }
}
