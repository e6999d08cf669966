import { MREDAC, REDAC, type DeviceSpecification } from '@lucihub/analog'
import fc from 'fast-check'
import { sitesOf } from './capacity.ts'
import type { Circuit, Signal } from './circuit.ts'
import { Division, type Graph } from './division.ts'
import { MOVES_MAX, partitions, type Cable } from './partition.ts'

const range = { from: 0, to: 1 }

/** Integrators only: what a signal adds up is left to the cables. */
function circuitOf(count: number): Circuit {
  const signal = (name: string): Signal => ({
    kind: 'integrator',
    name,
    range,
    initial: 0,
    inputs: [],
    declared: null,
    singular: '',
    domain: [],
  })
  return { signals: Array.from({ length: count }, (_, index) => signal(`x${index}`)), probes: [] }
}

/** Lanes between clusters, and between carriers, of a partition. */
function hopsOf(partition: readonly number[], cables: readonly Cable[], device: DeviceSpecification): [number, number] {
  const sites = sitesOf(device)
  let [hops, crossings] = [0, 0]
  for (const { source, sink, lanes } of cables) {
    const from = source === 'constant' ? partition[sink] : partition[source]
    const [a, b] = [sites[from ?? 0], sites[partition[sink] ?? 0]]
    if (a !== b) hops += lanes
    if (a?.carrier !== b?.carrier) crossings += lanes
  }
  return [hops, crossings]
}

function chain(count: number): Cable[] {
  return Array.from({ length: count - 1 }, (_, index) => [
    { source: index, sink: index + 1, lanes: 1 },
    { source: index + 1, sink: index, lanes: 1 },
  ]).flat()
}

test.each<[number, DeviceSpecification, [number, number]]>([
  [8, MREDAC, [0, 0]],
  [9, MREDAC, [2, 0]],
  [24, MREDAC, [4, 0]],
  [24, REDAC, [4, 0]],
  [48, REDAC, [10, 2]],
  [168, REDAC, [40, 12]],
])('a chain of %p integrators is cut as few times as clusters and carriers allow', (count, device, expected) => {
  const [best] = partitions(circuitOf(count), chain(count), {
    sites: sitesOf(device),
    device,
    work: { moves: MOVES_MAX },
  })
  expect(hopsOf(best ?? [], chain(count), device)).toEqual(expected)
})

test('groups that know nothing of each other are kept apart, however they are mixed in the program', () => {
  // Every third signal is of the same group; each group of eight fits a cluster.
  const group = (first: number): number[] => Array.from({ length: 8 }, (_, index) => first + 3 * index)
  const cables = [0, 1, 2].flatMap((first) =>
    group(first).flatMap((sink) => [0, 1, 2].map((step) => ({ source: (sink + 3 * step + 3) % 24, sink, lanes: 1 }))),
  )
  const [best] = partitions(circuitOf(24), cables, {
    sites: sitesOf(MREDAC),
    device: MREDAC,
    work: { moves: MOVES_MAX },
  })
  expect(hopsOf(best ?? [], cables, MREDAC)).toEqual([0, 0])
})

test('a circuit with more lanes into a cluster than it has is spread', () => {
  // Eight sums of eight terms each take 64 lanes: three clusters have 96.
  const cables = Array.from({ length: 64 }, (_, index) => ({
    source: index % 8,
    sink: Math.floor(index / 8),
    lanes: 1,
  }))
  const [best] = partitions(circuitOf(8), cables, {
    sites: sitesOf(MREDAC),
    device: MREDAC,
    work: { moves: MOVES_MAX },
  })
  for (const site of [0, 1, 2])
    expect(cables.filter(({ sink }) => best?.[sink] === site).length).toBeLessThanOrEqual(32)
})

test('what no division can hold has none', () => {
  expect(
    partitions(circuitOf(25), chain(25), { sites: sitesOf(MREDAC), device: MREDAC, work: { moves: MOVES_MAX } }),
  ).toEqual([])
})

test('costs and excess are the same whether they are counted or followed move by move', () => {
  const device = REDAC
  const sites = sitesOf(device)
  const edge = fc.tuple(fc.nat({ max: 19 }), fc.nat({ max: 19 }), fc.integer({ min: 1, max: 9 }))
  const step = fc.tuple(fc.nat({ max: 19 }), fc.nat({ max: 20 }))
  fc.assert(
    fc.property(fc.array(edge, { maxLength: 60 }), fc.array(step, { maxLength: 40 }), (edges, steps) => {
      const graph = graphWith(edges.filter(([source, sink]) => source !== sink))
      const ground = { sites, device }
      const division = new Division(
        graph,
        ground,
        Array.from({ length: 20 }, (_, index) => index % 3),
      )
      for (const [signal, site] of steps) {
        if (division.site[signal] === site) continue
        const { cut, excess } = division
        const foretold = division.change(signal, site, 1000)
        division.move(signal, site)
        expect(division.cut - cut + 1000 * (division.excess - excess)).toBe(foretold)
      }
      const counted = new Division(graph, ground, [...division.site])
      expect([division.cut, division.excess]).toEqual([counted.cut, counted.excess])
    }),
  )
})

function graphWith(edges: readonly (readonly [number, number, number])[]): Graph {
  const kinds = Array.from({ length: 20 }, (_, index) => (['integrator', 'multiplier', 'identity'] as const)[index % 3])
  const towards = (end: 0 | 1): Map<number, number>[] =>
    kinds.map((_, signal) => {
      const lanes = new Map<number, number>()
      for (const edge of edges)
        if (edge[end] === signal) lanes.set(edge[1 - end] ?? 0, (lanes.get(edge[1 - end] ?? 0) ?? 0) + edge[2])
      return lanes
    })
  return {
    kinds: kinds.map((kind) => kind ?? 'integrator'),
    out: towards(0),
    in: towards(1),
    own: kinds.map((_, signal) => signal % 4),
    probes: kinds.map((_, signal) => signal % 5),
  }
}
