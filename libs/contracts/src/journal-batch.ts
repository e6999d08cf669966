/**
 * Journal records as they lie on the executor's disk and travel on the bus: a record is encoded once, as a
 * `JournalBatch` of one, and batches are joined by putting their bytes together, which is what protobuf means by a
 * repeated field. Samples are not copied for it: they are collected where the message will have them, with
 * room in front for everything else, since protobuf leaves the order of fields to the writer.
 */
import { messageType } from './message.ts'
import { JournalBatch, JournalRecord, type ChunkRecord } from './messages.ts'
import { lucihub } from './protocol.ts'

const ChunkFields = messageType('ChunkRecord', lucihub.v1.ChunkRecord)

/** What a record says besides its content. */
export type RecordAddress = Pick<JournalRecord, 'runId' | 'attempt' | 'epoch' | 'seq' | 'atMs'>

/** Tags of length-delimited fields. */
const TAGS = { batchRecord: 0x0a, recordChunk: 0x42, chunkSamples: 0x22 } as const
/** A tag and the longest length, bytes. */
const TAG_AND_LENGTH = 6
/** Bytes of address, index, count and encoding, at most: a run's id is a uuid, numbers are varints. */
const ADDRESS_BYTES = 160
/** A CRC-32 as a varint, bytes. */
const CHECKSUM_BYTES = 5

/** Encodes one record. */
export function journalBatchOf(record: JournalRecord): Uint8Array {
  return JournalBatch.encode({ records: [record] })
}

/** Puts batches together. One alone stays as it is. */
export function joinJournalBatches(batches: readonly Uint8Array[]): Uint8Array {
  const [only, ...others] = batches
  return only && others.length === 0 ? only : Buffer.concat(batches)
}

/** Bytes to leave free in front of the samples that `chunkBatchOf` is given. */
export function chunkHeadroom(channels: number): number {
  return ADDRESS_BYTES + 3 * TAG_AND_LENGTH + CHECKSUM_BYTES * channels
}

/**
 * Encodes a chunk around samples that lie in `buffer` from `samplesAt` to its end: what comes before them is written
 * into the room in front. Throws a RangeError when that is too small.
 */
export function chunkBatchOf(
  address: RecordAddress,
  chunk: Omit<ChunkRecord, 'samples'>,
  { buffer, samplesAt }: { readonly buffer: Uint8Array; readonly samplesAt: number },
): Uint8Array {
  const samples = delimiter(TAGS.chunkSamples, buffer.length - samplesAt)
  const fields = ChunkFields.encode({ ...chunk, samples: new Uint8Array() })
  const inChunk = fields.length + samples.length + buffer.length - samplesAt
  const chunkHead = delimiter(TAGS.recordChunk, inChunk)
  const rest = JournalRecord.encode(address)
  const recordHead = delimiter(TAGS.batchRecord, rest.length + chunkHead.length + inChunk)
  const head = Buffer.concat([recordHead, rest, chunkHead, fields, samples])
  const from = samplesAt - head.length
  buffer.set(head, from)
  return buffer.subarray(from)
}

/** Tag and length as a varint: seven bits a byte, the lowest first, the top bit set where more follows. */
function delimiter(tag: number, length: number): Uint8Array {
  const bytes = [tag]
  let rest = length
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  bytes.push(rest)
  return Uint8Array.from(bytes)
}
