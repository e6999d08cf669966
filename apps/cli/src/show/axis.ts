/** Value ranges and round marks for plots, in the terminal and as SVG alike. */

export interface Extent {
  readonly low: number
  readonly high: number
}

/** Smallest range that holds all finite values; never empty, so that a constant is drawn in the middle. */
export function extentOf(...series: readonly ArrayLike<number | null>[]): Extent {
  let low = Infinity
  let high = -Infinity
  for (const values of series) {
    for (let i = 0; i < values.length; i++) {
      const value = values[i] ?? NaN
      if (!Number.isFinite(value)) continue
      low = Math.min(low, value)
      high = Math.max(high, value)
    }
  }
  if (low > high) return { low: -1, high: 1 }
  const spread = low === high ? Math.abs(low) || 1 : 0
  return { low: low - spread, high: high + spread }
}

/** About `count` round marks (1, 2 or 5 times a power of ten) within the range. */
export function marks({ low, high }: Extent, count: number): number[] {
  const rough = (high - low) / Math.max(1, count)
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? 10 * power
  const first = Math.ceil(low / step - 1e-9)
  const last = Math.floor(high / step + 1e-9)
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(((first + i) * step).toPrecision(12)))
}
