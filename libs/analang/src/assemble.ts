/** The last step: settings of every block, and the report for people, from what the stages decided. */
import {
  CLANES,
  invariant,
  M_BLOCK_WIDTH,
  type AdcChannel,
  type CarrierConfiguration,
  type ClusterConfiguration,
  type CompileReport,
  type Configuration,
  type DeviceSpecification,
  type ElementUse,
  type IntegratorConfiguration,
  type MBlockConfiguration,
  type MdrOperation,
  type PortInput,
} from '@lucihub/analog'
import { offerOf, portsOf, type Site } from './capacity.ts'
import type { Circuit } from './circuit.ts'
import { elementsOf, type Element, type ElementKind } from './elements.ts'
import { problemTimePerSecond, type Pace } from './pace.ts'
import type { PlacedElement, Placement } from './place.ts'
import type { Routing } from './route.ts'
import type { ScaledCircuit } from './scale.ts'

const MDR_ELEMENTS = 4

export interface Decisions {
  readonly device: DeviceSpecification
  readonly circuit: Circuit
  readonly placement: Placement
  readonly pace: Pace
  readonly scaled: ScaledCircuit
  readonly routing: Routing
}

/** All block settings. Clusters and carriers that the circuit does not touch are left out. */
export function configurationOf(decisions: Decisions): Configuration {
  const { device, circuit, placement, pace, routing } = decisions
  const clusterOf = ({ cluster }: Site, site: number): ClusterConfiguration[] => {
    const { lanes = [], constant = false } = routing.clusters[site] ?? {}
    const slots = [blockOf(0, site, decisions), blockOf(1, site, decisions)] as const
    if (lanes.length === 0 && slots.every((slot) => slot === null)) return []
    return [{ index: cluster.index, constant: constant ? 1 : null, lanes, slots }]
  }
  const clusters = placement.sites.map(clusterOf)
  return {
    carriers: device.carriers.flatMap(({ id }, carrier): CarrierConfiguration[] => {
      const configured = clusters.filter((_, site) => placement.sites[site]?.carrier === carrier).flat()
      const hops = routing.hops[carrier] ?? []
      const backplane = routing.backplanes[carrier] ?? []
      const inputs = inputsOf(carrier, decisions)
      if (configured.length === 0 && backplane.length === 0) return []
      return [
        {
          carrier: id,
          clusters: configured,
          adc: channelsOf(carrier, decisions),
          ...(hops.length > 0 && { hops }),
          ...(backplane.length > 0 && { backplane }),
          ...(inputs.length > 0 && { inputs }),
        },
      ]
    }),
    probes: circuit.probes.map(({ label }) => ({ label, unit: '' })),
    problemTimePerSecond: problemTimePerSecond(pace),
  }
}

export function reportOf({ device, circuit, placement, pace, scaled, routing }: Decisions): CompileReport {
  const used = (kind: ElementKind): number => placement.elements.filter((element) => element.kind === kind).length
  const taken = placement.sites.map(
    (_, site) =>
      new Set(
        placement.elements
          .filter((element) => element.site === site && element.kind !== 'identity')
          .flatMap(({ inputs }) => inputs),
      ),
  )
  const use = (kind: ElementKind): ElementUse => ({
    kind,
    used: used(kind),
    // An identity counts as available unless a multiplier took its input.
    available: placement.sites
      .flatMap(({ cluster }, site) => elementsOf(cluster).map((element) => ({ element, site })))
      .filter(
        ({ element, site }) =>
          element.kind === kind && (kind !== 'identity' || !element.inputs.some((input) => taken[site]?.has(input))),
      ).length,
  })
  const inputs = circuit.signals.filter(({ kind }) => kind === 'input').length
  const offer = offerOf(device, used('multiplier'))
  return {
    elements: [
      use('integrator'),
      use('multiplier'),
      use('identity'),
      { kind: 'ADC channel', used: circuit.probes.length, available: offer['ADC channels'] },
      ...(inputs > 0 ? [{ kind: 'port', used: inputs, available: portsOf(device) }] : []),
    ],
    lanesUsed: routing.lanesUsed,
    lanesAvailable: offer.lanes,
    k0: pace.k0,
    problemTimePerSecond: problemTimePerSecond(pace),
    signals: circuit.signals.map(({ name }, index) => {
      const { scale, amplitude } = signalAt(scaled, index)
      return { name, element: elementName(elementAt(placement, index), placement, device), scale, amplitude }
    }),
    compileTimeMs: 0,
  }
}

/** `M0.3` where there is one cluster, `2/M0.3` in cluster 2 of the only carrier, `5/2/M0.3` on carrier 5. */
function elementName(element: PlacedElement, { sites }: Placement, { carriers }: DeviceSpecification): string {
  const site = sites[element.site]
  const name = `M${element.slot}.${element.output % M_BLOCK_WIDTH}`
  if (!site || sites.length === 1) return name
  return carriers.length === 1 ? `${site.cluster.index}/${name}` : `${site.carrier}/${site.cluster.index}/${name}`
}

/** The settings of a slot's block; null when the circuit takes nothing of it. */
function blockOf(slot: 0 | 1, site: number, { placement, scaled, pace }: Decisions): MBlockConfiguration | null {
  const here = placement.elements.flatMap((element, index) =>
    element.site === site && element.slot === slot ? [{ element, index }] : [],
  )
  const type = placement.sites[site]?.cluster.slots[slot] ?? null
  if (here.length === 0 || type === null) return null
  switch (type) {
    case 'MINT':
      return {
        kind: 'MINT',
        integrators: here.map(({ element, index }): IntegratorConfiguration => ({
          element: element.index,
          ic: signalAt(scaled, index).ic,
          k0: pace.k0,
          limiter: false,
        })),
      }
    case 'MMUL':
      return { kind: 'MMUL' }
    case 'MDR':
      return { kind: 'MDR', operations: operationsOf(here.map(({ element }) => element)) }
  }
}

function operationsOf(elements: readonly Element[]): MdrOperation[] {
  const set = new Map(
    elements.flatMap(({ operation }) => (operation ? [[operation.element, operation.name] as const] : [])),
  )
  return Array.from({ length: MDR_ELEMENTS }, (_, index) => set.get(index) ?? 'MULTIPLY')
}

/** Ports in the order in which the program names its inputs; an input's scale is negative, as its identity inverts. */
function inputsOf(carrier: number, { circuit, placement, scaled }: Decisions): PortInput[] {
  return circuit.signals
    .flatMap((signal, index) => (signal.kind === 'input' ? [{ signal, index }] : []))
    .flatMap(({ signal: { name }, index }, port): PortInput[] => {
      const home = placement.sites[elementAt(placement, index).site]?.carrier
      return home === carrier ? [{ port, name, gain: -signalAt(scaled, index).scale }] : []
    })
}

function channelsOf(carrier: number, { circuit, placement, scaled }: Decisions): AdcChannel[] {
  return circuit.probes.flatMap(({ source, coefficient, offset }, probe): AdcChannel[] => {
    const { site, output } = elementAt(placement, source)
    const { carrier: home, cluster } = placement.sites[site] ?? {}
    if (home !== carrier || !cluster) return []
    return [
      {
        output: cluster.index * CLANES + output,
        gain: coefficient * signalAt(scaled, source).scale,
        offset,
        probe,
      },
    ]
  })
}

function signalAt({ signals }: ScaledCircuit, index: number): ScaledCircuit['signals'][number] {
  const signal = signals[index]
  invariant(signal, 'every signal is scaled')
  return signal
}

function elementAt({ elements }: Placement, index: number): PlacedElement {
  const element = elements[index]
  invariant(element, 'every signal is placed')
  return element
}
