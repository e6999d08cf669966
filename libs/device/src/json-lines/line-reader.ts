/**
 * Lines on TCP: the stream comes in any pieces, and goes out line by line, as views of the piece where a line lies
 * in one. A line that is split grows in one buffer up to LINE_BYTES_MAX.
 */
import { Problem } from '@lucihub/analog'

/** Longest line that is read, bytes: some 70 000 samples of 8 channels, far more than a device sends at once. */
export const LINE_BYTES_MAX = 4 * 1024 * 1024
const FIRST_BYTES = 4 * 1024
const NEW_LINE = 0x0a
const RETURN = 0x0d

/** Cuts one direction of a connection into lines. After a Problem the reader is not to be used again. */
export class LineReader {
  readonly #bytesMax: number
  /** A line that began in an earlier piece, and how much of it is there. */
  #begun = new Uint8Array(0)
  #filled = 0

  constructor(bytesMax = LINE_BYTES_MAX) {
    this.#bytesMax = bytesMax
  }

  /** Bytes of a line whose end has not come. */
  get heldBytes(): number {
    return this.#filled
  }

  /**
   * Yields the lines that this piece completes, without their ends; empty lines too. A line is valid until the next
   * is asked for. Throws a Problem `invalid-request` when a line is too long.
   */
  *read(piece: Uint8Array): Generator<Uint8Array, void> {
    let at = 0
    for (;;) {
      const end = piece.indexOf(NEW_LINE, at)
      const part = piece.subarray(at, end < 0 ? piece.length : end)
      if (this.#filled + part.length > this.#bytesMax)
        throw new Problem('invalid-request', `A line is longer than ${this.#bytesMax} bytes.`)
      if (end < 0) return this.#hold(part)
      at = end + 1
      if (this.#filled === 0) {
        yield trimmed(part)
      } else {
        this.#hold(part)
        const line = this.#begun.subarray(0, this.#filled)
        this.#filled = 0
        yield trimmed(line)
      }
    }
  }

  #hold(part: Uint8Array): void {
    const needed = this.#filled + part.length
    if (needed > this.#begun.length) {
      const larger = new Uint8Array(Math.min(this.#bytesMax, Math.max(FIRST_BYTES, 2 * needed)))
      larger.set(this.#begun.subarray(0, this.#filled))
      this.#begun = larger
    }
    this.#begun.set(part, this.#filled)
    this.#filled = needed
  }
}

function trimmed(line: Uint8Array): Uint8Array {
  return line.at(-1) === RETURN ? line.subarray(0, -1) : line
}
