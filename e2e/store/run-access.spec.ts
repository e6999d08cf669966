/** Who may ask what of a run: every route below it, as the hub itself lists them, asked by everybody. */
import { jest } from '@jest/globals'
import { createClient, type RunResource } from '@lucihub/sdk'
import { HARMONIC, runningHub, type RunningHub } from '../running-hub.ts'
import { identityProvider, type IdentityProvider } from './identity-provider.ts'

jest.setTimeout(60_000)
let running: RunningHub
let provider: IdentityProvider
const tokens: Record<string, string> = {}
let run: RunResource
let keyId: string

beforeAll(async () => {
  provider = await identityProvider()
  running = await runningHub({
    environment: { 'api-gateway': { OIDC_ISSUER: provider.issuer, OIDC_ENTITLEMENT: 'LUCIHUB_ACCESS' } },
  })
  for (const username of ['owner', 'other', 'viewer']) {
    const credentials = { username, password: 'a long password' }
    await running.client.people.addUser(credentials)
    tokens[username] = (await running.client.people.logIn(credentials)).accessToken
  }
  const claims = { sub: 'p', preferred_username: 'pretender', entitlements: ['LUCIHUB_ACCESS'] }
  const token = await provider.token({ ...claims, role: 'admin', roles: ['admin'], groups: ['admin'], admin: true })
  const login = await fetch(`${running.hub.url}/api/v1/auth/oidc`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  })
  tokens['pretender'] = ((await login.json()) as { accessToken: string }).accessToken

  const owner = createClient({ url: running.hub.url, apiKey: tokens['owner'] ?? '' })
  await owner.tree.createProject({ slug: 'shared' })
  await owner.tree.setMember('shared', { user: 'viewer', role: 'viewer' })
  const spec = { kind: 'simulate', source: HARMONIC, opTimeNs: 1_000_000, project: 'shared' } as const
  run = await running.terminal((await owner.submitRun(spec)).run.id)
  keyId = (await owner.people.makeRunKey(run.id)).keyId
  const file = await ask('PUT', `/runs/${run.id}/files/x`, 'owner', 'octets')
  expect([run.state, file]).toEqual(['COMPLETED', 201])
})
afterAll(async () => {
  await running?.stop()
  await provider?.close()
})

/** What routes need beside their path to get as far as to the run. */
const QUERIES: Readonly<Record<string, () => string>> = {
  'GET /runs/{id}/comparison': () => `?with=${run.id}`,
}
const BODIES: Readonly<Record<string, unknown>> = {
  'POST /runs/{id}/validity': { valid: true, reason: 'seen' },
  'PUT /runs/{id}/files/{name}': 'octets',
  'PATCH /runs/{id}': { title: 'renamed' },
  'PATCH /runs/{id}/notes': { notes: 'n' },
}

/** The status, of the answer in full: also that of events, which end as the run has ended. */
async function ask(method: string, path: string, who: string, body?: unknown): Promise<number> {
  const token = tokens[who]
  const response = await fetch(`${running.hub.url}/api/v1${path}`, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && {
        'content-type': typeof body === 'string' ? 'application/octet-stream' : 'application/json',
      }),
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  await response.arrayBuffer()
  return response.status
}

/** All routes below a run, those that only read first, so that what changes comes when all have been asked. */
async function routes(): Promise<readonly { readonly method: string; readonly path: string }[]> {
  const { paths } = (await (await fetch(`${running.hub.url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, unknown>>
  }
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    path.startsWith('/api/v1/runs/{id}')
      ? Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path: path.replace('/api/v1', '') }))
      : [],
  )
  return [...all.filter(({ method }) => reads(method)), ...all.filter(({ method }) => !reads(method))]
}

const reads = (method: string): boolean => method === 'GET' || method === 'HEAD'

test('YP-44 every part of a run is its owner’s and its members’, and nobody else learns that it exists', async () => {
  const all = await routes()
  expect(all.length).toBeGreaterThan(20)
  const told: Record<string, Record<string, number>> = {}
  const wanted: Record<string, Record<string, number>> = {}
  for (const { method, path } of all) {
    const route = `${method} ${path}`
    const query = QUERIES[route]?.() ?? ''
    const body = BODIES[route] ?? (reads(method) || method === 'DELETE' ? undefined : {})
    const at = (id: string): string =>
      path.replace('{id}', id).replace('{key}', keyId).replace('{number}', '0').replace('{name}', 'x') + query
    const status = (who: string, id = run.id): Promise<number> => ask(method, at(id), who, body)
    const nowhere = '00000000-0000-7000-8000-000000000000'
    const strangers = {
      other: await status('other'),
      pretender: await status('pretender'),
      // Whoever asks without a key too often is told to wait before anything else.
      nobody: await status('nobody').then((code) => (code === 429 ? 401 : code)),
      absent: await status('owner', nowhere),
    }
    const viewer = await status('viewer')
    const owner = reads(method) ? await status('owner') : 0
    told[route] = { ...strangers, viewer, owner }
    wanted[route] = {
      other: 404,
      pretender: 404,
      nobody: 401,
      absent: 404,
      ...(reads(method) ? { viewer: 200, owner: 200 } : { viewer: 403, owner: 0 }),
    }
  }
  expect(told).toEqual(wanted)
  const after = await createClient({ url: running.hub.url, apiKey: tokens['owner'] ?? '' }).run(run.id)
  expect(after).toEqual(run)
})

test('YP-44 who is taken out of a project sees its runs no more, at once', async () => {
  expect(await ask('GET', `/runs/${run.id}`, 'viewer')).toBe(200)
  const owner = createClient({ url: running.hub.url, apiKey: tokens['owner'] ?? '' })
  await owner.tree.removeMember('shared', 'viewer')
  expect(await ask('GET', `/runs/${run.id}`, 'viewer')).toBe(404)
})
