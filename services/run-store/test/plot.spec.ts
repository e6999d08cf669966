import { store } from '@lucihub/contracts'
import { chunksOf, endOf, FakeExecutor, wave, type Content } from './fake-executor.ts'
import { ALICE, announce, inState, startHub, submitted, type Hub } from './hub.ts'

const DEVICE = '04-E9-E5-00-00-01'
const LENGTH = 70_001
const GAINS = [2, -2]
let hub: Hub
let executor: FakeExecutor
let runId: string
const channels = [wave(LENGTH, 0), wave(LENGTH, 1)]

beforeAll(async () => {
  hub = await startHub()
  executor = await FakeExecutor.connect({ url: hub.nats.url, host: 'bench-1' })
  await announce(hub, DEVICE)
  runId = await submitted(hub)
  const claimed = await executor.take(runId, DEVICE)
  // Uneven chunks, so that pages start anywhere.
  const journal: Content[] = [
    ...chunksOf(
      channels.map((channel) => channel.slice(0, 30_003)),
      1_001,
    ),
    ...chunksOf(
      channels.map((channel) => channel.slice(30_003)),
      7_777,
      30_003,
    ),
  ]
  for (const [seq, content] of [...journal, endOf(journal, 2)].entries()) await executor.publish(claimed, seq, content)
  await inState(hub, runId, 'COMPLETED')
})

afterAll(async () => {
  await executor.close()
  await hub.close()
})

test.each([
  { fromIndex: 0, toIndex: 0, points: 100, level: 512, bucket: 1_024 },
  { fromIndex: 0, toIndex: 0, points: 1_000, level: 64, bucket: 128 },
  { fromIndex: 0, toIndex: 0, points: 10_000, level: 1, bucket: 8 },
  { fromIndex: 1_000, toIndex: 69_000, points: 500, level: 64, bucket: 192 },
  { fromIndex: 16_383, toIndex: 16_390, points: 100, level: 1, bucket: 1 },
  { fromIndex: 69_990, toIndex: 0, points: 1, level: 1, bucket: 11 },
  { fromIndex: 50, toIndex: 65_000, points: 3, level: 512, bucket: 22_016 },
])(
  'every bucket of $fromIndex..$toIndex in $points points is the true minimum and maximum',
  async ({ fromIndex, toIndex, points, level, bucket }) => {
    const plot = await hub.bus.call(store.readPlot, { ownerId: ALICE, runId, channels: [], fromIndex, toIndex, points })
    expect([plot.pyramidLevel, plot.bucket]).toEqual([level, bucket])
    expect(plot.fromIndex).toBe(Math.floor(fromIndex / level) * level)
    expect(plot.toIndex).toBe(Math.min(LENGTH, Math.ceil((toIndex || LENGTH) / level) * level))
    for (const [index, samples] of channels.entries()) {
      const physical = samples.map((value) => value * (GAINS[index] ?? 0) + 0.5)
      const minimum: number[] = []
      const maximum: number[] = []
      for (let at = plot.fromIndex; at < plot.toIndex; at += bucket) {
        const inside = physical.subarray(at, Math.min(at + bucket, plot.toIndex))
        minimum.push(inside.reduce((a, b) => Math.min(a, b)))
        maximum.push(inside.reduce((a, b) => Math.max(a, b)))
      }
      expect(floats(plot.channels[index]?.minimum)).toEqual(Float32Array.from(minimum))
      expect(floats(plot.channels[index]?.maximum)).toEqual(Float32Array.from(maximum))
    }
  },
)

test('a plot behind the end is empty, one of a channel that is not there does not exist', async () => {
  const ask = { ownerId: ALICE, runId, channels: [1], fromIndex: 80_000, toIndex: 0, points: 10 }
  const plot = await hub.bus.call(store.readPlot, ask)
  expect(plot.channels.map(({ index, label, minimum }) => [index, label, minimum.length])).toEqual([[1, 'x1', 0]])
  await expect(hub.bus.call(store.readPlot, { ...ask, channels: [2] })).rejects.toThrow(
    'The run has 2 channels; there is no channel 2.',
  )
  await expect(hub.bus.call(store.readPlot, { ...ask, points: 10_001 })).rejects.toThrow(
    'A plot has 1 to 10000 points per channel, not 10001.',
  )
})

function floats(bytes: Uint8Array | undefined): Float32Array {
  return new Float32Array(Uint8Array.from(bytes ?? []).buffer)
}
