/** The client against a server of the specs' own; against the real hub it is tried in the gateway's specs and end to end. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { HubProblem, TransportError, createClient, type Client, type RunStreamEvent } from './index.ts'

let server: Server
let client: Client
let requests: IncomingMessage[] = []
let answer: (request: IncomingMessage, response: ServerResponse) => void = () => {}

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(request)
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  client = createClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, apiKey: 'lh_live_key' })
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  requests = []
})

const json =
  (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  (_request: IncomingMessage, response: ServerResponse) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))

test('asks the path with the key and its parameters', async () => {
  answer = json({ runs: [], nextCursor: null })
  await client.runs({ state: ['QUEUED', 'RUNNING'], device: 'a b', limit: 5 })
  expect(requests[0]?.url).toBe('/api/v1/runs?state=QUEUED%2CRUNNING&device=a+b&limit=5')
  expect(requests[0]?.headers).toMatchObject({ authorization: 'Bearer lh_live_key', accept: 'application/json' })
  await client.plot('r/1', { channels: ['x', 1], from: 0.5, to: '#100' })
  expect(requests[1]?.url).toBe('/api/v1/runs/r%2F1/plot?channels=x%2C%231&from=0.5&to=%23100')
})

test('a problem document becomes the problem it tells of', async () => {
  const diagnostics = [{ code: 'ANA0001', severity: 'error', message: 'm', hint: '', span: null, excerpt: '' }]
  const violations = [{ pointer: '/k0', value: '1', message: 'm', remedy: 'r' }]
  answer = json(
    { type: '/problems/compilation-failed', detail: 'Line 1: m', traceId: 'abc', violations, diagnostics },
    422,
    { 'retry-after': '3' },
  )
  const failure = await client.run('1').catch((thrown: unknown) => thrown)
  expect(failure).toBeInstanceOf(HubProblem)
  expect(failure).toMatchObject({
    type: 'compilation-failed',
    message: 'Line 1: m',
    status: 422,
    retryAfterS: 3,
    traceId: 'abc',
    violations,
    diagnostics,
  })
})

test('what is no hub, or not there, is a transport error', async () => {
  answer = (_request, response) => void response.writeHead(502).end('<h1>Bad gateway</h1>')
  await expect(client.status()).rejects.toThrow(/answered 502, not as a hub would: <h1>Bad gateway<\/h1>$/)
  answer = json({ type: '/problems/of-tomorrow', detail: 'x' }, 400)
  await expect(client.status()).rejects.toBeInstanceOf(TransportError)
  answer = (_request, response) => void response.end('{"half":')
  await expect(client.status()).rejects.toThrow('/api/v1/system/status broke off or is not JSON')
  const nobody = createClient({ url: 'http://127.0.0.1:1', apiKey: '' })
  await expect(nobody.status()).rejects.toThrow(/^no answer from http:\/\/127\.0\.0\.1:1\/api\/v1: /)
})

describe('events', () => {
  const stream = (response: ServerResponse, ...messages: string[]) =>
    response
      .writeHead(200, { 'content-type': 'text/event-stream' })
      .write(messages.map((message) => `${message}\n\n`).join(''))
  const log = (seq: number) => `id: 1:${seq}\nevent: log\ndata: {"attempt":1,"seq":${seq},"at":"","lines":[]}`
  const completed = 'event: state\ndata: {"attempt":1,"seq":9,"at":"","state":"COMPLETED","reason":""}'
  const all = async (events: AsyncIterable<RunStreamEvent>) => {
    const seen: string[] = []
    for await (const event of events) seen.push('seq' in event ? `${event.kind} ${event.seq}` : event.kind)
    return seen
  }

  test('are read on where a broken connection left off', async () => {
    answer = ({ headers }, response) => {
      if (headers['last-event-id'] === undefined) {
        stream(response, log(0), log(1))
        setImmediate(() => response.destroy())
      } else stream(response, log(2), completed)
    }
    expect(await all(client.events('r'))).toEqual(['log 0', 'log 1', 'log 2', 'state 9'])
    expect(requests.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1:1'])
  })

  test('that this version does not know are passed over, samples are typed arrays', async () => {
    const pairs = Buffer.from(Float32Array.of(-1, 1, -2, 2).buffer).toString('base64')
    answer = (_request, response) =>
      void stream(
        response,
        'event: novelty\ndata: {}',
        `event: samples\ndata: {"attempt":1,"seq":1,"at":"","firstIndex":0,"bucket":4,"count":8,"channels":["${pairs}"]}`,
        'event: lost\ndata: {}',
        completed,
      )
    const seen: RunStreamEvent[] = []
    for await (const event of client.events('r')) seen.push(event)
    expect(seen.map(({ kind }) => kind)).toEqual(['samples', 'lost', 'state'])
    expect(seen[0]).toMatchObject({ channels: [{ minimum: Float32Array.of(-1, -2), maximum: Float32Array.of(1, 2) }] })
  })

  test('of a run that is not there are a problem at once, a busy hub is asked again', async () => {
    answer = json({ type: '/problems/not-found', detail: 'There is no run "r".' }, 404)
    await expect(all(client.events('r'))).rejects.toThrow('There is no run "r".')
    let asked = 0
    answer = (request, response) => {
      asked += 1
      if (asked === 1) json({ type: '/problems/unavailable', detail: 'later' }, 503)(request, response)
      else stream(response, completed)
    }
    expect(await all(client.events('r'))).toEqual(['state 9'])
  })

  test('end when their reader leaves', async () => {
    let closed: Promise<void> = Promise.resolve()
    answer = (_request, response) => {
      closed = new Promise((resolve) => response.on('close', resolve))
      stream(response, log(0))
    }
    for await (const event of client.events('r')) {
      expect(event.kind).toBe('log')
      break
    }
    await closed
  })
})

test('measurements must be as long as their headers say', async () => {
  answer = ({ url }, response) => {
    if (url?.includes('/channels'))
      json({ attempt: 1, sampleRateHz: 10, problemTimePerSecond: 0, channels: [] })({} as IncomingMessage, response)
    else
      response
        .writeHead(200, { 'lucihub-channels': '0', 'lucihub-samples': '3', 'lucihub-first-index': '0' })
        .end(Buffer.alloc(8))
  }
  await expect(client.samples('r')).rejects.toThrow('expected 1 channels of 3 samples, got 8 bytes')
})
