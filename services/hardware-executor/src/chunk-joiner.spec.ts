import { samplesOf, type SampleChunk } from '@lucihub/analog'
import { ChunkJoiner, JOINED_BYTES, JOINED_SAMPLES, type JoinedSamples } from './chunk-joiner.ts'

/** Channel c holds c * 1e5 + the sample's index, so that every sample tells where it belongs. */
function chunk(firstIndex: number, count: number, channels: number): SampleChunk {
  const blocks = Array.from({ length: channels }, (_, channel) => {
    const samples = Float32Array.from({ length: count }, (__, sample) => channel * 1e5 + firstIndex + sample)
    return new Uint8Array(samples.buffer)
  })
  return { firstIndex, count, encoding: 'f32', blocks }
}

function check({ samples, count, channels, firstIndex }: JoinedSamples): void {
  const expected = Array.from({ length: channels }, (_, channel) =>
    Array.from({ length: count }, (__, sample) => channel * 1e5 + firstIndex + sample),
  )
  expect(samplesOf(samples, 'f32')).toEqual(Float32Array.from(expected.flat()))
}

function join(chunks: readonly SampleChunk[]): JoinedSamples[] {
  const joined: JoinedSamples[] = []
  const joiner = new ChunkJoiner((record) => joined.push(record))
  chunks.forEach((one) => joiner.add(one))
  joiner.flush()
  joined.forEach(check)
  return joined
}

test('small chunks become full records and a rest', () => {
  const chunks = Array.from({ length: 100 }, (_, n) => chunk(n * 100, 100, 3))
  expect(join(chunks).map(({ firstIndex, count }) => [firstIndex, count])).toEqual([
    [0, 4096],
    [4096, 4096],
    [8192, 1808],
  ])
})

test('a chunk larger than a record is cut', () => {
  expect(join([chunk(7, 9000, 1)]).map(({ firstIndex, count }) => [firstIndex, count])).toEqual([
    [7, 4096],
    [4103, 4096],
    [8199, 808],
  ])
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
  const joined = join([chunk(0, JOINED_SAMPLES, 100)])
  expect(joined.length).toBeGreaterThan(1)
  for (const { samples } of joined) expect(samples.length).toBeLessThanOrEqual(JOINED_BYTES)
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
