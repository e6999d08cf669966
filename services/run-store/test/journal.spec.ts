import { runState, store, type ReadSamplesReply } from '@lucihub/contracts'
import { until } from '@lucihub/testing'
import pg from 'pg'
import { chunksOf, endOf, FakeExecutor, journalOf, wave, type Content } from './fake-executor.ts'
import { ALICE, announce, getRun, inState, startHub, submitted, type Hub } from './hub.ts'

const DEVICE = '04-E9-E5-00-00-01'
const LENGTH = 40_000
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

const channels = [wave(LENGTH, 0), wave(LENGTH, 2)]

test.each<[string, (journal: readonly Content[]) => readonly number[]]>([
  ['in order', (journal) => [...journal.keys()]],
  ['backwards', (journal) => [...journal.keys()].reverse()],
  ['each three times', (journal) => [...journal.keys(), ...journal.keys(), ...journal.keys()]],
  ['by overlapping retries', (journal) => [0, 3, 1, 2, 3, 4, 2, 3, 5, 4, 6, 5, ...journal.keys()]],
])('records that come %s make the same rows', async (_, order) => {
  const runId = await submitted(hub)
  const claimed = await executor.take(runId, DEVICE)
  const journal = journalOf(channels, 4_096)
  for (const seq of order(journal)) await executor.publish(claimed, seq, journal[seq] ?? {})
  const run = await inState(hub, runId, 'COMPLETED')
  expect(run.storedSamples).toBe(LENGTH)
  for (const [channel, expected] of channels.entries()) expect(await allSamples(runId, channel)).toEqual(expected)
  expect(
    await rows(`SELECT count(*)::int AS n, sum(count)::int AS samples FROM journal WHERE run_id = $1`, runId),
  ).toEqual([{ n: journal.length, samples: LENGTH }])
  expect(
    await rows(
      `SELECT channel, sum(count)::int AS samples, bool_and(first_index / 16384 = (first_index + count - 1) / 16384) AS fit
    FROM page WHERE run_id = $1 GROUP BY channel ORDER BY channel`,
      runId,
    ),
  ).toEqual([
    { channel: 0, samples: LENGTH, fit: true },
    { channel: 1, samples: LENGTH, fit: true },
  ])
  expect(await rows('SELECT state FROM run_terminal WHERE run_id = $1', runId)).toEqual([{ state: 'COMPLETED' }])
})

test('nothing is terminal before the last missing record is there', async () => {
  const runId = await submitted(hub)
  const claimed = await executor.take(runId, DEVICE)
  const journal = journalOf(channels, 4_096)
  for (const [seq, content] of journal.entries()) if (seq !== 4) await executor.publish(claimed, seq, content)
  await until(async () => (await executor.watermark(claimed, journal.length)).missing.join() === '4', {
    what: 'only record 4 is missing',
  })
  expect(await executor.watermark(claimed, journal.length)).toMatchObject({
    contiguous: 4,
    missing: [4],
    settled: false,
  })
  expect((await getRun(hub, runId)).state).toBe(runState.toProto('RUNNING'))
  const story = await hub.bus.call(store.readEvents, {
    ownerId: ALICE,
    runId,
    afterAttempt: 0,
    afterSeqPlusOne: 0,
    limit: 0,
  })
  expect(story.events.some(({ end }) => end)).toBe(false)
  // What is there of a run under way is a prefix: the two chunks before the hole.
  expect(await allSamples(runId, 0)).toEqual(channels[0]?.slice(0, 2 * 4_096))

  await executor.publish(claimed, 4, journal[4] ?? {})
  expect((await inState(hub, runId, 'COMPLETED')).storedSamples).toBe(LENGTH)
  expect(await allSamples(runId, 0)).toEqual(channels[0])
})

test('damaged samples are not stored but asked for again', async () => {
  const runId = await submitted(hub)
  const claimed = await executor.take(runId, DEVICE)
  const journal = journalOf([wave(100, 0), wave(100, 1)], 100)
  const chunk = journal[2]?.chunk
  const damaged = Buffer.from(chunk?.samples ?? [])
  damaged[7] = (damaged[7] ?? 0) ^ 1
  for (const [seq, content] of journal.entries())
    await executor.publish(claimed, seq, content.chunk ? { chunk: { ...content.chunk, samples: damaged } } : content)
  await until(async () => (await executor.watermark(claimed, journal.length)).missing.join() === '2', {
    what: 'the damaged record is missing',
  })
  await executor.publish(claimed, 2, journal[2] ?? {})
  await inState(hub, runId, 'COMPLETED')
})

test('records of another epoch or host are not stored', async () => {
  const runId = await submitted(hub)
  const claimed = await executor.take(runId, DEVICE)
  const journal = journalOf([wave(10, 0), wave(10, 1)], 10)
  for (const [seq, content] of journal.entries())
    await executor.publish({ ...claimed, epoch: claimed.epoch + 1 }, seq, content)
  const stranger = await FakeExecutor.connect({ url: hub.nats.url, host: 'bench-2' })
  for (const [seq, content] of journal.entries()) await stranger.publish(claimed, seq, content)
  await stranger.close()
  await executor.publish(claimed, 0, journal[0] ?? {})
  await until(async () => (await executor.watermark(claimed, journal.length)).contiguous === 1, {
    what: 'the true record is stored',
  })
  expect(await rows('SELECT seq::int FROM journal WHERE run_id = $1', runId)).toEqual([{ seq: 0 }])
  await executor.publishAll(claimed, journal)
  await inState(hub, runId, 'COMPLETED')
})

test.each<[string, (journal: Content[]) => Content[], string]>([
  [
    'a manifest with another digest',
    (journal) => [
      ...journal,
      {
        end: {
          ...endContent(journal),
          channels: endContent(journal).channels.map((channel) => ({ ...channel, digest: Buffer.alloc(32) })),
        },
      },
    ],
    'attempt 1 ended incomplete: channel 0 has another digest than its manifest',
  ],
  [
    'a manifest with more samples',
    (journal) => [
      ...journal,
      {
        end: {
          ...endContent(journal),
          channels: endContent(journal).channels.map((channel) => ({ ...channel, samples: 101 })),
        },
      },
    ],
    'attempt 1 ended incomplete: channel 0 has 100 samples stored of 101',
  ],
  [
    'a hole in the indices',
    (journal) => {
      const holed = [...journal.slice(0, 2), ...journal.slice(3)]
      return [...holed, endOf(holed, 2)]
    },
    'attempt 1 ended incomplete: samples 10 to 20 are missing',
  ],
  [
    'samples under two seqs',
    (journal) => {
      const doubled = [...journal, ...journal.slice(1, 2)]
      return [...doubled, endOf(doubled, 2)]
    },
    'attempt 1 ended incomplete: record 11 is samples 0 to 10 came under another seq already',
  ],
  [
    'a chunk of too few channels',
    (journal) => {
      const thin = [...journal, ...chunksOf([wave(5, 0)], 5, 100)]
      return [...thin, endOf(thin, 2)]
    },
    'attempt 1 ended incomplete: record 11 is a chunk of 1 channels instead of 2',
  ],
  [
    'a gap that was not accepted',
    (journal) => {
      const gap = [...journal, { gap: { fromChunk: 3, toChunk: 4 } }]
      return [...gap, endOf(gap, 2)]
    },
    'attempt 1 ended incomplete: the device or its network lost samples in 1 places',
  ],
])('%s is never COMPLETED', async (_, make, reason) => {
  const runId = await submitted(hub, { maxAttempts: 1 })
  const claimed = await executor.take(runId, DEVICE)
  const journal = make([
    { phase: { phase: 'OP', timeNs: 0, reason: '' } },
    ...chunksOf([wave(100, 0), wave(100, 1)], 10),
  ])
  for (const [seq, content] of journal.entries()) await executor.publish(claimed, seq, content)
  expect((await inState(hub, runId, 'FAILED')).reason).toBe(reason)
})

test('accepted gaps are kept as holes, and the samples behind them can be read', async () => {
  const runId = await submitted(hub, { acceptGaps: true })
  const claimed = await executor.take(runId, DEVICE)
  const journal: Content[] = [
    ...chunksOf([wave(50, 0), wave(50, 1)], 50),
    { gap: { fromChunk: 1, toChunk: 2 } },
    ...chunksOf([wave(50, 5), wave(50, 6)], 50, 100),
  ]
  await executor.publishAll(claimed, [...journal, endOf(journal, 2)])
  await inState(hub, runId, 'COMPLETED')
  const behind = await samplesFrom(runId, 0, 50)
  expect([behind.firstIndex, floats(behind)]).toEqual([100, wave(50, 5)])
  const plot = await hub.bus.call(store.readPlot, {
    ownerId: ALICE,
    runId,
    channels: [0],
    fromIndex: 0,
    toIndex: 0,
    points: 10,
  })
  expect([plot.bucket, floats({ samples: plot.channels[0]?.minimum ?? new Uint8Array() })[4]]).toEqual([15, NaN])
})

test('what was sealed leaves the streams', async () => {
  const runId = await submitted(hub)
  const claimed = await executor.take(runId, DEVICE)
  await executor.publishAll(claimed, journalOf([wave(10, 0), wave(10, 1)], 10))
  await inState(hub, runId, 'COMPLETED')
  await until(
    async () => (await rows('SELECT purged FROM run_terminal WHERE run_id = $1', runId))[0]?.['purged'] === true,
    { what: 'the records are purged' },
  )
  const left = await hub.bus.connection.manage(({ streams }) =>
    streams.info('LH_JRN', { subjects_filter: `lh.v1.jrn.*.*.${runId}` }),
  )
  expect(left.state.subjects ?? {}).toEqual({})
})

function endContent(journal: readonly Content[]): NonNullable<Content['end']> {
  const { end } = endOf(journal, 2)
  if (!end) throw new Error('no end')
  return end
}

function samplesFrom(runId: string, channel: number, firstIndex: number): Promise<ReadSamplesReply> {
  return hub.bus.call(store.readSamples, { ownerId: ALICE, runId, channel, firstIndex, maxSamples: 30_000 })
}

function floats({ samples }: { readonly samples: Uint8Array }): Float32Array {
  return new Float32Array(Uint8Array.from(samples).buffer)
}

async function allSamples(runId: string, channel: number): Promise<Float32Array> {
  const parts: number[] = []
  for (;;) {
    const part = floats(await samplesFrom(runId, channel, parts.length))
    if (part.length === 0) return Float32Array.from(parts)
    parts.push(...part)
  }
}

async function rows(text: string, runId: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: hub.database.url })
  await client.connect()
  try {
    return (await client.query(text, [runId])).rows as Record<string, unknown>[]
  } finally {
    await client.end()
  }
}
