import { samplesOf, type SampleChunk } from '@lucihub/analog'
import { ChunkJoiner, JOINED_BYTES, PAGE_SAMPLES, type JoinedSamples } from './chunk-joiner.ts'

/** Channel c holds c * 1e5 + the sample's index, so that every sample tells where it belongs. */
function chunk(firstIndex: number, count: number, channels: number): SampleChunk {
  const blocks = Array.from({ length: channels }, (_, channel) => {
    const samples = Float32Array.from({ length: count }, (__, sample) => channel * 1e5 + firstIndex + sample)
    return new Uint8Array(samples.buffer)
  })
  return { firstIndex, count, encoding: 'f32', blocks }
}

function check({ buffer, samplesAt, count, channels, firstIndex }: JoinedSamples): void {
  const expected = Array.from({ length: channels }, (_, channel) =>
    Array.from({ length: count }, (__, sample) => channel * 1e5 + firstIndex + sample),
  )
  expect(samplesOf(buffer.subarray(samplesAt), 'f32')).toEqual(Float32Array.from(expected.flat()))
}

function join(chunks: readonly SampleChunk[]): JoinedSamples[] {
  const joined: JoinedSamples[] = []
  const joiner = new ChunkJoiner((record) => joined.push(record))
  chunks.forEach((one) => joiner.add(one))
  joiner.flush()
  joined.forEach(check)
  return joined
}

test('small chunks become records that grow to whole pages, and a rest', () => {
  const chunks = Array.from({ length: 400 }, (_, n) => chunk(n * 100, 100, 3))
  expect(join(chunks).map(({ firstIndex, count }) => [firstIndex, count])).toEqual([
    [0, 4096],
    [4096, 8192],
    [12_288, 4096],
    [16_384, 16_384],
    [32_768, 7232],
  ])
})

test('a chunk larger than a record is cut, and no record crosses a page', () => {
  expect(join([chunk(7, 20_000, 1)]).map(({ firstIndex, count }) => [firstIndex, count])).toEqual([
    [7, 4096],
    [4103, 8192],
    [12_295, 4089],
    [16_384, 3623],
  ])
})

test('buffers follow what is needed', () => {
  const joined: JoinedSamples[] = []
  const joiner = new ChunkJoiner((record) => joined.push(record))
  const sizes = [50, 300, 300, 300].map((count, at) => {
    joiner.add(chunk(1000 * at, count, 1))
    joiner.flush()
    return joined.splice(0).map((record) => record.count)
  })
  expect(sizes).toEqual([[50], [256, 44], [256, 44], [256, 44]])
})

test('a hole starts a new record, and so does another number of channels', () => {
  const joined = join([chunk(0, 10, 2), chunk(20, 10, 2), chunk(30, 5, 1)])
  expect(joined.map(({ firstIndex, count, channels }) => [firstIndex, count, channels])).toEqual([
    [0, 10, 2],
    [20, 10, 2],
    [30, 5, 1],
  ])
})

test('a record of many channels stays under the size that a message may have', () => {
  const joined = join([chunk(0, PAGE_SAMPLES, 100)])
  expect(joined.length).toBeGreaterThan(1)
  for (const { buffer, samplesAt } of joined) expect(buffer.length - samplesAt).toBeLessThanOrEqual(JOINED_BYTES)
})

test('samples do not wait longer than their time for company', async () => {
  const joined = await new Promise<JoinedSamples>((resolve) => new ChunkJoiner(resolve).add(chunk(0, 5, 2)))
  check(joined)
  expect(joined.count).toBe(5)
})

test('nothing is emitted twice', () => {
  const joined: JoinedSamples[] = []
  const joiner = new ChunkJoiner((record) => joined.push(record))
  joiner.add(chunk(0, 5, 1))
  joiner.flush()
  joiner.flush()
  expect(joined).toHaveLength(1)
})
