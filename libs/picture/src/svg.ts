/** The drawing as SVG: the symbols of analog computing, coefficients at the inputs, a legend. */
import type { Configuration, DeviceSpecification } from '@lucihub/analog'
import { diagramOf, type Element } from './diagram.ts'
import { labelText, probeText, textWidth, type Box, type Port } from './layout.ts'
import { draw, type Wire } from './wires.ts'

const MARGIN = 28
const LEGEND_LINE = 18
const INK = '#1f2937'
const FAINT = '#6b7280'
const UPSCALED = '#b45309'
/** Wires are told apart by colour; these differ in lightness too. */
const COLOURS = [
  '#2563eb',
  '#c2410c',
  '#047857',
  '#9333ea',
  '#0e7490',
  '#be185d',
  '#4d7c0f',
  '#7f1d1d',
  '#4338ca',
  '#a16207',
]

/**
 * The circuit that a configuration makes on a device, as the text of an SVG with a white ground. Expects a configuration
 * that fits the device (`violationsOf` is empty). Deterministic.
 */
export function drawCircuit(configuration: Configuration, specification: DeviceSpecification): string {
  const elements = diagramOf(configuration, specification)
  const drawing = draw(elements)
  const colours = new Map(drawing.wires.map(({ output }, index) => [output, COLOURS[index % COLOURS.length] ?? INK]))
  const colourOf = (output: number): string => colours.get(output) ?? FAINT
  const legend = legendOf(configuration, elements)
  const width = Math.ceil(Math.max(drawing.width, ...legend.map((line) => textWidth(line))) + 2 * MARGIN)
  const top = drawing.top - MARGIN - 14
  const height = Math.ceil(drawing.bottom - top + MARGIN + 10 + legend.length * LEGEND_LINE)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="${-MARGIN} ${n(top)} ${width} ${height}" font-family="ui-sans-serif, system-ui, 'DejaVu Sans', sans-serif" font-size="11" fill="none" stroke-linecap="round" stroke-linejoin="round">`,
    `<title>Circuit</title>`,
    `<rect x="${-MARGIN}" y="${n(top)}" width="${width}" height="${height}" fill="#ffffff"/>`,
    ...drawing.wires.map((wire) => wireText(wire, colourOf(wire.output))),
    ...drawing.boxes.map((box) => boxText(box, colourOf)),
    ...legend.map((line, index) =>
      text(line, { x: 0, y: drawing.bottom + MARGIN + 8 + index * LEGEND_LINE, fill: FAINT }),
    ),
    '</svg>',
    '',
  ].join('\n')
}

function legendOf({ problemTimePerSecond }: Configuration, elements: readonly Element[]): string[] {
  if (elements.length === 0) return ['Nothing is connected.']
  const has = (symbol: Element['symbol']): boolean => elements.some((element) => element.symbol === symbol)
  const upscaled = elements.some(({ inputs }) => inputs.flat().some((arrival) => arrival.upscaled))
  const rates = [...new Set(elements.filter(({ symbol }) => symbol === 'integrator').map(({ k0 }) => k0))]
  const pace = [
    rates.length > 0 ? `k0 = ${rates.map(grouped).join(' and ')} per second` : '',
    problemTimePerSecond > 0
      ? `1 s of op time is ${grouped(problemTimePerSecond)} units of problem time`
      : 'the pace of problem time is not known',
  ]
  const rules = [
    has('integrator') ? 'integrator: dv/dt = \u2212k0 \u00b7 sum of its inputs' : '',
    has('identity') ? 'identity (triangle): v = \u2212sum' : '',
    upscaled ? '\u00d78: an upscaled lane' : '',
  ]
  return [pace, rules]
    .map((parts) => parts.filter((part) => part !== '').join('   \u00b7   '))
    .filter((line) => line !== '')
}

function wireText({ lines, junctions }: Wire, colour: string): string {
  const path = lines.map(({ from, to }) => `M${n(from.x)} ${n(from.y)}L${n(to.x)} ${n(to.y)}`).join('')
  const dots = junctions.map(({ x, y }) => `<circle cx="${n(x)}" cy="${n(y)}" r="2.6"/>`).join('')
  return `<g stroke="${colour}"><path d="${path}" stroke-width="1.5"/>${dots && `<g fill="${colour}" stroke="none">${dots}</g>`}</g>`
}

function boxText(box: Box, colourOf: (output: number) => string): string {
  const { element, x, y, width, height, ports } = box
  return [
    '<g>',
    ...ports.map((port) => portText(port, box, colourOf)),
    `<g stroke="${INK}" stroke-width="1.6" fill="#f8fafc">${symbolOf(box)}</g>`,
    text(element.place, { x: x + 1, y: y - 6, fill: FAINT, size: 10 }),
    ...captionOf(element).map((caption) =>
      text(caption, { x: x + width / 2, y: y + height + 13, fill: INK, size: 10, anchor: 'middle' }),
    ),
    ...(element.probes.length > 0 ? [probeMark(box, colourOf(element.output))] : []),
    '</g>',
  ].join('')
}

function symbolOf({ element, x, y, width, height, divide }: Box): string {
  const middle = y + height / 2
  const triangle = (from: number): string =>
    `<path d="M${n(from)} ${n(y)}L${n(x + width)} ${n(middle)}L${n(from)} ${n(y + height)}Z"/>`
  const sign = (character: string, size = 20): string =>
    text(character, { x: x + width / 2, y: middle + size * 0.35, fill: INK, size, anchor: 'middle', stroke: false })
  switch (element.symbol) {
    case 'integrator':
      return `<rect x="${n(x)}" y="${n(y)}" width="13" height="${n(height)}"/>${triangle(x + 13)}`
    case 'identity':
      return triangle(x)
    default: {
      const line =
        divide === null || element.symbol === 'product' ? '' : `<path d="M${n(x)} ${n(divide)}h6" stroke-width="1"/>`
      const characters = { product: '\u00d7', quotient: '\u00f7', square: 'x\u00b2', root: '\u221a' } as const
      const box = `<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" rx="5"/>`
      return `${box}${line}${sign(characters[element.symbol], element.symbol === 'square' ? 15 : 22)}`
    }
  }
}

/** What arrives: an arrow in the colour of its wire, the coefficient above the line, a constant or an external input at its beginning. */
function portText({ arrival, y, text: coefficient }: Port, { x }: Box, colourOf: (output: number) => string): string {
  const { source, upscaled } = arrival
  const colour = 'output' in source ? colourOf(source.output) : FAINT
  const arrow = `<path d="M${n(x - 6)} ${n(y - 3)}L${n(x)} ${n(y)}L${n(x - 6)} ${n(y + 3)}Z" fill="${colour}"/>`
  const boost = upscaled ? `<tspan fill="${UPSCALED}" font-weight="700" dx="3">\u00d78</tspan>` : ''
  const label = `<text x="${n(x - 9)}" y="${n(y - 4)}" fill="${INK}" font-size="10.5" text-anchor="end">${escaped(coefficient)}${boost}</text>`
  if ('output' in source) return arrow + label
  const length = textWidth(coefficient) + (upscaled ? 20 : 0) + 14
  if ('input' in source) {
    const name = labelText(source.input)
    const width = textWidth(name) + 14
    const right = x - length
    return [
      `<path d="M${n(right)} ${n(y)}H${n(x)}" stroke="${FAINT}" stroke-width="1.5"/>`,
      `<path d="M${n(right - width)} ${n(y - 9)}H${n(right - 6)}L${n(right)} ${n(y)}L${n(right - 6)} ${n(y + 9)}H${n(right - width)}Z" stroke="${FAINT}" fill="#fef3c7"/>`,
      text(name, { x: right - width / 2 - 2, y: y + 3.5, fill: INK, anchor: 'middle' }),
      arrow,
      label,
    ].join('')
  }
  const at = x - length - 9
  const value = source.constant > 0 ? `+${source.constant}` : `\u2212${Math.abs(source.constant)}`
  return [
    `<path d="M${n(at + 9)} ${n(y)}H${n(x)}" stroke="${FAINT}" stroke-width="1.5"/>`,
    `<circle cx="${n(at)}" cy="${n(y)}" r="9" stroke="${FAINT}" fill="#f3f4f6"/>`,
    text(value, { x: at, y: y + 3, fill: INK, size: value.length > 2 ? 7 : 9, anchor: 'middle' }),
    arrow,
    label,
  ].join('')
}

/** A pill above the output. */
function probeMark({ element, x, width, outputY }: Box, colour: string): string {
  const label = probeText(element)
  const left = x + width + 10
  const top = outputY - 28
  return [
    `<path d="M${n(x + width)} ${n(outputY)}H${n(x + width + 6)}V${n(top + 9)}H${n(left)}" stroke="${colour}" stroke-width="1.5"/>`,
    `<rect x="${n(left)}" y="${n(top)}" width="${n(textWidth(label) + 14)}" height="18" rx="9" fill="${colour}"/>`,
    text(label, { x: left + textWidth(label) / 2 + 7, y: top + 12.5, fill: '#ffffff', anchor: 'middle' }),
  ].join('')
}

function captionOf({ symbol, start, k0 }: Element): string[] {
  if (symbol !== 'integrator') return []
  const facts = [
    start === 0 ? '' : `v(0) = ${String(Number(start.toPrecision(4))).replace('-', '\u2212')}`,
    k0 === 10_000 ? '' : `k0 = ${k0}`,
  ].filter((fact) => fact !== '')
  return facts.length > 0 ? [facts.join(', ')] : []
}

interface TextOptions {
  readonly x: number
  readonly y: number
  readonly fill: string
  readonly size?: number
  readonly anchor?: 'middle' | 'end'
  readonly stroke?: false
}

function text(content: string, { x, y, fill, size, anchor }: TextOptions): string {
  const style = `${size === undefined ? '' : ` font-size="${size}"`}${anchor ? ` text-anchor="${anchor}"` : ''}`
  return `<text x="${n(x)}" y="${n(y)}" fill="${fill}" stroke="none"${style}>${escaped(content)}</text>`
}

function escaped(content: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return content.replace(/[&<>"']/g, (character) => names[character] ?? '')
}

function grouped(value: number): string {
  return String(Number(value.toPrecision(6))).replace(/\B(?=(\d{3})+$)/g, '\u2009')
}

/** A coordinate, to a tenth. */
function n(value: number): string {
  return String(Math.round(value * 10) / 10)
}
