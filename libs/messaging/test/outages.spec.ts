import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Controller } from '@nestjs/common'
import { compiler, STREAMS, type CompileReply, type CompileRequest, type JournalRecord } from '@lucihub/contracts'
import { Answer, Bus, Consume, ConsumeBatch, type Delivery, type Received } from '@lucihub/messaging'
import { privateNats, until, type PrivateServer } from '@lucihub/testing'
import { administer, microservice, type Microservice } from './microservice.ts'
import { blocks, record, singles } from './records.ts'

const ADDRESS: [host: string, deviceId: string, runId: string] = ['host-1', 'device-1', 'run-1']

let folder: string
let nats: PrivateServer
const started: Microservice[] = []
const buses: Bus[] = []

const seen: number[] = []
const redelivered: number[] = []
let hold: Promise<void> | null = null
let asked = 0

@Controller()
class Collector {
  @ConsumeBatch(blocks, { durable: 'data', maxMessages: 100, maxBytes: 1_000_000, maxWaitMs: 20 })
  async data(batch: readonly Received<JournalRecord>[]): Promise<void> {
    await Promise.resolve()
    for (const { message } of batch) seen.push(message.seq)
  }

  @Answer(compiler.compile)
  async compile({ source }: CompileRequest): Promise<CompileReply> {
    asked++
    await hold
    return { diagnostics: [{ code: '', severity: 3, message: source, hint: '' }] }
  }

  @Consume(singles, { durable: 'events', ackWaitMs: 1_000 })
  async event({ seq }: JournalRecord, { deliveries }: Delivery): Promise<void> {
    if (deliveries > 1) redelivered.push(seq)
    await hold
    seen.push(seq)
  }
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lucihub-outages-'))
  process.env['LUCIHUB_TEST_DIR'] = folder // where privateNats puts its store: the tests delete it
  nats = await privateNats({ syncAlways: true })
  seen.length = 0
  redelivered.length = 0
  hold = null
  asked = 0
})

afterEach(async () => {
  for (const { app } of started.splice(0)) await app.close()
  for (const bus of buses.splice(0)) await bus.drain()
  await nats.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function collector(): Promise<Bus> {
  const service = await microservice(nats.url, [Collector])
  started.push(service)
  return service.bus
}

async function publisher(): Promise<Bus> {
  const bus = await Bus.connect({ url: nats.url, name: 'publisher' })
  buses.push(bus)
  return bus
}

const distinct = (): number[] => [...new Set(seen)].sort((a, b) => a - b)
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

test('a server killed while 1000 messages are being published loses none of them', async () => {
  await collector()
  const bus = await publisher()
  let published = 0
  const publish = (seq: number): Promise<void> =>
    bus.publish(blocks, ADDRESS, record(seq), { id: `${seq}` }).then(() => {
      published++
    })
  const before = upTo(500).map(publish)
  await until(() => published > 0, { what: 'some are published' })
  await nats.kill()
  const during = upTo(1_000).slice(500).map(publish)
  await nats.restart()
  await Promise.all([...before, ...during])
  // What was on its way when the server died comes back after the ack wait.
  await until(() => distinct().length === 1_000, { what: 'all are handled', timeoutMs: 25_000 })
  expect(distinct()).toEqual(upTo(1_000))
  const { state } = await administer(nats.url, ({ streams }) => streams.info(STREAMS.journal.name))
  expect(state.messages).toBe(1_000)
}, 60_000)

test('after the total loss of the store, streams and consumers come back and work goes on', async () => {
  await collector()
  const bus = await publisher()
  await bus.publish(blocks, ADDRESS, record(0), { id: 'before' })
  await until(() => seen.length === 1, { what: 'the first record is handled' })
  await nats.kill()
  for (const store of readdirSync(folder)) rmSync(join(folder, store, 'jetstream'), { recursive: true })
  await nats.restart()
  await Promise.all(upTo(50).map((seq) => bus.publish(blocks, ADDRESS, record(seq + 1), { id: `after ${seq}` })))
  await bus.publish(singles, ADDRESS, record(100), { id: 'event' })
  await until(() => distinct().length === 52, { what: 'everything since is handled' })
  const { config } = await administer(nats.url, ({ streams }) => streams.info(STREAMS.journal.name))
  expect(config).toMatchObject({ discard: 'new', deny_delete: true })
})

test('a consumer or stream that somebody deleted comes back', async () => {
  const bus = await collector()
  await administer(nats.url, ({ consumers }) => consumers.delete(STREAMS.journal.name, 'data'))
  await bus.publish(blocks, ADDRESS, record(0), { id: '0' })
  await until(() => seen.length > 0, { what: 'it is handled by the new consumer' })
  await administer(nats.url, ({ streams }) => streams.delete(STREAMS.journal.name))
  await bus.publish(blocks, ADDRESS, record(1), { id: '1' })
  await until(() => seen.includes(1), { what: 'it is handled from the new stream' })
})

test('a message is acked only after its handler: when its process dies, another gets it', async () => {
  let release = (): void => undefined
  hold = new Promise((resolve) => {
    release = resolve
  })
  const first = await collector()
  const bus = await publisher()
  await bus.publish(singles, ADDRESS, record(7), { id: '7' })
  await until(async () => (await info('events')).num_ack_pending === 1, { what: 'it is at work' })
  await first.connection.nats.close() // as abrupt as a crash: nothing is said to the server any more
  await collector()
  await until(() => redelivered.includes(7), { what: 'the other process gets it' })
  expect(seen).toEqual([])
  release()
  await until(async () => (await info('events')).num_ack_pending === 0, { what: 'it is acked' })
})

test('a handler that takes longer than the ack wait keeps its message', async () => {
  let release = (): void => undefined
  hold = new Promise((resolve) => {
    release = resolve
  })
  await collector()
  const bus = await publisher()
  await bus.publish(singles, ADDRESS, record(8), { id: '8' })
  await until(async () => (await info('events')).num_ack_pending === 1, { what: 'it is at work' })
  const since = Date.now()
  await until(() => Date.now() - since > 2_500, { what: 'the ack wait of 1 s has passed twice' })
  expect(redelivered).toEqual([])
  release()
  await until(async () => (await info('events')).num_ack_pending === 0, { what: 'it is acked' })
  expect(seen).toEqual([8])
})

test('closing waits for the handlers at work, and gives back what was only fetched', async () => {
  let release = (): void => undefined
  hold = new Promise((resolve) => {
    release = resolve
  })
  await collector()
  const bus = await publisher()
  for (const seq of [1, 2]) await bus.publish(singles, ADDRESS, record(seq), { id: `${seq}` })
  await until(async () => (await info('events')).num_ack_pending === 2, { what: 'one is at work, one is fetched' })
  const [service] = started.splice(0)
  let closed = false
  const closing = service?.app.close().then(() => {
    closed = true
  })
  await bus.connection.nats.flush()
  expect(closed).toBe(false)
  release()
  await closing
  expect(seen).toEqual([1])
  expect(service?.bus.connection.nats.isClosed()).toBe(true)
  await collector()
  await until(() => seen.length === 2, { what: 'the next process handles what was given back' })
  expect(seen).toEqual([1, 2])
})

test('without a server, publishing gives up after its time', async () => {
  const bus = await publisher()
  await bus.provision()
  await nats.kill()
  await expect(bus.publish(blocks, ADDRESS, record(1), { id: '1', timeoutMs: 300 })).rejects.toMatchObject({
    type: 'unavailable',
    message: 'No stream took a message on lh.v1.jrn.host-1.device-1.run-1 within 300 ms.',
  })
  await expect(Bus.connect({ url: nats.url, name: 'late', connectTimeoutMs: 100 })).rejects.toMatchObject({
    type: 'unavailable',
  })
  await nats.restart()
})

test('a service that starts before its server waits for it', async () => {
  await nats.kill()
  const connecting = Bus.connect({ url: nats.url, name: 'early' })
  await nats.restart()
  const bus = await connecting
  buses.push(bus)
  await bus.provision()
  await expect(bus.healthy()).resolves.toBe(true)
})

test('a call made while the server is away is answered when it is back', async () => {
  await collector()
  const bus = await publisher()
  await nats.kill()
  await until(async () => !(await bus.connection.connected(0)), { what: 'the loss is noticed' })
  const reply = bus.call(compiler.compile, { source: 'x', opTimeNs: 0, k0: 0 })
  await nats.restart()
  await expect(reply).resolves.toMatchObject({ diagnostics: [{ message: 'x' }] })
  expect(asked).toBe(1)
})

test('a call whose answer was lost with the connection is a timeout, at once, and is not asked again', async () => {
  let release = (): void => undefined
  hold = new Promise((resolve) => {
    release = resolve
  })
  await collector()
  const bus = await publisher()
  const reply = bus.call(compiler.compile, { source: 'x', opTimeNs: 0, k0: 0 }, { timeoutMs: 60_000 })
  const lost = expect(reply).rejects.toMatchObject({
    type: 'timeout',
    message: 'The connection was lost before lh.v1.rpc.compiler.compile answered.',
  })
  await until(() => asked === 1, { what: 'it is being answered' })
  await nats.kill()
  await nats.restart()
  await lost
  release()
  expect(asked).toBe(1)
})

function info(durable: string) {
  return administer(nats.url, ({ consumers }) => consumers.info(STREAMS.command.name, durable))
}
