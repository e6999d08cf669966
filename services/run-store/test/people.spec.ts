import { EVERY_RUN, runKind, store, type Actor, type SessionReply, type User } from '@lucihub/contracts'
import { start } from '@lucihub/service-kit'
import pg from 'pg'
import { runStore } from '../src/run-store.ts'
import { startHub, submit, type Hub } from './hub.ts'

let hub: Hub
let admin: Actor

beforeAll(async () => {
  hub = await startHub()
  const [row] = await ask<{ readonly id: string }>(`SELECT id FROM app_user WHERE username = 'admin'`)
  admin = { userId: row?.id ?? '', role: 'admin', credential: 'test', address: '' }
})

afterAll(() => hub.close())

const register = async (username: string, password = 'a long password'): Promise<User> => {
  const reply = await hub.bus.call(store.registerUser, { username, password, displayName: '', role: '', actor: null })
  if (!reply.user) throw new Error('no user')
  return reply.user
}
const logIn = (username: string, password = 'a long password'): Promise<SessionReply> =>
  hub.bus.call(store.logIn, { username, password, address: '127.0.0.1' })
const change = (userId: string, to: { password?: string; role?: string; disabled?: boolean }) =>
  hub.bus.call(store.changeUser, {
    actor: admin,
    userId,
    changes: Object.keys(to),
    password: '',
    role: '',
    disabled: false,
    displayName: '',
    ...to,
  })
const holderOf = (token: string) => hub.bus.call(store.authenticateToken, { token })
const actorOf = (user: User): Actor => ({ userId: user.id, role: user.role, credential: 'test', address: '' })

describe('users', () => {
  test('a name is taken once per provider', async () => {
    const local = await register('Gandalf')
    const identity = {
      issuer: 'https://id.example',
      subject: 'g-1',
      username: 'Gandalf',
      displayName: 'G.',
      address: '',
    }
    const first = await hub.bus.call(store.logInOidc, identity)
    const second = await hub.bus.call(store.logInOidc, identity)
    expect(first.user?.id).not.toBe(local.id)
    expect(second.user).toEqual(first.user)
    expect([local.provider, first.user?.provider]).toEqual(['local', 'oidc'])
    await expect(register('Gandalf')).rejects.toMatchObject({
      type: 'state-conflict',
      message: 'There is a user "Gandalf" already. Choose another name.',
    })
  })

  test('nobody makes himself an administrator', async () => {
    const request = { username: 'sauron', password: 'one ring ring', displayName: '', role: 'admin' }
    await expect(hub.bus.call(store.registerUser, { ...request, actor: null })).rejects.toMatchObject({
      type: 'invalid-request',
    })
    const frodo = await register('frodo')
    await expect(hub.bus.call(store.registerUser, { ...request, actor: actorOf(frodo) })).rejects.toMatchObject({
      type: 'forbidden',
    })
    const made = await hub.bus.call(store.registerUser, { ...request, username: 'galadriel', actor: admin })
    expect(made.user?.role).toBe('admin')
    await hub.bus.call(store.removeUser, { actor: admin, userId: made.user?.id ?? '', withRuns: false, reassignTo: '' })
  })

  test('every breach of a bound is told at once', async () => {
    await expect(
      hub.bus.call(store.registerUser, { username: 'a b', password: 'short', displayName: '', role: '', actor: null }),
    ).rejects.toMatchObject({
      type: 'validation-failed',
      violations: [
        { pointer: '/username', value: 'a b' },
        { pointer: '/password', value: '5 characters' },
      ],
    })
  })

  test('a new password shuts out the old one and ends the sessions', async () => {
    const user = await register('legolas')
    const session = await logIn('legolas')
    await change(user.id, { password: 'another password' })
    await expect(logIn('legolas')).rejects.toMatchObject({ type: 'unauthenticated' })
    expect((await holderOf(session.accessToken)).valid).toBe(false)
    expect((await logIn('legolas', 'another password')).user?.id).toBe(user.id)
  })

  test('the only administrator stays one', async () => {
    for (const to of [{ role: 'user' }, { disabled: true }])
      await expect(change(admin.userId, to)).rejects.toMatchObject({
        type: 'state-conflict',
        message: 'admin is the only administrator. Make another one first.',
      })
  })

  test('who has runs is removed only together with them, or when somebody inherits', async () => {
    const [giver, heir] = [await register('bilbo'), await register('sam')]
    await submit(hub, COMPILE, { ownerId: giver.id })
    const remove = (more: { withRuns?: boolean; reassignTo?: string }, userId = giver.id) =>
      hub.bus.call(store.removeUser, { actor: admin, userId, withRuns: false, reassignTo: '', ...more })
    await expect(remove({})).rejects.toMatchObject({ type: 'state-conflict' })
    expect(await remove({ reassignTo: heir.id })).toEqual({ runs: 1 })
    expect((await hub.bus.call(store.listRuns, { ...EVERY_RUN, ownerId: heir.id })).runs).toHaveLength(1)
    expect(await remove({ withRuns: true }, heir.id)).toEqual({ runs: 1 })
    expect(await ask(`SELECT reason FROM tombstone WHERE owner_id = '${heir.id}'`)).toEqual([
      { reason: 'its user was removed' },
    ])
  })
})

describe('sessions', () => {
  test('a token says who it is, until its session ends', async () => {
    const user = await register('aragorn')
    const session = await logIn('aragorn')
    expect(await holderOf(session.accessToken)).toMatchObject({ valid: true, user: { id: user.id }, runId: '' })
    await hub.bus.call(store.logOut, { refreshToken: session.refreshToken })
    expect((await holderOf(session.accessToken)).valid).toBe(false)
    await expect(hub.bus.call(store.refreshSession, { refreshToken: session.refreshToken })).rejects.toMatchObject({
      type: 'unauthenticated',
    })
  })

  test('a wrong name and a wrong password look alike', async () => {
    await register('boromir')
    const refused = { type: 'unauthenticated', message: 'The user name or the password is wrong.' }
    await expect(logIn('boromir', 'not the password')).rejects.toMatchObject(refused)
    await expect(logIn('nobody at all')).rejects.toMatchObject(refused)
  })

  test('a refresh token works once; used again it ends the session', async () => {
    await register('gimli')
    const first = await logIn('gimli')
    const second = await hub.bus.call(store.refreshSession, { refreshToken: first.refreshToken })
    expect((await holderOf(second.accessToken)).valid).toBe(true)
    await expect(hub.bus.call(store.refreshSession, { refreshToken: first.refreshToken })).rejects.toMatchObject({
      message: 'The session has ended. Log in again.',
    })
    expect((await holderOf(second.accessToken)).valid).toBe(false)
  })

  test.each([
    ['nothing', ''],
    ['no token', 'abc'],
    ['a token without signature', `${part({ alg: 'none' })}.${part({ sid: 'x', aud: 'lucihub-access' })}.`],
    ['a token of somebody else', `${part({ alg: 'HS256', kid: 'mine' })}.${part({ sid: 'x' })}.c2lnbmF0dXJl`],
  ])('%s lets nobody in', async (_what, token) => {
    expect(await holderOf(token)).toMatchObject({ valid: false, runId: '' })
  })

  test('a changed letter spoils a token', async () => {
    await register('pippin')
    const { accessToken } = await logIn('pippin')
    const [head, body, signature = ''] = accessToken.split('.')
    const forged = [head, body, `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`].join('.')
    expect((await holderOf(forged)).valid).toBe(false)
    expect((await holderOf(accessToken)).valid).toBe(true)
  })
})

describe('run keys', () => {
  test('a run key stands for its run, outlasts a restart, and can be taken back', async () => {
    const user = await register('merry')
    const { run } = await submit(hub, COMPILE, { ownerId: user.id })
    const runId = run?.id ?? ''
    const key = await hub.bus.call(store.issueRunKey, { actor: actorOf(user), runId, ttlS: 0 })
    const { accessToken } = await logIn('merry')

    const replica = await start(runStore(hub.config))
    await hub.service.close()
    hub.service = replica
    expect(await holderOf(key.token)).toMatchObject({ valid: true, runId, user: null })
    expect(await holderOf(accessToken)).toMatchObject({ valid: true, runId: '', user: { id: user.id } })

    await hub.bus.call(store.revokeRunKey, { actor: actorOf(user), runId, keyId: key.keyId })
    expect((await holderOf(key.token)).valid).toBe(false)
  })
})

describe('pools', () => {
  test('a name is given once, and a policy says only what is known', async () => {
    const pool = { actor: admin, name: 'cluster.a', kind: 'worker', policyJson: '{"requires_provider":"oidc"}' }
    expect((await hub.bus.call(store.addPool, pool)).pool).toMatchObject({ name: 'cluster.a', kind: 'worker' })
    await expect(hub.bus.call(store.addPool, pool)).rejects.toMatchObject({
      message: 'There is a pool "cluster.a" already.',
    })
    await expect(
      hub.bus.call(store.addPool, { ...pool, name: 'a b', kind: 'c', policyJson: '{"d":1}' }),
    ).rejects.toMatchObject({ violations: [{ pointer: '/name' }, { pointer: '/kind' }, { pointer: '/policy' }] })
  })
})

describe('keys', () => {
  test('a user makes, lists and revokes his keys, and gives them no more than he may', async () => {
    const user = actorOf(await register('arwen'))
    const request = { actor: user, name: 'notebook', scopes: ['runs:read'], ttlDays: 1, userId: '' }
    const { key, text } = await hub.bus.call(store.createKey, request)
    expect(text).toMatch(/^lh_live_/)
    const [, , keyId = '', secret = ''] = text.split('_')
    expect(await hub.bus.call(store.authenticate, { keyId, secret })).toMatchObject({
      valid: true,
      userId: user.userId,
      scopes: ['runs:read'],
      role: 'user',
    })
    await expect(hub.bus.call(store.createKey, { ...request, scopes: ['admin:*'] })).rejects.toMatchObject({
      violations: [{ pointer: '/scopes/0', value: 'admin:*', message: 'Its holder may not do that.' }],
    })
    expect((await hub.bus.call(store.listKeys, { actor: user, userId: '' })).keys).toEqual([
      { ...key, lastUsedAtMs: expect.any(Number) },
    ])
    await hub.bus.call(store.revokeKey, { actor: user, keyId })
    expect(await hub.bus.call(store.authenticate, { keyId, secret })).toMatchObject({ valid: false })
    const stranger = actorOf(await register('grima'))
    await expect(hub.bus.call(store.revokeKey, { actor: stranger, keyId })).rejects.toMatchObject({ type: 'not-found' })
  })
})

describe('the audit', () => {
  test('holds what was done, and shows where somebody changed it', async () => {
    const { entries } = await hub.bus.call(store.listAudit, { actor: admin, before: 0, limit: 500 })
    expect(new Set(entries.map(({ action }) => action))).toEqual(
      new Set(['user.add', 'user.change', 'user.remove', 'session.open', 'pool.add', 'key.create', 'key.revoke']),
    )
    expect(JSON.stringify(entries)).not.toContain('password password')
    const total = entries.length
    expect(await hub.bus.call(store.verifyAudit, { actor: admin })).toMatchObject({ entries: total, brokenAt: 0 })
    const victim = entries[3]?.seq ?? 0
    await ask(`UPDATE audit SET actor = 'somebody else' WHERE seq = ${victim}`)
    expect(await hub.bus.call(store.verifyAudit, { actor: admin })).toMatchObject({ entries: total, brokenAt: victim })
  })
})

const COMPILE = { kind: runKind.toProto('compile') }

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

async function ask<Row>(text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: hub.database.url })
  await client.connect()
  try {
    return (await client.query(text)).rows as Row[]
  } finally {
    await client.end()
  }
}
