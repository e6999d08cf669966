/**
 * A journal record as it is stored. What comes from a host is checked here, before any transaction, so that no
 * message can make a statement fail: a record whose address cannot be goes to the dead letters, one whose samples
 * are damaged is dropped (the watermark asks for it again), one that is well addressed but makes no sense takes
 * its place in the sequence as `malformed`, so that the attempt can end, but never as complete.
 */
import { crc32 } from 'node:zlib'
import { BYTES_PER_SAMPLE, Problem, RUN_LIMITS, SAMPLE_ENCODINGS, type SampleEncoding } from '@lucihub/analog'
import { JournalRecord, sampleEncoding, type ChunkRecord, type EndRecord } from '@lucihub/contracts'
import { isUuid } from '../runs/uuid7.ts'

/** Numbers in the column `journal.kind`. */
export const KINDS = { phase: 1, log: 2, chunk: 3, gap: 4, end: 5, malformed: 6 } as const
export type Kind = (typeof KINDS)[keyof typeof KINDS]

/** Consecutive samples of all channels, verified against their checksums. */
export interface Chunk {
  readonly firstIndex: number
  readonly count: number
  readonly encoding: SampleEncoding
  /** One per channel, aligned to their samples. */
  readonly blocks: readonly Uint8Array[]
  /** CRC-32 per channel, 4 bytes little-endian each. */
  readonly checksums: Buffer
}

export interface Entry {
  readonly runId: string
  readonly attempt: number
  readonly epoch: number
  readonly seq: number
  /** Host in the subject, which permissions bind to the sender. */
  readonly host: string
  readonly kind: Kind
  /** The record without address and samples; null for a chunk. */
  readonly body: Buffer | null
  readonly chunk: Chunk | null
  readonly end: EndRecord | null
}

const INT4_MAX = 0x7fffffff

/** The entry, or `damaged` when its samples do not match their checksums. Problem `invalid-request` for an impossible address. */
export function entryOf(record: JournalRecord, subject: string): Entry | 'damaged' {
  const [, , , host = '', , runInSubject] = subject.split('.')
  const { runId, attempt, epoch, seq } = record
  if (
    !isUuid(runId) ||
    runId !== runInSubject ||
    attempt > INT4_MAX ||
    !Number.isSafeInteger(epoch) ||
    !Number.isSafeInteger(seq)
  )
    throw new Problem(
      'invalid-request',
      `The record on ${subject} says that it is seq ${seq} of attempt ${attempt} of run "${runId.slice(0, 40)}".`,
    )
  const address = { runId, attempt, epoch, seq, host }
  if (record.chunk) {
    const chunk = chunkOf(record.chunk)
    if (chunk === 'damaged') return chunk
    if (typeof chunk === 'string') return malformed(address, chunk)
    return { ...address, kind: KINDS.chunk, body: null, chunk, end: null }
  }
  const kind = record.phase
    ? KINDS.phase
    : record.log
      ? KINDS.log
      : record.gap
        ? KINDS.gap
        : record.end
          ? KINDS.end
          : null
  if (kind === null) return malformed(address, 'a record of no known kind')
  return { ...address, kind, body: bodyOf(record), chunk: null, end: record.end ?? null }
}

/** The same place in the sequence, with what is wrong instead of the content. */
export function malformed(address: Pick<Entry, 'runId' | 'attempt' | 'epoch' | 'seq' | 'host'>, why: string): Entry {
  const { runId, attempt, epoch, seq, host } = address
  return { runId, attempt, epoch, seq, host, kind: KINDS.malformed, body: Buffer.from(why), chunk: null, end: null }
}

/** Reads a body back. */
export function recordOf(body: Buffer): JournalRecord {
  return JournalRecord.decode(body)
}

/** What a record says, but for samples; null where it is something else. */
export function contentOf({
  phase,
  log,
  gap,
  end,
}: JournalRecord): Pick<JournalRecord, 'phase' | 'log' | 'gap' | 'end'> {
  return { phase: phase ?? null, log: log ?? null, gap: gap ?? null, end: end ?? null }
}

function bodyOf(record: JournalRecord): Buffer {
  return Buffer.from(
    JournalRecord.encode({ runId: '', attempt: 0, epoch: 0, seq: 0, atMs: record.atMs, ...contentOf(record) }),
  )
}

function chunkOf({ firstIndex, count, encoding: encodingNumber, samples, checksums }: ChunkRecord): Chunk | string {
  const encoding = SAMPLE_ENCODINGS.find((word) => sampleEncoding.toProto(word) === encodingNumber)
  if (!encoding) return `a chunk in the unknown encoding ${encodingNumber}`
  const channels = checksums.length
  const blockBytes = count * BYTES_PER_SAMPLE[encoding]
  if (count === 0 || channels === 0 || samples.length !== channels * blockBytes)
    return `a chunk of ${samples.length} bytes for ${channels} channels of ${count} samples`
  if (firstIndex + count > RUN_LIMITS.samples.max) return `a chunk that ends at sample ${firstIndex + count}`
  // A message begins anywhere in what the socket read. Aligned once, samples are looked at in place ever after.
  const aligned = samples.byteOffset % BYTES_PER_SAMPLE[encoding] === 0 ? samples : Uint8Array.from(samples)
  const blocks = checksums.map((_, channel) => aligned.subarray(channel * blockBytes, (channel + 1) * blockBytes))
  if (blocks.some((block, channel) => crc32(block) !== checksums[channel])) return 'damaged'
  const bytes = Buffer.alloc(channels * 4)
  checksums.forEach((checksum, channel) => bytes.writeUInt32LE(checksum, channel * 4))
  return { firstIndex, count, encoding, blocks, checksums: bytes }
}
