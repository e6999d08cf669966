/** The syntax tree: a program as it is written, names unresolved. Every part knows its range of the source. */

/** Half-open, in UTF-16 units. */
export interface Range {
  readonly from: number
  readonly to: number
}

export interface Identifier extends Range {
  readonly name: string
}

export interface Ast {
  readonly statements: readonly Statement[]
  /** The text of statements that are left out because they do not parse; empty when all do. */
  readonly broken: string
}

export type Statement =
  | { readonly kind: 'use'; readonly range: Range; readonly module: Identifier }
  | { readonly kind: 'input'; readonly range: Range; readonly name: Identifier; readonly time: Time | null }
  | { readonly kind: 'probe'; readonly range: Range; readonly value: Expression; readonly label: Identifier | null }
  | { readonly kind: 'definition'; readonly range: Range; readonly target: Target; readonly value: Expression }
  | {
      readonly kind: 'range'
      readonly range: Range
      readonly target: Target
      readonly from: Expression
      readonly to: Expression
    }

/** What stands left of `=`. For a derivative, `variables` repeats the time variable once per order. */
export type Target =
  | { readonly kind: 'signal'; readonly range: Range; readonly name: Identifier; readonly time: Time | null }
  | {
      readonly kind: 'derivative'
      readonly range: Range
      readonly name: Identifier
      readonly variables: readonly Identifier[]
      readonly time: Time
    }

/** `(t)`, or `(t: 0)` with the instant of an initial value. */
export interface Time extends Range {
  readonly variable: Identifier
  readonly instant: number | null
}

export type Expression =
  | { readonly kind: 'number'; readonly range: Range; readonly value: number }
  | { readonly kind: 'name'; readonly range: Range; readonly name: Identifier }
  | {
      readonly kind: 'call'
      readonly range: Range
      readonly name: Identifier
      readonly arguments: readonly Expression[]
    }
  | {
      readonly kind: 'derivative'
      readonly range: Range
      readonly name: Identifier
      readonly variables: readonly Identifier[]
      readonly arguments: readonly Expression[]
    }
  | { readonly kind: 'negation'; readonly range: Range; readonly operand: Expression }
  | {
      readonly kind: 'sum'
      readonly range: Range
      readonly terms: readonly { readonly sign: 1 | -1; readonly value: Expression }[]
    }
  | {
      readonly kind: 'product'
      readonly range: Range
      readonly factors: readonly { readonly operator: '*' | '/'; readonly value: Expression }[]
    }
  | { readonly kind: 'power'; readonly range: Range; readonly base: Expression; readonly exponent: Expression }
