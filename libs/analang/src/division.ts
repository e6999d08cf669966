/**
 * A circuit divided over clusters, with all that is needed to say at once what moving one signal would cost: the
 * state of the search in `partition.ts`. Everything is in flat arrays, since a search looks at a million moves.
 */
import { backplanePlace, LANES, LOCAL_LANES, type DeviceSpecification } from '@lucihub/analog'
import { capacityOf, type ClusterCapacity, type Site } from './capacity.ts'
import type { ElementKind } from './elements.ts'

/** A circuit as partitioning sees it. Lanes to and from other signals, by the other's number. */
export interface Graph {
  readonly kinds: readonly ElementKind[]
  readonly out: readonly ReadonlyMap<number, number>[]
  readonly in: readonly ReadonlyMap<number, number>[]
  /** Lanes that never leave the cluster: those of the constant, and back to the signal itself. */
  readonly own: readonly number[]
  /** ADC channels that measure the signal. */
  readonly probes: readonly number[]
}

export interface Ground {
  readonly sites: readonly Site[]
  readonly device: DeviceSpecification
}

/** Cost of a lane between two clusters of a carrier, and between carriers: there it takes two T blocks and the backplane. */
const HOP = 1
const CROSSING = 4
/** Cost of a lane between clusters or carriers that nothing connects: more than all other lanes of a device together. */
export const IMPOSSIBLE = 10_000
/** Lanes that can leave, or enter, a cluster or a carrier. */
const TRAVELLING = LANES - LOCAL_LANES

/** What is counted of a site, and of a carrier. */
const LOAD = { integrator: 0, multiplier: 1, identity: 2, made: 3, summed: 4, leaving: 5, entering: 6, size: 7 }
const TRAFFIC = { leaving: 0, entering: 1, channels: 2, size: 3 }

export class Division {
  /** The site of each signal. */
  readonly site: Int32Array
  readonly sites: number
  /** Cost of all lanes that leave their cluster. */
  cut = 0
  /** By how much elements, lanes and channels are exceeded, in all. */
  excess = 0
  readonly #graph: Graph
  readonly #kind: Int32Array
  readonly #capacities: readonly ClusterCapacity[]
  readonly #carrierOf: Int32Array
  readonly #carriers: number
  readonly #channels: number
  /** Cost of a lane from site to site. */
  readonly #distance: Float64Array
  /** Of each signal: lanes to and from each site and each carrier, and what all its lanes would cost from each site. */
  readonly #to: Table
  readonly #from: Table
  readonly #cost: Float64Array
  readonly #outLanes: Float64Array
  readonly #inLanes: Float64Array
  readonly #load: Float64Array
  readonly #traffic: Float64Array
  readonly #siteExcess: Float64Array
  readonly #carrierExcess: Float64Array

  constructor(graph: Graph, { sites, device }: Ground, seed: readonly number[]) {
    const count = graph.kinds.length
    this.#graph = graph
    this.sites = sites.length
    this.site = Int32Array.from(seed)
    this.#kind = Int32Array.from(graph.kinds, (kind) => LOAD[kind])
    this.#capacities = sites.map(({ cluster }) => capacityOf(cluster))
    this.#carrierOf = Int32Array.from(sites, ({ carrier }) => carrier)
    this.#carriers = device.carriers.length
    this.#channels = device.adcChannels
    this.#distance = distances(sites, device)
    this.#outLanes = Float64Array.from(graph.out, lanesIn)
    this.#inLanes = Float64Array.from(graph.in, lanesIn)
    const table = (): Table => ({
      sites: new Float64Array(count * this.sites),
      carriers: new Float64Array(count * this.#carriers),
    })
    this.#to = table()
    this.#from = table()
    this.#cost = new Float64Array(count * this.sites)
    this.#load = new Float64Array(sites.length * LOAD.size)
    this.#traffic = new Float64Array(this.#carriers * TRAFFIC.size)
    this.#siteExcess = new Float64Array(sites.length)
    this.#carrierExcess = new Float64Array(this.#carriers)
    // Signals arrive one by one, each connected to those before it.
    for (let signal = 0; signal < count; signal++) {
      const site = this.site[signal] ?? 0
      this.#present(signal, site, 1)
      this.#cross(signal, this.#carrierOf[site] ?? 0, 1)
      this.cut += this.#cost[signal * this.sites + site] ?? 0
      for (const [other, lanes] of graph.out[signal] ?? []) this.#connect(this.#from, other, site, lanes)
      for (const [other, lanes] of graph.in[signal] ?? []) this.#connect(this.#to, other, site, lanes)
    }
    for (let site = 0; site < this.sites; site++) this.#refresh(site)
  }

  /** Whether moving there could be good: where the signal is connected; anywhere, if its own site or carrier holds too much. */
  isCandidate(signal: number, site: number): boolean {
    const here = this.site[signal] ?? 0
    if (site === here) return false
    const at = signal * this.sites + site
    if ((this.#to.sites[at] ?? 0) + (this.#from.sites[at] ?? 0) > 0) return true
    return (this.#siteExcess[here] ?? 0) + (this.#carrierExcess[this.#carrierOf[here] ?? 0] ?? 0) > 0
  }

  /** What moving a signal would change: the cost of lanes, and, weighted, what exceeds. */
  change(signal: number, to: number, weight: number): number {
    const here = this.site[signal] ?? 0
    const at = signal * this.sites
    this.#shift(signal, here, to)
    const more = this.#excessAt(here, to) - this.#knownExcess(here, to)
    this.#shift(signal, to, here)
    return (this.#cost[at + to] ?? 0) - (this.#cost[at + here] ?? 0) + weight * more
  }

  move(signal: number, to: number): void {
    const here = this.site[signal] ?? 0
    const at = signal * this.sites
    this.cut += (this.#cost[at + to] ?? 0) - (this.#cost[at + here] ?? 0)
    this.#shift(signal, here, to)
    this.site[signal] = to
    this.#refresh(here)
    this.#refresh(to)
    for (const [other, lanes] of this.#graph.out[signal] ?? []) {
      this.#connect(this.#from, other, here, -lanes)
      this.#connect(this.#from, other, to, lanes)
    }
    for (const [other, lanes] of this.#graph.in[signal] ?? []) {
      this.#connect(this.#to, other, here, -lanes)
      this.#connect(this.#to, other, to, lanes)
    }
  }

  /** Notes lanes between a signal and another one at this site. */
  #connect({ sites, carriers }: Table, signal: number, there: number, lanes: number): void {
    const row = signal * this.sites
    const column = signal * this.#carriers + (this.#carrierOf[there] ?? 0)
    sites[row + there] = (sites[row + there] ?? 0) + lanes
    carriers[column] = (carriers[column] ?? 0) + lanes
    for (let site = 0; site < this.sites; site++)
      this.#cost[row + site] = (this.#cost[row + site] ?? 0) + lanes * (this.#distance[site * this.sites + there] ?? 0)
  }

  #shift(signal: number, from: number, to: number): void {
    this.#present(signal, from, -1)
    this.#present(signal, to, 1)
    const [out, into] = [this.#carrierOf[from] ?? 0, this.#carrierOf[to] ?? 0]
    if (out === into) return
    this.#cross(signal, out, -1)
    this.#cross(signal, into, 1)
  }

  /** Counts a signal at a site, or no longer. Its lanes to elsewhere leave from there, while the site's lanes to it stay. */
  #present(signal: number, site: number, sign: 1 | -1): void {
    const load = this.#load
    const at = site * LOAD.size
    const out = this.#outLanes[signal] ?? 0
    const into = this.#inLanes[signal] ?? 0
    const own = this.#graph.own[signal] ?? 0
    const inside = this.#lanesWith(signal, site)
    const kind = at + (this.#kind[signal] ?? 0)
    load[kind] = (load[kind] ?? 0) + sign
    load[at + LOAD.made] = (load[at + LOAD.made] ?? 0) + sign * (out + own)
    load[at + LOAD.summed] = (load[at + LOAD.summed] ?? 0) + sign * (into + own)
    load[at + LOAD.leaving] = (load[at + LOAD.leaving] ?? 0) + sign * (out - inside)
    load[at + LOAD.entering] = (load[at + LOAD.entering] ?? 0) + sign * (into - inside)
  }

  #lanesWith(signal: number, site: number): number {
    const at = signal * this.sites + site
    return (this.#to.sites[at] ?? 0) + (this.#from.sites[at] ?? 0)
  }

  #cross(signal: number, carrier: number, sign: 1 | -1): void {
    const traffic = this.#traffic
    const at = carrier * TRAFFIC.size
    const column = signal * this.#carriers + carrier
    const inside = (this.#to.carriers[column] ?? 0) + (this.#from.carriers[column] ?? 0)
    const [out, into] = [this.#outLanes[signal] ?? 0, this.#inLanes[signal] ?? 0]
    traffic[at + TRAFFIC.leaving] = (traffic[at + TRAFFIC.leaving] ?? 0) + sign * (out - inside)
    traffic[at + TRAFFIC.entering] = (traffic[at + TRAFFIC.entering] ?? 0) + sign * (into - inside)
    traffic[at + TRAFFIC.channels] = (traffic[at + TRAFFIC.channels] ?? 0) + sign * (this.#graph.probes[signal] ?? 0)
  }

  /** Brings the excess of a site and its carrier up to date. */
  #refresh(site: number): void {
    const carrier = this.#carrierOf[site] ?? 0
    const [atSite, atCarrier] = [this.#excessOfSite(site), this.#excessOfCarrier(carrier)]
    this.excess += atSite - (this.#siteExcess[site] ?? 0) + atCarrier - (this.#carrierExcess[carrier] ?? 0)
    this.#siteExcess[site] = atSite
    this.#carrierExcess[carrier] = atCarrier
  }

  /** Of two sites and their carriers: as counted now, and as it was when last refreshed. */
  #excessAt(a: number, b: number): number {
    const [first, second] = [this.#carrierOf[a] ?? 0, this.#carrierOf[b] ?? 0]
    const sites = this.#excessOfSite(a) + this.#excessOfSite(b)
    return first === second ? sites : sites + this.#excessOfCarrier(first) + this.#excessOfCarrier(second)
  }

  #knownExcess(a: number, b: number): number {
    const [first, second] = [this.#carrierOf[a] ?? 0, this.#carrierOf[b] ?? 0]
    const sites = (this.#siteExcess[a] ?? 0) + (this.#siteExcess[b] ?? 0)
    if (first === second) return sites
    return sites + (this.#carrierExcess[first] ?? 0) + (this.#carrierExcess[second] ?? 0)
  }

  #excessOfSite(site: number): number {
    const capacity = this.#capacities[site]
    if (!capacity) return 0
    const at = site * LOAD.size
    const load = this.#load
    const multipliers = load[at + LOAD.multiplier] ?? 0
    const identities = capacity.identities[Math.min(multipliers, capacity.multipliers)] ?? 0
    return (
      beyond(load[at + LOAD.integrator], capacity.integrators) +
      beyond(multipliers, capacity.multipliers) +
      beyond(load[at + LOAD.identity], identities) +
      beyond(load[at + LOAD.made], LANES) +
      beyond(load[at + LOAD.summed], LANES) +
      beyond(load[at + LOAD.leaving], TRAVELLING) +
      beyond(load[at + LOAD.entering], TRAVELLING)
    )
  }

  #excessOfCarrier(carrier: number): number {
    const at = carrier * TRAFFIC.size
    return (
      beyond(this.#traffic[at + TRAFFIC.leaving], TRAVELLING) +
      beyond(this.#traffic[at + TRAFFIC.entering], TRAVELLING) +
      beyond(this.#traffic[at + TRAFFIC.channels], this.#channels)
    )
  }
}

interface Table {
  readonly sites: Float64Array
  readonly carriers: Float64Array
}

function beyond(value: number | undefined, limit: number): number {
  return value !== undefined && value > limit ? value - limit : 0
}

function lanesIn(neighbours: ReadonlyMap<number, number>): number {
  let sum = 0
  for (const lanes of neighbours.values()) sum += lanes
  return sum
}

function distances(sites: readonly Site[], device: DeviceSpecification): Float64Array {
  const backplanes = device.carriers.map((_, carrier) => backplanePlace(carrier, device)?.backplane)
  return Float64Array.from(
    sites.flatMap((a) =>
      sites.map((b) => {
        if (a === b) return 0
        if (a.carrier === b.carrier) return device.carriers[a.carrier]?.tBlock ? HOP : IMPOSSIBLE
        const backplane = backplanes[a.carrier]
        return backplane !== undefined && backplane === backplanes[b.carrier] ? CROSSING : IMPOSSIBLE
      }),
    ),
  )
}
