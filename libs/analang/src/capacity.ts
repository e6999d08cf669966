/**
 * How much fits on a device: elements of each kind, cluster by cluster, and which of the machines we know is
 * large enough for a circuit. Multipliers and identities of a block share inputs, so the number of identities
 * depends on how many of its multipliers are in use.
 */
import { LUCIDAC, MREDAC, REDAC, type ClusterSpecification, type DeviceSpecification } from '@lucihub/analog'
import { byPreference, elementsOf, type Element } from './elements.ts'

/** One cluster of a device, in the order of its carriers. */
export interface Site {
  /** Position of the carrier in the specification. */
  readonly carrier: number
  readonly carrierId: string
  readonly cluster: ClusterSpecification
}

export interface ClusterCapacity {
  readonly integrators: number
  readonly multipliers: number
  /** How many identities are left, by the number of multipliers in use. */
  readonly identities: readonly number[]
}

/** What a circuit takes, or a device offers. */
export interface Needs {
  readonly integrators: number
  readonly multipliers: number
  readonly identities: number
  readonly 'ADC channels': number
  readonly lanes: number
  readonly ports: number
}

/** All clusters of a device. */
export function sitesOf({ carriers }: DeviceSpecification): Site[] {
  return carriers.flatMap(({ id, clusters }, carrier) =>
    clusters.map((cluster) => ({ carrier, carrierId: id, cluster })),
  )
}

export function capacityOf(cluster: ClusterSpecification): ClusterCapacity {
  const elements = byPreference(elementsOf(cluster))
  const ofKind = (kind: Element['kind']): readonly Element[] => elements.filter((element) => element.kind === kind)
  const multipliers = ofKind('multiplier')
  return {
    integrators: ofKind('integrator').length,
    multipliers: multipliers.length,
    identities: Array.from({ length: multipliers.length + 1 }, (_, used) => {
      const taken = new Set(multipliers.slice(0, used).flatMap(({ inputs }) => inputs))
      return ofKind('identity').filter(({ inputs }) => !inputs.some((input) => taken.has(input))).length
    }),
  }
}

/** What a device offers to a circuit with so many multipliers: they are thought to stand where they cost the fewest identities. */
export function offerOf(device: DeviceSpecification, multipliers: number): Needs {
  const capacities = sitesOf(device).map(({ cluster }) => capacityOf(cluster))
  const total = (count: (capacity: ClusterCapacity) => number): number =>
    capacities.reduce((sum, capacity) => sum + count(capacity), 0)
  const losses = capacities
    .flatMap(({ identities }) => identities.slice(1).map((left, used) => (identities[used] ?? 0) - left))
    .sort((a, b) => a - b)
  return {
    integrators: total((capacity) => capacity.integrators),
    multipliers: total((capacity) => capacity.multipliers),
    identities:
      total(({ identities }) => identities[0] ?? 0) - losses.slice(0, multipliers).reduce((sum, loss) => sum + loss, 0),
    'ADC channels': device.adcChannels * Math.max(1, device.carriers.length),
    lanes: device.lanes * Math.max(1, capacities.length),
    ports: portsOf(device),
  }
}

/**
 * Whether multipliers of the device also square, divide and take roots. Where some of its blocks are plain
 * multipliers, none counts: a signal may have to move to any cluster.
 */
export function divides({ carriers }: DeviceSpecification): boolean {
  const slots = carriers.flatMap(({ clusters }) => clusters.flatMap((cluster) => cluster.slots))
  return slots.includes('MDR') && !slots.includes('MMUL')
}

/** Ports for signals from outside: of the only carrier, since signals are taken on where they arrive. */
export function portsOf({ carriers }: DeviceSpecification): number {
  const [only, ...others] = carriers
  return only && others.length === 0 ? (only.ports ?? 0) : 0
}

/** The machines we know, the smallest first. A REDAC has seven carriers. */
export const MACHINES = [
  { name: 'LUCIDAC', article: 'a', device: LUCIDAC, also: '' },
  { name: 'mREDAC', article: 'an', device: MREDAC, also: '' },
  { name: 'REDAC', article: 'a', device: REDAC, also: ' of seven carriers' },
] as const

/** Says which machine has all that is needed, the smallest that does. */
export function machineFor(needs: Needs): string {
  const found = MACHINES.find(({ device }) => {
    const offer = offerOf(device, needs.multipliers)
    return (Object.keys(needs) as (keyof Needs)[]).every((kind) => needs[kind] <= offer[kind])
  })
  return found ? `${found.article} ${found.name}${found.also} has room for it` : 'no machine has room for it'
}
