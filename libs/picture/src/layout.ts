/**
 * Places. Boxes stand on a grid of rows; ports are in the middle of a row, outputs on the line between two, so
 * that no wire from the left ever has the height of a wire to the right. Between two layers lies a channel: a strip
 * for probes, the vertical tracks, a strip for labels.
 */
import type { Arrival, Element } from './diagram.ts'
import { layersOf } from './layers.ts'

export const ROW = 22
/** Rows between two boxes: the caption of the upper, the place name and the probes of the lower one. */
const GAP_ROWS = 3
const TRACK = 9
const WIDTHS: Readonly<Record<Element['symbol'], number>> = {
  integrator: 72,
  identity: 44,
  product: 48,
  square: 48,
  quotient: 48,
  root: 48,
}
/** Mean width of a character at the size of labels. */
const CHARACTER = 6.2

/** A lane at its place on the left side of a box. */
export interface Port {
  readonly arrival: Arrival
  readonly y: number
  readonly text: string
}

export interface Box {
  readonly element: Element
  readonly layer: number
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly ports: readonly Port[]
  /** Between the lanes of the first and the second input; null with one input. */
  readonly divide: number | null
  readonly outputY: number
}

/** Between layers: channel c lies left of layer c. */
export interface Channel {
  /** Where the tracks begin. */
  readonly x: number
}

export interface Layout {
  readonly boxes: readonly Box[]
  readonly channels: readonly Channel[]
  readonly width: number
  readonly height: number
}

/** Tracks that a channel needs: one for each output that passes through it. */
export type TrackCount = (channel: number) => number

/** Boxes by layer, before it is known how wide channels are. */
export interface Arrangement {
  readonly elements: readonly Element[]
  readonly layers: readonly (readonly number[])[]
}

export function arrange(elements: readonly Element[]): Arrangement {
  const numbers = new Map(elements.map(({ output }, index) => [output, index]))
  const connections = elements.flatMap(({ inputs }, to) =>
    inputs.flat().flatMap(({ source }) => {
      const from = 'output' in source ? numbers.get(source.output) : undefined
      return from === undefined ? [] : [{ from, to }]
    }),
  )
  return { elements, layers: layersOf(elements.length, connections) }
}

export function layOut({ elements, layers }: Arrangement, tracks: TrackCount): Layout {
  // Even, so that the output is at half height: where a triangle points.
  const rowsOf = (element: Element): number => 2 * Math.max(1, Math.ceil(portRows(element) / 2))
  const heights = layers.map((layer) =>
    layer.reduce((sum, node) => sum + rowsOf(at(elements, node)), GAP_ROWS * (layer.length - 1)),
  )
  const tallest = Math.max(1, ...heights)
  const boxes: Box[] = []
  const channels: Channel[] = []
  let x = 0
  layers.forEach((layer, index) => {
    const members = layer.map((node) => at(elements, node))
    channels.push({ x })
    x += tracks(index) * TRACK + labelStrip(members)
    let row = Math.floor((tallest - (heights[index] ?? 0)) / 2)
    for (const element of members) {
      boxes.push(boxAt(element, { layer: index, x, row, rows: rowsOf(element) }))
      row += rowsOf(element) + GAP_ROWS
    }
    x += Math.max(...members.map(({ symbol }) => WIDTHS[symbol])) + probeStrip(members)
  })
  channels.push({ x })
  return { boxes, channels, width: x + tracks(layers.length) * TRACK, height: tallest * ROW }
}

/** Where a track runs. */
export function trackX(channel: Channel, track: number): number {
  return channel.x + (track + 0.5) * TRACK
}

function boxAt(
  element: Element,
  { layer, x, row, rows }: { layer: number; x: number; row: number; rows: number },
): Box {
  const y = row * ROW
  const [first = [], second] = element.inputs
  const used = portRows(element)
  const top = y + ((rows - used) * ROW) / 2
  // Half a row must not be lost: ports have to stay in the middle of rows.
  const start = Math.floor(top / ROW) * ROW
  const port = (arrival: Arrival, index: number): Port => ({
    arrival,
    y: start + (index + 0.5) * ROW,
    text: coefficientText(arrival),
  })
  const firstRows = Math.max(1, first.length)
  const ports = [...first.map(port), ...(second ?? []).map((arrival, index) => port(arrival, firstRows + index))]
  return {
    element,
    layer,
    x,
    y,
    width: WIDTHS[element.symbol],
    height: rows * ROW,
    ports,
    divide: second ? start + firstRows * ROW : null,
    outputY: y + Math.round(rows / 2) * ROW,
  }
}

function portRows({ inputs }: Element): number {
  return inputs.reduce((sum, lanes) => sum + Math.max(1, lanes.length), 0)
}

export function coefficientText({ coefficient }: Arrival): string {
  return String(Number(coefficient.toPrecision(4))).replace('-', '\u2212')
}

/** Width of a text of labels' size. */
export function textWidth(text: string): number {
  return [...text].length * CHARACTER
}

function labelStrip(members: readonly Element[]): number {
  const widths = members.flatMap(({ inputs }) =>
    inputs.flat().map((arrival) => {
      return textWidth(coefficientText(arrival)) + (arrival.upscaled ? 20 : 0) + originWidth(arrival)
    }),
  )
  return Math.max(20, ...widths) + 14
}

/** Of what stands where a wire begins that comes from no element. */
function originWidth({ source }: Arrival): number {
  if ('output' in source) return 0
  return 'constant' in source ? 26 : textWidth(labelText(source.input)) + 22
}

export function probeText({ probes }: Element): string {
  return labelText(probes.join(', '))
}

/** What a user named something, short and without what would not be seen. */
export function labelText(label: string): string {
  const text = label.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{fffd}')
  const characters = [...text]
  return characters.length <= 22 ? text : `${characters.slice(0, 21).join('')}\u2026`
}

function probeStrip(members: readonly Element[]): number {
  return Math.max(14, ...members.map((element) => (element.probes.length > 0 ? textWidth(probeText(element)) + 34 : 0)))
}

function at(elements: readonly Element[], index: number): Element {
  const element = elements[index]
  if (!element) throw new RangeError('layers hold the numbers of elements')
  return element
}
