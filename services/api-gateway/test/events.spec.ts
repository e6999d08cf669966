import { connect } from 'node:net'
import { broadcasts, runState, type RunEvent } from '@lucihub/contracts'
import { until } from '@lucihub/testing'
import type { RunState } from '@lucihub/analog'
import { storedRun, uuidOf } from './answerer.ts'
import type { RunStreamEvent } from './client.ts'
import { gatewayInTest, problemOf, type GatewayInTest } from './gateway-in-test.ts'

let hub: GatewayInTest
beforeAll(async () => {
  hub = await gatewayInTest()
})
afterAll(() => hub.close())

let runs = 0
let runId = ''
beforeEach(() => {
  runs += 1
  runId = uuidOf(`run-${runs}`)
  storedRun(hub.shelf, { id: runId, ownerId: 'ada', state: 'RUNNING' })
  hub.shelf.events.set(runId, [])
  hub.shelf.beforeEventsReply = () => {}
})

const at = { attempt: 1, atMs: 1_700_000_000_000 }
const log = (seq: number): RunEvent => ({ ...at, seq, log: { lines: [`line ${seq}`] } })
const phase = (seq: number, name: string): RunEvent => ({ ...at, seq, phase: { phase: name, timeNs: 5, reason: '' } })
const state = (seq: number, name: RunState, reason = ''): RunEvent => ({
  ...at,
  seq,
  state: { state: runState.toProto(name), reason },
})
const samples = (seq: number, size = 2): RunEvent => ({
  ...at,
  seq,
  samples: {
    firstIndex: seq * 10,
    bucket: 5,
    count: 10,
    channels: [new Uint8Array(Float32Array.from({ length: size * 2 }, (_, i) => i).buffer)],
  },
})

/** As the run-store does it: records into the story, then everything to whoever listens. States are no records. */
function happen(...events: RunEvent[]): void {
  remember(...events)
  tell(...events)
}

function tell(...events: RunEvent[]): void {
  hub.answerer.bus.broadcast(broadcasts.view, [runId], { runId, events })
}

function remember(...events: RunEvent[]): void {
  hub.shelf.events.set(runId, [
    ...(hub.shelf.events.get(runId) ?? []),
    ...events.filter((event) => !event.samples && !event.state),
  ])
  for (const { state: entered } of events) if (entered) hub.shelf.enter(runId, runState.fromProto(entered.state))
}

/** Collects events in the background. */
function follow(options?: { lastEventId?: string; signal?: AbortSignal }) {
  const seen: RunStreamEvent[] = []
  const ended = (async () => {
    for await (const event of hub.client().events(runId, options)) seen.push(event)
  })()
  return {
    seen,
    ended,
    until: (count: number) => until(() => seen.length >= count, { what: `${count} events are there` }),
  }
}

const brief = (events: readonly RunStreamEvent[]) =>
  events.map((event) =>
    event.kind === 'state'
      ? event.state
      : event.kind === 'lost'
        ? event.kind
        : `${event.kind} ${event.attempt}:${event.seq}`,
  )

test('tells where the run is, what was, and goes on with what happens, to the end', async () => {
  hub.shelf.enter(runId, 'QUEUED')
  const reader = follow()
  await reader.until(1)
  happen(state(0, 'RUNNING'), phase(0, 'IC'))
  await reader.until(3)
  happen(samples(1), log(2))
  happen({ ...at, seq: 3, gap: { fromChunk: 1, toChunk: 2 } })
  happen(
    { ...at, seq: 4, end: { outcome: 'ok', reason: '', started: true, channels: [], overloads: [], finalValues: [] } },
    state(5, 'COMPLETED', 'all stored'),
  )
  await reader.ended
  expect(reader.seen).toEqual([
    { kind: 'state', attempt: 0, seq: 0, at: expect.stringMatching(/Z$/) as string, state: 'QUEUED', reason: '' },
    { kind: 'state', attempt: 1, seq: 0, at: '2023-11-14T22:13:20.000Z', state: 'RUNNING', reason: '' },
    { kind: 'phase', attempt: 1, seq: 0, at: '2023-11-14T22:13:20.000Z', phase: 'IC', timeNs: 5, reason: '' },
    {
      kind: 'samples',
      attempt: 1,
      seq: 1,
      at: '2023-11-14T22:13:20.000Z',
      firstIndex: 10,
      bucket: 5,
      count: 10,
      channels: [{ minimum: Float32Array.of(0, 2), maximum: Float32Array.of(1, 3) }],
    },
    { kind: 'log', attempt: 1, seq: 2, at: '2023-11-14T22:13:20.000Z', lines: ['line 2'] },
    { kind: 'gap', attempt: 1, seq: 3, at: '2023-11-14T22:13:20.000Z', fromChunk: 1, toChunk: 2 },
    { kind: 'end', attempt: 1, seq: 4, at: '2023-11-14T22:13:20.000Z', outcome: 'ok', reason: '' },
    { kind: 'state', attempt: 1, seq: 5, at: '2023-11-14T22:13:20.000Z', state: 'COMPLETED', reason: 'all stored' },
  ])
})

test('what happens between reading the past and listening is neither missed nor told twice', async () => {
  remember(log(0), log(1))
  let once = false
  hub.shelf.beforeEventsReply = async () => {
    if (once) return
    once = true
    // While the answer is on its way: one event that is also in it, and two that are not.
    tell(log(1))
    happen(log(2), log(3))
    await hub.answerer.bus.healthy() // A round trip to the server: the broadcasts are out.
  }
  const reader = follow()
  await reader.until(5)
  happen(log(4), state(5, 'COMPLETED'))
  await reader.ended
  expect(brief(reader.seen)).toEqual(['RUNNING', 'log 1:0', 'log 1:1', 'log 1:2', 'log 1:3', 'log 1:4', 'COMPLETED'])
})

test('what was heard before it is stored leaves no hole', async () => {
  const reader = follow()
  await reader.until(1)
  // Record 0 was told to nobody here and is stored late, as when a reader comes just then; record 1 is heard first.
  tell(phase(1, 'OP'))
  tell(samples(2))
  await hub.answerer.bus.healthy()
  remember(phase(0, 'IC'), phase(1, 'OP'))
  await reader.until(4)
  happen(state(3, 'COMPLETED'))
  await reader.ended
  expect(brief(reader.seen)).toEqual(['RUNNING', 'phase 1:0', 'phase 1:1', 'samples 1:2', 'COMPLETED'])
})

test('recent samples come with the past, once', async () => {
  hub.shelf.events.set(runId, [phase(0, 'OP'), samples(1), samples(2)])
  const reader = follow()
  await reader.until(4)
  tell(samples(2), samples(3))
  await reader.until(5)
  happen(state(4, 'COMPLETED'))
  await reader.ended
  expect(brief(reader.seen)).toEqual(['RUNNING', 'phase 1:0', 'samples 1:1', 'samples 1:2', 'samples 1:3', 'COMPLETED'])
})

test('a reader resumes behind the last event it saw, and knows that samples may be missing', async () => {
  hub.shelf.events.set(runId, [log(0), log(1), samples(2), log(3)])
  const reader = follow({ lastEventId: '1:1' })
  await reader.until(2)
  tell(samples(4))
  await reader.until(3)
  happen(state(5, 'COMPLETED'))
  await reader.ended
  expect(brief(reader.seen)).toEqual(['lost', 'log 1:3', 'samples 1:4', 'COMPLETED'])
})

test('a reader that saw everything is told the final state again, so that it ends', async () => {
  remember(log(0), state(0, 'FAILED'))
  const reader = follow({ lastEventId: '1:0' })
  await reader.ended
  expect(brief(reader.seen)).toEqual(['FAILED'])
})

test('a long past comes page by page', async () => {
  remember(...Array.from({ length: 1_234 }, (_, seq) => log(seq)), state(1_234, 'CANCELED'))
  const reader = follow()
  await reader.ended
  expect(reader.seen).toHaveLength(1_235)
  expect(brief(reader.seen.slice(-2))).toEqual(['log 1:1233', 'CANCELED'])
})

test('what nobody told is found in the store', async () => {
  const reader = follow()
  await reader.until(1)
  remember(log(0), log(1), state(2, 'COMPLETED'))
  await reader.ended
  expect(brief(reader.seen)).toEqual(['RUNNING', 'log 1:0', 'log 1:1', 'COMPLETED'])
})

test('many readers of a run share one subscription and the same events', async () => {
  const readers = Array.from({ length: 10 }, () => follow())
  happen(log(0))
  await Promise.all(readers.map((reader) => reader.until(2)))
  happen(samples(1), state(2, 'COMPLETED'))
  await Promise.all(readers.map(({ ended }) => ended))
  for (const { seen } of readers) expect(brief(seen)).toEqual(['RUNNING', 'log 1:0', 'samples 1:1', 'COMPLETED'])
})

test('a reader that leaves ends quietly', async () => {
  const leaving = new AbortController()
  const reader = follow({ signal: leaving.signal })
  happen(log(0))
  await reader.until(2)
  leaving.abort()
  await reader.ended
})

test('a stream begins with its headers and lives by heartbeats', async () => {
  const leaving = new AbortController()
  const response = await hub.ask(`/api/v1/runs/${runId}/events`, {
    headers: { accept: 'text/event-stream' },
    signal: leaving.signal,
  })
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  const reader = response.body!.getReader()
  let text = ''
  await until(
    async () => {
      text += new TextDecoder().decode((await reader.read()).value)
      return text.includes(':\n\n')
    },
    { what: 'a heartbeat came' },
  )
  expect(text).toMatch(/^retry: 1000\n\n/)
  leaving.abort()
})

test('a reader that does not read loses samples, is told so, and misses nothing of the story', async () => {
  const { port, hostname } = new URL(hub.url)
  const socket = connect(Number(port), hostname)
  socket.write(`GET /api/v1/runs/${runId}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${hub.key()}\r\n\r\n`)
  let text = ''
  socket.on('data', (bytes) => (text += bytes.toString()))
  await until(() => text.includes('retry: 1000'), { what: 'the stream has begun' })
  socket.pause()
  // 40 MB: more than the sockets on both sides and our queue hold together.
  for (let seq = 0; seq < 400; seq += 1) {
    happen(samples(seq, 8_192))
    if (seq % 20 === 0) await hub.answerer.bus.healthy()
  }
  happen(log(400), state(401, 'COMPLETED'))
  socket.resume()
  await until(() => text.includes('"COMPLETED"'), { what: 'the final state came', timeoutMs: 15_000 })
  socket.destroy()
  const count = (what: string) => text.split(what).length - 1
  expect({
    lost: count('event: lost') > 0,
    story: count('"lines":["line 400"]'),
    allSamples: count('event: samples') >= 400,
  }).toEqual({
    lost: true,
    story: 1,
    allSamples: false,
  })
})

test('a gateway serves so many streams and no more', async () => {
  const tight = await gatewayInTest({ streamsMax: 1 })
  try {
    storedRun(tight.shelf, { id: runId, ownerId: 'ada', state: 'RUNNING' })
    const leaving = new AbortController()
    const first = await tight.ask(`/api/v1/runs/${runId}/events`, { signal: leaving.signal })
    expect(first.status).toBe(200)
    const second = await tight.ask(`/api/v1/runs/${runId}/events`)
    expect(second.headers.get('retry-after')).toBe('5')
    expect(await problemOf(second)).toMatchObject({
      type: '/problems/too-many-requests',
      detail: 'This gateway serves 1 event streams and all are taken.',
    })
    leaving.abort()
    await until(
      async () => {
        const third = await tight.ask(`/api/v1/runs/${runId}/events`, { signal: AbortSignal.timeout(1000) })
        return third.status === 200
      },
      { what: 'the place is free again' },
    )
  } finally {
    await tight.close()
  }
})

test('the log is JSON, or text that stays on its line', async () => {
  remember(log(0), { ...at, seq: 1, log: { lines: ['two\nlines', '\u001b[31mred'] } }, phase(2, 'OP'))
  expect(await hub.client().logs(runId)).toEqual({
    lines: [
      { shard: 0, name: 'device.log', attempt: 1, at: '2023-11-14T22:13:20.000Z', line: 'line 0' },
      { shard: 0, name: 'device.log', attempt: 1, at: '2023-11-14T22:13:20.000Z', line: 'two\nlines' },
      { shard: 0, name: 'device.log', attempt: 1, at: '2023-11-14T22:13:20.000Z', line: '\u001b[31mred' },
    ],
  })
  const text = await hub.ask(`/api/v1/runs/${runId}/logs`, { headers: { accept: 'text/plain' } })
  expect(await text.text()).toBe(
    '2023-11-14T22:13:20.000Z 1 line 0\n2023-11-14T22:13:20.000Z 1 two\ufffdlines\n2023-11-14T22:13:20.000Z 1 \ufffd[31mred\n',
  )
})
