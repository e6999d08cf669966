/** A figure in a terminal: a strip of Braille per channel, and the phase portrait as a square. */
import { extentOf, type Extent } from './axis.ts'
import { canvas, type Canvas } from './braille.ts'
import { formatNumber } from './duration.ts'
import type { Figure, Phase, Trace } from './figure.ts'
import { printable } from './text.ts'

const STRIP_LINES = 6
const PHASE = { columns: 44, lines: 22 }
/** Room for the numbers on the left. */
const GUTTER = 11

/** Lines of text, `columns` wide. */
export function terminalPlot(figure: Figure, columns: number): string {
  const width = Math.max(20, Math.min(columns, 160) - GUTTER - 1)
  const strips = figure.traces.map((trace) => strip(trace, width))
  const { from, to, label } = figure.time
  const left = formatNumber(from)
  const right = `${formatNumber(to)} ${label}`
  const axis = ' '.repeat(GUTTER + 1) + left + ' '.repeat(Math.max(1, width - left.length - right.length)) + right
  const parts = strips.length > 0 ? [...strips, axis] : []
  if (figure.phase) parts.push('', portrait(figure.phase))
  return parts.join('\n')
}

function strip({ label, unit, minimum, maximum }: Trace, columns: number): string {
  const extent = extentOf(minimum, maximum)
  const drawing = canvas(columns, STRIP_LINES)
  const buckets = minimum.length
  const x = (i: number): number => (buckets < 2 ? 0 : (i / (buckets - 1)) * (drawing.width - 1))
  const y = (value: number): number => place(value, extent, drawing)
  for (let i = 0, last = NaN; i < buckets; i++) {
    const [low, high] = [minimum[i] ?? NaN, maximum[i] ?? NaN]
    drawing.line(x(i), y(low), x(i), y(high))
    if (i > 0) drawing.line(x(i - 1), y(last), x(i), y((low + high) / 2))
    last = (low + high) / 2
  }
  return [printable(unit ? `${label} [${unit}]` : label), ...framed(drawing, extent)].join('\n')
}

function portrait({ x, y, xLabel, yLabel }: Phase): string {
  const [horizontal, vertical] = [extentOf(x), extentOf(y)]
  const drawing = canvas(PHASE.columns, PHASE.lines)
  const across = (value: number): number =>
    ((value - horizontal.low) / (horizontal.high - horizontal.low)) * (drawing.width - 1)
  const down = (value: number): number => place(value, vertical, drawing)
  for (let i = 1; i < x.length; i++) {
    drawing.line(across(x[i - 1] ?? NaN), down(y[i - 1] ?? NaN), across(x[i] ?? NaN), down(y[i] ?? NaN))
  }
  const [left, right] = [formatNumber(horizontal.low), `${formatNumber(horizontal.high)} ${xLabel}`]
  const axis = left + ' '.repeat(Math.max(1, PHASE.columns - left.length - right.length)) + right
  const heading = `${yLabel} against ${xLabel}`
  return [printable(heading), ...framed(drawing, vertical), ' '.repeat(GUTTER + 1) + printable(axis)].join('\n')
}

/** Dots from the top. */
function place(value: number, { low, high }: Extent, { height }: Canvas): number {
  return ((high - value) / (high - low)) * (height - 1)
}

/** The drawing with the range on its left edge. */
function framed(drawing: Canvas, { low, high }: Extent): string[] {
  const rows = drawing.rows()
  return rows.map((row, i) => {
    const number = i === 0 ? formatNumber(high) : i === rows.length - 1 ? formatNumber(low) : ''
    return `${number.padStart(GUTTER)} ${row}`
  })
}
