/**
 * From equations to a first-order polynomial system: definitions are put in their places and everything is
 * multiplied out to sums of coefficient times monomial, which is what multipliers and weighted lanes compute.
 */
import { invariant } from '@lucihub/analog'
import type { Range } from './ast.ts'
import { issue, quoted, staged, type Issue, type Staged } from './diagnostics.ts'
import { applyFunction, type FunctionName } from './math.ts'
import { Arithmetic, constantOf, constantValue, DEGREE_MAX, variableOf, type Polynomial } from './polynomial.ts'
import type { Definition, Program, State, Value } from './program.ts'

/** dx_i/dt = rhs_i(x), x_i(0) = initial_i. Monomials count the states. */
export interface System {
  readonly states: readonly SystemState[]
  readonly probes: readonly SystemProbe[]
}

export interface SystemState {
  readonly name: string
  readonly range: Range
  readonly initial: number
  readonly rhs: Polynomial
}

export interface SystemProbe {
  readonly label: string
  readonly range: Range
  readonly value: Polynomial
}

export function lower(program: Program): Staged<System> {
  const lowering = new Lowering(program)
  const initials = program.states.map((state) => lowering.constant(state.initial))
  const states = program.states.map((state, index) => ({
    name: state.name,
    range: state.range,
    initial: initials[index] ?? 0,
    rhs: lowering.polynomial(state.derivative),
  }))
  const probes = program.probes.map(({ label, range, value }) => ({ label, range, value: lowering.polynomial(value) }))
  return staged({ states, probes }, lowering.issues)
}

/** Hints for functions: the differential equations they solve, to be added to a program. */
const EQUATIONS: Partial<Record<FunctionName, string>> = {
  sin: 'add an oscillator: `let diff[s, t](t) = c(t); let diff[c, t](t) = -s(t); let c(t: 0) = 1;`',
  cos: 'add an oscillator: `let diff[s, t](t) = c(t); let diff[c, t](t) = -s(t); let c(t: 0) = 1;`',
  exp: 'add its equation: `let diff[e, t](t) = e(t); let e(t: 0) = 1;`',
  pow: 'powers with a whole exponent are written `x ^ 2`',
}

/** Stands for what could not be lowered; arithmetic carries it along. */
const FAILED = constantOf(NaN)

class Lowering {
  readonly issues: Issue[] = []
  readonly #arithmetic = new Arithmetic()
  readonly #states: ReadonlyMap<State, number>
  readonly #definitions = new Map<Definition, Polynomial>()
  readonly #saidInputs = new Set<string>()

  constructor({ states, definitions }: Program) {
    this.#states = new Map(states.map((state, index) => [state, index]))
    for (const definition of definitions) this.#definitions.set(definition, this.polynomial(definition.value))
  }

  constant(value: Value): number {
    const constant = constantValue(this.polynomial(value))
    invariant(constant !== null || this.issues.length > 0, 'checked initial values are constant')
    return constant ?? 0
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
        return this.#fail(
          'ANA0207',
          range,
          'time itself cannot be compiled yet',
          'use a variable that follows it: `let diff[clock, t](t) = 1;`',
        )
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
        return this.#input(value.input.name, value.input.range)
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
        return this.#arithmetic.power(this.#expand(value.base), value.exponent)
      case 'function':
        return this.#function(value)
    }
  }

  #quotient(dividend: Polynomial, divisor: Polynomial, { range }: Value): Polynomial {
    const constant = constantValue(divisor)
    if (!isFinite(divisor) || this.#arithmetic.exhausted) return FAILED
    if (constant === null)
      return this.#fail(
        'ANA0202',
        range,
        'the divisor depends on time, which cannot be compiled yet',
        'only division by a constant is; perhaps the quotient has a differential equation of its own',
      )
    if (constant === 0) return this.#fail('ANA0203', range, 'the divisor is zero')
    return this.#arithmetic.scaled(dividend, 1 / constant)
  }

  #function({ name, range, arguments: values }: Extract<Value, { kind: 'function' }>): Polynomial {
    const constants = values.map((value) => constantValue(this.#expand(value)))
    const known = constants.flatMap((constant) => (constant === null ? [] : [constant]))
    if (known.length < values.length)
      return this.#fail(
        'ANA0201',
        range,
        `not yet compilable: ${quoted(name)} of a signal`,
        EQUATIONS[name] ?? 'the compiler makes polynomials only',
      )
    return constantOf(applyFunction(name, known))
  }

  #input(name: string, range: Range): Polynomial {
    if (this.#saidInputs.has(name)) return FAILED
    this.#saidInputs.add(name)
    return this.#fail(
      'ANA0206',
      range,
      `not yet compilable: the external input ${quoted(name)}`,
      'replace it by a variable with a differential equation',
    )
  }

  #noteExhaustion(range: Range, isNew: boolean): void {
    if (!isNew) return
    if (this.#arithmetic.exhausted === 'fuel')
      this.#fail('ANA0204', range, 'multiplied out, this expression has too many terms')
    if (this.#arithmetic.exhausted === 'degree')
      this.#fail('ANA0208', range, `multiplied out, this expression has a product of more than ${DEGREE_MAX} factors`)
  }

  #fail(code: Issue['code'], range: Range, message: string, hint = ''): Polynomial {
    this.issues.push(issue(code, range, message, hint))
    return FAILED
  }
}

function isFinite(polynomial: Polynomial): boolean {
  for (const { coefficient } of polynomial.values()) if (!Number.isFinite(coefficient)) return false
  return true
}
