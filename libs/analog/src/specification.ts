/**
 * A device specification: what a compiler may use, as a frozen value derived from the device's own
 * description. M blocks are exchangeable, so their types are always read from the entity tree.
 */
import { M_BLOCK_TYPES, type DeviceDescription, type Entity, type MBlockType } from './entity.ts'
import {
  ADC_CHANNELS,
  BACKPLANE_PLACES,
  COEFFICIENT_MAX,
  INTEGRATOR_RATES,
  LANES,
  PORTS,
  UPSCALING,
  type IntegratorRate,
} from './limits.ts'

export type DeviceClass = 'LUCIDAC' | 'REDAC' | 'SIMULATOR'
export const DEVICE_CLASSES = ['LUCIDAC', 'REDAC', 'SIMULATOR'] as const satisfies readonly DeviceClass[]

/** One cluster: which M block sits in which slot (null: the slot is empty). */
export interface ClusterSpecification {
  readonly index: number
  readonly slots: readonly [MBlockType | null, MBlockType | null]
}

/** One carrier board and its clusters. */
export interface CarrierSpecification {
  readonly id: string
  readonly clusters: readonly ClusterSpecification[]
  /** True where a T block can hand lanes 8..31 from one cluster to another. */
  readonly tBlock: boolean
  /** Ports for signals from outside, into the carrier's only cluster. Absent: none. */
  readonly ports?: number
}

/** What hands lanes 8..31 from carrier to carrier of one stack. */
export interface BackplaneSpecification {
  /** Id of the carrier that holds the switches. */
  readonly holder: string
  /** Ids of the stack's carriers by their place 0..6 on the backplane; null for an empty place. */
  readonly places: readonly (string | null)[]
}

/** Everything a compiler needs to know about a device. All counts are per cluster unless said otherwise. */
export interface DeviceSpecification {
  readonly carriers: readonly CarrierSpecification[]
  /** One for each stack that has a backplane. */
  readonly backplanes: readonly BackplaneSpecification[]
  readonly lanes: number
  /** Largest |factor| a coefficient can hold before upscaling. */
  readonly coefficientMax: number
  /** Gain of an upscaled lane: 8 on the protobuf generation, 10 on the JSON-lines generation. */
  readonly upscaling: number
  /** ADC channels of each carrier. */
  readonly adcChannels: number
  /** Selectable integrator rates k0 in 1/s. */
  readonly integratorRates: readonly IntegratorRate[]
}

/** Reads the specification out of a device's description. */
export function specificationOf(description: DeviceDescription): DeviceSpecification {
  return Object.freeze({
    carriers: description.carriers.map(carrierSpecification),
    backplanes: description.carriers.flatMap((carrier) => backplaneSpecification(carrier, description)),
    lanes: LANES,
    coefficientMax: COEFFICIENT_MAX,
    upscaling: UPSCALING.protobuf,
    adcChannels: ADC_CHANNELS,
    integratorRates: INTEGRATOR_RATES,
  })
}

/** LUCIDAC for one carrier with one cluster and no T block; REDAC for anything larger. */
export function deviceClassOf(specification: DeviceSpecification): Exclude<DeviceClass, 'SIMULATOR'> {
  const [only, ...others] = specification.carriers
  return only && others.length === 0 && only.clusters.length === 1 && !only.tBlock ? 'LUCIDAC' : 'REDAC'
}

function carrierSpecification(carrier: Entity): CarrierSpecification {
  const clusters = carrier.children.filter((child) => child.class === 'CLUSTER')
  return {
    id: carrier.id,
    clusters: clusters.map((cluster) => ({
      index: Number(cluster.id),
      slots: [mBlockType(cluster, 'M0'), mBlockType(cluster, 'M1')],
    })),
    tBlock: carrier.children.some((child) => child.class === 'T_BLOCK'),
    // Ports are part of the front panel that a LUCIDAC has.
    ...(clusters.length === 1 && carrier.children.some((child) => child.id === 'FP') && { ports: PORTS }),
  }
}

/** The backplane whose switches this carrier holds, if it holds any. */
function backplaneSpecification(holder: Entity, { carriers }: DeviceDescription): BackplaneSpecification[] {
  const { location } = holder
  if (!location || !holder.children.some((child) => child.class === 'BACK_PANEL_T_BLOCK')) return []
  const at = (place: number): string | null =>
    carriers.find((one) => one.location?.stack === location.stack && one.location.carrier === place)?.id ?? null
  return [{ holder: holder.id, places: Array.from({ length: BACKPLANE_PLACES }, (_, place) => at(place)) }]
}

function mBlockType(cluster: Entity, id: string): MBlockType | null {
  const block = cluster.children.find((child) => child.class === 'M_BLOCK' && child.id === id)
  return (block && M_BLOCK_TYPES[block.type as keyof typeof M_BLOCK_TYPES]) ?? null
}
