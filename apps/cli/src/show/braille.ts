/**
 * A canvas of Braille characters: 2 x 4 dots in each, so that a terminal of 80 columns is 160 dots wide. A dot's
 * bit in the character follows Unicode's numbering of Braille cells.
 */

const BITS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const
const BLANK = 0x2800

export interface Canvas {
  /** Dots across and down. */
  readonly width: number
  readonly height: number
  /** Sets a dot; (0, 0) is at the top left. Outside the canvas nothing happens. */
  dot(x: number, y: number): void
  /** A straight line of dots. */
  line(x0: number, y0: number, x1: number, y1: number): void
  /** The canvas as lines of text. */
  rows(): string[]
}

/** A blank canvas of this many characters. */
export function canvas(columns: number, lines: number): Canvas {
  const cells = new Uint8Array(columns * lines)
  const width = columns * 2
  const height = lines * 4

  const dot = (x: number, y: number): void => {
    const [column, row] = [Math.round(x), Math.round(y)]
    if (!(column >= 0 && column < width && row >= 0 && row < height)) return
    const cell = (row >> 2) * columns + (column >> 1)
    cells[cell] = (cells[cell] ?? 0) | (BITS[row & 3]?.[column & 1] ?? 0)
  }
  return {
    width,
    height,
    dot,
    line(x0, y0, x1, y1) {
      const distance = Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0))
      // A line far outside would take for ever, and a coordinate that is no number draws nothing.
      const steps = Math.min(4 * (width + height), Math.ceil(distance))
      if (!(steps >= 0)) return
      for (let i = 0; i <= steps; i++) {
        const part = steps === 0 ? 0 : i / steps
        dot(x0 + part * (x1 - x0), y0 + part * (y1 - y0))
      }
    },
    rows: () =>
      Array.from({ length: lines }, (_, row) =>
        Array.from(cells.subarray(row * columns, (row + 1) * columns), (bits) =>
          String.fromCharCode(BLANK + bits),
        ).join(''),
      ),
  }
}
