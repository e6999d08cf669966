/**
 * A checked program: names are references, higher-order equations are chains of first-order states, and
 * definitions stand in an order in which each refers only to earlier ones. Whatever no probe depends on is gone.
 */
import type { Range } from './ast.ts'
import type { FunctionName } from './math.ts'

export interface Program {
  /** The name of the time variable. */
  readonly time: string
  readonly states: readonly State[]
  readonly definitions: readonly Definition[]
  readonly inputs: readonly Input[]
  readonly probes: readonly ProbedValue[]
  readonly ranges: readonly DeclaredRange[]
}

/** One component of the state vector: a variable, or a derivative of it below the order of its equation. */
export interface State {
  /** `h` or `diff[h, t]`. */
  readonly name: string
  readonly range: Range
  readonly derivative: Value
  readonly initial: Value
}

/** An algebraic value: a parameter, an alias, a function of time or the highest derivative of a variable. */
export interface Definition {
  readonly name: string
  readonly range: Range
  readonly value: Value
}

/** A signal that comes in over the front panel. */
export interface Input {
  readonly name: string
  readonly range: Range
}

export interface ProbedValue {
  readonly label: string
  readonly range: Range
  readonly value: Value
}

/** What the user expects of a signal: values from `from` to `to`, both constant. */
export interface DeclaredRange {
  readonly name: string
  readonly range: Range
  readonly value: Value
  readonly from: Value
  readonly to: Value
}

export type Reference = State | Definition | Input

export type Value =
  | { readonly kind: 'constant'; readonly range: Range; readonly value: number }
  | { readonly kind: 'time'; readonly range: Range }
  | { readonly kind: 'state'; readonly range: Range; readonly state: State }
  | { readonly kind: 'definition'; readonly range: Range; readonly definition: Definition }
  | { readonly kind: 'input'; readonly range: Range; readonly input: Input }
  | { readonly kind: 'negation'; readonly range: Range; readonly operand: Value }
  | {
      readonly kind: 'sum'
      readonly range: Range
      readonly terms: readonly { readonly sign: 1 | -1; readonly value: Value }[]
    }
  | {
      readonly kind: 'product'
      readonly range: Range
      readonly factors: readonly { readonly operator: '*' | '/'; readonly value: Value }[]
    }
  | { readonly kind: 'power'; readonly range: Range; readonly base: Value; readonly exponent: Value }
  | {
      readonly kind: 'function'
      readonly range: Range
      readonly name: FunctionName
      readonly arguments: readonly Value[]
    }

/** The parts of a value, in textual order. */
export function partsOf(value: Value): readonly Value[] {
  switch (value.kind) {
    case 'constant':
    case 'time':
    case 'state':
    case 'definition':
    case 'input':
      return []
    case 'negation':
      return [value.operand]
    case 'sum':
      return value.terms.map((term) => term.value)
    case 'product':
      return value.factors.map((factor) => factor.value)
    case 'power':
      return [value.base, value.exponent]
    case 'function':
      return value.arguments
  }
}

/** The value and all its parts; does not follow references. Trees are shallow (see the parser's bound), so recursion is safe. */
export function* within(value: Value): Generator<Value> {
  yield value
  for (const part of partsOf(value)) yield* within(part)
}
