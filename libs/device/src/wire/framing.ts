/**
 * Frames on TCP: a varint length, then that many bytes of Envelope. The reader takes the stream in any
 * pieces, hands out views of the piece where a frame lies in one, and copies only what is split; it never
 * holds more than one frame, so a liar about lengths costs at most MESSAGE_BYTES_MAX.
 */
import { Problem, invariant } from '@lucihub/analog'
import { anabrid, type EnvelopeToSend } from './messages.ts'

/** Largest message that a device accepts or sends on TCP, in bytes without its length. */
export const MESSAGE_BYTES_MAX = 262_084
/** Largest datagram: one envelope, without a length. */
export const DATAGRAM_BYTES_MAX = 65_507
/** Largest varint, in bytes. */
export const VARINT_BYTES_MAX = 10

/** Encodes an envelope with its length in front. */
export function encodeFrame(envelope: EnvelopeToSend): Uint8Array {
  const writer = anabrid.Envelope.encode(envelope)
  invariant(writer.len <= MESSAGE_BYTES_MAX, `a message of ${writer.len} bytes is longer than ${MESSAGE_BYTES_MAX}`)
  return writer.ldelim().finish()
}

/** Encodes an envelope as one datagram. */
export function encodeDatagram(envelope: EnvelopeToSend): Uint8Array {
  const bytes = anabrid.Envelope.encode(envelope).finish()
  invariant(
    bytes.length <= DATAGRAM_BYTES_MAX,
    `a datagram of ${bytes.length} bytes is longer than ${DATAGRAM_BYTES_MAX}`,
  )
  return bytes
}

/** Cuts one direction of a connection into frames. After a Problem the reader is not to be used again. */
export class FrameReader {
  /** The length being read: its value so far and the number of bytes it has taken. */
  #length = 0
  #lengthBytes = 0
  /** A frame that began in an earlier piece, and how much of it is there. */
  #frame: Uint8Array | null = null
  #filled = 0

  /** Bytes held back until the rest of their frame comes. */
  get heldBytes(): number {
    return this.#frame?.byteLength ?? this.#lengthBytes
  }

  /** Yields the frames that this piece completes. Throws a Problem `invalid-request` on an impossible length. */
  *read(piece: Uint8Array): Generator<Uint8Array, void> {
    let at = 0
    while (at < piece.length) {
      if (this.#frame) {
        const taken = Math.min(this.#frame.length - this.#filled, piece.length - at)
        this.#frame.set(piece.subarray(at, at + taken), this.#filled)
        this.#filled += taken
        at += taken
        if (this.#filled < this.#frame.length) return
        const frame = this.#frame
        this.#frame = null
        yield frame
        continue
      }
      const length = this.#lengthByte(piece[at++] ?? 0)
      if (length === null) continue
      if (at + length <= piece.length) {
        yield piece.subarray(at, at + length)
        at += length
      } else {
        this.#frame = new Uint8Array(length)
        this.#filled = 0
      }
    }
  }

  /** Takes one byte of a length; the length when that was its last byte, else null. */
  #lengthByte(byte: number): number | null {
    // Multiplied, not shifted: a shift would wrap at 32 bits and make a lie look small.
    this.#length += (byte & 0x7f) * 2 ** (7 * this.#lengthBytes)
    this.#lengthBytes += 1
    if (this.#length > MESSAGE_BYTES_MAX) {
      throw new Problem('invalid-request', `A frame announces more than ${MESSAGE_BYTES_MAX} bytes.`)
    }
    if (byte < 0x80) {
      const length = this.#length
      this.#length = 0
      this.#lengthBytes = 0
      return length
    }
    if (this.#lengthBytes === VARINT_BYTES_MAX) {
      throw new Problem('invalid-request', `The length of a frame takes more than ${VARINT_BYTES_MAX} bytes.`)
    }
    return null
  }
}
