import { Controller } from '@nestjs/common'
import { connect, headers } from '@nats-io/transport-node'
import { Problem } from '@lucihub/analog'
import {
  broadcasts,
  feeds,
  STREAMS,
  type CancelNudge,
  type JournalRecord,
  type RunCommand,
  type ViewFrame,
} from '@lucihub/contracts'
import { Consume, ConsumeBatch, Listen, type Bus, type Delivery, type Received } from '@lucihub/messaging'
import { privateNats, until, type PrivateServer } from '@lucihub/testing'
import { checksumOf } from '../src/checksum.ts'
import { administer, microservice, type Microservice } from './microservice.ts'
import { blocks, record, singles } from './records.ts'

let nats: PrivateServer
let service: Microservice
let bus: Bus

const events: { readonly seq: number; readonly deliveries: number; readonly subject: string }[] = []
const batches: number[][] = []
const commands: { readonly runId: string; readonly subject: string }[] = []
const nudges: string[] = []
const views: string[] = []
/** What the handlers throw, by seq. */
const failures = new Map<number, (deliveries: number) => unknown>()

function failIfAsked(seq: number, deliveries: number): void {
  const failure = failures.get(seq)?.(deliveries)
  if (failure !== undefined) throw failure
}

@Controller()
class Handlers {
  @Consume(singles, { durable: 'events' })
  async event({ seq }: JournalRecord, { deliveries, subject }: Delivery): Promise<void> {
    await Promise.resolve()
    failIfAsked(seq, deliveries)
    events.push({ seq, deliveries, subject })
  }

  @ConsumeBatch(blocks, { durable: 'data', maxMessages: 50, maxBytes: 1_000_000, maxWaitMs: 200 })
  async data(batch: readonly Received<JournalRecord>[]): Promise<void> {
    await Promise.resolve()
    for (const { message, delivery } of batch) failIfAsked(message.seq, delivery.deliveries)
    batches.push(batch.map(({ message }) => message.seq))
  }

  @Consume(feeds.runCommand, { durable: 'commands', perHost: true })
  async command({ runId }: RunCommand, { subject }: Delivery): Promise<void> {
    commands.push({ runId, subject })
    return Promise.resolve()
  }

  @Listen(broadcasts.cancelNudge, { perHost: true })
  async nudge({ runId }: CancelNudge): Promise<void> {
    nudges.push(runId)
    return Promise.resolve()
  }

  @Listen(broadcasts.view)
  async view({ runId }: ViewFrame, subject: string): Promise<void> {
    views.push(`${runId} ${subject}`)
    if (runId === 'bad') throw new Error('a listener may fail')
    return Promise.resolve()
  }
}

beforeAll(async () => {
  nats = await privateNats()
  service = await microservice(nats.url, [Handlers], 'host-1')
  bus = service.bus
})

afterAll(async () => {
  await service.app.close()
  await nats.stop()
})

const publishEvent = (seq: number, id = `e${seq}`): Promise<void> =>
  bus.publish(singles, ['host-1', 'device-1', 'run-1'], record(seq), { id })
const publishData = (seq: number): Promise<void> =>
  bus.publish(blocks, ['host-1', 'device-1', 'run-1'], record(seq), { id: `d${seq}` })
const handled = (seq: number) => events.filter((event) => event.seq === seq)

interface Letter {
  readonly reason: string
  readonly subject: string
  readonly bytes: Uint8Array
}

/** Waits for this many dead letters of one original subject. */
async function deadLetters(original: string, count: number): Promise<readonly Letter[]> {
  const letters: Letter[] = []
  await until(
    async () => {
      letters.splice(0, Infinity, ...(await lettersNow(original)))
      return letters.length === count
    },
    { what: `${count} dead letters of ${original} are there` },
  )
  return letters
}

function lettersNow(original: string): Promise<readonly Letter[]> {
  return administer(nats.url, async ({ streams }) => {
    const { state } = await streams.info(STREAMS.deadLetter.name)
    const letters: Letter[] = []
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const letter = await streams.getMessage(STREAMS.deadLetter.name, { seq })
      if (letter?.subject !== `lh.v1.dlq.${original}`) continue
      letters.push({
        reason: letter.header.get('Lh-Reason'),
        subject: letter.header.get('Lh-Subject'),
        bytes: letter.data,
      })
    }
    return letters
  })
}

test('streams are what the contract says, and provisioning again changes nothing', async () => {
  await bus.provision()
  const infos = await administer(nats.url, async ({ streams }) =>
    Promise.all(Object.values(STREAMS).map(({ name }) => streams.info(name))),
  )
  for (const { config } of infos) {
    expect(config).toMatchObject({
      storage: 'file',
      retention: 'limits',
      discard: 'new',
      deny_delete: true,
      allow_rollup_hdrs: false,
      duplicate_window: 120e9,
    })
  }
  const limits = (name: string): number | undefined =>
    infos.find(({ config }) => config.name === name)?.config.max_msgs_per_subject
  expect(limits('LH_DEV')).toBe(1)
  expect(limits('LH_CMD')).toBe(-1)
})

test('a stream that drifted is put right', async () => {
  await administer(nats.url, ({ streams }) => streams.update('LH_CMD', { max_bytes: 1_000_000 }))
  await bus.provision()
  const { config } = await administer(nats.url, ({ streams }) => streams.info('LH_CMD'))
  expect(config.max_bytes).toBe(STREAMS.command.maxBytes)
})

test('the same id twice is one message, carried with its schema and the salt of the boot', async () => {
  await publishEvent(1)
  await publishEvent(1)
  await publishEvent(2)
  await until(() => handled(2).length === 1, { what: 'the second record is handled' })
  expect(handled(1)).toEqual([{ seq: 1, deliveries: 1, subject: 'lh.v1.cmd.single.host-1.device-1.run-1' }])
  const stored = await administer(nats.url, ({ streams }) => streams.getMessage('LH_CMD', { seq: 1 }))
  expect(stored?.header.get('Nats-Msg-Id')).toBe(`${bus.bootId.slice(0, 8)}/e1`)
  expect(stored?.header.get('Lh-Schema')).toBe('1')
})

test('a retryable problem is tried again until it passes', async () => {
  failures.set(10, (deliveries) => (deliveries < 3 ? new Problem('unavailable', 'not now') : undefined))
  await publishEvent(10)
  await until(() => handled(10).length === 1, { what: 'the record is handled in the end' })
  expect(handled(10)[0]?.deliveries).toBe(3)
})

test('an error of unknown kind is tried again, too', async () => {
  failures.set(11, (deliveries) => (deliveries < 2 ? new TypeError('hm') : undefined))
  await publishEvent(11)
  await until(() => handled(11).length === 1, { what: 'the record is handled in the end' })
  expect(handled(11)[0]?.deliveries).toBe(2)
})

test('what will never work is put aside at once, with its reason, and the next passes', async () => {
  failures.set(12, () => new Problem('validation-failed', 'seq 12\nis  no good'))
  await publishEvent(12)
  await publishEvent(13)
  const subject = 'lh.v1.cmd.single.host-1.device-1.run-1'
  const [letter] = await deadLetters(subject, 1)
  expect(letter).toMatchObject({ reason: 'validation-failed: seq 12 is no good', subject })
  expect(singles.message.decode(letter?.bytes ?? new Uint8Array()).seq).toBe(12)
  await until(() => handled(13).length === 1, { what: 'the next record is handled' })
  await until(
    async () =>
      (await administer(nats.url, ({ consumers }) => consumers.info('LH_CMD', 'events'))).num_ack_pending === 0,
    {
      what: 'nothing is waiting for an ack',
    },
  )
})

test('bytes that are no record are put aside', async () => {
  await bus.publishBytes(singles, ['host-1', 'device-1', 'garbage'], new Uint8Array([255, 1, 2]), {
    id: 'garbage',
  })
  const [letter] = await deadLetters('lh.v1.cmd.single.host-1.device-1.garbage', 1)
  expect(letter).toMatchObject({
    reason: 'invalid-request: These 3 bytes are not a JournalRecord.',
    bytes: new Uint8Array([255, 1, 2]),
  })
})

test('a message that is not what was sent is put aside, also when it can be read', async () => {
  const damaged = singles.message.encode(record(99))
  const sent = headers()
  sent.set('Lh-Crc32', checksumOf(singles.message.encode(record(98))))
  const connection = await connect({ servers: new URL(nats.url).host })
  connection.publish(singles.subject('host-1', 'device-1', 'damaged'), damaged, { headers: sent })
  await connection.drain()
  const [letter] = await deadLetters('lh.v1.cmd.single.host-1.device-1.damaged', 1)
  expect(letter?.reason).toMatch(/^invalid-request: The message LH_CMD\/events\/\d+\/\d+ was damaged on its way\.$/)
  expect(handled(99)).toEqual([])
})

test('messages come in batches, bounded in number', async () => {
  batches.length = 0
  const seqs = Array.from({ length: 120 }, (_, index) => 1_000 + index)
  await Promise.all(seqs.map(publishData))
  await until(() => batches.flat().length === seqs.length, { what: 'all records are handled' })
  expect(batches.flat().sort((a, b) => a - b)).toEqual(seqs)
  expect(Math.max(...batches.map(({ length }) => length))).toBeLessThanOrEqual(50)
  expect(batches.length).toBeLessThan(20)
})

test('a batch that is not full is handed over all the same', async () => {
  batches.length = 0
  await publishData(2_000)
  await until(() => batches.length === 1, { what: 'the lonely record is handled' })
  expect(batches).toEqual([[2_000]])
})

test('a poisoned message is found in its batch; the others pass', async () => {
  batches.length = 0
  failures.set(3_007, () => new Problem('state-conflict', 'seq 3007 contradicts what is stored'))
  const seqs = Array.from({ length: 20 }, (_, index) => 3_000 + index)
  await Promise.all(seqs.map(publishData))
  await bus.publishBytes(blocks, ['host-1', 'device-1', 'run-1'], new Uint8Array([255]), { id: 'broken' })
  const letters = await deadLetters('lh.v1.jrn.host-1.device-1.run-1', 2)
  expect(letters.map(({ reason }) => reason).sort()).toEqual([
    'invalid-request: These 1 bytes are not a JournalRecord.',
    'state-conflict: seq 3007 contradicts what is stored',
  ])
  await until(() => batches.flat().length === 19, { what: 'the others are handled' })
  expect(batches.flat().sort((a, b) => a - b)).toEqual(seqs.filter((seq) => seq !== 3_007))
})

test("a batch that fails for the world's reasons comes again as a whole", async () => {
  batches.length = 0
  failures.set(4_001, (deliveries) =>
    deliveries < 3 ? Object.assign(new Error('no database'), { code: 'ECONNREFUSED' }) : undefined,
  )
  await Promise.all([4_000, 4_001, 4_002].map(publishData))
  await until(() => batches.flat().length === 3, { what: 'all are handled' })
  expect(batches.flat().sort()).toEqual([4_000, 4_001, 4_002])
})

test('a per-host consumer gets what is for its host', async () => {
  const command = (runId: string): RunCommand => ({ runId, attempt: 1, deviceId: 'device-1' })
  await bus.publish(feeds.runCommand, ['host-2', 'device-1'], command('other'), { id: 'c1' })
  await bus.publish(feeds.runCommand, ['host-1', 'device-1'], command('mine'), { id: 'c2' })
  await until(() => commands.length > 0, { what: 'a command is handled' })
  expect(commands).toEqual([{ runId: 'mine', subject: 'lh.v1.cmd.host-1.device-1' }])
  const { name } = await administer(nats.url, ({ consumers }) => consumers.info('LH_CMD', 'commands-host-1'))
  expect(name).toBe('commands-host-1')
})

test('a listener hears broadcasts, and per host only its own', async () => {
  bus.broadcast(broadcasts.cancelNudge, ['host-2'], { runId: 'other', attempt: 1 })
  bus.broadcast(broadcasts.cancelNudge, ['host-1'], { runId: 'mine', attempt: 1 })
  bus.broadcast(broadcasts.view, ['bad'], { runId: 'bad', events: [] })
  bus.broadcast(broadcasts.view, ['r1'], { runId: 'r1', events: [] })
  await until(() => nudges.length > 0 && views.length === 2, { what: 'they are heard' })
  expect(nudges).toEqual(['mine'])
  expect(views).toEqual(['bad lh.v1.view.bad', 'r1 lh.v1.view.r1'])
})

test('a subscription hears one address, or a feed as it passes, until it ends', async () => {
  const heard: string[] = []
  const end = bus.subscribe(broadcasts.view, { address: ['r2'] }, (_, subject) => heard.push(subject))
  const endTap = bus.subscribe(singles, {}, ({ seq }) => heard.push(`seq ${seq}`))
  bus.broadcast(broadcasts.view, ['r1'], { runId: 'r1', events: [] })
  bus.broadcast(broadcasts.view, ['r2'], { runId: 'r2', events: [] })
  await publishEvent(500)
  await until(() => heard.length === 2, { what: 'both are heard' })
  end()
  endTap()
  bus.broadcast(broadcasts.view, ['r2'], { runId: 'r2', events: [] })
  await publishEvent(501)
  await until(() => handled(501).length === 1 && views.at(-1) === 'r2 lh.v1.view.r2', { what: 'the others hear on' })
  expect(heard).toEqual(['lh.v1.view.r2', 'seq 500'])
})

test('a group hears each message once', async () => {
  const heard: number[] = []
  const ends = [1, 2, 3].map((member) =>
    bus.subscribe(broadcasts.view, { address: ['g'], group: 'gateway' }, () => heard.push(member)),
  )
  for (let index = 0; index < 20; index++) bus.broadcast(broadcasts.view, ['g'], { runId: 'g', events: [] })
  await bus.connection.nats.flush()
  await until(() => heard.length >= 20, { what: 'all are heard' })
  expect(heard).toHaveLength(20)
  for (const end of ends) end()
})

test('a purge removes one run and leaves the others', async () => {
  const publish = (runId: string): Promise<void> =>
    bus.publish(blocks, ['host-1', 'device-1', runId], record(9_000, runId), { id: `purge ${runId}` })
  await Promise.all(['p1', 'p2'].map(publish))
  await bus.purge(blocks, ['host-1', 'device-1', 'p1'])
  const { state } = await administer(nats.url, ({ streams }) =>
    streams.info('LH_JRN', { subjects_filter: 'lh.v1.jrn.*.*.*' }),
  )
  expect(Object.keys(state.subjects ?? {})).toContain('lh.v1.jrn.host-1.device-1.p2')
  expect(Object.keys(state.subjects ?? {})).not.toContain('lh.v1.jrn.host-1.device-1.p1')
})

test('a health probe publishes, and leaves one message', async () => {
  await expect(bus.healthy()).resolves.toBe(true)
  await expect(bus.healthy()).resolves.toBe(true)
  const { state } = await administer(nats.url, ({ streams }) => streams.info('LH_HEALTH'))
  expect(state).toMatchObject({ messages: 1, last_seq: 2 })
})

test('a message that does not fit the bus is too large, at once', async () => {
  await expect(
    bus.publishBytes(blocks, ['host-1', 'device-1', 'run-1'], new Uint8Array(1_048_576), { id: 'huge' }),
  ).rejects.toMatchObject({ type: 'too-large' })
})
