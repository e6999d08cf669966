import { batchedBytes, journalBatchOf } from './journal-batch.ts'
import { JournalBatch, JournalRecord } from './messages.ts'

const record = (seq: number, text: string) =>
  JournalRecord.encode({ runId: 'r', attempt: 1, epoch: 2, seq, atMs: 3, log: { lines: [text] } })

test.each([0, 1, 127, 128, 16_383, 16_384, 300_000])(
  'records around %i bytes are the batch that protobuf would make',
  (size) => {
    const records = [record(0, 'x'.repeat(size)), record(1, ''), record(2, 'y'.repeat(size + 1))]
    const batch = journalBatchOf(records)
    expect(Buffer.from(batch)).toEqual(
      Buffer.from(JournalBatch.encode({ records: records.map((bytes) => JournalRecord.decode(bytes)) })),
    )
    expect(batch.length).toBeLessThanOrEqual(records.reduce((sum, { length }) => sum + batchedBytes(length), 0))
  },
)

test('no records are an empty batch', () => {
  expect(JournalBatch.decode(journalBatchOf([])).records).toEqual([])
})
