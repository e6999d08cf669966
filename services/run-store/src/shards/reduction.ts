/**
 * Many shards' values as one: mean and standard deviation by Welford's update, which stays exact where a sum of
 * squares would cancel. Values that are no numbers (gaps) count neither above nor below the line.
 */

export interface Moments {
  readonly mean: Float64Array
  /** Of the sample (n - 1); 0 where there was one value. */
  readonly std: Float64Array
}

/** Over series of one length; NaN where no series has a number. */
export function momentsOf(series: readonly ArrayLike<number>[]): Moments {
  const length = series[0]?.length ?? 0
  const mean = new Float64Array(length)
  const squares = new Float64Array(length)
  const counts = new Uint32Array(length)
  for (const values of series)
    for (let at = 0; at < length; at++) {
      const value = values[at] ?? NaN
      if (Number.isNaN(value)) continue
      const count = (counts[at] = (counts[at] ?? 0) + 1)
      const delta = value - (mean[at] ?? 0)
      mean[at] = (mean[at] ?? 0) + delta / count
      squares[at] = (squares[at] ?? 0) + delta * (value - (mean[at] ?? 0))
    }
  const std = squares.map((sum, at) => {
    const count = counts[at] ?? 0
    return count === 0 ? NaN : count === 1 ? 0 : Math.sqrt(sum / (count - 1))
  })
  return { mean: mean.map((value, at) => (counts[at] === 0 ? NaN : value)), std }
}

/** A page of a worker as it is stored: its values, their axes, and whatever else belongs to it. */
export interface PageBody {
  readonly data?: { readonly values?: readonly number[] } & Readonly<Record<string, unknown>>
  readonly axisDim1?: { readonly values?: readonly number[] } & Readonly<Record<string, unknown>>
  readonly [name: string]: unknown
}

export type Merged =
  | { readonly kind: 'merged'; readonly mean: PageBody; readonly std: PageBody | null }
  | { readonly kind: 'differs'; readonly why: string }

/** Pages of one channel and number, of the shards that completed, in their order. Pages without values: the first. */
export function mergePages(pages: readonly PageBody[], reduce: 'mean' | 'mean_std' | 'concat'): Merged {
  const [first] = pages
  if (!first) return { kind: 'differs', why: 'there are no pages' }
  const values = pages.map((page) => page.data?.values)
  if (!values.every(isSeries)) return { kind: 'merged', mean: first, std: null }
  if (reduce === 'concat') {
    const axes = pages.map((page) => page.axisDim1?.values)
    const axisDim1 = axes.every(isSeries) ? { ...first.axisDim1, values: axes.flat() } : first.axisDim1
    return {
      kind: 'merged',
      mean: { ...first, data: { ...first.data, values: values.flat() }, ...(axisDim1 && { axisDim1 }) },
      std: null,
    }
  }
  const lengths = [...new Set(values.map((series) => series.length))]
  if (lengths.length > 1) return { kind: 'differs', why: `the shards have ${lengths.join(' and ')} values` }
  const { mean, std } = momentsOf(values)
  const withValues = (series: Float64Array): PageBody => ({ ...first, data: { ...first.data, values: [...series] } })
  return { kind: 'merged', mean: withValues(mean), std: reduce === 'mean_std' ? withValues(std) : null }
}

function isSeries(values: readonly number[] | undefined): values is readonly number[] {
  return values !== undefined
}
