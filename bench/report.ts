/** Figures of a measurement and their table. Ratios are what to quote: absolute figures drift with the machine. */

export interface Row {
  readonly what: string
  readonly figure: string
  /** The baseline of the same run that the ratio refers to; empty for a baseline itself. */
  readonly against: string
  readonly ratio: string
  readonly goal: string
}

export interface Section {
  readonly title: string
  readonly rows: readonly Row[]
}

export function row(
  what: string,
  figure: string,
  comparison: Partial<Pick<Row, 'against' | 'ratio' | 'goal'>> = {},
): Row {
  return { what, figure, against: '', ratio: '', goal: '', ...comparison }
}

export function renderSection({ title, rows }: Section): string {
  const header: Row = { what: title, figure: '', against: 'against', ratio: 'ratio', goal: 'goal' }
  const columns = ['what', 'figure', 'against', 'ratio', 'goal'] as const
  const widths = columns.map((column) => Math.max(...[header, ...rows].map((line) => line[column].length)))
  const lines = [header, ...rows].map((line) =>
    columns
      .map((column, index) => line[column].padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return [lines[0], '-'.repeat(widths.reduce((sum, width) => sum + width + 2, 0)), ...lines.slice(1)].join('\n')
}

/** Value below which a share of the values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5)
}

export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return (performance.now() - begun) / 1000
}

export const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)} ms`
export const times = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} x`
export const mega = (perSecond: number): string => `${(perSecond / 1e6).toFixed(perSecond < 1e6 ? 3 : 1)} Msamples/s`
