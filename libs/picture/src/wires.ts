/**
 * Wires. All lanes of one output are one tree: from the output to a vertical track in the channel on its right, from
 * there to the ports of the next layer; for ports elsewhere along a row above or below all boxes to a track in their
 * channels. Tracks of a channel are ordered so that few lines cross; rows are shared where stretches do not meet.
 */
import { arrange, layOut, trackX, type Arrangement, type Box, type Layout } from './layout.ts'
import type { Element } from './diagram.ts'

const BUS_PITCH = 12
/** Beyond this a channel keeps the order in which its tracks come. */
const SORTED_TRACKS_MAX = 60

export interface Wire {
  readonly output: number
  readonly lines: readonly Line[]
  /** Where three lines of it meet. */
  readonly junctions: readonly Point[]
}

export interface Line {
  readonly from: Point
  readonly to: Point
}

export interface Point {
  readonly x: number
  readonly y: number
}

export interface Drawing extends Layout {
  readonly wires: readonly Wire[]
  /** The highest and the lowest line. */
  readonly top: number
  readonly bottom: number
}

/** Everything with its place. */
export function draw(elements: readonly Element[]): Drawing {
  const arrangement = arrange(elements)
  const nets = netsOf(layOut(arrangement, () => 0))
  const layout = layOut(arrangement, (channel) => nets.filter((net) => net.channels.has(channel)).length)
  return routed(layout, netsOf(layout), arrangement)
}

interface Net {
  readonly source: Box
  /** Heights by channel at which it leaves to the left (its output) and to the right (ports). */
  readonly channels: Map<number, { readonly left: number[]; readonly right: { y: number; x: number }[] }>
  /** It has to leave its channel, above or below all boxes. */
  readonly side: 'above' | 'below' | null
}

function netsOf({ boxes, height }: Layout): Net[] {
  return boxes.flatMap((source): Net[] => {
    const channels: Net['channels'] = new Map()
    const enter = (channel: number) => {
      const present = channels.get(channel) ?? { left: [], right: [] }
      channels.set(channel, present)
      return present
    }
    for (const box of boxes)
      for (const { arrival, y } of box.ports)
        if ('output' in arrival.source && arrival.source.output === source.element.output)
          enter(box.layer).right.push({ y, x: box.x })
    if (channels.size === 0) return []
    enter(source.layer + 1).left.push(source.outputY)
    const heights = [...channels.values()].flatMap(({ left, right }) => [...left, ...right.map(({ y }) => y)])
    const mean = heights.reduce((sum, y) => sum + y, 0) / heights.length
    return [{ source, channels, side: channels.size === 1 ? null : mean <= height / 2 ? 'above' : 'below' }]
  })
}

function routed(layout: Layout, nets: readonly Net[], { layers }: Arrangement): Drawing {
  const tracks = new Map<Net, Map<number, number>>(nets.map((net) => [net, new Map<number, number>()]))
  for (let channel = 0; channel <= layers.length; channel++)
    sortedTracks(nets, channel).forEach((net, track) => {
      const place = layout.channels[channel]
      if (place) tracks.get(net)?.set(channel, trackX(place, track))
    })
  const rows = busRows(nets, tracks, layout)
  const wires = nets.map((net) => wireOf(net, tracks.get(net) ?? new Map<number, number>(), rows.get(net) ?? null))
  const heights = [...rows.values()]
  return {
    ...layout,
    wires,
    top: Math.min(0, ...heights),
    bottom: Math.max(layout.height, ...heights),
  }
}

/** The nets of a channel from left to right: each pair the way it crosses less, as far as exchanging neighbours gets. */
function sortedTracks(nets: readonly Net[], channel: number): Net[] {
  const members = nets.filter((net) => net.channels.has(channel))
  if (members.length > SORTED_TRACKS_MAX) return members
  const crossings = (a: Net, b: Net): number => {
    const [left, right] = [a, b].map((net) => extentOf(net, channel))
    if (!left || !right) return 0
    return (
      left.right.filter((y) => y > right.low && y < right.high).length +
      right.left.filter((y) => y > left.low && y < left.high).length
    )
  }
  for (let pass = 0; pass < members.length; pass++) {
    let swapped = false
    for (let index = 0; index + 1 < members.length; index++) {
      const [a, b] = [members[index], members[index + 1]]
      if (!a || !b || crossings(a, b) <= crossings(b, a)) continue
      members[index] = b
      members[index + 1] = a
      swapped = true
    }
    if (!swapped) break
  }
  return members
}

function extentOf(
  net: Net,
  channel: number,
): {
  readonly left: readonly number[]
  readonly right: readonly number[]
  readonly low: number
  readonly high: number
} {
  const { left, right } = net.channels.get(channel) ?? { left: [], right: [] }
  const heights = [...left, ...right.map(({ y }) => y)]
  return {
    left,
    right: right.map(({ y }) => y),
    low: net.side === 'above' ? -Infinity : Math.min(...heights),
    high: net.side === 'below' ? Infinity : Math.max(...heights),
  }
}

/** Heights of the rows beyond the boxes: short stretches next to them, so that loops lie within each other. */
function busRows(
  nets: readonly Net[],
  tracks: ReadonlyMap<Net, ReadonlyMap<number, number>>,
  { height }: Layout,
): Map<Net, number> {
  const rows = new Map<Net, number>()
  for (const side of ['above', 'below'] as const) {
    const stretches = nets
      .filter((net) => net.side === side)
      .map((net) => {
        const xs = [...(tracks.get(net)?.values() ?? [])]
        return { net, from: Math.min(...xs), to: Math.max(...xs) }
      })
      .sort((a, b) => a.to - a.from - (b.to - b.from) || a.from - b.from)
    const taken: { from: number; to: number }[][] = []
    for (const { net, from, to } of stretches) {
      let row = taken.findIndex((others) => others.every((other) => other.to < from || other.from > to))
      if (row < 0) row = taken.push([]) - 1
      taken[row]?.push({ from, to })
      const distance = 30 + row * BUS_PITCH
      rows.set(net, side === 'above' ? -distance : height + distance)
    }
  }
  return rows
}

function wireOf({ source, channels }: Net, tracks: ReadonlyMap<number, number>, row: number | null): Wire {
  const lines: Line[] = []
  const junctions: Point[] = []
  for (const [channel, { left, right }] of channels) {
    const x = tracks.get(channel) ?? 0
    for (const y of left) lines.push({ from: { x: source.x + source.width, y }, to: { x, y } })
    for (const port of right) lines.push({ from: { x, y: port.y }, to: { x: port.x, y: port.y } })
    const heights = [...new Set([...left, ...right.map(({ y }) => y), ...(row === null ? [] : [row])])]
    const [low, high] = [Math.min(...heights), Math.max(...heights)]
    if (low < high) lines.push({ from: { x, y: low }, to: { x, y: high } })
    for (const y of heights) if (y > low && y < high) junctions.push({ x, y })
  }
  if (row !== null) {
    const xs = [...channels.keys()].map((channel) => tracks.get(channel) ?? 0)
    const [first, last] = [Math.min(...xs), Math.max(...xs)]
    lines.push({ from: { x: first, y: row }, to: { x: last, y: row } })
    for (const x of xs) if (x > first && x < last) junctions.push({ x, y: row })
  }
  return { output: source.element.output, lines, junctions }
}
