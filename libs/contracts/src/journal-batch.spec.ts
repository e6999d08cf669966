import { chunkBatchOf, chunkHeadroom, joinJournalBatches, journalBatchOf } from './journal-batch.ts'
import { JournalBatch, type JournalRecord } from './messages.ts'

const RUN = '01a1fe29-8de4-7221-aa91-4c96c10fe755'
const address = (seq: number) => ({ runId: RUN, attempt: 3, epoch: 2 ** 40, seq, atMs: 1_790_000_000_000 })
const line = (seq: number, text: string): JournalRecord => ({ ...address(seq), log: { lines: [text] } })
const contents = (bytes: Uint8Array) => JournalBatch.decode(bytes).records.map(({ seq, log }) => [seq, log?.lines])

test('batches that are put together are the batch of all their records', () => {
  const batches = [journalBatchOf(line(0, 'a')), journalBatchOf(line(1, 'x'.repeat(300))), journalBatchOf(line(2, ''))]
  expect(contents(joinJournalBatches(batches))).toEqual([
    [0, ['a']],
    [1, ['x'.repeat(300)]],
    [2, ['']],
  ])
  expect(joinJournalBatches(batches.slice(1, 2))).toBe(batches[1])
  expect(contents(joinJournalBatches([]))).toEqual([])
})

test.each([
  [1, 0],
  [1, 1],
  [8, 127],
  [8, 128],
  [3, 16_384],
  [100, 1000],
])('a chunk of %i channels around %i bytes reads as protobuf would have written it', (channels, bytes) => {
  const samplesAt = chunkHeadroom(channels)
  const samples = Uint8Array.from({ length: bytes }, (_, at) => at & 0xff)
  const buffer = new Uint8Array(samplesAt + bytes)
  buffer.set(samples, samplesAt)
  const chunk = {
    firstIndex: Number.MAX_SAFE_INTEGER,
    count: 0xffffffff,
    encoding: 2,
    checksums: Array.from({ length: channels }, () => 0xffffffff),
  }
  const batch = chunkBatchOf(address(Number.MAX_SAFE_INTEGER), chunk, { buffer, samplesAt })
  expect(batch.buffer).toBe(buffer.buffer)
  const expected = JournalBatch.decode(
    journalBatchOf({ ...address(Number.MAX_SAFE_INTEGER), chunk: { ...chunk, samples } }),
  )
  expect(JournalBatch.decode(batch)).toEqual(expected)
})

test('too little room in front of the samples is an error', () => {
  const chunk = { firstIndex: 0, count: 1, encoding: 1, checksums: [1] }
  expect(() => chunkBatchOf(address(0), chunk, { buffer: new Uint8Array(20), samplesAt: 16 })).toThrow(
    'offset is out of bounds',
  )
})
