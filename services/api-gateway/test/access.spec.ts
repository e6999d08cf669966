import { until } from '@lucihub/testing'
import { gatewayInTest, jsonBody, problemOf, type GatewayInTest } from './gateway-in-test.ts'

let hub: GatewayInTest
beforeAll(async () => {
  hub = await gatewayInTest()
})
afterAll(() => hub.close())

const withKey = (key: string) => ({ headers: { authorization: `Bearer ${key}` } })

test('without a valid key there is nothing but a 401', async () => {
  const good = hub.key()
  for (const authorization of [undefined, 'Basic YTpi', 'Bearer', `Bearer ${good.slice(0, -1)}#`, good]) {
    const response = await fetch(
      `${hub.url}/api/v1/runs`,
      authorization === undefined ? {} : { headers: { authorization } },
    )
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="lucihub"')
    expect(await problemOf(response)).toMatchObject({
      type: '/problems/unauthenticated',
      status: 401,
      detail: 'Send a valid API key: "Authorization: Bearer lh_live_...".',
    })
  }
})

test('a key with a wrong checksum is refused without asking the store, a wrong secret after asking it', async () => {
  const asked = () => hub.shelf.asked.get('authenticate') ?? 0
  const before = asked()
  const good = hub.key()
  const mistyped = good.replace('SSSS', 'SSST')
  expect((await fetch(`${hub.url}/api/v1/runs`, withKey(mistyped))).status).toBe(401)
  expect(asked()).toBe(before)

  hub.shelf.keys.clear()
  expect((await fetch(`${hub.url}/api/v1/runs`, withKey(good))).status).toBe(401)
  expect(asked()).toBe(before + 1)
})

test('the store is asked once for many requests of a key', async () => {
  const key = hub.key()
  const before = hub.shelf.asked.get('authenticate') ?? 0
  const answers = await Promise.all(Array.from({ length: 20 }, () => fetch(`${hub.url}/api/v1/runs`, withKey(key))))
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
  expect(hub.shelf.asked.get('authenticate')).toBe(before + 1)
})

/** What a stranger may ask for, besides the documentation. */
const OPEN = ['/health', ...['register', 'login', 'oidc', 'refresh', 'logout'].map((what) => `/api/v1/auth/${what}`)]

test('every route but health, logging in and the documentation needs a key', async () => {
  const document = (await (await fetch(`${hub.url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, unknown>>
  }
  const limited = await gatewayInTest({ requestBurst: 1000 })
  try {
    expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(OPEN))
    for (const [path, methods] of Object.entries(document.paths)) {
      if (OPEN.includes(path)) continue
      for (const method of Object.keys(methods)) {
        const address = path.replace(/\{\w+\}/g, '00000000-0000-4000-8000-000000000000')
        const response = await fetch(`${limited.url}${address}`, { method: method.toUpperCase() })
        expect({ path, status: response.status === 429 ? 401 : response.status }).toEqual({ path, status: 401 })
      }
    }
  } finally {
    await limited.close()
  }
  for (const path of ['/health', '/openapi.json', '/api/docs'])
    expect((await fetch(`${hub.url}${path}`)).status).toBe(200)
})

test('a key may do what its scopes say, and an administrator everything', async () => {
  const reader = hub.key({ scopes: ['runs:read'] })
  expect((await fetch(`${hub.url}/api/v1/runs`, withKey(reader))).status).toBe(200)
  const refused = await fetch(`${hub.url}/api/v1/devices`, withKey(reader))
  expect(await problemOf(refused)).toMatchObject({
    type: '/problems/forbidden',
    detail: 'This key lacks the scope devices:read.',
  })
  const admin = hub.key({ scopes: ['admin:*'] })
  expect((await fetch(`${hub.url}/api/v1/devices`, withKey(admin))).status).toBe(200)
})

test('a key that asks too often is told when to come again', async () => {
  const slow = await gatewayInTest({ requestsPerSecond: 1, requestBurst: 2 })
  try {
    const answers = [await slow.ask('/api/v1/runs'), await slow.ask('/api/v1/runs'), await slow.ask('/api/v1/runs')]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429])
    const [first, , third] = answers
    expect(first?.headers.get('ratelimit-limit')).toBe('2')
    expect(first?.headers.get('ratelimit-remaining')).toBe('1')
    expect(third?.headers.get('retry-after')).toBe('1')
    expect((await slow.client({ userId: 'another' }).runs()).runs).toEqual([])
  } finally {
    await slow.close()
  }
})

test('an address that tries keys is slowed down, a good key from there is not', async () => {
  const guessed = await gatewayInTest()
  try {
    const guesses = await Promise.all(
      Array.from({ length: 30 }, () => fetch(`${guessed.url}/api/v1/runs`, withKey('guess'))),
    )
    expect(guesses.filter(({ status }) => status === 401)).toHaveLength(10)
    expect(guesses.filter(({ status }) => status === 429)).toHaveLength(20)
    expect((await guessed.ask('/api/v1/runs')).status).toBe(200)
  } finally {
    await guessed.close()
  }
})

test('without the services behind it the gateway says so, and works again when they are back', async () => {
  const lonely = await gatewayInTest()
  try {
    expect((await lonely.ask('/api/v1/system/status')).status).toBe(200)
    await lonely.answerer.close()
    const response = await lonely.ask(
      '/api/v1/runs',
      jsonBody({ kind: 'run', source: 'probe x;', opTimeNs: 1_000_000 }),
    )
    expect(await problemOf(response)).toMatchObject({ type: '/problems/unavailable', status: 503 })
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    const status = await until(
      async () => {
        const now = await lonely.client().status()
        return now.ready ? null : now
      },
      { what: 'the status is not ready' },
    )
    expect(status?.services).toEqual([
      { name: 'run-store', reachable: false, detail: 'A service is not available at the moment' },
      { name: 'compiler', reachable: false, detail: 'A service is not available at the moment' },
    ])
    expect((await fetch(`${lonely.url}/health`)).status).toBe(200)
  } finally {
    await lonely.close()
  }
})
