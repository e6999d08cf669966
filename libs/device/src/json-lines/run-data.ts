/**
 * Samples out of a line of text, straight from bytes into a typed array. The list after `"data"` is read number by
 * number: a sign, digits, a point and digits, as devices print them ("% 1.3f"), are summed up as one integer and
 * divided once, which rounds as the written number does; whatever looks different goes through `Number`. The rest
 * of the line, some hundred bytes, is ordinary JSON. Many times faster than an object per sample.
 */
import { Problem } from '@lucihub/analog'

/** One line of samples. */
export interface RunData {
  readonly runId: string
  /** The path as a list: MAC address, then perhaps a cluster. */
  readonly entity: readonly string[]
  /** Numbers in each row. */
  readonly width: number
  /** Rows. */
  readonly count: number
  /** Row by row, `count * width` numbers; valid until the next line is read. */
  readonly values: Float32Array
}

/** Numbers in a row: the outputs of a cluster, which are final values. Samples have fewer. */
const WIDTH_MAX = 16
/** Digits that a double holds without loss. */
const DIGITS_MAX = 15
/** Bytes of the longest number: a double written out with its exponent, and room. */
const NUMBER_BYTES_MAX = 40
/** Bytes of a line besides its samples. */
const ENVELOPE_BYTES_MAX = 4_096
const POWERS = Float64Array.from({ length: DIGITS_MAX + 1 }, (_, exponent) => 10 ** exponent)
/** Names that C gives to what is not a number. */
const UNUSUAL: ReadonlyMap<string, number> = new Map([
  ['null', NaN],
  ['nan', NaN],
  ['-nan', NaN],
  ['inf', Infinity],
  ['-inf', -Infinity],
])

const [TAB, SPACE, COMMA, MINUS, POINT, ZERO, COLON, OPEN, CLOSE] = [9, 32, 44, 45, 46, 48, 58, 91, 93] as const

/** Reads the data lines of one connection. */
export class RunDataReader {
  #values = new Float32Array(1024)
  #at = 0
  #count = 0
  #width = 0

  /** Null for a line of another type. Throws a Problem `invalid-request` for a data line that is not well formed. */
  read(line: Uint8Array): RunData | null {
    const bytes = Buffer.from(line.buffer, line.byteOffset, line.byteLength)
    const begin = listBehind(bytes, '"data"')
    if (begin < 0) return null
    // Every number takes two bytes at least: a digit and what follows it.
    if (this.#values.length < bytes.length / 2) this.#values = new Float32Array(bytes.length)
    const isRead = this.#rows(bytes, begin)
    const rest = bytes.length - (this.#at - begin)
    const envelope = isRead && rest <= ENVELOPE_BYTES_MAX ? envelopeOf(bytes, begin, this.#at) : null
    if (!envelope) {
      if (bytes.includes('"run_data"')) throw malformed()
      return null
    }
    return {
      ...envelope,
      width: this.#width,
      count: this.#count,
      values: this.#values.subarray(0, this.#count * this.#width),
    }
  }

  /** Reads the list of rows that begins here; false when it is none, else #at is behind it. */
  #rows(bytes: Uint8Array, begin: number): boolean {
    this.#count = 0
    this.#width = 0
    this.#at = skipBlank(bytes, begin + 1)
    if (bytes[this.#at] === CLOSE) return this.#end()
    let filled = 0
    for (;;) {
      if (bytes[this.#at] !== OPEN) return false
      const after = this.#row(bytes, this.#at + 1, filled)
      if (after < 0) return false
      this.#width ||= after - filled
      if (after - filled !== this.#width || this.#width > WIDTH_MAX) return false
      filled = after
      this.#count += 1
      this.#at = skipBlank(bytes, this.#at)
      const next = bytes[this.#at]
      if (next === CLOSE) return this.#end()
      if (next !== COMMA) return false
      this.#at = skipBlank(bytes, this.#at + 1)
    }
  }

  #end(): boolean {
    this.#at += 1
    return true
  }

  /** Reads numbers up to the end of their row, and sets #at behind it; the new fill level, or -1. */
  #row(bytes: Uint8Array, begin: number, filled: number): number {
    const values = this.#values
    let at = begin
    let to = filled
    for (;;) {
      let byte = bytes[at] ?? 0
      while (byte === SPACE) byte = bytes[++at] ?? 0
      const start = at
      const negative = byte === MINUS
      if (negative) byte = bytes[++at] ?? 0
      let mantissa = 0
      let digits = 0
      let decimals = 0
      for (let digit = byte - ZERO; digit >= 0 && digit <= 9; digits++) {
        mantissa = mantissa * 10 + digit
        byte = bytes[++at] ?? 0
        digit = byte - ZERO
      }
      if (byte === POINT) {
        byte = bytes[++at] ?? 0
        for (let digit = byte - ZERO; digit >= 0 && digit <= 9; decimals++) {
          mantissa = mantissa * 10 + digit
          byte = bytes[++at] ?? 0
          digit = byte - ZERO
        }
      }
      if ((byte === COMMA || byte === CLOSE) && digits > 0 && digits + decimals <= DIGITS_MAX) {
        const value = mantissa / (POWERS[decimals] ?? 1)
        values[to++] = negative ? -value : value
      } else {
        at = endOfNumber(bytes, start)
        const value = at < 0 ? null : unusual(bytes, start, at)
        if (value === null) return -1
        values[to++] = value
        byte = bytes[at] ?? 0
      }
      at += 1
      if (byte === CLOSE) {
        this.#at = at
        return to
      }
    }
  }
}

/** Where the list begins that is the value of this key; -1 when there is none. */
function listBehind(bytes: Buffer, key: string): number {
  const found = bytes.indexOf(key)
  if (found < 0) return -1
  const colon = skipBlank(bytes, found + key.length)
  if (bytes[colon] !== COLON) return -1
  const begin = skipBlank(bytes, colon + 1)
  return bytes[begin] === OPEN ? begin : -1
}

function skipBlank(bytes: Uint8Array, from: number): number {
  let at = from
  while (bytes[at] === SPACE || bytes[at] === TAB) at += 1
  return at
}

/** The comma or bracket that ends the number beginning here, or -1. */
function endOfNumber(bytes: Uint8Array, begin: number): number {
  for (let at = begin; at < begin + NUMBER_BYTES_MAX; at++) {
    if (bytes[at] === COMMA || bytes[at] === CLOSE) return at
  }
  return -1
}

function unusual(bytes: Uint8Array, begin: number, end: number): number | null {
  const text = String.fromCharCode(...bytes.subarray(begin, end))
    .trim()
    .toLowerCase()
  const named = UNUSUAL.get(text)
  if (named !== undefined) return named
  return /^[+-]?\d+(\.\d*)?(e[+-]?\d+)?$/.test(text) ? Number(text) : null
}

/** Of the line around the list; null when it is no data line. Throws for one that is not well formed. */
function envelopeOf(bytes: Buffer, begin: number, end: number): Pick<RunData, 'runId' | 'entity'> | null {
  let line: unknown
  try {
    line = JSON.parse(`${bytes.toString('utf8', 0, begin)}null${bytes.toString('utf8', end)}`)
  } catch {
    return null
  }
  const { type, msg } = (line ?? {}) as { type?: unknown; msg?: { id?: unknown; entity?: unknown; data?: unknown } }
  if (type !== 'run_data' || msg?.data !== null) return null
  const { id, entity = [] } = msg
  if (typeof id !== 'string' || !Array.isArray(entity)) throw malformed()
  return { runId: id, entity: entity.map((part) => String(part).replace(/^\//, '')) }
}

function malformed(): Problem {
  return new Problem('invalid-request', 'A run_data line is not well formed.')
}
