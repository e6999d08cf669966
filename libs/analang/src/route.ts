/**
 * Puts every weighted connection on lanes. A lane carries a coefficient of at most 1, upscaled one of at most 8;
 * larger weights are split evenly. The constant stands in for clane 15 on the lower lanes and for clane 14
 * on the upper ones, so while it is on, those two outputs can only be had from the other half.
 *
 * A route into another cluster has the same lane number at both ends, out of those that the T block switches; one
 * into another carrier has it on the backplane too. So the farthest routes choose first, and take lanes that are of
 * no use to local routes any more. A route that finds none is moved to the front and everything is tried again.
 */
import {
  backplanePlace,
  CONSTANT_CLANE,
  FIRST_PORT_LANE,
  invariant,
  LOCAL_LANES,
  UPPER_LANES,
  type BackplaneHop,
  type DeviceSpecification,
  type Hop,
  type Lane,
} from '@lucihub/analog'
import type { Circuit } from './circuit.ts'
import { issue, quoted, staged, type Issue, type Staged } from './diagnostics.ts'
import type { Placement } from './place.ts'
import { lanesFor, type Connection, type ScaledCircuit } from './scale.ts'
import { lanesIssue } from './synthesize.ts'

export interface Routing {
  /** By site. */
  readonly clusters: readonly ClusterRouting[]
  /** By carrier. */
  readonly hops: readonly (readonly Hop[])[]
  /** By carrier: only those that hold the switches of a backplane have any. */
  readonly backplanes: readonly (readonly BackplaneHop[])[]
  /** Lanes in use, each once wherever it goes. */
  readonly lanesUsed: number
}

export interface ClusterRouting {
  readonly lanes: readonly Lane[]
  /** Whether the cluster's constant source is on, at +1. */
  readonly constant: boolean
}

/** A coefficient has 11 bits and a sign. */
const COEFFICIENT_STEP = 1 / 2048
/** Orders tried before routes that travel are given up. */
const ORDERS = 60

export function route(
  circuit: Circuit,
  scaled: ScaledCircuit,
  { sites, elements }: Placement,
  device: DeviceSpecification,
): Staged<Routing> {
  const connections = scaled.connections.filter(({ weight }) => weight !== 0)
  const constants = new Set(
    connections.flatMap(({ source, sink }) => (source === 'constant' ? [elements[sink]?.site] : [])),
  )
  const wanted = connections.flatMap((connection): Wanted[] => {
    const sink = elements[connection.sink]
    const source = connection.source === 'constant' ? 'constant' : elements[connection.source]
    const input = sink?.inputs[connection.input]
    invariant(sink && source && input !== undefined, 'every signal is placed')
    const from = source === 'constant' ? sink.site : source.site
    const output = source === 'constant' ? source : source.output
    return partsOf(connection.weight, device).map((part) => ({
      source: output,
      sink: input,
      from,
      to: sink.site,
      ...part,
      half: constants.has(from) ? halfOf(output) : null,
    }))
  })
  const ports = circuit.signals.flatMap(({ kind }, index): Arrival[] => {
    const element = elements[index]
    const [sink] = element?.inputs ?? []
    return kind === 'input' && element && sink !== undefined ? [{ sink, to: element.site }] : []
  })
  const arrivals = ports.map((arrival, port) => ({ ...arrival, lane: FIRST_PORT_LANE + port }))
  const nothing: Routing = { clusters: [], hops: [], backplanes: [], lanesUsed: 0 }
  const available = device.lanes * sites.length
  const carriers = sites.map(({ carrier }) => carrier)
  const { routed, missing } = assign(wanted, { carriers, lanes: device.lanes, arrivals })
  if (missing > 0)
    return staged(nothing, [
      wanted.length > available || sites.length === 1
        ? lanesIssue(circuit, wanted.length + arrivals.length, available)
        : issue(
            'ANA0302',
            null,
            `${missing} of the circuit's ${wanted.length} routes find no free lane between the clusters`,
            `a route into another cluster takes the same lane, ${LOCAL_LANES} to ${device.lanes - 1}, in both`,
          ),
    ])
  return staged(
    {
      clusters: sites.map((_, site) => ({ lanes: lanesOf(routed, arrivals, site), constant: constants.has(site) })),
      hops: device.carriers.map((_, carrier) => hopsOf(routed, { carrier, carriers, placement: { sites, elements } })),
      backplanes: device.carriers.map(({ id }) => crossingsOf(routed, { holder: id, carriers, device })),
      lanesUsed: routed.length + arrivals.length,
    },
    connections.flatMap((connection) => resolutionIssue(connection, circuit)),
  )
}

interface Wanted {
  readonly source: number | 'constant'
  readonly sink: number
  /** Sites. */
  readonly from: number
  readonly to: number
  readonly coefficient: number
  readonly upscaled: boolean
  /** Null where any lane will do. */
  readonly half: 'lower' | 'upper' | null
}

/** A signal from outside, on the lane of its port. */
interface Arrival {
  readonly sink: number
  /** Site. */
  readonly to: number
}

/** What lanes are given out of. */
interface Lanes {
  /** Of each site. */
  readonly carriers: readonly number[]
  readonly lanes: number
  readonly arrivals: readonly (Arrival & { readonly lane: number })[]
}

interface Routed extends Wanted {
  readonly lane: number
}

/** A weight as equal coefficients. More parts than lanes are not worth listing: a single one too many says enough. */
function partsOf(weight: number, device: DeviceSpecification): { coefficient: number; upscaled: boolean }[] {
  const { coefficientMax, upscaling, lanes } = device
  const count = Math.min(lanesFor(weight, device), lanes + 1)
  const part = weight / count
  const upscaled = Math.abs(part) > coefficientMax
  return Array.from({ length: count }, () => ({ coefficient: upscaled ? part / upscaling : part, upscaled }))
}

function halfOf(source: Wanted['source']): Wanted['half'] {
  if (source === CONSTANT_CLANE.lowLanes) return 'upper'
  return source === CONSTANT_CLANE.highLanes ? 'lower' : null
}

interface Assignment {
  readonly routed: readonly Routed[]
  /** Routes without a lane. */
  readonly missing: number
}

/** The best of several orders; the first that leaves no route out ends the search. */
function assign(wanted: readonly Wanted[], offer: Lanes): Assignment {
  const { carriers } = offer
  const rank = ({ from, to, half }: Wanted): number => {
    if (carriers[from] !== carriers[to]) return 0
    return from !== to ? 1 : half ? 2 : 3
  }
  let order = wanted.toSorted((a, b) => rank(a) - rank(b))
  let best: Assignment = { routed: [], missing: wanted.length }
  for (let tries = 0; tries < (carriers.length === 1 ? 1 : ORDERS); tries++) {
    const { routed, left } = assignInOrder(order, offer)
    if (left.length < best.missing) best = { routed, missing: left.length }
    if (left.length === 0) break
    order = [...left, ...order.filter((one) => !left.includes(one))]
  }
  return best
}

/** The lowest lane that is free all the way. Lanes are bits: of each cluster's C and I block, of each carrier's way out and in. */
function assignInOrder(
  order: readonly Wanted[],
  { carriers, lanes, arrivals }: Lanes,
): { readonly routed: readonly Routed[]; readonly left: readonly Wanted[] } {
  const made = carriers.map(() => 0)
  const summed = carriers.map(() => 0)
  const leaving = carriers.map(() => 0)
  const entering = carriers.map(() => 0)
  const take = (used: number[], at: number, lane: number): void => {
    used[at] = (used[at] ?? 0) | (1 << lane)
  }
  for (const { to, lane } of arrivals) {
    take(made, to, lane)
    take(summed, to, lane)
  }
  const left: Wanted[] = []
  const routed = order.flatMap((one): Routed[] => {
    const { from, to, half } = one
    const out = carriers[from] ?? 0
    const into = carriers[to] ?? 0
    let used = (made[from] ?? 0) | (summed[to] ?? 0)
    if (half) used |= half === 'lower' ? UPPER_MASK : LOWER_MASK
    if (from !== to) used |= LOCAL_MASK
    if (out !== into) used |= (leaving[out] ?? 0) | (entering[into] ?? 0)
    // Lanes that are taken on the other side of both clusters are lost to local routes anyway.
    const spent = from === to ? 0 : (summed[from] ?? 0) & (made[to] ?? 0)
    const bordering = from === to ? 0 : (summed[from] ?? 0) | (made[to] ?? 0)
    const lane = lowest([~used & spent, ~used & bordering, ~used], lanes)
    if (lane < 0) {
      left.push(one)
      return []
    }
    take(made, from, lane)
    take(summed, to, lane)
    if (out !== into) {
      take(leaving, out, lane)
      take(entering, into, lane)
    }
    return [{ ...one, lane }]
  })
  return { routed, left }
}

const LOCAL_MASK = 2 ** LOCAL_LANES - 1
const LOWER_MASK = 2 ** UPPER_LANES - 1
const UPPER_MASK = ~LOWER_MASK

/** The lowest lane of the first set that has any; -1 when none has. */
function lowest(sets: readonly number[], lanes: number): number {
  for (const set of sets) {
    if (set === 0) continue
    const lane = 31 - Math.clz32(set & -set)
    if (lane < lanes) return lane
  }
  return -1
}

/** What is set in one cluster: of a route that leaves it the source, of one that enters it the sum. */
function lanesOf(routed: readonly Routed[], arrivals: Lanes['arrivals'], site: number): Lane[] {
  const lanes = new Map<number, Lane>()
  const set = (lane: number, settings: Partial<Lane>): void => {
    const before = lanes.get(lane) ?? { lane, source: null, coefficient: 0, upscaled: false, sinks: [] }
    lanes.set(lane, { ...before, ...settings })
  }
  for (const { lane, sink, to } of arrivals) if (to === site) set(lane, { sinks: [sink] })
  for (const { lane, source, sink, from, to, coefficient, upscaled } of routed) {
    const constantClane = lane < UPPER_LANES ? CONSTANT_CLANE.lowLanes : CONSTANT_CLANE.highLanes
    if (from === site) set(lane, { source: source === 'constant' ? constantClane : source, coefficient })
    if (to === site) set(lane, { upscaled, sinks: [sink] })
  }
  return [...lanes.values()].sort((a, b) => a.lane - b.lane)
}

/** The T block of a carrier, in the order of lanes and then destinations, the backplane first. */
function hopsOf(
  routed: readonly Routed[],
  { carrier, carriers, placement }: { carrier: number; carriers: readonly number[]; placement: Placement },
): Hop[] {
  const sectorOf = (site: number): Hop['from'] =>
    carriers[site] === carrier ? (placement.sites[site]?.cluster.index ?? 0) : 'backplane'
  return routed
    .filter(({ from, to }) => from !== to && (carriers[from] === carrier || carriers[to] === carrier))
    .map(({ lane, from, to }) => ({ lane, from: sectorOf(from), to: sectorOf(to) }))
    .sort((a, b) => a.lane - b.lane || order(a.to) - order(b.to))
}

function order(sector: Hop['to']): number {
  return sector === 'backplane' ? -1 : sector
}

function crossingsOf(
  routed: readonly Routed[],
  { holder, carriers, device }: { holder: string; carriers: readonly number[]; device: DeviceSpecification },
): BackplaneHop[] {
  const backplane = device.backplanes.findIndex((one) => one.holder === holder)
  if (backplane < 0) return []
  return routed
    .flatMap(({ lane, from, to }): BackplaneHop[] => {
      const [out, into] = [carriers[from] ?? 0, carriers[to] ?? 0]
      const source = backplanePlace(out, device)
      const target = backplanePlace(into, device)
      if (out === into || !source || !target || source.backplane !== backplane) return []
      return [{ lane, from: source.place, to: target.place }]
    })
    .sort((a, b) => a.lane - b.lane || a.to - b.to)
}

function resolutionIssue({ source, sink, weight }: Connection, { signals }: Circuit): Issue[] {
  if (Math.abs(weight) >= COEFFICIENT_STEP / 2) return []
  const target = signals[sink]
  const name = source === 'constant' ? 'the constant' : quoted(signals[source]?.name ?? '')
  return [
    issue(
      'ANA0404',
      target?.range ?? null,
      `the weight of ${name} in ${quoted(target?.name ?? '')} is ${Number(Math.abs(weight).toPrecision(2))}, below the step of a coefficient`,
      'variables of very different size or pace do not share a machine well',
    ),
  ]
}
