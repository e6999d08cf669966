import { decimate, FRAME_BUCKETS_MAX, type RawChunk } from './decimate.ts'

const CHANNELS = [
  { index: 0, label: 'x', unit: '', gain: 1, offset: 0 },
  { index: 1, label: 'y', unit: '', gain: -2, offset: 1 },
]

function chunk(seq: number, firstIndex: number, x: readonly number[]): RawChunk {
  const block = new Uint8Array(Float32Array.from(x).buffer)
  return { seq, firstIndex, count: x.length, encoding: 'f32', blocks: [block, block] }
}

function pairs(bytes: Uint8Array | undefined): number[] {
  return [...new Float32Array((bytes ?? new Uint8Array()).slice().buffer)]
}

test('a slow channel is shown sample by sample, in physical units', () => {
  const [view] = decimate([chunk(4, 10, [1, 2]), chunk(5, 12, [3])], { channels: CHANNELS, sampleRateHz: 1_000 })
  expect(view?.seq).toBe(5)
  expect(view?.samples).toMatchObject({ firstIndex: 10, bucket: 1, count: 3 })
  expect(pairs(view?.samples.channels[0])).toEqual([1, 1, 2, 2, 3, 3])
  expect(pairs(view?.samples.channels[1])).toEqual([-1, -1, -3, -3, -5, -5])
})

test('a fast one by minimum and maximum, a thousand per second', () => {
  const [view] = decimate([chunk(0, 0, [1, -1, 5]), chunk(1, 3, [4, 2])], { channels: CHANNELS, sampleRateHz: 2_000 })
  expect(view?.samples).toMatchObject({ bucket: 2, count: 5 })
  expect(pairs(view?.samples.channels[0])).toEqual([-1, 1, 4, 5, 2, 2])
})

test('a hole ends a view, and the next begins behind it', () => {
  const views = decimate([chunk(0, 0, [1]), chunk(2, 2, [3])], { channels: CHANNELS, sampleRateHz: 100 })
  expect(views.map(({ seq, samples }) => [seq, samples.firstIndex, samples.count])).toEqual([
    [0, 0, 1],
    [2, 2, 1],
  ])
})

test('a device faster than real time does not make a frame larger', () => {
  const [view] = decimate(
    [
      chunk(
        0,
        0,
        Array.from({ length: 10_000 }, (_, at) => at),
      ),
    ],
    { channels: CHANNELS, sampleRateHz: 1_000 },
  )
  expect(pairs(view?.samples.channels[0])).toHaveLength(2 * FRAME_BUCKETS_MAX)
})
