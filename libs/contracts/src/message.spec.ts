import fc from 'fast-check'
import { Problem } from '@lucihub/analog'
import { JournalRecord, ViewFrame, RunCommand } from './messages.ts'

const record: JournalRecord = { runId: 'r', attempt: 1, epoch: 2, seq: 3, atMs: 4, log: { lines: ['a'] } }

test('scalars and lists are always there, sub-messages only when sent', () => {
  const empty = JournalRecord.decode(new Uint8Array())
  expect([empty.runId, empty.attempt, empty.epoch, empty.seq]).toEqual(['', 0, 0, 0])
  expect(empty.chunk ?? null).toBeNull()
  expect(ViewFrame.decode(new Uint8Array()).events).toEqual([])
  expect(RunCommand.decode(new Uint8Array()).spec ?? null).toBeNull()
})

test('64-bit numbers are numbers, absent or not, up to 2^53', () => {
  expect(JournalRecord.decode(JournalRecord.encode({ ...record, seq: 0 })).seq).toBe(0)
  fc.assert(
    fc.property(fc.maxSafeNat(), (seq) => {
      expect(JournalRecord.decode(JournalRecord.encode({ ...record, seq })).seq).toBe(seq)
    }),
  )
})

test('sample bytes are handed over without a copy', () => {
  const samples = new Uint8Array([1, 2, 3, 4])
  const bytes = JournalRecord.encode({
    ...record,
    log: null,
    chunk: { firstIndex: 0, count: 1, encoding: 1, samples, checksums: [7] },
  })
  const { chunk } = JournalRecord.decode(bytes)
  expect(chunk?.samples).toEqual(samples)
  expect(chunk?.samples.buffer).toBe(bytes.buffer)
})

test('bytes that are no such message are an invalid request', () => {
  const decode = (): unknown => JournalRecord.decode(new Uint8Array([0xff, 0xff]))
  expect(decode).toThrow(Problem)
  expect(decode).toThrow('These 2 bytes are not a JournalRecord.')
})

test('any bytes are a message or a problem, never another error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        JournalRecord.decode(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(Problem)
      }
    }),
  )
})
