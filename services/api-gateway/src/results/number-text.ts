/**
 * Numbers as text, fast: a float32 is written with the fewest of 7, 8 or 9 significant digits that read back as
 * the same float32 (9 always do). The digits are those of one integer and go straight into bytes, two at a time;
 * no string is made for a sample.
 */

/** "00" to "99". */
const PAIRS = Buffer.from(Array.from({ length: 100 }, (_, pair) => String(pair).padStart(2, '0')).join(''))
/** 10^0 to 10^22, exact as doubles, so that one multiplication or division by them rounds once. */
const POWERS = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`))
/** Outside of these magnitudes a number is written with an exponent, by the language's own means. */
const FIXED = { min: 1e-6, max: 1e9 }
/** 10^-6 to 10^8: the powers below the magnitudes that are written without an exponent. */
const DECADES = Float64Array.from({ length: 15 }, (_, place) => Number(`1e${place - 6}`))
/** The longest text that `number` writes, bytes. */
const NUMBER_BYTES = 32

const ZERO = 48
const MINUS = 45
const POINT = 46
const COMMA = 44

/** Text as bytes, growing as needed. */
export class TextWriter {
  #bytes: Buffer
  #length = 0

  constructor(capacity = 65_536) {
    this.#bytes = Buffer.allocUnsafe(capacity)
  }

  text(text: string): this {
    this.#reserve(text.length * 3)
    this.#length += this.#bytes.write(text, this.#length)
    return this
  }

  comma(): this {
    this.#reserve(1)
    this.#bytes[this.#length] = COMMA
    this.#length += 1
    return this
  }

  /** A float32, exactly. What is not finite is written as `notFinite`, or by its name. */
  number(value: number, notFinite?: string): this {
    const magnitude = value < 0 ? -value : value
    if (magnitude >= FIXED.min && magnitude < FIXED.max) {
      this.#reserve(NUMBER_BYTES)
      if (value < 0) {
        this.#bytes[this.#length] = MINUS
        this.#length += 1
      }
      this.#length = writeFixed(this.#bytes, this.#length, magnitude)
      return this
    }
    if (Number.isFinite(value)) return this.text(shortest(value))
    return this.text(notFinite ?? String(value))
  }

  /** The bytes so far; the writer begins anew. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length)
    this.#bytes = Buffer.allocUnsafe(this.#bytes.length)
    this.#length = 0
    return taken
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + bytes))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}

/** Writes a positive float32 from 1e-6 to 1e9 without an exponent; returns the place behind it. */
function writeFixed(bytes: Buffer, start: number, magnitude: number): number {
  let exponent = decadeOf(magnitude)
  let digits = 7
  let integer = significant(magnitude, digits - 1 - exponent)
  while (digits < 9 && Math.fround(times(integer, exponent - digits + 1)) !== magnitude) {
    digits += 1
    integer = significant(magnitude, digits - 1 - exponent)
  }
  if (integer === POWERS[digits]) exponent += 1 // Rounding reached the next power of ten.
  while (integer % 100 === 0) integer = (integer / 100) | 0
  if (integer % 10 === 0) integer = (integer / 10) | 0
  return exponent < 0 ? writeFraction(bytes, start, integer, exponent) : writeMixed(bytes, start, integer, exponent)
}

/** 0.000ddd */
function writeFraction(bytes: Buffer, start: number, integer: number, exponent: number): number {
  bytes[start] = ZERO
  bytes[start + 1] = POINT
  const digitsAt = start + 1 - exponent
  bytes.fill(ZERO, start + 2, digitsAt)
  return writeDigits(bytes, digitsAt, integer)
}

/** ddd.ddd, or ddd000 */
function writeMixed(bytes: Buffer, start: number, integer: number, exponent: number): number {
  const end = writeDigits(bytes, start, integer)
  const point = start + exponent + 1
  if (end <= point) {
    for (let at = end; at < point; at += 1) bytes[at] = ZERO
    return point
  }
  for (let at = end; at > point; at -= 1) bytes[at] = bytes[at - 1] as number
  bytes[point] = POINT
  return end + 1
}

/** Decimal digits of a positive 32-bit integer, from the last to the first; returns the place behind them. */
function writeDigits(bytes: Buffer, start: number, integer: number): number {
  const end = start + digitCount(integer)
  let at = end
  let rest = integer
  while (rest >= 10) {
    const upper = (rest / 100) | 0
    const pair = (rest - upper * 100) * 2
    rest = upper
    at -= 2
    bytes[at + 1] = PAIRS[pair + 1] as number
    bytes[at] = PAIRS[pair] as number
  }
  if (at > start) bytes[start] = ZERO + rest
  return end
}

/** The exponent of the first significant digit. */
function decadeOf(magnitude: number): number {
  let place = magnitude < 1 ? 5 : 14
  while ((DECADES[place] as number) > magnitude) place -= 1
  return place - 6
}

function digitCount(integer: number): number {
  let count = 1
  while (integer >= (POWERS[count] as number)) count += 1
  return count
}

/** value * 10^exponent, rounded to an integer. */
function significant(value: number, exponent: number): number {
  return Math.round(times(value, exponent))
}

/** value * 10^exponent with one rounding. */
function times(value: number, exponent: number): number {
  return exponent < 0 ? value / (POWERS[-exponent] as number) : value * (POWERS[exponent] as number)
}

/** The fewest digits that read back as the same float32. */
function shortest(value: number): string {
  for (let digits = 1; digits < 9; digits += 1) {
    const text = Number(value.toPrecision(digits))
    if (Math.fround(text) === value) return String(text)
  }
  return String(Number(value.toPrecision(9)))
}
