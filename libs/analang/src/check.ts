/**
 * The second half of checking: every name in every expression becomes a reference, definitions are put in an
 * order of evaluation, and what no probe depends on is left out. References between definitions may be as long
 * a chain as the program, so they are followed with explicit stacks.
 */
import { invariant } from '@lucihub/analog'
import type { Ast, Expression, Identifier, Range } from './ast.ts'
import { declare, derivativeName, orderOf, type Declarations, type Symbol } from './declare.ts'
import { issue, quoted, staged, type Issue, type Staged } from './diagnostics.ts'
import { FUNCTIONS, isFunction, isMathName, MATH_CONSTANTS } from './math.ts'
import { within, type Definition, type Input, type ProbedValue, type Program, type Reference, type State, type Value } from './program.ts'

const EXPONENT_MAX = 64
const NOWHERE: Range = { from: 0, to: 0 }
const NOTHING: Program = { states: [], definitions: [], inputs: [], probes: [] }
const ZERO: Value = { kind: 'constant', range: NOWHERE, value: 0 }

/** `source` is only used to name probes of expressions by their text. */
export function check(ast: Ast, source: string): Staged<Program> {
  const issues: Issue[] = []
  const declarations = declare(ast, issues)
  const scope = new Scope(declarations, issues)
  const probes = declarations.probes.map(({ value, label }) => ({
    label: label?.name ?? labelOf(value, declarations, source),
    range: label ?? value.range,
    value: scope.resolve(value),
  }))
  checkLabels(probes, issues)
  // Names that stand for nothing read as 0, so what is said of values from here on would be misleading.
  if (issues.length > 0) return staged(NOTHING, issues)
  const ordered = inOrder(scope.definitions, issues)
  if (issues.length > 0) return staged(NOTHING, issues)
  checkConstants(scope, ordered, probes, issues)
  if (probes.length === 0)
    issues.push(issue('ANA0111', null, 'the program probes nothing', scope.states[0] ? `add \`probe ${scope.states[0].name}(${declarations.time});\`` : 'add a `probe`'))
  const live = reachable(probes.map((probe) => probe.value))
  if (probes.length > 0) noteDead(scope, live, issues)
  return staged(
    {
      states: scope.states.filter((state) => live.has(state)),
      definitions: ordered.filter((definition) => live.has(definition)),
      inputs: scope.inputs.filter((input) => live.has(input)),
      probes,
    },
    issues,
  )
}

type Draft<T> = { -readonly [Key in keyof T]: T[Key] }

/** What a name stands for once resolved. `states` has one entry per order below the equation's. */
type Meaning =
  | { readonly kind: 'alias'; readonly definition: Definition }
  | { readonly kind: 'variable'; readonly states: readonly State[]; readonly highest: Definition }
  | { readonly kind: 'input'; readonly input: Input }

/** All names with their meaning. Objects are made first and filled afterwards, so they may refer to each other freely. */
class Scope {
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
        return { kind: 'sum', range, terms: expression.terms.map(({ sign, value }) => ({ sign, value: this.resolve(value) })) }
      case 'product':
        return { kind: 'product', range, factors: expression.factors.map(({ operator, value }) => ({ operator, value: this.resolve(value) })) }
      case 'power':
        return { kind: 'power', range, base: this.resolve(expression.base), exponent: this.#exponent(expression.exponent) }
    }
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
        const states = Array.from({ length: symbol.order }, (_, order): Draft<State> => ({ name: derivativeName(name, order, time), range, derivative: ZERO, initial: ZERO }))
        this.definitions.push(highest)
        this.states.push(...states)
        this.#meanings.set(name, { kind: 'variable', states, highest })
        this.named.push({ name, range, references: [...states, highest] })
        return () => {
          highest.value = this.resolve(symbol.equation)
          states.forEach((state, order) => {
            const next = states[order + 1]
            state.derivative = next ? { kind: 'state', range, state: next } : { kind: 'definition', range, definition: highest }
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
    if (constant !== undefined && Object.hasOwn(MATH_CONSTANTS, name)) return { kind: 'constant', range, value: constant }
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
      this.#issues.push(issue('ANA0115', range, `${quoted(name.name)} takes ${arity} ${arity === 1 ? 'argument' : 'arguments'}, not ${written.length}`))
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
      this.#issues.push(issue('ANA0107', range, `${quoted(name.name)} has no differential equation, so its derivative is not known`, 'derive the expression by hand'))
      return ZERO
    }
    const state = meaning.states[order]
    if (state) return { kind: 'state', range, state }
    if (order === meaning.states.length) return { kind: 'definition', range, definition: meaning.highest }
    this.#issues.push(issue('ANA0107', range, `the equation of ${quoted(name.name)} has order ${meaning.states.length}, so its derivative of order ${order} is not known`))
    return ZERO
  }

  #checkArgument(name: string, written: readonly Expression[], range: Range): void {
    const { time } = this.#declarations
    const [only] = written
    if (written.length !== 1 || only?.kind !== 'name' || only.name.name !== time)
      this.#issues.push(issue('ANA0105', range, `${quoted(name)} is a function of time ${quoted(time)} only`, `write \`(${time})\``))
  }

  #exponent(expression: Expression): number {
    if (expression.kind === 'number' && Number.isInteger(expression.value) && expression.value <= EXPONENT_MAX) return expression.value
    this.#issues.push(issue('ANA0117', expression.range, `the exponent is not a whole number from 0 to ${EXPONENT_MAX}`))
    return 0
  }

  #unknown(identifier: Identifier): Value {
    const { name } = identifier
    this.#issues.push(issue('ANA0101', { from: identifier.from, to: identifier.to }, `${quoted(name)} is not defined`, this.#hintFor(name)))
    return ZERO
  }

  #hintFor(name: string): string {
    if (isMathName(name)) return this.#declarations.math ? `${quoted(name)} is a function: write \`${name}(…)\`` : 'add `use math;`'
    const similar = [...this.#meanings.keys()].filter((known) => distance(known, name) <= (name.length > 3 ? 2 : 1)).sort((a, b) => distance(a, name) - distance(b, name))
    return similar[0] ? `did you mean ${quoted(similar[0])}?` : `define it: \`let ${name} = …;\``
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

/** Definitions so that each stands after those it refers to; one issue per loop. */
function inOrder(definitions: readonly Definition[], issues: Issue[]): Definition[] {
  const ordered: Definition[] = []
  const progress = new Map<Definition, 'open' | 'done'>()
  for (const root of definitions) {
    const path = [{ definition: root, pending: definitionsIn(root.value) }]
    if (progress.has(root)) continue
    progress.set(root, 'open')
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const next = top.pending.pop()
      if (!next) {
        progress.set(top.definition, 'done')
        ordered.push(top.definition)
        path.pop()
      } else if (progress.get(next) === 'open') {
        const loop = path.slice(path.findIndex(({ definition }) => definition === next)).map(({ definition }) => definition.name)
        issues.push(issue('ANA0103', next.range, `${quoted(next.name)} depends on itself: ${shortened([...loop, next.name]).join(' → ')}`, 'a loop needs an integrator: give one of them a differential equation'))
      } else if (!progress.has(next)) {
        progress.set(next, 'open')
        path.push({ definition: next, pending: definitionsIn(next.value) })
      }
    }
  }
  return ordered
}

function shortened(names: readonly string[]): readonly string[] {
  return names.length <= 8 ? names : [...names.slice(0, 4), '…', ...names.slice(-3)]
}

function definitionsIn(value: Value): Definition[] {
  return [...within(value)].flatMap((part) => (part.kind === 'definition' ? [part.definition] : [])).reverse()
}

function referencesIn(value: Value): Reference[] {
  return [...within(value)].flatMap((part): Reference[] => {
    if (part.kind === 'definition') return [part.definition]
    if (part.kind === 'state') return [part.state]
    return part.kind === 'input' ? [part.input] : []
  })
}

/** Initial values must be constant, probes must not be. */
function checkConstants(scope: Scope, ordered: readonly Definition[], probes: readonly ProbedValue[], issues: Issue[]): void {
  const constants = new Set<Definition>()
  const isConstant = (value: Value): boolean =>
    [...within(value)].every((part) => part.kind !== 'time' && part.kind !== 'state' && part.kind !== 'input' && (part.kind !== 'definition' || constants.has(part.definition)))
  for (const definition of ordered) if (isConstant(definition.value)) constants.add(definition)
  for (const state of scope.states)
    if (!isConstant(state.initial)) issues.push(issue('ANA0110', state.initial.range, `the initial value of ${quoted(state.name)} depends on time`, 'use numbers and parameters only'))
  for (const probe of probes)
    if (isConstant(probe.value)) issues.push(issue('ANA0112', probe.value.range, `the probe ${quoted(probe.label)} does not depend on time`))
}

function checkLabels(probes: readonly ProbedValue[], issues: Issue[]): void {
  const seen = new Set<string>()
  for (const { label, range } of probes) {
    if (seen.has(label)) issues.push(issue('ANA0113', range, `the label ${quoted(label)} is used twice`, 'give one of the probes another: `probe … as other;`'))
    seen.add(label)
  }
}

/** Everything the values depend on, through definitions, equations and initial values. */
function reachable(values: readonly Value[]): ReadonlySet<Reference> {
  const found = new Set<Reference>()
  const pending = values.flatMap(referencesIn)
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (found.has(next)) continue
    found.add(next)
    if ('derivative' in next) pending.push(...referencesIn(next.derivative), ...referencesIn(next.initial))
    if ('value' in next) pending.push(...referencesIn(next.value))
  }
  return found
}

function noteDead(scope: Scope, live: ReadonlySet<Reference>, issues: Issue[]): void {
  for (const { name, range, references } of scope.named)
    if (!references.some((reference) => live.has(reference))) issues.push(issue('ANA0118', range, `no probe depends on ${quoted(name)}; it is left out`))
}

/** A signal by its own name, anything else by its text, on one line and of bounded length. */
function labelOf(expression: Expression, { symbols, time }: Declarations, source: string): string {
  if (expression.kind === 'name' || (expression.kind === 'call' && symbols.has(expression.name.name))) return expression.name.name
  if (expression.kind === 'derivative') return derivativeName(expression.name.name, Math.min(expression.variables.length, 4), time)
  const text = source.slice(expression.range.from, expression.range.to).replace(/(?:#|\/\/)[^\n]*/g, '').replace(/\s+/g, ' ')
  return text.length > 64 ? `${text.slice(0, 63)}…` : text
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
