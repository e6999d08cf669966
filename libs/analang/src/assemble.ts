/** The last step: settings of every block, and the report for people, from what the stages decided. */
import {
  CLANES,
  invariant,
  M_BLOCK_WIDTH,
  type AdcChannel,
  type ClusterSpecification,
  type CompileReport,
  type Configuration,
  type DeviceSpecification,
  type ElementUse,
  type IntegratorConfiguration,
  type MBlockConfiguration,
  type MdrOperation,
} from '@lucihub/analog'
import type { Circuit } from './circuit.ts'
import { elementsOf, type Element, type ElementKind } from './elements.ts'
import type { Placement } from './place.ts'
import type { Routing } from './route.ts'
import { problemTimePerSecond, type Pace, type ScaledCircuit } from './scale.ts'

const MDR_ELEMENTS = 4

export interface Decisions {
  readonly device: DeviceSpecification
  /** Where the circuit is: for now always the first cluster of the first carrier. */
  readonly carrier: string
  readonly cluster: ClusterSpecification
  readonly circuit: Circuit
  readonly placement: Placement
  readonly pace: Pace
  readonly scaled: ScaledCircuit
  readonly routing: Routing
}

export function configurationOf(decisions: Decisions): Configuration {
  const { carrier, cluster, circuit, pace, routing } = decisions
  return {
    carriers: [
      {
        carrier,
        clusters: [
          {
            index: cluster.index,
            constant: routing.constant ? 1 : null,
            lanes: routing.lanes,
            slots: [blockOf(0, decisions), blockOf(1, decisions)],
          },
        ],
        adc: channelsOf(decisions),
      },
    ],
    probes: circuit.probes.map(({ label }) => ({ label, unit: '' })),
    problemTimePerSecond: problemTimePerSecond(pace),
  }
}

export function reportOf({ device, cluster, circuit, placement, pace, scaled, routing }: Decisions): CompileReport {
  const taken = new Set(placement.elements.filter(({ kind }) => kind !== 'identity').flatMap(({ inputs }) => inputs))
  const use = (kind: ElementKind): ElementUse => ({
    kind,
    used: placement.elements.filter((element) => element.kind === kind).length,
    // An identity counts as available unless a multiplier took its input.
    available: elementsOf(cluster).filter(
      (element) => element.kind === kind && (kind !== 'identity' || !element.inputs.some((input) => taken.has(input))),
    ).length,
  })
  return {
    elements: [
      use('integrator'),
      use('multiplier'),
      use('identity'),
      { kind: 'ADC channel', used: circuit.probes.length, available: device.adcChannels },
    ],
    lanesUsed: routing.lanes.length,
    lanesAvailable: device.lanes,
    k0: pace.k0,
    problemTimePerSecond: problemTimePerSecond(pace),
    signals: circuit.signals.map(({ name }, index) => {
      const { scale, amplitude } = signalAt(scaled, index)
      const { slot, output } = elementAt(placement, index)
      return { name, element: `M${slot}.${output % M_BLOCK_WIDTH}`, scale, amplitude }
    }),
    compileTimeMs: 0,
  }
}

/** The settings of a slot's block; null when the circuit takes nothing of it. */
function blockOf(slot: 0 | 1, { cluster, placement, scaled, pace }: Decisions): MBlockConfiguration | null {
  const here = placement.elements.flatMap((element, index) => (element.slot === slot ? [{ element, index }] : []))
  const type = cluster.slots[slot]
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

function channelsOf({ cluster, circuit, placement, scaled }: Decisions): AdcChannel[] {
  return circuit.probes.map(({ source, coefficient, offset }, probe) => ({
    output: cluster.index * CLANES + elementAt(placement, source).output,
    gain: coefficient * signalAt(scaled, source).scale,
    offset,
    probe,
  }))
}

function signalAt({ signals }: ScaledCircuit, index: number): ScaledCircuit['signals'][number] {
  const signal = signals[index]
  invariant(signal, 'every signal is scaled')
  return signal
}

function elementAt({ elements }: Placement, index: number): Element {
  const element = elements[index]
  invariant(element, 'every signal is placed')
  return element
}
