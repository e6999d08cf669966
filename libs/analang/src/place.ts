/** Gives every signal of a circuit an element of its cluster. Elements that share an input exclude each other. */
import { invariant, type MdrOperation } from '@lucihub/analog'
import type { Site } from './capacity.ts'
import type { Circuit, Signal } from './circuit.ts'
import { byPreference, elementsOf, type Element, type ElementKind } from './elements.ts'

export interface Placement {
  /** The clusters of the device. */
  readonly sites: readonly Site[]
  /** The element of each signal, in the order of the circuit's signals. */
  readonly elements: readonly PlacedElement[]
}

export interface PlacedElement extends Element {
  /** Position of its cluster among the sites. */
  readonly site: number
}

/** Which element a signal takes. */
export const ELEMENT_OF: Readonly<Record<Signal['kind'], ElementKind>> = {
  integrator: 'integrator',
  product: 'multiplier',
  square: 'multiplier',
  quotient: 'multiplier',
  root: 'multiplier',
  sum: 'identity',
  input: 'identity',
}

/** What an MDR element is set to for a signal; an element of another block has no setting. */
const OPERATION_OF: Readonly<Record<Signal['kind'], MdrOperation>> = {
  integrator: 'MULTIPLY',
  product: 'MULTIPLY',
  square: 'SQUARE',
  quotient: 'DIVIDE',
  root: 'SQRT',
  sum: 'IDENT',
  input: 'IDENT',
}

/** `partition` names the site of each signal; every site has room for what it is given. */
export function place(
  { signals }: Circuit,
  { sites, partition }: { sites: readonly Site[]; partition: readonly number[] },
): Placement {
  const free = sites.map(({ cluster }) => byPreference(elementsOf(cluster)))
  const taken = sites.map(() => new Set<number>())
  const elements = signals.map((signal, index): PlacedElement => {
    const site = partition[index] ?? 0
    const element = free[site]?.find(
      ({ kind, inputs }) => kind === ELEMENT_OF[signal.kind] && !inputs.some((input) => taken[site]?.has(input)),
    )
    invariant(element, 'elements were counted before')
    for (const input of element.inputs) taken[site]?.add(input)
    const operation = element.operation && { ...element.operation, name: OPERATION_OF[signal.kind] }
    return { ...element, site, operation: element.kind === 'multiplier' ? operation : element.operation }
  })
  return { sites, elements }
}
