/** A circuit in physical units: what is computed, by which kind of element, before scale and place are known. */
import type { Range } from './ast.ts'
import type { Polynomial } from './polynomial.ts'

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
      /** The largest |value| the user expects; null to find out. */
      readonly declared: number | null
      /** What happens where a function leaves every bound: "`x` reaches zero". Empty for others. */
      readonly singular: string
      /** Each must keep the sign it has at the start; over integrators, which stand first. */
      readonly domain: readonly Polynomial[]
    }
  | {
      /** What an element makes of its one or two inputs: a * b, a², a / b, √a. */
      readonly kind: 'product' | 'square' | 'quotient' | 'root'
      readonly name: string
      readonly range: Range | null
      readonly factors: readonly Factor[]
      /** Quotients and roots: the largest |value| the user expects; null to find out. */
      readonly declared: number | null
      /** As of an integrator. */
      readonly singular: string
    }
  | {
      /** A signal that comes in through a port and is taken on by an identity. */
      readonly kind: 'input'
      readonly name: string
      readonly range: Range
      readonly declared: number | null
    }
  | {
      readonly kind: 'sum'
      readonly name: string
      readonly range: Range
      readonly inputs: readonly Contribution[]
      readonly declared: number | null
    }

/** One input of a multiplier, divider or rooter: a signal as it is, or a sum, which takes no element of its own. */
export type Factor = readonly Contribution[]

/** What flows into a signal by itself or through a sum; what a computed signal takes is in its factors. */
export function inputsOf(signal: Signal): readonly Contribution[] {
  return 'inputs' in signal ? signal.inputs : []
}

/** coefficient * source. */
export interface Contribution {
  readonly source: number | 'constant'
  readonly coefficient: number
}

/** value = coefficient * signal + offset. */
export interface ProbedSignal {
  readonly label: string
  readonly range: Range
  readonly source: number
  readonly coefficient: number
  readonly offset: number
}
