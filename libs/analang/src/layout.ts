/**
 * Where on the device a scaled circuit is: in which clusters, on which elements and lanes. A device of one cluster
 * leaves no choice; on a larger one several divisions of the circuit are tried, those with the fewest hops first.
 */
import type { DeviceSpecification } from '@lucihub/analog'
import { sitesOf } from './capacity.ts'
import type { Circuit } from './circuit.ts'
import { issue, staged, type Staged } from './diagnostics.ts'
import { partitions, type Work } from './partition.ts'
import { place, type Placement } from './place.ts'
import { route, type Routing } from './route.ts'
import { lanesFor, type ScaledCircuit } from './scale.ts'

export interface Layout {
  readonly placement: Placement
  readonly routing: Routing
}

export function layOut(
  circuit: Circuit,
  scaled: ScaledCircuit,
  { device, work }: { device: DeviceSpecification; work: Work },
): Staged<Layout> {
  const sites = sitesOf(device)
  const cables = scaled.connections
    .filter(({ weight }) => weight !== 0)
    .map(({ source, sink, weight }) => ({ source, sink, lanes: lanesFor(weight, device) }))
  let first: Staged<Layout> | null = null
  for (const partition of partitions(circuit, cables, { sites, device, work })) {
    const placement = place(circuit, { sites, partition })
    const routing = route(circuit, scaled, placement, device)
    if (routing.value) return staged({ placement, routing: routing.value }, routing.issues)
    first ??= { value: null, issues: routing.issues }
  }
  return first ?? { value: null, issues: [indivisible(sites.length)] }
}

/** Whether a division exists at least when no weight takes more than one lane. */
export function isDivisible(
  circuit: Circuit,
  { connections }: ScaledCircuit,
  { device, work }: { device: DeviceSpecification; work: Work },
): boolean {
  const cables = connections.map(({ source, sink }) => ({ source, sink, lanes: 1 }))
  return partitions(circuit, cables, { sites: sitesOf(device), device, work }).length > 0
}

function indivisible(clusters: number) {
  return issue(
    'ANA0302',
    null,
    `no division of the circuit over ${clusters} clusters leaves each with lanes enough`,
    'equations that share fewer variables, and terms that take fewer lanes, can be divided better',
  )
}
