/**
 * From the JSON-lines generation's upscaling to ours: a lane upscaled by 10 with coefficient C carries the weight
 * 10 C; upscaled by 8 it takes C * 10/8 for that. Above 1 the weight is halved and shared with a free lane. With a
 * hop, coefficient and upscaling belong to two clusters: the C block where the route begins, the I block where it ends.
 */
import {
  COEFFICIENT_MAX,
  CONSTANT_CLANE,
  invariant,
  LANES,
  LOCAL_LANES,
  UPPER_LANES,
  UPSCALING,
  type CarrierConfiguration,
  type ClusterConfiguration,
  type Hop,
  type Lane,
  type Sector,
} from '@lucihub/analog'
import type { Findings } from './json-fields.ts'

const { jsonLines, protobuf } = UPSCALING

/** The same weights with our upscaling. `places`: JSON pointers of the clusters, for what cannot be converted. */
export function rescaled(
  carrier: CarrierConfiguration,
  places: ReadonlyMap<number, string>,
  findings: Findings,
): CarrierConfiguration {
  const draft: Draft = {
    clusters: new Map(carrier.clusters.map((cluster) => [cluster.index, [...cluster.lanes]])),
    hops: [...(carrier.hops ?? [])],
  }
  for (const from of carrier.clusters)
    for (const lane of from.lanes) {
      const refusal = convert(draft, { lane, from, ends: endsOf(lane.lane, from.index, carrier) })
      const pointer = `${places.get(from.index) ?? ''}/~1C/elements/${lane.lane}`
      if (refusal) findings.add({ pointer, value: lane.coefficient, ...refusal })
    }
  return {
    ...carrier,
    clusters: carrier.clusters.map((cluster) => ({
      ...cluster,
      lanes: (draft.clusters.get(cluster.index) ?? []).sort((a, b) => a.lane - b.lane),
    })),
    ...(draft.hops.length > 0 && { hops: draft.hops }),
  }
}

interface Draft {
  readonly clusters: ReadonlyMap<number, Lane[]>
  readonly hops: Hop[]
}

interface Route {
  readonly lane: Lane
  readonly from: ClusterConfiguration
  readonly ends: readonly { readonly cluster: number; readonly upscaled: boolean }[]
}

/** Converts one route; says why when it cannot. */
function convert(draft: Draft, { lane, from, ends }: Route): { message: string; remedy: string } | null {
  const [end, ...others] = ends
  if (!end || !ends.some(({ upscaled }) => upscaled)) return null
  if (!ends.every(({ upscaled }) => upscaled))
    return {
      message: `Lane ${lane.lane} arrives upscaled in one cluster and not in another; with x${protobuf} instead of x${jsonLines} no coefficient suits both.`,
      remedy: 'Use a lane for each of them.',
    }
  const coefficient = (lane.coefficient * jsonLines) / protobuf
  if (Math.abs(coefficient) <= COEFFICIENT_MAX) {
    change(draft, from.index, { ...lane, coefficient })
    return null
  }
  const route: Single = { lane: { ...lane, coefficient: coefficient / 2 }, from, to: end.cluster }
  const spare = others.length === 0 ? spareLane(draft, route) : null
  if (spare === null)
    return {
      message: `The weight ${lane.coefficient * jsonLines} of lane ${lane.lane} is beyond x${protobuf}, and no free lane can share it.`,
      remedy: `Send a weight within ${protobuf}, or free a lane.`,
    }
  share(draft, route, spare)
  return null
}

/** The clusters in which the C output of a lane arrives and is used. */
function endsOf(
  lane: number,
  from: number,
  { clusters, hops = [] }: CarrierConfiguration,
): { readonly cluster: number; readonly upscaled: boolean }[] {
  const origin = (to: Sector): Sector => hops.find((hop) => hop.lane === lane && hop.to === to)?.from ?? to
  return clusters.flatMap(({ index, lanes }) => {
    const end = lanes.find((one) => one.lane === lane && one.sinks.length > 0)
    return end && origin(index) === from ? [{ cluster: index, upscaled: end.upscaled }] : []
  })
}

/** A route with one end. */
interface Single {
  readonly lane: Lane
  readonly from: ClusterConfiguration
  readonly to: number
}

/** A lane that is free at both ends and can take the same source; null when there is none. */
function spareLane({ clusters, hops }: Draft, { lane, from, to }: Single): number | null {
  for (let candidate = to === from.index ? 0 : LOCAL_LANES; candidate < LANES; candidate++) {
    const used = [from.index, to].some((index) => clusters.get(index)?.some((one) => one.lane === candidate))
    const switched = hops.some((hop) => hop.lane === candidate)
    if (!used && !switched && sourceOn(candidate, lane, from) !== null) return candidate
  }
  return null
}

/** The clane by which another lane gets what this lane gets; null where the constant hides it or shows there only. */
function sourceOn(candidate: number, { lane, source }: Lane, { constant }: ClusterConfiguration): number | null {
  const constantClane = (number: number): number =>
    number < UPPER_LANES ? CONSTANT_CLANE.lowLanes : CONSTANT_CLANE.highLanes
  if (constant === null || source === null) return source
  if (source === constantClane(lane)) return constantClane(candidate)
  return source === constantClane(candidate) ? null : source
}

function share(draft: Draft, { lane, from, to }: Single, spare: number): void {
  const { clusters, hops } = draft
  change(draft, from.index, lane)
  const shared = { ...lane, lane: spare, source: sourceOn(spare, lane, from) }
  clusters.get(from.index)?.push(shared)
  if (to === from.index) return
  const end = clusters.get(to)?.find((one) => one.lane === lane.lane)
  invariant(end, 'a route ends where it was found to')
  clusters.get(to)?.push({ ...end, lane: spare, source: null, coefficient: 0 })
  hops.push({ lane: spare, from: from.index, to })
}

function change({ clusters }: Draft, cluster: number, lane: Lane): void {
  const lanes = clusters.get(cluster)
  lanes?.splice(
    lanes.findIndex((one) => one.lane === lane.lane),
    1,
    lane,
  )
}
