/**
 * From equations to a first-order polynomial system: definitions are put in their places, functions become
 * equations of their own (see embed.ts), and everything is multiplied out to sums of coefficient times monomial,
 * which is what multipliers and weighted lanes compute.
 */
import { invariant } from '@lucihub/analog'
import type { Range } from './ast.ts'
import { adding, issue, quoted, replacing, staged, type Edit, type Issue, type Staged } from './diagnostics.ts'
import {
  Embedding,
  EXPONENT_MAX,
  operandsOf,
  type Algebra,
  type Denominators,
  type GeneratedVariable,
  type KnownVariable,
} from './embed.ts'
import { applyFunction } from './math.ts'
import {
  Arithmetic,
  canonicalKey,
  constantOf,
  constantValue,
  DEGREE_MAX,
  keyOf,
  valueAt,
  variableOf,
  variablesOf,
  type Polynomial,
} from './polynomial.ts'
import { simplifier } from './simplify.ts'
import { within, type DeclaredRange, type Definition, type Program, type State, type Value } from './program.ts'

/**
 * dx_i/dt = rhs_i(x), x_i(0) = initial_i. Monomials count the states, and behind them what elements make of them at
 * once: quotients and roots, each after those it is made of, and external inputs.
 */
export interface System {
  readonly states: readonly SystemState[]
  readonly computed: readonly SystemComputed[]
  readonly probes: readonly SystemProbe[]
}

export interface SystemState {
  readonly name: string
  readonly range: Range
  readonly initial: number
  readonly rhs: Polynomial
  /** The largest |value| the user expects; null to find out. */
  readonly declared: number | null
  /** What happens where it leaves every bound, for functions that have poles: "`x` reaches zero". Empty for others. */
  readonly singular: string
  /** Each must keep the sign it has at the start. */
  readonly domain: readonly Polynomial[]
  /** Whether it stands for a function, rather than for a variable of the program. */
  readonly generated: boolean
}

/** A variable without a differential equation. */
export interface SystemComputed {
  readonly name: string
  readonly range: Range
  readonly algebra: Algebra
  /** As of a state. */
  readonly declared: number | null
  readonly singular: string
}

export interface SystemProbe {
  readonly label: string
  readonly range: Range
  readonly value: Polynomial
  /** As of a state. */
  readonly declared: number | null
}

/** What the machine computes beside sums, products and integrals. */
export interface Abilities {
  /** Whether its elements divide and take roots, so that these need no equations. */
  readonly divides: boolean
}

export function lower(program: Program, abilities: Abilities): Staged<System> {
  // Which roots of a base are needed shows only at the end; knowing them, one root serves for all.
  const denominators: Denominators = new Map()
  for (;;) {
    const lowering = new Lowering(program, abilities, denominators)
    const system = lowering.system(program)
    const learned = [...lowering.wanted].filter(([base, denominator]) => denominator > (denominators.get(base) ?? 1))
    const outcome = staged(system, lowering.issues)
    if (learned.length === 0 || outcome.value === null) return outcome
    for (const [base, denominator] of learned) denominators.set(base, denominator)
  }
}

const NOTHING: System = { states: [], computed: [], probes: [] }

/** Stands for what could not be lowered; arithmetic carries it along. */
const FAILED = constantOf(NaN)

class Lowering {
  readonly issues: Issue[] = []
  /** Denominators that would have made roots part of a family, by base. */
  readonly wanted = new Map<string, number>()
  readonly #arithmetic = new Arithmetic()
  readonly #embedding: Embedding
  readonly #states: ReadonlyMap<State, number>
  readonly #definitions = new Map<Definition, Polynomial>()
  /** Definitions whose value an external input has part in. */
  readonly #external = new Set<Definition>()
  readonly #divides: boolean
  readonly #time: string

  constructor({ time, states, definitions }: Program, { divides }: Abilities, denominators: Denominators) {
    this.#divides = divides
    this.#time = time
    this.#states = new Map(states.map((state, index) => [state, index]))
    const known: KnownVariable[] = states.map(({ name }) => ({ name, initial: NaN }))
    this.#embedding = new Embedding(this.#arithmetic, { known, time, denominators, divides })
    // Functions of signals take their initial values from those of their arguments, so constants come first.
    const constant = new Set<Definition>()
    for (const definition of definitions) if (isConstant(definition.value, constant)) constant.add(definition)
    for (const definition of constant) this.#definitions.set(definition, this.polynomial(definition.value))
    states.forEach(({ initial }, index) => {
      const variable = known[index]
      if (variable) variable.initial = this.#constant(initial)
    })
    for (const definition of definitions) {
      if (constant.has(definition)) continue
      if (this.#isExternal(definition.value)) this.#external.add(definition)
      this.#definitions.set(definition, this.polynomial(definition.value))
    }
  }

  system({ states, probes, ranges }: Program): System {
    const embedding = this.#embedding
    const known = states.map(({ derivative }) => this.polynomial(derivative))
    const measured = probes.map(({ value }) => this.polynomial(value))
    const declarations = ranges.map((declaration) => ({ ...this.#declared(declaration), declaration }))
    if (this.issues.length > 0) {
      this.#checkStart(embedding.generated)
      return NOTHING
    }
    const unreduced = embedding.derivatives(known, () => this.#arithmetic.exhausted !== null)
    const simplified = simplifier(embedding.generated, { first: known.length, arithmetic: this.#arithmetic })
    const [derivatives, probed] = [unreduced.map(simplified), measured.map(simplified)]
    this.#noteExhaustion(embedding.generated[unreduced.length - known.length - 1]?.range ?? NOWHERE, true)
    if (this.issues.length > 0) return NOTHING
    const generatedAt = (position: number): GeneratedVariable | undefined =>
      embedding.generated[position - known.length]
    const algebras = embedding.generated.map(({ algebra }) => algebra && onOperands(algebra, simplified))
    const algebraAt = (position: number): Algebra | null => algebras[position - known.length] ?? null
    const live = reachable(known.length, probed, (position) => {
      const algebra = algebraAt(position)
      return algebra ? operandsOf(algebra) : [derivatives[position] ?? FAILED]
    })
    const [differential, computed] = [live.filter((at) => !algebraAt(at)), live.filter((at) => algebraAt(at))]
    for (const position of live) {
      const [base, denominator] = embedding.wanted.get(position) ?? []
      if (base !== undefined && denominator !== undefined)
        this.wanted.set(base, Math.max(denominator, this.wanted.get(base) ?? 1))
    }
    const liveGenerated = live.flatMap((position) => generatedAt(position) ?? [])
    this.#checkStart(liveGenerated)
    const generated = liveGenerated.filter(({ algebra }) => !algebra)
    const renumbered = renumbering([...differential, ...computed])
    const isState = (variable: number): boolean => differential.includes(variable)
    const named = [
      ...states.map(({ name, range }) => ({ name, range, singular: '', domain: [], generated: false })),
      ...generated.map(({ name, range, singular, domain }) => ({ name, range, singular, domain, generated: true })),
    ]
    const declared = this.#matched(declarations, { live, measured })
    return {
      states: named.map((state, index) => {
        const position = differential[index] ?? -1
        const rhs = renumbered(derivatives[position] ?? FAILED)
        if (this.issues.length === 0 && !isFinite(rhs))
          this.#fail(
            'ANA0205',
            state.range,
            `a coefficient in the equation of ${quoted(state.name)} is not a finite number`,
          )
        return {
          ...state,
          initial: embedding.initialOf(position),
          rhs,
          // What nothing else depends on is not computed for the sake of the domain.
          domain: state.domain.filter((value) => [...variablesOf(value)].every(isState)).map(renumbered),
          declared: declared.states.get(position) ?? null,
        }
      }),
      computed: computed.flatMap((position): SystemComputed[] => {
        const [variable, algebra] = [generatedAt(position), algebraAt(position)]
        if (!variable || !algebra) return []
        const { name, range, singular } = variable
        return [
          {
            name,
            range,
            singular,
            algebra: onOperands(algebra, renumbered),
            declared: declared.states.get(position) ?? null,
          },
        ]
      }),
      probes: probes.map(({ label, range }, index) => ({
        label,
        range,
        value: renumbered(probed[index] ?? FAILED),
        declared: declared.probes.get(index) ?? null,
      })),
    }
  }

  /** Functions that are not defined at the start. */
  #checkStart(generated: readonly GeneratedVariable[]): void {
    const unknown = generated.filter(({ initial }) => !Number.isFinite(initial))
    if (unknown.length === 0 && generated.every(({ undefinedAtStart }) => undefinedAtStart === '')) return
    // What is not defined may be the argument of an argument, and not be needed itself.
    const causes = this.#embedding.generated.filter(({ undefinedAtStart }) => undefinedAtStart !== '')
    // A function and the reciprocal behind it have the same place; the function was made last and is what people know.
    const byPlace = new Map(causes.map((cause) => [`${cause.range.from} ${cause.range.to}`, cause]))
    for (const cause of byPlace.values())
      this.#fail(
        'ANA0210',
        cause.range,
        cause.undefinedAtStart,
        'choose other initial values',
        this.#initialValueFor(cause),
      )
    if (causes.length === 0)
      for (const { name, range } of unknown)
        this.#fail('ANA0205', range, `the initial value of ${quoted(name)} is not a finite number`)
  }

  /** Where a variable begins at 0 only because nobody said where, 1 is a start that every function has a value for. */
  #initialValueFor({ argument, algebra, form }: GeneratedVariable): Edit | null {
    const base = form.kind === 'power' ? form.base : ((algebra && operandsOf(algebra).at(-1)) ?? argument)
    const [only, ...others] = variablesOf(base)
    const state = [...this.#states].find(([, index]) => index === only)?.[0]
    // An initial value that is not written has no place in the text.
    if (!state || others.length > 0 || state.initial.range.to > 0) return null
    return adding(`let ${state.name}(${this.#time}: 0) = 1;`)
  }

  #declared({ name, range, value, from, to }: DeclaredRange): { value: Polynomial; from: number; to: number } {
    const bounds = { value: this.polynomial(value), from: this.#constant(from), to: this.#constant(to) }
    if (this.issues.length === 0 && !(bounds.from < bounds.to))
      this.#fail(
        'ANA0119',
        range,
        `the range of ${quoted(name)} goes from ${bounds.from} to ${bounds.to}`,
        'write the smaller bound first',
        bounds.to < bounds.from ? boundsEdit(from, to, bounds.to, bounds.from) : null,
      )
    return bounds
  }

  /** Ranges by the position of the variable, or of the probe, whose size they give. */
  #matched(
    declarations: readonly { value: Polynomial; from: number; to: number; declaration: DeclaredRange }[],
    { live, measured }: { live: readonly number[]; measured: readonly Polynomial[] },
  ): { states: Map<number, number>; probes: Map<number, number> } {
    const matched = { states: new Map<number, number>(), probes: new Map<number, number>() }
    for (const { value, from, to, declaration } of declarations) {
      const { name, range } = declaration
      const offset = value.get('')?.coefficient ?? 0
      const size = Math.max(Math.abs(from - offset), Math.abs(to - offset))
      const start = valueAt(value, (variable) => this.#embedding.initialOf(variable))
      if (start < from || start > to)
        this.#fail(
          'ANA0121',
          range,
          `${quoted(name)} starts at ${Number(start.toPrecision(6))}, outside its range`,
          '',
          boundsEdit(declaration.from, declaration.to, Math.min(from, start), Math.max(to, start)),
        )
      const [term, ...others] = [...value.values()].filter(({ monomial }) => monomial.length > 0)
      const [variable] = term?.monomial ?? []
      const probe = measured.findIndex((other) => canonicalKey(other) === canonicalKey(value))
      if (
        term &&
        variable !== undefined &&
        term.monomial.length === 1 &&
        others.length === 0 &&
        live.includes(variable)
      )
        matched.states.set(variable, size / Math.abs(term.coefficient))
      else if (probe >= 0) matched.probes.set(probe, size)
      else
        this.#fail(
          'ANA0120',
          range,
          `the range of ${quoted(name)} has no effect: no element computes it alone`,
          'give ranges to variables, functions and probes',
        )
    }
    return matched
  }

  #constant(value: Value): number {
    const constant = constantValue(this.polynomial(value))
    invariant(constant !== null || this.issues.length > 0, 'checked initial values are constant')
    return constant ?? NaN
  }

  polynomial(value: Value): Polynomial {
    const exhaustedBefore = this.#arithmetic.exhausted
    const polynomial = this.#expand(value)
    this.#noteExhaustion(value.range, exhaustedBefore === null)
    // What failed is not a number either, and was said already.
    if (this.issues.length === 0 && !isFinite(polynomial))
      return this.#fail('ANA0205', value.range, 'a constant of this expression is not a finite number')
    return polynomial
  }

  #expand(value: Value): Polynomial {
    const { range } = value
    switch (value.kind) {
      case 'constant':
        return constantOf(value.value)
      case 'time':
        return this.#embedding.time(range)
      case 'state': {
        const index = this.#states.get(value.state)
        invariant(index !== undefined, 'a state that something depends on is part of the program')
        return variableOf(index)
      }
      case 'definition': {
        const polynomial = this.#definitions.get(value.definition)
        invariant(polynomial, 'definitions stand after those they refer to')
        return polynomial
      }
      case 'input':
        return this.#embedding.input(value.input.name, value.input.range)
      case 'negation':
        return this.#arithmetic.scaled(this.#expand(value.operand), -1)
      case 'sum':
        return this.#arithmetic.sum(value.terms.map((term) => ({ sign: term.sign, value: this.#expand(term.value) })))
      case 'product':
        return value.factors.reduce<Polynomial>((product, factor) => {
          const operand = this.#expand(factor.value)
          return factor.operator === '*'
            ? this.#arithmetic.product(product, operand)
            : this.#quotient(product, operand, factor.value)
        }, constantOf(1))
      case 'power':
        return this.#power(value.base, value.exponent, range)
      case 'function':
        return this.#function(value)
    }
  }

  #quotient(dividend: Polynomial, divisor: Polynomial, value: Value): Polynomial {
    const { range } = value
    const constant = constantValue(divisor)
    if (!this.#sound(divisor)) return FAILED
    if (constant === 0) return this.#fail('ANA0203', range, 'the divisor is zero')
    if (!this.#sound(dividend)) return FAILED
    if (!this.#divides && this.#isExternal(value)) return this.#failExternal('the reciprocal', range)
    return constant === null
      ? this.#embedding.quotient(dividend, divisor, range)
      : this.#arithmetic.scaled(dividend, 1 / constant)
  }

  #power(base: Value, exponent: Value, range: Range): Polynomial {
    const [b, e] = [this.#expand(base), this.#expand(exponent)]
    if (!this.#sound(b) || !this.#sound(e)) return FAILED
    const [constantBase, constantExponent] = [constantValue(b), constantValue(e)]
    if (constantBase !== null && constantExponent !== null) return constantOf(constantBase ** constantExponent)
    if (constantExponent !== null) {
      const computable = this.#divides ? Number.isInteger(4 * constantExponent) : isWhole(constantExponent)
      if (this.#isExternal(base) && !computable) return this.#failExternal('a power', range)
      if (Math.abs(constantExponent) > EXPONENT_MAX)
        return this.#fail('ANA0117', exponent.range, `the exponent is not between -${EXPONENT_MAX} and ${EXPONENT_MAX}`)
      return this.#embedding.power(b, constantExponent, range)
    }
    if (this.#isExternal(base) || this.#isExternal(exponent)) return this.#failExternal('a power', range)
    // u^v = e^(v log u)
    if (constantBase !== null && !(constantBase > 0))
      return this.#fail(
        'ANA0210',
        base.range,
        `only a positive number has powers that change with time, not ${constantBase}`,
      )
    const logarithm = constantBase === null ? this.#embedding.logarithm(b, range) : constantOf(Math.log(constantBase))
    return this.#embedding.exponential(this.#arithmetic.product(e, logarithm), range)
  }

  #function({ name, range, arguments: values }: Extract<Value, { kind: 'function' }>): Polynomial {
    const [first, second] = values
    if (name === 'pow' && first && second) return this.#power(first, second, range)
    const polynomials = values.map((value) => this.#expand(value))
    const computable = name === 'sqrt' && this.#divides
    if (!computable && values.some((value) => this.#isExternal(value))) return this.#failExternal(quoted(name), range)
    const [argument] = polynomials
    if (!argument || !this.#sound(argument)) return FAILED
    const constant = constantValue(argument)
    if (constant !== null) return constantOf(applyFunction(name, [constant]))
    const applied = name === 'pow' ? null : this.#embedding.apply(name, argument, range)
    return (
      applied ??
      this.#fail(
        'ANA0201',
        range,
        `no element of the machine computes ${quoted(name)} of a signal`,
        name === 'abs' ? 'a smooth stand-in is `sqrt(x^2 + 0.01)`' : 'a smooth stand-in is `tanh(10 * x)`',
      )
    )
  }

  /** Whether there is something to go on with: what failed was said already. */
  #sound(polynomial: Polynomial): boolean {
    return isFinite(polynomial) && !this.#arithmetic.exhausted
  }

  #isExternal(value: Value): boolean {
    for (const part of within(value))
      if (part.kind === 'input' || (part.kind === 'definition' && this.#external.has(part.definition))) return true
    return false
  }

  #failExternal(what: string, range: Range): Polynomial {
    return this.#fail(
      'ANA0209',
      range,
      `${what} of an external input: the derivative of the input is not known, so no equation can follow it`,
      'apply the function before the signal enters the machine',
    )
  }

  #noteExhaustion(range: Range, isNew: boolean): void {
    if (!isNew) return
    if (this.#arithmetic.exhausted === 'fuel')
      this.#fail('ANA0204', range, 'multiplied out, this expression has too many terms')
    if (this.#arithmetic.exhausted === 'degree')
      this.#fail('ANA0208', range, `multiplied out, this expression has a product of more than ${DEGREE_MAX} factors`)
  }

  #fail(code: Issue['code'], range: Range, message: string, hint = '', fix: Edit | null = null): Polynomial {
    this.issues.push(issue(code, range, message, hint, fix))
    return FAILED
  }
}

const NOWHERE: Range = { from: 0, to: 0 }

/** `constants` has the definitions before it that are constant. */
function isConstant(value: Value, constants: ReadonlySet<Definition>): boolean {
  for (const { kind, ...part } of within(value)) {
    if (kind === 'time' || kind === 'state' || kind === 'input') return false
    if ('definition' in part && !constants.has(part.definition)) return false
  }
  return true
}

/** All variables of the program and those generated ones that something depends on, in ascending order. */
function reachable(
  known: number,
  measured: readonly Polynomial[],
  dependencies: (variable: number) => readonly Polynomial[],
): number[] {
  const variables = Array.from({ length: known }, (_, variable) => variable)
  const found = new Set(variables)
  const pending = [...measured, ...variables.flatMap(dependencies)].flatMap((polynomial) => [
    ...variablesOf(polynomial),
  ])
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (found.has(next)) continue
    found.add(next)
    for (const polynomial of dependencies(next)) pending.push(...variablesOf(polynomial))
  }
  return [...found].sort((a, b) => a - b)
}

function onOperands(algebra: Algebra, change: (operand: Polynomial) => Polynomial): Algebra {
  switch (algebra.kind) {
    case 'quotient': {
      const { kind, numerator, denominator } = algebra
      return { kind, numerator: change(numerator), denominator: change(denominator) }
    }
    case 'root':
      return { kind: algebra.kind, radicand: change(algebra.radicand) }
    case 'input':
      return algebra
  }
}

/** The whole of `a .. b` with other bounds, rounded outwards to six digits. */
function boundsEdit(from: Value, to: Value, lower: number, upper: number): Edit {
  return replacing({ from: from.range.from, to: to.range.to }, `${outwards(lower, -1)} .. ${outwards(upper, 1)}`)
}

function outwards(value: number, sign: 1 | -1): number {
  const rounded = Number(value.toPrecision(6))
  return (value - rounded) * sign > 0 ? Number((value + sign * Math.abs(value) * 1e-5).toPrecision(6)) : rounded
}

function isWhole(exponent: number): boolean {
  return Number.isInteger(exponent) && exponent >= 0
}

/** Polynomials over the variables that are left, numbered in their order. */
function renumbering(live: readonly number[]): (polynomial: Polynomial) => Polynomial {
  const numbers = new Map(live.map((position, number) => [position, number]))
  return (polynomial) =>
    new Map(
      [...polynomial.values()].map(({ monomial, coefficient }) => {
        // Computed variables move behind all states, so the order changes.
        const renamed = monomial.map((variable) => numbers.get(variable) ?? -1).sort((a, b) => a - b)
        return [keyOf(renamed), { monomial: renamed, coefficient }]
      }),
    )
}

function isFinite(polynomial: Polynomial): boolean {
  for (const { coefficient } of polynomial.values()) if (!Number.isFinite(coefficient)) return false
  return true
}
