import { connect, type Socket } from 'node:net'
import { gatewayInTest, jsonBody, problemOf, type GatewayInTest } from './gateway-in-test.ts'

let hub: GatewayInTest
beforeAll(async () => {
  hub = await gatewayInTest()
})
afterAll(() => hub.close())

const RUN = { kind: 'run', source: 'probe x;', opTimeNs: 1_000_000 }

describe('what is not well formed', () => {
  test('an unknown address is told from a wrong method', async () => {
    const unknown = await hub.ask('/api/v1/nothing')
    expect(await problemOf(unknown)).toMatchObject({
      type: '/problems/not-found',
      status: 404,
      instance: '/api/v1/nothing',
    })

    const method = await hub.ask('/api/v1/runs', { method: 'DELETE' })
    expect(await problemOf(method)).toMatchObject({
      type: '/problems/method-not-allowed',
      detail: 'DELETE is not offered here; POST, GET is.',
    })
    expect(method.headers.get('allow')).toBe('POST, GET')
  })

  test('JSON that is none is refused with its place', async () => {
    const response = await hub.ask('/api/v1/runs', jsonBody('{"kind": "run",\n "opTimeNs": }'))
    expect(await problemOf(response)).toMatchObject({
      type: '/problems/invalid-request',
      detail: 'The body is not usable JSON: at line 2, column 14, a value should be here.',
    })
  })

  test.each([
    ['1e999', '{"kind":"run","opTimeNs":1e999}', '1e999 is larger than any number can be'],
    ['a __proto__ key', '{"kind":"run","__proto__":{"admin":true}}', 'the key "__proto__" is not allowed'],
    ['deep nesting', `{"source":${'['.repeat(100)}${']'.repeat(100)}}`, 'it is nested more than 32 levels deep'],
  ])('%s is refused', async (_what, body, detail) => {
    const response = await hub.ask('/api/v1/runs', jsonBody(body))
    expect(response.status).toBe(400)
    expect((await problemOf(response))['detail']).toContain(detail)
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
  })

  test('no body at all is a violation', async () => {
    const response = await hub.ask('/api/v1/runs', { method: 'POST' })
    expect(await problemOf(response)).toMatchObject({
      type: '/problems/invalid-request',
      violations: [{ pointer: '', message: 'It is required.', remedy: 'Send an object.' }],
    })
  })

  test('a body above 1 MiB is too large', async () => {
    const response = await hub.ask('/api/v1/runs', jsonBody({ ...RUN, source: 'x'.repeat(1_100_000) }))
    expect(await problemOf(response)).toMatchObject({
      type: '/problems/too-large',
      detail: 'The body may have at most 1048576 bytes.',
    })
  })

  test('a body of 10 MB is read to its end and thrown away, so that its sender sees the answer', async () => {
    const response = await hub.ask('/api/v1/runs', jsonBody({ ...RUN, source: 'x'.repeat(10_000_000) }))
    expect(await problemOf(response)).toMatchObject({ type: '/problems/too-large', status: 413 })
  })

  test('another content type is not supported', async () => {
    const response = await hub.ask('/api/v1/runs', {
      method: 'POST',
      headers: { 'content-type': 'application/x-yaml' },
      body: 'kind: run',
    })
    expect(await problemOf(response)).toMatchObject({ type: '/problems/unsupported-media-type', status: 415 })
  })

  test('a form is not JSON', async () => {
    const response = await hub.ask('/api/v1/runs', { method: 'POST', body: new URLSearchParams({ kind: 'run' }) })
    expect(response.status).toBe(415)
  })

  test('a path that is none, and bytes that are no request, get an answer all the same', async () => {
    expect(await raw('GET /%E0%A4%A HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1.1 400[^]*"\/problems\/invalid-request"[^]*not a valid URL path/,
    )
    expect(await raw('NONSENSE\r\n\r\n')).toMatch(
      /^HTTP\/1.1 400[^]*application\/problem\+json[^]*not a well-formed HTTP request/,
    )
    const smuggled =
      'POST /api/v1/runs HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
    expect(await raw(smuggled)).toMatch(/^HTTP\/1.1 400/)
  })
})

describe('values', () => {
  test('unknown fields are named', async () => {
    const response = await hub.ask('/api/v1/runs', jsonBody({ ...RUN, opTime: 5, owner: 'eve' }))
    const problem = await problemOf(response)
    expect(problem).toMatchObject({
      type: '/problems/invalid-request',
      violations: [
        { pointer: '/opTime', value: '5', message: 'There is no field "opTime".' },
        { pointer: '/owner', value: 'eve', message: 'There is no field "owner".' },
      ],
    })
  })

  test('every value out of bounds is reported at once, with its remedy', async () => {
    const response = await hub.ask(
      '/api/v1/runs',
      jsonBody({ ...RUN, opTimeNs: 1, sampleRateHz: 1e9, maxAttempts: 2.5, title: 'x'.repeat(300) }),
    )
    const { type, violations } = await problemOf(response)
    expect(type).toBe('/problems/invalid-request')
    expect(violations).toEqual([
      {
        pointer: '/title',
        value: `${'x'.repeat(77)}...`,
        message: 'It must be at most 200 characters long.',
        remedy: 'Send at most 200.',
      },
      { pointer: '/opTimeNs', value: '1', message: 'It must be at least 100.', remedy: 'Send at least 100.' },
      {
        pointer: '/sampleRateHz',
        value: '1000000000',
        message: 'It must be at most 500000.',
        remedy: 'Send at most 500000.',
      },
      { pointer: '/maxAttempts', value: '2.5', message: 'It must be an integer.', remedy: 'Send an integer.' },
    ])
    const bounds = await hub.ask('/api/v1/runs', jsonBody({ ...RUN, opTimeNs: 1 }))
    expect(await problemOf(bounds)).toMatchObject({ type: '/problems/validation-failed', status: 422 })
  })

  test('a run needs one of source, configuration, apb and circuit', async () => {
    const response = await hub.ask('/api/v1/runs', jsonBody({ kind: 'run', opTimeNs: 1_000_000 }))
    expect(await problemOf(response)).toMatchObject({
      type: '/problems/validation-failed',
      violations: [
        {
          pointer: '/source',
          message: 'A run needs exactly one of source, configuration, apb and circuit.',
          remedy: 'Send one of the four.',
        },
      ],
    })
  })

  test('query parameters are checked as strictly', async () => {
    const pointers = async (query: string): Promise<string[]> => {
      const { violations } = await problemOf(await hub.ask(`/api/v1/runs?${query}`))
      return (violations as { pointer: string }[]).map(({ pointer }) => pointer).sort()
    }
    expect(await pointers('limit=1000&state=DONE')).toEqual(['/limit', '/state/0'])
    expect(await pointers('status=x&tags=y')).toEqual(['/status', '/tags'])
    const twice = await hub.ask('/api/v1/runs?limit=1&limit=2')
    expect(twice.status).toBe(400)
  })
})

test('what is our fault says nothing but a trace id', async () => {
  hub.shelf.refusal = new Error('secret of the store: /var/lib')
  const response = await hub.ask('/api/v1/runs', jsonBody(RUN))
  const problem = await problemOf(response)
  expect(problem).toEqual({
    type: '/problems/internal',
    title: 'Something went wrong on our side',
    status: 500,
    instance: '/api/v1/runs',
    detail: 'The error was logged under this trace id.',
    traceId: problem['traceId'],
  })
})

test("the caller's trace id is kept", async () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c'
  const response = await hub.ask('/api/v1/nothing', { headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01` } })
  expect((await problemOf(response))['traceId']).toBe(traceId)
})

test('every answer carries the headers that browsers heed', async () => {
  const response = await hub.ask('/health')
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  })
  expect(response.headers.get('x-powered-by')).toBeNull()
})

/** Sends bytes and reads until the connection closes. */
function raw(request: string): Promise<string> {
  const { port, hostname } = new URL(hub.url)
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(Number(port), hostname, () => socket.write(request))
    let answer = ''
    socket.on('data', (bytes) => (answer += bytes.toString()))
    socket.on('end', () => resolve(answer))
    socket.on('error', reject)
  })
}
