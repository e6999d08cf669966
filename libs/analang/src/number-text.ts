/**
 * Numbers as people would have written them. A coefficient that went through arithmetic or a 32-bit float has many
 * digits, of which the last say nothing; the shortest number within the tolerance is the one that was meant.
 */

/** Relative rounding of a value computed by a few operations on doubles. */
const DOUBLE_TOLERANCE = 1e-13
/** Relative rounding of a value stored as a 32-bit float. */
const SINGLE_TOLERANCE = 2 ** -24
/** A double with more digits than this was computed, or rounded to 32 bits. */
const DIGITS_WRITTEN = 9

/** The tolerance that values read from a configuration ask for: that of 32-bit floats when they went through such a format. */
export function toleranceOf(values: readonly number[]): number {
  const rounded = values.some((value) => Math.fround(value) === value && digits(value) > DIGITS_WRITTEN)
  const kept = values.every((value) => Math.fround(value) === value)
  return rounded && kept ? SINGLE_TOLERANCE : DOUBLE_TOLERANCE
}

/** The number with the fewest digits within a relative tolerance. */
export function shortest(value: number, tolerance: number): number {
  for (let precision = 1; precision <= 17; precision++) {
    const candidate = Number(value.toPrecision(precision))
    if (Math.abs(candidate - value) <= tolerance * Math.abs(value)) return candidate
  }
  return value
}

function digits(value: number): number {
  return String(value).replace(/e.*$/, '').replace(/[^\d]/g, '').replace(/^0+/, '').length
}
