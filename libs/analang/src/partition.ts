/**
 * Divides a circuit over the clusters of a device, so that few lanes leave a cluster and fewer a carrier: graph
 * partitioning after Fiduccia and Mattheyses. A first division grows clusters one by one along the strongest
 * connections; then each pass moves signals once, always by the move that costs least even if it costs something,
 * and goes back to the best state seen. What a cluster cannot hold is not forbidden but expensive, so that two
 * signals change places by two moves. Everything is deterministic; ties go to the lower number.
 */
import type { DeviceSpecification } from '@lucihub/analog'
import { capacityOf, type ClusterCapacity } from './capacity.ts'
import type { Circuit } from './circuit.ts'
import { Division, IMPOSSIBLE, type Graph, type Ground } from './division.ts'
import { ELEMENT_OF } from './place.ts'

/** A connection, and the number of lanes that its weight takes. */
export interface Cable {
  readonly source: number | 'constant'
  readonly sink: number
  readonly lanes: number
}

/** The site of each signal, in the order of the circuit's signals. */
export type Partition = readonly number[]

/** What an element, lane or channel too many costs, pass by pass: cheap at first, so that signals can pass each other. */
const EXCESS_COSTS = [3, 12, 100]
/** A division that exceeds anything is worse than any that does not. */
const EXCEEDING = 1e6
/** A pass ends after so many moves in a row that led to nothing better. */
const PATIENCE = 30
const ROUNDS = 6
/** Moves looked at in one compilation, however many paces and divisions are tried: half a second. */
export const MOVES_MAX = 1_200_000
/** Moves looked at for one division: twice what the largest circuits that fit took. */
const MOVES_PER_DIVISION_MAX = 300_000

/** Moves that may still be looked at. Without any left, divisions stay as they were first made. */
export interface Work {
  moves: number
}

/** Divisions that respect what clusters and carriers hold, the cheapest first. Whether all lanes are found is for routing to see. */
export function partitions(
  circuit: Circuit,
  cables: readonly Cable[],
  { work, ...ground }: Ground & { readonly work: Work },
): Partition[] {
  const { sites } = ground
  if (sites.length <= 1) return [circuit.signals.map(() => 0)]
  const graph = graphOf(circuit, cables)
  if (isHopeless(graph, ground)) return []
  const found = new Map<string, { readonly partition: Partition; readonly cost: number }>()
  for (const fill of FILLS) {
    const division = new Division(graph, ground, grow(graph, ground, fill))
    improve(division, work)
    const partition = [...division.site]
    if (division.excess === 0 && division.cut < IMPOSSIBLE)
      found.set(partition.join(), { partition, cost: division.cut })
    // Nothing is better than one that keeps all lanes at home.
    if (division.excess === 0 && division.cut === 0) break
  }
  return [...found.values()].sort((a, b) => a.cost - b.cost).map(({ partition }) => partition)
}

/** Whether a signal alone takes more lanes than a cluster has, or all together more than there are. */
function isHopeless(graph: Graph, { sites, device }: Ground): boolean {
  const made = graph.kinds.map((_, signal) => loadWith(graph, NO_LOAD, signal).made)
  const summed = graph.kinds.map((_, signal) => loadWith(graph, NO_LOAD, signal).summed)
  return Math.max(0, ...made, ...summed) > device.lanes || sumOf(made) > device.lanes * sites.length
}

/** Moves signals until a round of passes finds nothing better. */
function improve(division: Division, work: Work): void {
  const kept = Math.max(0, work.moves - MOVES_PER_DIVISION_MAX)
  work.moves -= kept
  improveWithin(division, work)
  work.moves = Math.max(0, work.moves) + kept
}

function improveWithin(division: Division, work: Work): void {
  for (let round = 0; round < ROUNDS; round++) {
    const before = worth(division)
    for (const excessCost of EXCESS_COSTS) pass(division, { excessCost, work })
    if (worth(division) >= before) return
  }
}

interface Terms {
  readonly excessCost: number
  readonly work: Work
}

function worth({ cut, excess }: Division): number {
  return cut + EXCEEDING * excess
}

/** Moves each signal at most once and ends in the best state seen. */
function pass(division: Division, terms: Terms): void {
  const free = new Set(division.site.keys())
  const undo: { readonly signal: number; readonly site: number }[] = []
  let best = worth(division)
  let kept = 0
  while (free.size > 0 && undo.length - kept < PATIENCE && terms.work.moves > 0) {
    const move = cheapest(division, free, terms)
    if (!move) break
    undo.push({ signal: move.signal, site: division.site[move.signal] ?? 0 })
    free.delete(move.signal)
    division.move(move.signal, move.site)
    if (worth(division) < best) {
      best = worth(division)
      kept = undo.length
    }
  }
  for (const { signal, site } of undo.slice(kept).reverse()) division.move(signal, site)
}

function cheapest(
  division: Division,
  free: ReadonlySet<number>,
  { excessCost, work }: Terms,
): { readonly signal: number; readonly site: number } | null {
  let best: { readonly signal: number; readonly site: number } | null = null
  let least = Infinity
  for (const signal of free)
    for (let site = 0; site < division.sites; site++) {
      if (!division.isCandidate(signal, site)) continue
      work.moves--
      const change = division.change(signal, site, excessCost)
      if (change >= least) continue
      least = change
      best = { signal, site }
    }
  return best
}

function graphOf({ signals, probes }: Circuit, cables: readonly Cable[]): Graph {
  const out = signals.map(() => new Map<number, number>())
  const into = signals.map(() => new Map<number, number>())
  const own = signals.map(() => 0)
  for (const { source, sink, lanes } of cables) {
    if (source === 'constant' || source === sink) own[sink] = (own[sink] ?? 0) + lanes
    else {
      out[source]?.set(sink, (out[source].get(sink) ?? 0) + lanes)
      into[sink]?.set(source, (into[sink].get(source) ?? 0) + lanes)
    }
  }
  return {
    kinds: signals.map(({ kind }) => ELEMENT_OF[kind]),
    out,
    in: into,
    own,
    probes: signals.map((_, index) => probes.filter(({ source }) => source === index).length),
  }
}

/** How full clusters are made at first: tightly, for few hops, and with room, for many lanes. */
const FILLS = [1, 0.75, 0.5]

/**
 * Fills cluster after cluster, each time with the signal that is most connected to it, or with the next one where
 * none is. What found no room in the end goes to the last cluster; improving has to make room.
 */
function grow(graph: Graph, { sites, device }: Ground, fill: number): Partition {
  const place = graph.kinds.map(() => -1)
  const left = new Set(place.keys())
  const loads = sites.map(() => ({ ...NO_LOAD }))
  for (const share of fill < 1 ? [fill, 1] : [1])
    for (const [site, { cluster }] of sites.entries()) {
      const load = loads[site]
      if (!load) continue
      const capacity = capacityOf(cluster)
      const pull = new Float64Array(place.length)
      const attract = (signal: number): void => {
        for (const [other, lanes] of neighboursOf(graph, signal)) pull[other] = (pull[other] ?? 0) + lanes
      }
      place.forEach((where, signal) => where === site && attract(signal))
      for (;;) {
        let best = -1
        for (const signal of left) {
          if (best >= 0 && (pull[signal] ?? 0) <= (pull[best] ?? 0)) continue
          if (fits({ load: loadWith(graph, load, signal), capacity, device, share })) best = signal
        }
        if (best < 0) break
        Object.assign(load, loadWith(graph, load, best))
        place[best] = site
        left.delete(best)
        attract(best)
      }
    }
  return place.map((site) => (site < 0 ? sites.length - 1 : site))
}

/** What the signals of a cluster take: elements, and lanes through its C and its I block. */
interface Load {
  readonly integrator: number
  readonly multiplier: number
  readonly identity: number
  readonly made: number
  readonly summed: number
}

const NO_LOAD: Load = { integrator: 0, multiplier: 0, identity: 0, made: 0, summed: 0 }

function loadWith(graph: Graph, load: Load, signal: number): Load {
  const kind = graph.kinds[signal] ?? 'integrator'
  const own = graph.own[signal] ?? 0
  return {
    ...load,
    [kind]: load[kind] + 1,
    made: load.made + own + sumOf(graph.out[signal]?.values()),
    summed: load.summed + own + sumOf(graph.in[signal]?.values()),
  }
}

interface Fit {
  readonly load: Load
  readonly capacity: ClusterCapacity
  readonly device: DeviceSpecification
  readonly share: number
}

function fits({ load, capacity, device, share }: Fit): boolean {
  const identities = capacity.identities[load.multiplier] ?? 0
  return (
    load.integrator <= Math.ceil(capacity.integrators * share) &&
    load.multiplier <= Math.ceil(capacity.multipliers * share) &&
    load.identity <= Math.ceil(identities * share) &&
    load.made <= device.lanes * share &&
    load.summed <= device.lanes * share
  )
}

function neighboursOf(graph: Graph, signal: number): (readonly [number, number])[] {
  return [...(graph.out[signal] ?? []), ...(graph.in[signal] ?? [])]
}

function sumOf(values: Iterable<number> | undefined): number {
  let sum = 0
  for (const value of values ?? []) sum += value
  return sum
}
