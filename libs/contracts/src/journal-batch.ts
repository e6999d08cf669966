/**
 * A `JournalBatch` out of records that are encoded already: each is put behind its tag and length, as protobuf
 * lays out a repeated message. So a record is encoded once, for the executor's disk and for the bus.
 */

/** Tag of `JournalBatch.records`: field 1, length-delimited. */
const TAG = 0x0a
/** Tag and the longest length that a record can have, bytes. */
const FRAME_BYTES_MAX = 6

/** Bytes that a record of this size adds to a batch, at most. */
export function batchedBytes(recordBytes: number): number {
  return recordBytes + FRAME_BYTES_MAX
}

/** Encoded `JournalRecord`s, in rising seq, as one encoded `JournalBatch`. */
export function journalBatchOf(records: readonly Uint8Array[]): Uint8Array {
  const heads = records.map(({ length }) => head(length))
  const size = records.reduce((sum, { length }, at) => sum + length + (heads[at]?.length ?? 0), 0)
  const batch = Buffer.allocUnsafeSlow(size)
  let end = 0
  records.forEach((record, at) => {
    for (const byte of heads[at] ?? []) batch[end++] = byte
    batch.set(record, end)
    end += record.length
  })
  return batch
}

/** Tag and length as a varint: seven bits a byte, the lowest first, the top bit set where more follows. */
function head(length: number): number[] {
  const bytes = [TAG]
  let rest = length
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  bytes.push(rest)
  return bytes
}
