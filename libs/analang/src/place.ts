/** Gives every signal of a circuit an element of the cluster. Elements that share an input exclude each other. */
import { invariant, type ClusterSpecification } from '@lucihub/analog'
import type { Circuit, Signal } from './circuit.ts'
import { issue, staged, type Staged } from './diagnostics.ts'
import { elementsOf, type Element, type ElementKind } from './elements.ts'

/** The element of each signal, in the order of the circuit's signals. */
export interface Placement {
  readonly elements: readonly Element[]
}

const KIND: Readonly<Record<Signal['kind'], ElementKind>> = {
  integrator: 'integrator',
  product: 'multiplier',
  sum: 'identity',
}

export function place({ signals }: Circuit, cluster: ClusterSpecification): Staged<Placement> {
  const sums = signals.filter((signal) => signal.kind === 'sum').length
  const free = byPreference(elementsOf(cluster))
  const taken = new Set<number>()
  const placed: Element[] = []
  for (const signal of signals) {
    const element = free.find(
      (candidate) => candidate.kind === KIND[signal.kind] && !candidate.inputs.some((input) => taken.has(input)),
    )
    if (!element) {
      invariant(signal.kind === 'sum', 'integrators and multipliers were counted before')
      const available = placed.filter(({ kind }) => kind === 'identity').length
      return staged({ elements: [] }, [
        issue(
          'ANA0301',
          null,
          `the circuit needs ${sums} identities, the device has ${available} beside its multipliers`,
          'each probe of a sum takes one: probe the parts, and add them up afterwards',
        ),
      ])
    }
    for (const input of element.inputs) taken.add(input)
    placed.push(element)
  }
  return staged({ elements: placed }, [])
}

/** Multipliers whose inputs no identity shares come first, so that as many identities as can be stay free. */
function byPreference(elements: readonly Element[]): readonly Element[] {
  const shared = new Set(elements.filter(({ kind }) => kind === 'identity').flatMap(({ inputs }) => inputs))
  const cost = ({ kind, inputs }: Element): number =>
    kind === 'multiplier' ? inputs.filter((input) => shared.has(input)).length : 0
  return [...elements].sort((a, b) => cost(a) - cost(b))
}
