/**
 * A figure as SVG, written out by hand: panels with axes, one per channel, and the phase portrait below. A trace is
 * drawn as its envelope, so the file stays small however long the run was.
 */
import { extentOf, marks, type Extent } from './axis.ts'
import { formatNumber } from './duration.ts'
import type { Figure, Phase, Trace } from './figure.ts'
import { printable } from './text.ts'

const COLOURS = ['#1f5fa8', '#c8471d', '#2b8a3e', '#7b3fa0', '#b58900', '#0f8b8d', '#a61e4d', '#495057'] as const
const WIDTH = 900
const MARGIN = { left: 70, right: 20, top: 44, bottom: 40 }
const PANEL = { height: 150, gap: 26 }
const SQUARE = 420

interface Frame {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
  readonly x: Extent
  readonly y: Extent
}

/** A complete SVG document. */
export function svgPlot({ title, traces, phase, time }: Figure): string {
  const frames = traces.map(({ minimum, maximum }, i): Frame => ({
    left: MARGIN.left,
    top: MARGIN.top + i * (PANEL.height + PANEL.gap),
    width: WIDTH - MARGIN.left - MARGIN.right,
    height: PANEL.height,
    x: time.to > time.from ? { low: time.from, high: time.to } : extentOf([time.from]),
    y: padded(extentOf(minimum, maximum)),
  }))
  const below = MARGIN.top + traces.length * (PANEL.height + PANEL.gap) + MARGIN.bottom
  const square = phase && {
    left: (WIDTH - SQUARE) / 2,
    top: below,
    width: SQUARE,
    height: SQUARE,
    x: padded(extentOf(phase.x)),
    y: padded(extentOf(phase.y)),
  }
  const height = square ? below + SQUARE + MARGIN.bottom + 20 : below
  const panels = traces.flatMap((trace, i) => {
    const frame = frames[i]
    return frame ? [panel(trace, frame, COLOURS[i % COLOURS.length] ?? COLOURS[0])] : []
  })
  const bottom = frames.at(-1)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" ` +
      'font-family="system-ui, sans-serif" font-size="12" fill="#333">',
    `<title>${escape(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="${MARGIN.left}" y="24" font-size="16" font-weight="600">${escape(title)}</text>`,
    ...panels,
    ...(bottom ? [caption(bottom, time.label)] : []),
    ...(phase && square ? [portrait(phase, square)] : []),
    '</svg>',
    '',
  ].join('\n')
}

function panel({ label, unit, minimum, maximum }: Trace, frame: Frame, colour: string): string {
  const at = (i: number): number =>
    minimum.length < 2 ? frame.x.low : frame.x.low + (i / (minimum.length - 1)) * (frame.x.high - frame.x.low)
  const upper: string[] = []
  const lower: string[] = []
  for (let i = 0; i < minimum.length; i++) {
    const [low, high] = [minimum[i] ?? NaN, maximum[i] ?? NaN]
    if (!Number.isFinite(low) || !Number.isFinite(high)) continue
    upper.push(point(frame, at(i), high))
    lower.unshift(point(frame, at(i), low))
  }
  const path = upper.length > 0 ? `M${[...upper, ...lower].join('L')}Z` : ''
  const name = unit ? `${label} [${unit}]` : label
  return [
    axes(frame, { x: 8, y: 4 }),
    `<path d="${path}" fill="${colour}" stroke="${colour}" stroke-width="1.2" stroke-linejoin="round"/>`,
    `<text x="${frame.left + 6}" y="${frame.top + 14}" font-weight="600" fill="${colour}">${escape(name)}</text>`,
  ].join('\n')
}

function portrait({ x, y, xLabel, yLabel }: Phase, frame: Frame): string {
  const points: string[] = []
  for (let i = 0; i < x.length; i++) {
    const [px, py] = [x[i] ?? NaN, y[i] ?? NaN]
    if (Number.isFinite(px) && Number.isFinite(py)) points.push(point(frame, px, py))
  }
  const path = points.length > 0 ? `M${points.join('L')}` : ''
  return [
    axes(frame, { x: 5, y: 5 }),
    `<path d="${path}" fill="none" stroke="${COLOURS[0]}" stroke-width="0.8" stroke-linejoin="round"/>`,
    caption(frame, xLabel),
    `<text x="${frame.left + 6}" y="${frame.top + 14}" font-weight="600">${escape(`${yLabel} against ${xLabel}`)}</text>`,
  ].join('\n')
}

function axes(frame: Frame, count: { readonly x: number; readonly y: number }): string {
  const { left, top, width, height } = frame
  const vertical = marks(frame.x, count.x).map((value) => {
    const x = across(frame, value)
    return (
      `<path d="M${x} ${top}V${top + height}" stroke="#e5e5e5"/>` +
      `<text x="${x}" y="${top + height + 15}" text-anchor="middle" font-size="10">${formatNumber(value)}</text>`
    )
  })
  const horizontal = marks(frame.y, count.y).map((value) => {
    const y = down(frame, value)
    return (
      `<path d="M${left} ${y}H${left + width}" stroke="#e5e5e5"/>` +
      `<text x="${left - 6}" y="${y + 3.5}" text-anchor="end" font-size="10">${formatNumber(value)}</text>`
    )
  })
  const box = `<rect x="${left}" y="${top}" width="${width}" height="${height}" fill="none" stroke="#999"/>`
  return [...vertical, ...horizontal, box].join('\n')
}

function caption({ left, top, width, height }: Frame, text: string): string {
  return `<text x="${left + width / 2}" y="${top + height + 32}" text-anchor="middle">${escape(text)}</text>`
}

function point(frame: Frame, x: number, y: number): string {
  return `${across(frame, x)} ${down(frame, y)}`
}

function across({ left, width, x }: Frame, value: number): number {
  return rounded(left + ((value - x.low) / (x.high - x.low)) * width)
}

function down({ top, height, y }: Frame, value: number): number {
  return rounded(top + ((y.high - value) / (y.high - y.low)) * height)
}

function rounded(value: number): number {
  return Number(value.toFixed(2))
}

function padded({ low, high }: Extent): Extent {
  const pad = (high - low) * 0.06
  return { low: low - pad, high: high + pad }
}

function escape(text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return printable(text).replace(/[&<>"]/g, (character) => entities[character] ?? '')
}
