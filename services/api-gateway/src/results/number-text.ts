/**
 * Numbers as text, fast: a float32 is written with the fewest of 7, 8 or 9 significant digits that read back as
 * the same float32 (9 always do). The digits come from one integer, through a table of digit pairs, straight into
 * bytes; no string is made for a sample.
 */

const PAIRS = Uint8Array.from({ length: 200 }, (_, i) => 48 + (i % 2 === 0 ? Math.floor(i / 20) : (i >> 1) % 10))
/** Exact as doubles, so that one multiplication or division by them rounds once. */
const POWERS = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`))
/** Outside of these magnitudes a number is written with an exponent, by the language's own means. */
const FIXED = { min: 1e-6, max: 1e9 }
/** The longest text that `number` writes, bytes. */
const NUMBER_BYTES = 32

const ZERO = 48
const MINUS = 45
const POINT = 46

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

  /** A finite float32, exactly. What is not finite is written as `notFinite`, or by its name. */
  number(value: number, notFinite?: string): this {
    const magnitude = Math.abs(value)
    if (magnitude >= FIXED.min && magnitude < FIXED.max) {
      this.#reserve(NUMBER_BYTES)
      this.#fixed(value < 0, magnitude)
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

  #fixed(negative: boolean, magnitude: number): void {
    let exponent = Math.floor(Math.log10(magnitude))
    let digits = 7
    let integer = scaled(magnitude, digits - 1 - exponent)
    while (digits < 9 && Math.fround(scaled(integer, exponent - digits + 1, false)) !== magnitude) {
      digits += 1
      integer = scaled(magnitude, digits - 1 - exponent)
    }
    if (integer >= (POWERS[digits] ?? 0)) exponent += 1 // Rounding, or the logarithm, reached the next power of ten.
    while (integer % 10 === 0) integer /= 10

    if (negative) this.#put(MINUS)
    this.#digits(integer, exponent)
  }

  /** Writes the integer's digits with the point behind the digit of weight 10^0, the first digit having 10^exponent. */
  #digits(integer: number, exponent: number): void {
    const length = digitCount(integer)
    const start = exponent < 0 ? this.#length + 1 - exponent : this.#length
    if (exponent < 0) {
      this.#put(ZERO)
      this.#put(POINT)
      for (let zero = exponent + 1; zero < 0; zero += 1) this.#put(ZERO)
    }
    let at = start + length
    let rest = integer
    while (rest >= 10) {
      const pair = (rest % 100) * 2
      rest = Math.floor(rest / 100)
      at -= 2
      this.#bytes[at] = PAIRS[pair] ?? ZERO
      this.#bytes[at + 1] = PAIRS[pair + 1] ?? ZERO
    }
    if (at > start) this.#bytes[at - 1] = ZERO + rest
    this.#length = start + length
    if (exponent >= 0) this.#point(start, length, exponent)
  }

  /** Sets the point into digits that lie at `start`, or zeros behind them. */
  #point(start: number, length: number, exponent: number): void {
    const whole = exponent + 1
    for (let zero = length; zero < whole; zero += 1) this.#put(ZERO)
    if (length <= whole) return
    this.#bytes.copyWithin(start + whole + 1, start + whole, start + length)
    this.#bytes[start + whole] = POINT
    this.#length += 1
  }

  #put(byte: number): void {
    this.#bytes[this.#length] = byte
    this.#length += 1
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + bytes))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}

/** value * 10^exponent with one rounding; rounded to an integer unless told otherwise. */
function scaled(value: number, exponent: number, round = true): number {
  const product = exponent < 0 ? value / (POWERS[-exponent] ?? NaN) : value * (POWERS[exponent] ?? NaN)
  return round ? Math.round(product) : product
}

function digitCount(integer: number): number {
  let count = 1
  while (integer >= (POWERS[count] ?? Infinity)) count += 1
  return count
}

/** The fewest digits that read back as the same float32. */
function shortest(value: number): string {
  for (let digits = 1; digits < 9; digits += 1) {
    const text = Number(value.toPrecision(digits))
    if (Math.fround(text) === value) return String(text)
  }
  return String(Number(value.toPrecision(9)))
}
