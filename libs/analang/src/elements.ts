/**
 * What a cluster can compute with: its elements, read from the types of its M blocks. An element occupies
 * input clanes; two elements that share an input (a multiplier and an identity of the same block) exclude
 * each other.
 */
import { M_BLOCK_WIDTH, type ClusterSpecification, type MdrOperation } from '@lucihub/analog'

export interface Element {
  readonly kind: 'integrator' | 'multiplier' | 'identity'
  readonly slot: 0 | 1
  /** Within its block, as devices count it: integrator 0..7, multiplier 0..3, identity 0..3. */
  readonly index: number
  /** One clane, or two for a multiplier. */
  readonly inputs: readonly number[]
  readonly output: number
  /** What an MDR element must be set to; null elsewhere. */
  readonly operation: { readonly element: number; readonly name: MdrOperation } | null
}

export type ElementKind = Element['kind']

/** All elements of a cluster, slot by slot. */
export function elementsOf({ slots }: ClusterSpecification): Element[] {
  return slots.flatMap((type, slot) => {
    switch (type) {
      case 'MINT':
        return integrators(slot === 0 ? 0 : 1)
      case 'MMUL':
        return multipliersOfMmul(slot === 0 ? 0 : 1)
      case 'MDR':
        return elementsOfMdr(slot === 0 ? 0 : 1)
      case null:
      case undefined:
        return []
    }
  })
}

/** Multipliers whose inputs no identity shares come first, so that as many identities as can be stay free. */
export function byPreference(elements: readonly Element[]): readonly Element[] {
  const shared = new Set(elements.filter(({ kind }) => kind === 'identity').flatMap(({ inputs }) => inputs))
  const cost = ({ kind, inputs }: Element): number =>
    kind === 'multiplier' ? inputs.filter((input) => shared.has(input)).length : 0
  return [...elements].sort((a, b) => cost(a) - cost(b))
}

function integrators(slot: 0 | 1): Element[] {
  return range(M_BLOCK_WIDTH).map((index) => {
    const clane = slot * M_BLOCK_WIDTH + index
    return { kind: 'integrator', slot, index, inputs: [clane], output: clane, operation: null }
  })
}

/** Multiplier m multiplies inputs 2m and 2m+1; identity n takes input n, out of the first four. */
function multipliersOfMmul(slot: 0 | 1): Element[] {
  const first = slot * M_BLOCK_WIDTH
  return [
    ...range(4).map((m): Element => ({
      kind: 'multiplier',
      slot,
      index: m,
      inputs: [first + 2 * m, first + 2 * m + 1],
      output: first + m,
      operation: null,
    })),
    ...range(4).map((n): Element => ({
      kind: 'identity',
      slot,
      index: n,
      inputs: [first + n],
      output: first + 4 + n,
      operation: null,
    })),
  ]
}

/** Element m has inputs x = 2m and y = 2m+1; y always appears inverted at output 4+m, x does so at m when set to IDENT. */
function elementsOfMdr(slot: 0 | 1): Element[] {
  const first = slot * M_BLOCK_WIDTH
  return [
    ...range(4).map((m): Element => ({
      kind: 'multiplier',
      slot,
      index: m,
      inputs: [first + 2 * m, first + 2 * m + 1],
      output: first + m,
      operation: { element: m, name: 'MULTIPLY' },
    })),
    ...range(4).map((m): Element => ({
      kind: 'identity',
      slot,
      index: m,
      inputs: [first + 2 * m + 1],
      output: first + 4 + m,
      operation: null,
    })),
    ...range(4).map((m): Element => ({
      kind: 'identity',
      slot,
      index: m,
      inputs: [first + 2 * m],
      output: first + m,
      operation: { element: m, name: 'IDENT' },
    })),
  ]
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index)
}
