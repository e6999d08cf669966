/**
 * Where lanes go between the C and the I blocks: at home, through the T block to another cluster of the carrier, or
 * over the backplane to another carrier. The lane that arrives has the number of the lane that left.
 */
import type { Configuration, Sector } from './configuration.ts'
import { portablePosition } from './entity.ts'
import type { DeviceSpecification } from './specification.ts'

/** A cluster of a device: position of the carrier in the specification, index of the cluster. */
export interface ClusterPlace {
  readonly carrier: number
  readonly cluster: number
}

/** Position of the carrier that an id in a configuration means, its own or a portable one; -1 when the device has none such. */
export function carrierPosition(id: string, { carriers }: DeviceSpecification): number {
  const position = carriers.findIndex((carrier) => carrier.id === id)
  if (position >= 0) return position
  const portable = portablePosition(id)
  return portable !== null && portable < carriers.length ? portable : -1
}

/** The backplane that a carrier sits on, by its number in the specification, and the carrier's place there; null without one. */
export function backplanePlace(
  carrier: number,
  { carriers, backplanes }: DeviceSpecification,
): { readonly backplane: number; readonly place: number } | null {
  const id = carriers[carrier]?.id
  const backplane = backplanes.findIndex(({ places }) => id !== undefined && places.includes(id))
  const place = backplanes[backplane]?.places.findIndex((one) => one === id)
  return place === undefined ? null : { backplane, place }
}

/**
 * Answers, for a configuration on a device: which cluster's C block feeds this lane of a cluster's I block?
 * The cluster itself where no hop says otherwise; null where a hop brings nothing.
 */
export function laneOrigins(
  configuration: Configuration,
  specification: DeviceSpecification,
): (lane: number, sink: ClusterPlace) => ClusterPlace | null {
  const arriving = new Map<string, Sector>()
  const crossing = new Map<string, number>()
  for (const { carrier: id, hops = [], backplane = [] } of configuration.carriers) {
    const carrier = carrierPosition(id, specification)
    const stack = backplanePlace(carrier, specification)?.backplane
    for (const { lane, from, to } of hops) arriving.set(`${carrier}/${lane}/${to}`, from)
    for (const { lane, from, to } of backplane) crossing.set(`${stack}/${lane}/${to}`, from)
  }
  const leaving = (lane: number, carrier: number): ClusterPlace | null => {
    const from = arriving.get(`${carrier}/${lane}/backplane`)
    return typeof from === 'number' ? { carrier, cluster: from } : null
  }
  return (lane, { carrier, cluster }) => {
    const from = arriving.get(`${carrier}/${lane}/${cluster}`) ?? cluster
    if (from !== 'backplane') return { carrier, cluster: from }
    const at = backplanePlace(carrier, specification)
    const place = at ? crossing.get(`${at.backplane}/${lane}/${at.place}`) : undefined
    const neighbour = at && place !== undefined ? specification.backplanes[at.backplane]?.places[place] : undefined
    return neighbour ? leaving(lane, carrierPosition(neighbour, specification)) : null
  }
}
