/** Users, sessions, keys and pools, as people and programs meet them: over HTTP and through `lucihub admin`. */
import { jest } from '@jest/globals'
import pg from 'pg'
import { createClient, type Client } from '@lucihub/sdk'
import { HARMONIC, runningHub, type RunningHub } from '../running-hub.ts'
import { lucihub, type Told } from '../command-line.ts'
import { knowJobType } from './job-types.ts'
import { identityProvider, type IdentityProvider } from './identity-provider.ts'

jest.setTimeout(60_000)
const ENTITLEMENT = 'LUCIHUB_ACCESS'
let running: RunningHub
let provider: IdentityProvider

beforeAll(async () => {
  provider = await identityProvider()
  running = await runningHub({
    environment: { 'api-gateway': { OIDC_ISSUER: provider.issuer, OIDC_ENTITLEMENT: ENTITLEMENT } },
  })
})
afterAll(async () => {
  await running?.stop()
  await provider?.close()
})

const as = (apiKey: string): Client => createClient({ url: running.hub.url, apiKey })
const post = (path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${running.hub.url}/api/v1${path}`, {
    method: 'POST',
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
const admin = (...args: string[]): Promise<Told> => lucihub(running, ['admin', ...args])
const withToken = (token: string) => ({ authorization: `Bearer ${token}` })

describe('YP-50 a local user', () => {
  test('registers, logs in, says who he is, goes on, and logs out', async () => {
    expect((await post('/auth/register', { username: 'yam', password: 'a long password' })).status).toBe(201)
    expect((await post('/auth/register', { username: 'yam', password: 'a long password' })).status).toBe(409)
    expect((await post('/auth/login', { username: 'yam', password: 'not the one' })).status).toBe(401)
    const response = await post('/auth/login', { username: 'yam', password: 'a long password' })
    expect(response.status).toBe(200)
    const cookies = response.headers.getSetCookie()
    expect(cookies).toHaveLength(2)
    for (const cookie of cookies) expect(cookie).toMatch(/^lucihub_(access|refresh)=\S+; .*HttpOnly; SameSite=Strict/)
    const session = (await response.json()) as Awaited<ReturnType<Client['people']['logIn']>>
    const minutes = (until: string): number => Math.round((Date.parse(until) - Date.now()) / 60_000)
    expect([minutes(session.accessExpiresAt), minutes(session.refreshExpiresAt)]).toEqual([10, 120])

    expect((await as(session.accessToken).people.me()).user).toMatchObject({ username: 'yam', role: 'user' })
    expect((await fetch(`${running.hub.url}/api/v1/auth/me`)).status).toBe(401)
    const next = await as('').people.refresh(session.refreshToken)
    expect((await as(next.accessToken).people.me()).user.id).toBe(session.user.id)
    await as(next.accessToken).people.logOut(next.refreshToken)
    await expect(as(next.accessToken).people.me()).rejects.toMatchObject({ status: 401 })
  })

  test('has a session in the browser that other sites cannot use', async () => {
    await post('/auth/register', { username: 'browser', password: 'a long password' })
    const cookies = (await post('/auth/login', { username: 'browser', password: 'a long password' })).headers
      .getSetCookie()
      .map((cookie) => cookie.split(';')[0])
      .join('; ')
    const me = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${running.hub.url}/api/v1/auth/me`, { headers: { cookie: cookies, ...headers } })
    expect((await me({ 'sec-fetch-site': 'same-origin' })).status).toBe(200)
    const compile = (site: string): Promise<Response> =>
      post('/compile', { source: HARMONIC, opTimeNs: 1_000_000 }, { cookie: cookies, 'sec-fetch-site': site })
    expect((await compile('same-origin')).status).toBe(200)
    expect((await compile('cross-site')).status).toBe(401)
  })
})

describe('YP-51 an identity token', () => {
  const claims = { sub: 'subject-1', preferred_username: 'gandalf', name: 'Gandalf', entitlements: [ENTITLEMENT] }

  test('logs its subject in, and makes the user once', async () => {
    const first = await post('/auth/oidc', undefined, withToken(await provider.token(claims)))
    expect(first.status).toBe(200)
    const second = await post('/auth/oidc', undefined, withToken(await provider.token(claims)))
    const users = [await first.json(), await second.json()] as { user: { id: string; provider: string } }[]
    expect(users[0]?.user).toMatchObject({ username: 'gandalf', provider: 'oidc' })
    expect(users[1]?.user.id).toBe(users[0]?.user.id)
  })

  test.each([
    ['no token', 401, async () => ({})],
    ['a forged one', 401, async () => withToken(await provider.token(claims, { forged: true }))],
    ['an expired one', 401, async () => withToken(await provider.token(claims, { ttlS: -120 }))],
    ['one for somebody else', 401, async () => withToken(await provider.token(claims, { audience: 'another' }))],
    ['one without the entitlement', 403, async () => withToken(await provider.token({ ...claims, entitlements: [] }))],
  ])('%s gets a %i', async (_what, status, headers) => {
    expect((await post('/auth/oidc', undefined, await headers())).status).toBe(status)
  })

  test('says nothing against what it is signed for: a body names nobody else', async () => {
    const response = await post('/auth/oidc', { username: 'admin' }, withToken(await provider.token(claims)))
    expect(((await response.json()) as { user: { username: string } }).user.username).toBe('gandalf')
  })
})

test('YP-51 where no provider is configured, nobody logs in with an identity', async () => {
  const plain = await runningHub()
  try {
    const response = await fetch(`${plain.hub.url}/api/v1/auth/oidc`, {
      method: 'POST',
      headers: withToken(await provider.token({ sub: 'x' })),
    })
    expect(response.status).toBe(403)
  } finally {
    await plain.stop()
  }
})

test('YP-09 one name may exist once per provider', async () => {
  await running.client.people.addUser({ username: 'Gandalf', password: 'a long password' })
  const token = await provider.token({ sub: 'grey', preferred_username: 'Gandalf', entitlements: [ENTITLEMENT] })
  const { user } = (await (await post('/auth/oidc', undefined, withToken(token))).json()) as { user: { id: string } }
  const { users } = await running.client.people.users()
  const both = users.filter(({ username }) => username === 'Gandalf')
  expect(both.map(({ provider: from }) => from).sort()).toEqual(['local', 'oidc'])
  expect(both.map(({ id }) => id)).toContain(user.id)
  await expect(
    running.client.people.addUser({ username: 'Gandalf', password: 'a long password' }),
  ).rejects.toMatchObject({ status: 409 })
})

test('YP-25 YP-26 a run key is for one run, is no user token, and outlasts a restart', async () => {
  const ask = (key: string, runId: string): Promise<Response> =>
    fetch(`${running.hub.url}/api/v1/worker/runs/${runId}/shards/0`, {
      method: 'PATCH',
      headers: { ...withToken(key), 'content-type': 'application/json' },
      body: JSON.stringify({ completed: 1 }),
    })
  const job = async (): Promise<string> =>
    (
      await running.client.submitRun({
        kind: 'job',
        jobType: 'calibrate',
        inputKind: 'files',
        input: { files: { 'a.txt': 'n' } },
        requestedWork: 10,
      })
    ).run.id
  await knowJobType(running, 'calibrate')
  const [a, b] = [await job(), await job()]
  const { token } = await running.client.people.makeRunKey(a)
  expect((await ask(token, a)).status).toBe(202)
  expect((await ask(token, b)).status).toBe(403)
  const [head, body, signature = ''] = token.split('.')
  const tampered = [head, body, `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`].join('.')
  expect((await ask(tampered, a)).status).toBe(401)
  const { token: short } = await running.client.people.makeRunKey(a, { ttlS: 1 })
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  expect((await ask(short, a)).status).toBe(401)

  await running.client.people.addUser({ username: 'worker-no', password: 'a long password' })
  const session = await running.client.people.logIn({ username: 'worker-no', password: 'a long password' })
  expect((await ask(session.accessToken, a)).status).toBe(403)
  await expect(as(token).run(a)).rejects.toMatchObject({ status: 403 })

  for (const service of ['api-gateway', 'run-store'] as const) await running.hub.processes[service]?.restart()
  expect((await ask(token, a)).status).toBe(202)
  expect((await as(session.accessToken).people.me()).user.username).toBe('worker-no')
})

test('YP-10 YP-62 pools are listed, and a name is given once', async () => {
  expect(await admin('pools', 'add', 'cluster-a')).toMatchObject({ code: 0 })
  expect(await admin('pools', 'add', 'cluster-a')).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('There is a pool "cluster-a" already.') as string,
  })
  expect((await running.client.people.pools()).map(({ name }) => name)).toContain('cluster-a')
  expect((await admin('pools', 'list')).stdout).toMatch(/^NAME +KIND +POLICY +ID\ncluster-a +worker +anybody/)
})

test('YP-52 no secret of a user lies in the database, and no answer tells one', async () => {
  const password = 'a password to look for'
  await running.client.people.addUser({ username: 'secretive', password })
  const session = await running.client.people.logIn({ username: 'secretive', password })
  const { text } = await as(session.accessToken).people.makeKey({ name: 'k', scopes: ['runs:read'] })
  const [, , , keySecret = ''] = text.split('_')
  const refreshSecret = session.refreshToken.split('.')[1] ?? ''
  const stored = await tables(running, ['app_user', 'local_credential', 'login_session', 'api_key', 'audit'])
  const told = JSON.stringify([
    await running.client.people.users(),
    await as(session.accessToken).people.keys(),
    await running.client.people.audit({ limit: 500 }),
  ])
  for (const secret of [password, keySecret, refreshSecret, session.accessToken]) {
    expect(secret.length).toBeGreaterThan(20)
    expect(stored).not.toContain(secret)
    expect(told).not.toContain(secret)
  }
})

describe('lucihub admin users', () => {
  test('YP-55 lists all, as a table and as JSON', async () => {
    const { stdout } = await admin('users', 'list')
    expect(stdout).toMatch(/^\d+ users\n\nLOGIN +AUTH PROVIDER +ROLE/)
    const { users } = JSON.parse((await admin('users', 'list', '--json')).stdout) as { users: { username: string }[] }
    expect(stdout.trim().split('\n')).toHaveLength(users.length + 3)
    expect(users.map(({ username }) => username)).toContain('admin')
  })

  test('YP-56 adds one who can log in, and refuses a name that is taken', async () => {
    expect(await admin('users', 'add', 'ada', '--password', 'a long password')).toMatchObject({ code: 0 })
    expect((await running.client.people.logIn({ username: 'ada', password: 'a long password' })).user.role).toBe('user')
    expect(await admin('users', 'add', 'ada', '--password', 'a long password')).toMatchObject({ code: 4 })
    expect(await admin('users', 'add', 'eve', '--password', 'short')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('/password = 5 characters') as string,
    })
  })

  test('YP-57 changes a password: the old one is refused, the new one works', async () => {
    await admin('users', 'add', 'bea', '--password', 'the first one')
    expect(await admin('users', 'update', 'bea', '--password', 'the second one')).toMatchObject({ code: 0 })
    const logIn = (password: string) => running.client.people.logIn({ username: 'bea', password })
    await expect(logIn('the first one')).rejects.toMatchObject({ status: 401 })
    expect((await logIn('the second one')).user.username).toBe('bea')
    expect(await admin('users', 'update', 'nobody', '--password', 'the second one')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('There is no local user "nobody"') as string,
    })
  })

  test('YP-58 removes one who has runs only with them, or when somebody inherits', async () => {
    for (const name of ['cid', 'dan']) await admin('users', 'add', name, '--password', 'a long password')
    const { accessToken } = await running.client.people.logIn({ username: 'cid', password: 'a long password' })
    const { run } = await as(accessToken).submitRun({ kind: 'compile', source: HARMONIC, opTimeNs: 1_000_000 })
    expect(await admin('users', 'remove', 'cid')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('cid has 1 runs') as string,
    })
    expect(await admin('users', 'remove', 'cid', '--reassign', 'dan')).toMatchObject({ code: 0 })
    const heir = await running.client.people.logIn({ username: 'dan', password: 'a long password' })
    expect((await as(heir.accessToken).run(run.id)).id).toBe(run.id)
    expect(await admin('users', 'remove', 'dan', '--with-runs')).toMatchObject({ code: 0 })
    await expect(running.client.run(run.id)).rejects.toMatchObject({ status: 404 })
    expect(await admin('users', 'remove', 'cid')).toMatchObject({ code: 3 })
  })

  test('is for administrators', async () => {
    await running.client.people.addUser({ username: 'plain', password: 'a long password' })
    const { accessToken } = await running.client.people.logIn({ username: 'plain', password: 'a long password' })
    await expect(as(accessToken).people.users()).rejects.toMatchObject({ status: 403 })
  })
})

test('keys are made, listed and revoked, and the audit holds', async () => {
  const { stdout } = await admin('keys', 'create', 'robot', '--scopes', 'runs:read', '--json')
  const { key, text } = JSON.parse(stdout) as { key: { keyId: string }; text: string }
  expect((await as(text).runs({ limit: 1 })).runs).toBeDefined()
  expect((await admin('keys', 'list')).stdout).toContain(key.keyId)
  expect(await admin('keys', 'revoke', key.keyId)).toMatchObject({ code: 0 })
  expect((await admin('keys', 'list')).stdout).toMatch(new RegExp(`${key.keyId} +robot +revoked`))
  expect(await admin('audit', 'check')).toMatchObject({ code: 0 })
  expect((await admin('audit', 'list')).stdout).toContain('key.revoke')
})

/** Everything in some tables, as text. */
async function tables({ hub }: RunningHub, names: readonly string[]): Promise<string> {
  const client = new pg.Client({ connectionString: hub.servers.postgres.url })
  await client.connect()
  try {
    const dumps: string[] = []
    for (const name of names) {
      const { rows } = await client.query<{ readonly text: string }>(
        `SELECT row_to_json(t)::text AS text FROM ${name} t`,
      )
      dumps.push(...rows.map(({ text }) => text))
    }
    return dumps.join('\n')
  } finally {
    await client.end()
  }
}
