/**
 * Frames of a journal on disk: length, CRC-32, kind, payload. A file is read up to its first bad frame: whatever
 * a crash tore or a disk flipped, what comes before it is whole, and nothing behind it is believed.
 */
import { crc32 } from 'node:zlib'

/** What a frame holds: a JournalSegment, a JournalBatch of one record, or (without payload) that the start command may follow. */
export const FRAME_KINDS = { segment: 1, record: 2, startIntent: 3 } as const
export type FrameKind = keyof typeof FRAME_KINDS

/** Payload length (4 bytes) and CRC-32 of kind and payload (4), both little-endian, and the kind (1). */
export const FRAME_HEAD_BYTES = 9
/** More than any record: a longer frame is a damaged length. */
export const FRAME_PAYLOAD_MAX = 2 * 1024 * 1024

export interface Frame {
  readonly kind: FrameKind
  /** Where the payload lies in the file. */
  readonly offset: number
  readonly payload: Buffer
}

/** What goes before the payload. */
export function frameHead(kind: FrameKind, payload: Uint8Array): Buffer {
  const head = Buffer.allocUnsafe(FRAME_HEAD_BYTES)
  head.writeUInt32LE(payload.length, 0)
  head.writeUInt8(FRAME_KINDS[kind], 8)
  // Never over an empty payload: `crc32` of one forgets the value it was to continue once the array's buffer was used.
  const ofKind = crc32(head.subarray(8))
  head.writeUInt32LE(payload.length === 0 ? ofKind : crc32(payload, ofKind), 4)
  return head
}

/** The frames from the beginning of a file, up to the first bad one, and where that begins (its length when all are good). */
export function framesOf(file: Buffer): { readonly frames: Frame[]; readonly end: number } {
  const frames: Frame[] = []
  let end = 0
  for (;;) {
    const frame = frameAt(file, end)
    if (!frame) return { frames, end }
    frames.push(frame)
    end = frame.offset + frame.payload.length
  }
}

/** The frame that begins here, or null when there is none that is whole. */
export function frameAt(file: Buffer, at: number): Frame | null {
  if (at + FRAME_HEAD_BYTES > file.length) return null
  const length = file.readUInt32LE(at)
  const offset = at + FRAME_HEAD_BYTES
  if (length > FRAME_PAYLOAD_MAX || offset + length > file.length) return null
  if (crc32(file.subarray(at + 8, offset + length)) !== file.readUInt32LE(at + 4)) return null
  const kind = KINDS.find((word) => FRAME_KINDS[word] === file[at + 8])
  return kind ? { kind, offset, payload: file.subarray(offset, offset + length) } : null
}

const KINDS = Object.keys(FRAME_KINDS) as FrameKind[]
