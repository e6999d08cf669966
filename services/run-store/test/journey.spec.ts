import { createHash } from 'node:crypto'
import { broadcasts, runState, store, type ViewFrame } from '@lucihub/contracts'
import { FakeExecutor, journalOf, wave } from './fake-executor.ts'
import { ALICE, announce, eventually, getRun, inState, startHub, submitted, type Hub } from './hub.ts'

const DEVICE = '04-E9-E5-00-00-01'
let hub: Hub
let executor: FakeExecutor

beforeAll(async () => {
  hub = await startHub()
  executor = await FakeExecutor.connect({ url: hub.nats.url, host: 'bench-1' })
  await announce(hub, DEVICE)
})

afterAll(async () => {
  await executor.close()
  await hub.close()
})

test('a run is dispatched, claimed, stored, sealed and read back', async () => {
  const frames: ViewFrame[] = []
  const runId = await submitted(hub)
  const unsubscribe = hub.bus.subscribe(broadcasts.view, { address: [runId] }, (frame) => frames.push(frame))
  const claimed = await executor.take(runId, DEVICE)
  expect((await getRun(hub, runId)).state).toBe(runState.toProto('RUNNING'))
  const channels = [wave(100, 0), wave(100, 1)]
  const journal = journalOf(channels, 40)
  await executor.publishAll(claimed, journal)

  const run = await inState(hub, runId, 'COMPLETED')
  expect(run).toMatchObject({
    winningAttempt: 1,
    storedSamples: 100,
    expectedSamples: 100,
    reason: '',
    overloads: [3, 17],
    finalValues: [0.5, -0.25],
  })
  expect(run.attempts).toMatchObject([
    { number: 1, deviceId: DEVICE, host: 'bench-1', epoch: claimed.epoch, outcome: 'ok' },
  ])
  expect(await executor.watermark(claimed, journal.length)).toMatchObject({
    contiguous: journal.length,
    missing: [],
    settled: true,
  })

  const listed = await hub.bus.call(store.listChannels, { ownerId: ALICE, runId })
  expect(listed.channels.map(({ label, samples, gain, offset }) => [label, samples, gain, offset])).toEqual([
    ['x0', 100, 2, 0.5],
    ['x1', 100, -2, 0.5],
  ])
  expect(Buffer.from(listed.channels[1]?.digest ?? [])).toEqual(
    createHash('sha256').update(checksumBytes(journal, 1)).digest(),
  )
  const slice = await hub.bus.call(store.readSamples, {
    ownerId: ALICE,
    runId,
    channel: 1,
    firstIndex: 30,
    maxSamples: 20,
  })
  expect(new Float32Array(Uint8Array.from(slice.samples).buffer)).toEqual(wave(100, 1).slice(30, 50))

  const story = await hub.bus.call(store.readEvents, {
    ownerId: ALICE,
    runId,
    afterAttempt: 0,
    afterSeqPlusOne: 0,
    limit: 0,
  })
  const stored = story.events.filter((event) => !event.samples)
  expect(stored.map(({ seq, phase, log, end }) => [seq, phase?.phase ?? log?.lines[0] ?? end?.outcome])).toEqual([
    [0, 'IC'],
    [1, 'OP'],
    [5, 'the device is content'],
    [6, 'ok'],
  ])
  expect([story.more, story.state]).toEqual([false, runState.toProto('COMPLETED')])

  const events = await eventually(() => {
    const all = frames.flatMap((frame) => frame.events)
    return all.some((event) => event.state?.state === runState.toProto('COMPLETED')) && all
  }, 'the end of the run is told')
  expect(events[0]?.state?.state).toBe(runState.toProto('RUNNING'))
  expect(events.slice(-2).map(({ seq, end, state }) => [seq, end?.outcome ?? state?.state])).toEqual([
    [6, 'ok'],
    [7, runState.toProto('COMPLETED')],
  ])
  const seen = events.flatMap(({ samples }) => samples ?? [])
  expect(seen.reduce((sum, view) => sum + view.count, 0)).toBe(100)
  unsubscribe()
})

function checksumBytes(journal: ReturnType<typeof journalOf>, channel: number): Buffer {
  const words = journal.flatMap(({ chunk }) => (chunk ? [chunk.checksums[channel] ?? 0] : []))
  return Buffer.from(Uint32Array.from(words).buffer)
}
