/** A circuit in physical units: what is computed, by which kind of element, before scale and place are known. */
import type { Range } from './ast.ts'

export interface Circuit {
  /** In an order in which products and sums stand after what they take; integrators come first. */
  readonly signals: readonly Signal[]
  readonly probes: readonly ProbedSignal[]
}

/** One element's output. Sources are positions in the list of signals. */
export type Signal =
  | {
      readonly kind: 'integrator'
      readonly name: string
      readonly range: Range
      readonly initial: number
      readonly inputs: readonly Contribution[]
    }
  | { readonly kind: 'product'; readonly name: string; readonly factors: readonly [number, number] }
  | { readonly kind: 'sum'; readonly name: string; readonly range: Range; readonly inputs: readonly Contribution[] }

/** coefficient * source. */
export interface Contribution {
  readonly source: number | 'constant'
  readonly coefficient: number
}

/** value = coefficient * signal + offset. */
export interface ProbedSignal {
  readonly label: string
  readonly source: number
  readonly coefficient: number
  readonly offset: number
}
