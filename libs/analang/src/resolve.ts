/**
 * Names to references: what every name of a program stands for, and expressions with those references in
 * place of names. Equations refer to each other freely, so all objects are made first and filled afterwards.
 */
import { invariant } from '@lucihub/analog'
import type { Expression, Identifier, Range, Target } from './ast.ts'
import { derivativeName, orderOf, type Declarations, type Symbol } from './declare.ts'
import { inserting, issue, quoted, replacing, type Edit, type Issue } from './diagnostics.ts'
import { FUNCTIONS, isFunction, isMathName, MATH_CONSTANTS } from './math.ts'
import type { Definition, Input, Reference, State, Value } from './program.ts'

const NOWHERE: Range = { from: 0, to: 0 }
const ZERO: Value = { kind: 'constant', range: NOWHERE, value: 0 }

type Draft<T> = { -readonly [Key in keyof T]: T[Key] }

/** What a name stands for once resolved. `states` has one entry per order below the equation's. */
type Meaning =
  | { readonly kind: 'alias'; readonly definition: Definition }
  | { readonly kind: 'variable'; readonly states: readonly State[]; readonly highest: Definition }
  | { readonly kind: 'input'; readonly input: Input }

/** All names with their meaning. */
export class Scope {
  readonly states: State[] = []
  readonly definitions: Definition[] = []
  readonly inputs: Input[] = []
  /** Each declared name with all that stands for it. */
  readonly named: { readonly name: string; readonly range: Range; readonly references: readonly Reference[] }[] = []
  readonly #meanings = new Map<string, Meaning>()
  readonly #declarations: Declarations
  readonly #issues: Issue[]

  constructor(declarations: Declarations, issues: Issue[]) {
    this.#declarations = declarations
    this.#issues = issues
    const fillers = [...declarations.symbols.values()].map((symbol) => this.#introduce(symbol))
    for (const fill of fillers) fill()
  }

  resolve(expression: Expression): Value {
    const { range } = expression
    switch (expression.kind) {
      case 'number':
        return { kind: 'constant', range, value: expression.value }
      case 'name':
        return this.#name(expression.name)
      case 'call':
        return this.#call(expression)
      case 'derivative':
        return this.#derivative(expression)
      case 'negation':
        return { kind: 'negation', range, operand: this.resolve(expression.operand) }
      case 'sum':
        return {
          kind: 'sum',
          range,
          terms: expression.terms.map(({ sign, value }) => ({ sign, value: this.resolve(value) })),
        }
      case 'product':
        return {
          kind: 'product',
          range,
          factors: expression.factors.map(({ operator, value }) => ({ operator, value: this.resolve(value) })),
        }
      case 'power':
        return {
          kind: 'power',
          range,
          base: this.resolve(expression.base),
          exponent: this.resolve(expression.exponent),
        }
    }
  }

  /** The signal that a target names, at the present time. */
  target(target: Target): Value {
    if (target.kind === 'signal') return this.#name(target.name)
    const { range, name, variables, time } = target
    const now = { kind: 'name', range, name: time.variable } as const
    return this.#derivative({ kind: 'derivative', range, name, variables, arguments: [now] })
  }

  /** Makes the objects of a symbol; the function it returns fills them once every name is known. */
  #introduce(symbol: Symbol): () => void {
    const { name, range } = symbol
    const { time } = this.#declarations
    switch (symbol.kind) {
      case 'input': {
        const input: Input = { name, range }
        this.inputs.push(input)
        this.#meanings.set(name, { kind: 'input', input })
        this.named.push({ name, range, references: [input] })
        return () => {}
      }
      case 'alias': {
        const definition: Draft<Definition> = { name, range, value: ZERO }
        this.definitions.push(definition)
        this.#meanings.set(name, { kind: 'alias', definition })
        this.named.push({ name, range, references: [definition] })
        return () => (definition.value = this.resolve(symbol.expression))
      }
      case 'variable': {
        const highest: Draft<Definition> = { name: derivativeName(name, symbol.order, time), range, value: ZERO }
        const states = Array.from({ length: symbol.order }, (_, order): Draft<State> => ({
          name: derivativeName(name, order, time),
          range,
          derivative: ZERO,
          initial: ZERO,
        }))
        this.definitions.push(highest)
        this.states.push(...states)
        this.#meanings.set(name, { kind: 'variable', states, highest })
        this.named.push({ name, range, references: [...states, highest] })
        return () => {
          highest.value = this.resolve(symbol.equation)
          states.forEach((state, order) => {
            const next = states[order + 1]
            state.derivative = next
              ? { kind: 'state', range, state: next }
              : { kind: 'definition', range, definition: highest }
            const initial = symbol.initials.get(order)
            if (initial) state.initial = this.resolve(initial)
          })
        }
      }
    }
  }

  #name(identifier: Identifier): Value {
    const range = { from: identifier.from, to: identifier.to }
    const { name } = identifier
    const meaning = this.#meanings.get(name)
    if (meaning) return referenceTo(meaning, range)
    if (name === this.#declarations.time) return { kind: 'time', range }
    const constant = this.#declarations.math ? MATH_CONSTANTS[name] : undefined
    if (constant !== undefined && Object.hasOwn(MATH_CONSTANTS, name))
      return { kind: 'constant', range, value: constant }
    return this.#unknown(identifier)
  }

  #call({ name, arguments: written, range }: Extract<Expression, { kind: 'call' }>): Value {
    const meaning = this.#meanings.get(name.name)
    if (meaning) {
      this.#checkArgument(name.name, written, range)
      return referenceTo(meaning, range)
    }
    if (!isFunction(name.name) || !this.#declarations.math) return this.#unknown(name)
    const { arity } = FUNCTIONS[name.name]
    if (written.length !== arity) {
      this.#issues.push(
        issue(
          'ANA0115',
          range,
          `${quoted(name.name)} takes ${arity} ${arity === 1 ? 'argument' : 'arguments'}, not ${written.length}`,
        ),
      )
      return ZERO
    }
    return { kind: 'function', range, name: name.name, arguments: written.map((argument) => this.resolve(argument)) }
  }

  #derivative({ name, variables, arguments: written, range }: Extract<Expression, { kind: 'derivative' }>): Value {
    const { time } = this.#declarations
    const meaning = this.#meanings.get(name.name)
    const order = orderOf(name, variables, time, this.#issues)
    this.#checkArgument(`diff[${name.name}, …]`, written, range)
    if (!meaning) return this.#unknown(name)
    if (order === null) return ZERO
    if (meaning.kind !== 'variable') {
      this.#issues.push(
        issue(
          'ANA0107',
          range,
          `${quoted(name.name)} has no differential equation, so its derivative is not known`,
          'derive the expression by hand',
        ),
      )
      return ZERO
    }
    const state = meaning.states[order]
    if (state) return { kind: 'state', range, state }
    if (order === meaning.states.length) return { kind: 'definition', range, definition: meaning.highest }
    this.#issues.push(
      issue(
        'ANA0107',
        range,
        `the equation of ${quoted(name.name)} has order ${meaning.states.length}, so its derivative of order ${order} is not known`,
      ),
    )
    return ZERO
  }

  #checkArgument(name: string, written: readonly Expression[], range: Range): void {
    const { time } = this.#declarations
    const [only] = written
    const fix = only && written.length === 1 ? replacing(only.range, time) : null
    if (written.length !== 1 || only?.kind !== 'name' || only.name.name !== time)
      this.#issues.push(
        issue(
          'ANA0105',
          range,
          `${quoted(name)} is a function of time ${quoted(time)} only`,
          `write \`(${time})\``,
          fix,
        ),
      )
  }

  #unknown(identifier: Identifier): Value {
    const { name } = identifier
    this.#issues.push(
      issue(
        'ANA0101',
        { from: identifier.from, to: identifier.to },
        `${quoted(name)} is not defined`,
        ...this.#helpFor(identifier),
      ),
    )
    return ZERO
  }

  #helpFor(identifier: Identifier): [hint: string, fix: Edit | null] {
    const { name } = identifier
    if (isMathName(name))
      return this.#declarations.math
        ? [`${quoted(name)} is a function: write \`${name}(…)\``, null]
        : ['add `use math;`', { ...inserting(0, 'use math;\n'), title: 'add `use math;`' }]
    const [similar] = [...this.#meanings.keys()]
      .filter((known) => distance(known, name) <= Math.min(2, Math.floor(name.length / 2)))
      .sort((a, b) => distance(a, name) - distance(b, name))
    return similar === undefined
      ? [`define it: \`let ${name} = …;\``, null]
      : [`did you mean ${quoted(similar)}?`, replacing(identifier, similar)]
  }
}

function referenceTo(meaning: Meaning, range: Range): Value {
  switch (meaning.kind) {
    case 'alias':
      return { kind: 'definition', range, definition: meaning.definition }
    case 'input':
      return { kind: 'input', range, input: meaning.input }
    case 'variable': {
      const [state] = meaning.states
      invariant(state, 'an equation has an order of at least 1')
      return { kind: 'state', range, state }
    }
  }
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
