/**
 * Layers from left to right. Circuits are full of cycles, so first an order is found in which few connections run
 * backwards (the greedy heuristic of Eades, Lin and Smyth); those are the feedback. Along the others every element
 * stands right of what it reads, and within a layer near what it is joined to (the mean of its neighbours, a few
 * sweeps).
 */
export interface Connection {
  readonly from: number
  readonly to: number
}

const SWEEPS = 8

/** Numbers 0..count-1 in layers, each in its order from top to bottom. */
export function layersOf(count: number, connections: readonly Connection[]): number[][] {
  const proper = connections.filter(({ from, to }) => from !== to)
  const rank = new Map(feedbackOrder(count, proper).map((node, index) => [node, index]))
  const rankOf = (node: number): number => rank.get(node) ?? 0
  const forward = proper.filter(({ from, to }) => rankOf(from) < rankOf(to))
  const layer = new Array<number>(count).fill(0)
  for (const node of [...rank.keys()])
    for (const { from, to } of forward) if (from === node) layer[to] = Math.max(layer[to] ?? 0, (layer[node] ?? 0) + 1)
  const layers: number[][] = Array.from({ length: Math.max(-1, ...layer) + 1 }, () => [])
  for (let node = 0; node < count; node++) layers[layer[node] ?? 0]?.push(node)
  return ordered(layers, proper)
}

/** Sinks go to the end, sources to the front, then whoever gives most more than it takes. */
function feedbackOrder(count: number, connections: readonly Connection[]): number[] {
  const left = new Set(Array.from({ length: count }, (_, node) => node))
  const out = Array.from(left, (): number[] => [])
  const into = Array.from(left, (): number[] => [])
  for (const { from, to } of connections) {
    out[from]?.push(to)
    into[to]?.push(from)
  }
  const degree = (lists: readonly number[][], node: number): number =>
    (lists[node] ?? []).reduce((sum, other) => sum + (left.has(other) ? 1 : 0), 0)
  const front: number[] = []
  const back: number[] = []
  while (left.size > 0) {
    let best = -1
    let bestGain = -Infinity
    let moved = false
    for (const node of left) {
      const gives = degree(out, node)
      const takes = degree(into, node)
      if (gives === 0 || takes === 0) {
        ;(takes === 0 ? front : back).push(node)
        left.delete(node)
        moved = true
      } else if (gives - takes > bestGain) {
        best = node
        bestGain = gives - takes
      }
    }
    if (moved || best < 0) continue
    front.push(best)
    left.delete(best)
  }
  return [...front, ...back.reverse()]
}

function ordered(layers: readonly number[][], connections: readonly Connection[]): number[][] {
  const neighbours = new Map<number, number[]>()
  for (const { from, to } of connections) {
    neighbours.set(from, [...(neighbours.get(from) ?? []), to])
    neighbours.set(to, [...(neighbours.get(to) ?? []), from])
  }
  const height = new Map<number, number>()
  const settle = (layer: readonly number[]): void =>
    layer.forEach((node, index) => height.set(node, index - (layer.length - 1) / 2))
  const result = layers.map((layer) => [...layer])
  result.forEach(settle)
  for (let sweep = 0; sweep < SWEEPS; sweep++)
    for (const layer of sweep % 2 === 0 ? result : result.toReversed()) {
      const mean = (node: number): number => {
        const near = neighbours.get(node) ?? []
        if (near.length === 0) return height.get(node) ?? 0
        return near.reduce((sum, other) => sum + (height.get(other) ?? 0), 0) / near.length
      }
      const means = new Map(layer.map((node) => [node, mean(node)]))
      layer.sort((a, b) => (means.get(a) ?? 0) - (means.get(b) ?? 0) || a - b)
      settle(layer)
    }
  return result
}
