/**
 * Functions as differential equations. An analog computer adds, multiplies and integrates; a function of a
 * signal, y = f(u), becomes one more integrator by the chain rule, y' = f'(u) u', as soon as f' can be said in
 * terms of y and its like: e^u is its own derivative, sine and cosine are each other's, 1/u gives -(1/u)^2.
 * Where u' is known from the equations this gives a polynomial system again ("polynomial embedding"), and
 * initial values come from f itself. Equal arguments share their integrators, and so do all powers of a base:
 * 1/sqrt(u) = g gives g^3 for u^(-3/2), and g' = -u' g^3 / 2 needs nothing else.
 * Where the machine divides and takes roots itself, quotients and roots are variables without an equation: an element
 * computes them from others. Their derivatives are only made where another function asks for them.
 *
 * Long, and yet one file: functions, powers and quotients make variables of one list, share them by one naming, and
 * call each other (a logarithm needs a reciprocal, the power of an exponential is an exponential).
 */
import { invariant } from '@lucihub/analog'
import type { Range } from './ast.ts'
import type { FunctionName } from './math.ts'
import {
  canonicalKey,
  constantOf,
  constantValue,
  keyOf,
  textOf,
  valueAt,
  variableOf,
  variablesOf,
  type Arithmetic,
  type Monomial,
  type Polynomial,
} from './polynomial.ts'

/** A variable of the polynomial system that no equation of the program defines. */
export interface GeneratedVariable {
  /** `sin(x)`, `1/(x^2 + y^2)`. */
  readonly name: string
  /** The part of the program it was made for. */
  readonly range: Range
  readonly initial: number
  /** Its derivative, given that of its argument. */
  readonly derivative: (argumentDerivative: Polynomial) => Polynomial
  readonly argument: Polynomial
  readonly form: Form
  /** Why it has no initial value, as a message; empty when it has one. */
  readonly undefinedAtStart: string
  /** What happens where it leaves every bound, as part of a message: "`x` reaches zero". */
  readonly singular: string
  /** Each must keep the sign it has at the start; none when the function is defined everywhere. */
  readonly domain: readonly Polynomial[]
  /** How an element makes it from other variables at once; null for a variable with a differential equation. */
  readonly algebra: Algebra | null
}

export type Algebra =
  | { readonly kind: 'quotient'; readonly numerator: Polynomial; readonly denominator: Polynomial }
  | { readonly kind: 'root'; readonly radicand: Polynomial }
  /** A signal from outside: made of nothing, and without a known derivative. */
  | { readonly kind: 'input' }

/** What an element takes, in the order of its inputs. */
export function operandsOf(algebra: Algebra): readonly Polynomial[] {
  switch (algebra.kind) {
    case 'quotient':
      return [algebra.numerator, algebra.denominator]
    case 'root':
      return [algebra.radicand]
    case 'input':
      return []
  }
}

type Optional = 'algebra' | 'form' | 'undefinedAtStart' | 'singular' | 'domain'

interface PowerForm {
  readonly kind: 'power'
  readonly base: Polynomial
  readonly exponent: number
}

type Form = PowerForm | { readonly kind: 'exponential'; readonly argument: Polynomial } | { readonly kind: 'other' }

/** A variable of the program. Its initial value may be set later, but before the first function is applied. */
export interface KnownVariable {
  readonly name: string
  initial: number
}

/** Common denominators of the fractional powers of a base, by the text of the base. */
export type Denominators = Map<string, number>

/** Roots up to the fourth are powers of one reciprocal root; others get an equation of their own. */
const DENOMINATOR_MAX = 4
const EXPONENT_TOLERANCE = 1e-12
/** Roots of roots: exponents that elements compute are multiples of a quarter. */
const QUARTERS = 4
/** Whole powers are multiplied out, which larger ones would not survive. */
export const EXPONENT_MAX = 64

export class Embedding {
  readonly generated: GeneratedVariable[] = []
  readonly #arithmetic: Arithmetic
  readonly #known: readonly KnownVariable[]
  readonly #time: string
  readonly #denominators: ReadonlyMap<string, number>
  readonly #divides: boolean
  readonly #external = new Set<GeneratedVariable>()
  /** Variables by what they are: the function and the canonical text of its argument. */
  readonly #positions = new Map<string, number>()
  /** For sine, exponential and logarithm, arguments that differ by a constant (a factor) share their variables. */
  readonly #firsts = new Map<string, Polynomial>()
  /** By position: a denominator that would have made the variable part of a family. */
  readonly wanted = new Map<number, readonly [base: string, denominator: number]>()

  constructor(
    arithmetic: Arithmetic,
    {
      known,
      time,
      denominators,
      divides,
    }: { known: readonly KnownVariable[]; time: string; denominators: Denominators; divides: boolean },
  ) {
    this.#arithmetic = arithmetic
    this.#known = known
    this.#time = time
    this.#denominators = denominators
    this.#divides = divides
  }

  initialOf(variable: number): number {
    return (this.#known[variable] ?? this.generated[variable - this.#known.length])?.initial ?? NaN
  }

  nameOf(variable: number): string {
    return (this.#known[variable] ?? this.generated[variable - this.#known.length])?.name ?? '?'
  }

  textOf(polynomial: Polynomial): string {
    return textOf(polynomial, (variable) => this.nameOf(variable))
  }

  time(range: Range): Polynomial {
    return this.#variable('time', () => ({
      name: this.#time,
      range,
      initial: 0,
      argument: constantOf(0),
      derivative: () => constantOf(1),
    }))
  }

  /** An external input. Initial values cannot depend on it. */
  input(name: string, range: Range): Polynomial {
    return this.#variable(`input ${name}`, () => ({
      name,
      range,
      initial: 0,
      argument: constantOf(0),
      algebra: { kind: 'input' },
      derivative: () => constantOf(NaN),
    }))
  }

  /** The function of an argument that is not constant, or null for one that has no such equation. */
  apply(name: Exclude<FunctionName, 'pow'>, argument: Polynomial, range: Range): Polynomial | null {
    switch (name) {
      case 'sin':
        return this.#odd(argument, (positive) => this.#circular(positive, range, 0))
      case 'cos':
        return this.#circular(this.#positive(argument), range, Math.PI / 2)
      case 'sinh':
        return this.#odd(argument, (positive) => this.#hyperbolic(positive, range)[0])
      case 'cosh':
        return this.#hyperbolic(this.#positive(argument), range)[1]
      case 'exp':
        return this.exponential(argument, range)
      case 'log':
        return this.logarithm(argument, range)
      case 'sqrt':
        return this.power(argument, 1 / 2, range)
      case 'tan':
        return this.#odd(argument, (positive) =>
          this.#ownSlope(name, positive, { range, sign: 1, singular: 'the tangent has a pole' }),
        )
      case 'tanh':
        return this.#odd(argument, (positive) => this.#ownSlope(name, positive, { range, sign: -1, singular: '' }))
      case 'atan':
        return this.#odd(argument, (positive) => this.#arcTangent(positive, range))
      case 'abs':
      case 'sign':
        return null
    }
  }

  /** e^(u + k) = e^k e^u, so arguments that differ by a constant share a variable. */
  exponential(argument: Polynomial, range: Range): Polynomial {
    const { first, shift } = this.#shared('exp', argument)
    const key = `exp ${canonicalKey(first)}`
    const variable = this.#function('exp', first, {
      range,
      initial: Math.exp,
      form: { kind: 'exponential', argument: first },
      derivative: (du) => this.#arithmetic.product(this.#at(key), du),
    })
    return this.#arithmetic.scaled(variable, Math.exp(shift))
  }

  /** log(k u) = log k + log u. */
  logarithm(argument: Polynomial, range: Range): Polynomial {
    const { unit, factor } = this.#normalised(argument)
    const reciprocal = this.#divides ? constantOf(NaN) : this.power(unit, -1, range)
    const text = this.textOf(argument)
    const first = this.#firsts.get(`log ${canonicalKey(unit)}`) ?? argument
    this.#firsts.set(`log ${canonicalKey(unit)}`, first)
    const variable = this.#function('log', first, {
      range,
      initial: Math.log,
      trouble: (u0) =>
        u0 > 0 || !Number.isFinite(u0)
          ? ''
          : `the logarithm of \`${text}\` is not defined at ${this.#time} = 0, where it is ${rounded(u0)}`,
      singular: `\`${text}\` reaches zero`,
      domain: [first],
      derivative: (du) =>
        this.#divides
          ? this.quotient(du, first, range)
          : this.#arithmetic.scaled(this.#arithmetic.product(reciprocal, du), 1 / this.#normalised(first).factor),
    })
    return this.#sum(variable, constantOf(Math.log(factor / this.#normalised(first).factor)))
  }

  /** base^exponent for a base that is not constant. Whole powers that are not negative are multiplied out. */
  power(base: Polynomial, exponent: number, range: Range): Polynomial {
    if (Number.isInteger(exponent) && exponent >= 0) return this.#arithmetic.power(base, exponent)
    const inner = this.#soleForm(base)
    if (inner && (inner.coefficient > 0 || Number.isInteger(exponent))) {
      const { coefficient, count, form } = inner
      const scaled = (power: Polynomial): Polynomial => this.#arithmetic.scaled(power, coefficient ** exponent)
      if (form.kind === 'exponential')
        return scaled(this.exponential(this.#arithmetic.scaled(form.argument, count * exponent), range))
      if (form.kind === 'power' && !this.#losesSign(form, count, exponent))
        return scaled(this.power(form.base, tidy(form.exponent * count * exponent), range))
    }
    if (this.#divides && Number.isInteger(tidy(exponent * QUARTERS))) return this.#computedPower(base, exponent, range)
    const { unit, factor } = this.#normalised(base)
    return this.#arithmetic.scaled(this.#unitPower(unit, tidy(exponent), range), factor ** exponent)
  }

  /** dividend / divisor for a divisor that is not constant. */
  quotient(dividend: Polynomial, divisor: Polynomial, range: Range): Polynomial {
    const inner = this.#soleForm(divisor)
    if (!this.#divides || inner?.form.kind === 'exponential')
      return this.#arithmetic.product(dividend, this.power(divisor, -1, range))
    const [above, below] = withoutCommonFactors(dividend, divisor)
    const constant = constantValue(below)
    if (constant !== null) return this.#arithmetic.scaled(above, 1 / constant)
    if (above.size === 0) return above
    const [numerator, denominator] = [this.#normalised(above), this.#normalised(below)]
    const variable = this.#computed(
      { kind: 'quotient', numerator: numerator.unit, denominator: denominator.unit },
      { range, name: quotientName(this.textOf(numerator.unit), this.textOf(denominator.unit)) },
    )
    return this.#arithmetic.scaled(variable, numerator.factor / denominator.factor)
  }

  /** By elements that divide and take roots; exponents are multiples of a quarter. */
  #computedPower(base: Polynomial, exponent: number, range: Range): Polynomial {
    if (exponent < 0) return this.quotient(constantOf(1), this.power(base, -exponent, range), range)
    const whole = Math.floor(exponent)
    const quarters = tidy((exponent - whole) * QUARTERS)
    let power = this.#arithmetic.power(base, whole)
    if (quarters === 0) return power
    const half = this.#root(base, range)
    if (quarters >= 2) power = this.#arithmetic.product(power, half)
    return quarters === 2 ? power : this.#arithmetic.product(power, this.#root(half, range))
  }

  #root(radicand: Polynomial, range: Range): Polynomial {
    const { unit, factor } = this.#normalised(radicand)
    const variable = this.#computed(
      { kind: 'root', radicand: unit },
      { range, name: powerName(this.textOf(unit), 1 / 2) },
    )
    return this.#arithmetic.scaled(variable, Math.sqrt(factor))
  }

  #computed(algebra: Exclude<Algebra, { kind: 'input' }>, { range, name }: { range: Range; name: string }): Polynomial {
    const operands = operandsOf(algebra)
    return this.#variable(`${algebra.kind} ${operands.map(canonicalKey).join(' over ')}`, () => {
      const [first, second] = operands.map((operand) => valueAt(operand, (variable) => this.initialOf(variable)))
      const last = operands.at(-1)
      const text = last ? this.textOf(last) : ''
      const start = (trouble: string): string => (this.#isExternal(algebra) ? '' : `\`${name}\` ${trouble}`)
      const common = { name, range, argument: constantOf(0), algebra, derivative: () => constantOf(NaN) }
      if (algebra.kind === 'root')
        return {
          ...common,
          initial: Math.sqrt(Math.max(0, first ?? NaN)),
          singular: `\`${text}\` gets negative`,
          undefinedAtStart:
            first !== undefined && first < 0 && Number.isFinite(first)
              ? start(`is not defined at ${this.#time} = 0, where \`${text}\` is ${rounded(first)}`)
              : '',
        }
      return {
        ...common,
        initial: this.#isExternal(algebra) ? 0 : (first ?? NaN) / (second ?? NaN),
        singular: `\`${text}\` reaches zero`,
        undefinedAtStart: second === 0 ? start(`has no value at ${this.#time} = 0, where \`${text}\` is zero`) : '',
      }
    })
  }

  /** (u^2)^(1/2) is u only while u is not negative. */
  #losesSign({ base, exponent }: PowerForm, count: number, outer: number): boolean {
    return (
      (exponent * count) % 2 === 0 &&
      !Number.isInteger(outer) &&
      !(valueAt(base, (variable) => this.initialOf(variable)) > 0)
    )
  }

  /** The derivatives of all generated variables, by position; they may generate more. `known` are those of the program. */
  derivatives(known: readonly Polynomial[], failed: () => boolean): Polynomial[] {
    const derivatives = new Map<number, Polynomial>(known.entries())
    const ofArguments = new Map<string, Polynomial>()
    const slopeOf = (variable: number): Polynomial => derivatives.get(variable) ?? constantOf(NaN)
    for (let index = 0; index < this.generated.length && !failed(); index++) {
      const variable = this.generated[index]
      invariant(variable, 'within bounds')
      if (variable.algebra) continue
      const key = canonicalKey(variable.argument)
      // Arguments are made of variables that were there before, so their derivatives are known.
      for (const needed of this.#computedIn(variable.argument, derivatives))
        derivatives.set(needed, this.#slopeOfComputed(needed, slopeOf))
      const inner = ofArguments.get(key) ?? this.#arithmetic.timeDerivative(variable.argument, slopeOf)
      ofArguments.set(key, inner)
      derivatives.set(this.#known.length + index, variable.derivative(inner))
    }
    return Array.from({ length: this.#known.length + this.generated.length }, (_, variable) => slopeOf(variable))
  }

  /** Whether a signal from outside has part in it. */
  #isExternal(algebra: Algebra): boolean {
    if (algebra.kind === 'input') return true
    const external = (variable: number): boolean => {
      const generated = this.generated[variable - this.#known.length]
      return generated !== undefined && this.#external.has(generated)
    }
    return operandsOf(algebra).some((operand) => [...variablesOf(operand)].some(external))
  }

  /** Quotients and roots that a value depends on and whose derivatives are not there yet, each after what it is made of. */
  #computedIn(value: Polynomial, derivatives: ReadonlyMap<number, Polynomial>): number[] {
    const found = new Set<number>()
    const pending = [...variablesOf(value)]
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const algebra = this.generated[next - this.#known.length]?.algebra
      if (!algebra || derivatives.has(next) || found.has(next)) continue
      found.add(next)
      for (const operand of operandsOf(algebra)) pending.push(...variablesOf(operand))
    }
    return [...found].sort((a, b) => a - b)
  }

  /** (n / d)' = (n' - (n / d) d') / d and sqrt(u)' = u' / (2 sqrt(u)). */
  #slopeOfComputed(variable: number, slopeOf: (variable: number) => Polynomial): Polynomial {
    const generated = this.generated[variable - this.#known.length]
    invariant(generated?.algebra, 'a variable that an element computes')
    const { algebra, range } = generated
    const value = variableOf(variable)
    const slope = (operand: Polynomial): Polynomial => this.#arithmetic.timeDerivative(operand, slopeOf)
    if (algebra.kind === 'input') return constantOf(NaN)
    if (algebra.kind === 'root') return this.quotient(slope(algebra.radicand), this.#arithmetic.scaled(value, 2), range)
    const turned = this.#arithmetic.scaled(this.#arithmetic.product(value, slope(algebra.denominator)), -1)
    return this.quotient(this.#sum(slope(algebra.numerator), turned), algebra.denominator, range)
  }

  /** s = sin u and c = cos u turn each other: s' = c u', c' = -s u'. A constant phase only turns the pair. */
  #circular(argument: Polynomial, range: Range, phase: number): Polynomial {
    const { first, shift } = this.#shared('circle', argument)
    const [sine, cosine] = ['sin', 'cos'].map((name) => `${name} ${canonicalKey(first)}`)
    invariant(sine !== undefined && cosine !== undefined, 'two functions')
    const pair = [
      this.#function('sin', first, {
        range,
        initial: Math.sin,
        derivative: (du) => this.#arithmetic.product(this.#at(cosine), du),
      }),
      this.#function('cos', first, {
        range,
        initial: Math.cos,
        derivative: (du) => this.#arithmetic.scaled(this.#arithmetic.product(this.#at(sine), du), -1),
      }),
    ] as const
    const turn = shift + phase
    return this.#arithmetic.sum([
      { sign: exactly(Math.cos(turn)), value: pair[0] },
      { sign: exactly(Math.sin(turn)), value: pair[1] },
    ])
  }

  #hyperbolic(argument: Polynomial, range: Range): readonly [Polynomial, Polynomial] {
    const key = canonicalKey(argument)
    return [
      this.#function('sinh', argument, {
        range,
        initial: Math.sinh,
        derivative: (du) => this.#arithmetic.product(this.#at(`cosh ${key}`), du),
      }),
      this.#function('cosh', argument, {
        range,
        initial: Math.cosh,
        derivative: (du) => this.#arithmetic.product(this.#at(`sinh ${key}`), du),
      }),
    ]
  }

  /** y' = (1 ± y²) u': the tangent, and the hyperbolic one. */
  #ownSlope(
    name: 'tan' | 'tanh',
    argument: Polynomial,
    { range, sign, singular }: { range: Range; sign: 1 | -1; singular: string },
  ): Polynomial {
    const key = `${name} ${canonicalKey(argument)}`
    return this.#function(name, argument, {
      range,
      initial: Math[name],
      singular,
      derivative: (du) => {
        const y = this.#at(key)
        const slope = this.#sum(constantOf(1), this.#arithmetic.scaled(this.#arithmetic.product(y, y), sign))
        return this.#arithmetic.product(slope, du)
      },
    })
  }

  /** y' = u' / (1 + u²). */
  #arcTangent(argument: Polynomial, range: Range): Polynomial {
    const square = this.#arithmetic.product(argument, argument)
    const divisor = this.#sum(square, constantOf(1))
    const slope = this.#divides ? null : this.power(divisor, -1, range)
    return this.#function('atan', argument, {
      range,
      initial: Math.atan,
      derivative: (du) => (slope ? this.#arithmetic.product(slope, du) : this.quotient(du, divisor, range)),
    })
  }

  /** `unit` has a leading coefficient of ±1. */
  #unitPower(unit: Polynomial, exponent: number, range: Range): Polynomial {
    if (Number.isInteger(exponent) && exponent >= 0) return this.#arithmetic.power(unit, exponent)
    const text = this.textOf(unit)
    const denominator = this.#denominators.get(text) ?? 1
    const own = denominatorOf(exponent)
    if (own !== null && Number.isInteger(tidy(exponent * denominator))) {
      if (exponent < 0)
        return this.#arithmetic.power(this.#reciprocalRoot(unit, denominator, range), tidy(-exponent * denominator))
      const whole = Math.floor(exponent)
      if (whole > 0)
        return this.#arithmetic.product(
          this.#arithmetic.power(unit, whole),
          this.#unitPower(unit, tidy(exponent - whole), range),
        )
    }
    const key = `power ${exponent} ${canonicalKey(unit)}`
    const power = this.#powerVariable(unit, exponent, range, (du) =>
      own !== null && exponent > 0
        ? this.#arithmetic.scaled(
            this.#arithmetic.product(this.#unitPower(unit, tidy(exponent - 1), range), du),
            exponent,
          )
        : this.#arithmetic.scaled(
            this.#arithmetic.product(this.#at(key), this.#arithmetic.product(this.#unitPower(unit, -1, range), du)),
            exponent,
          ),
    )
    const position = this.#positions.get(key)
    const common = own === null ? 0 : leastCommonMultiple(own, denominator)
    if (position !== undefined && common > denominator && common <= DENOMINATOR_MAX)
      this.wanted.set(position, [text, common])
    return power
  }

  /** g = u^(-1/q), with g' = -g^(q+1) u' / q. */
  #reciprocalRoot(unit: Polynomial, q: number, range: Range): Polynomial {
    return this.#powerVariable(unit, -1 / q, range, (du) =>
      this.#arithmetic.scaled(
        this.#arithmetic.product(this.#arithmetic.power(this.#at(`power ${-1 / q} ${canonicalKey(unit)}`), q + 1), du),
        -1 / q,
      ),
    )
  }

  #powerVariable(
    unit: Polynomial,
    exponent: number,
    range: Range,
    derivative: GeneratedVariable['derivative'],
  ): Polynomial {
    const text = this.textOf(unit)
    const name = powerName(text, exponent)
    return this.#variable(`power ${exponent} ${canonicalKey(unit)}`, () => {
      const u0 = valueAt(unit, (variable) => this.initialOf(variable))
      const trouble =
        u0 === 0
          ? `\`${name}\` has no finite slope at ${this.#time} = 0, where \`${text}\` is zero`
          : u0 < 0 && Number.isFinite(u0) && !Number.isInteger(exponent)
            ? `\`${name}\` is not defined at ${this.#time} = 0, where \`${text}\` is ${rounded(u0)}`
            : ''
      return {
        name,
        range,
        initial: u0 ** exponent,
        argument: unit,
        derivative,
        form: { kind: 'power', base: unit, exponent },
        undefinedAtStart: trouble,
        singular: `\`${text}\` reaches zero`,
        // A root that passes through zero comes from a base that only touches it.
        domain: [unit, variableOf(this.#known.length + this.generated.length)],
      }
    })
  }

  #function(
    name: string,
    argument: Polynomial,
    {
      range,
      initial,
      trouble = () => '',
      ...rest
    }: {
      range: Range
      initial: (u0: number) => number
      trouble?: (u0: number) => string
      derivative: GeneratedVariable['derivative']
      form?: Form
      singular?: string
      domain?: readonly Polynomial[]
    },
  ): Polynomial {
    return this.#variable(`${name} ${canonicalKey(argument)}`, () => {
      const u0 = valueAt(argument, (variable) => this.initialOf(variable))
      return {
        name: `${name}(${this.textOf(argument)})`,
        range,
        initial: initial(u0),
        argument,
        undefinedAtStart: trouble(u0),
        ...rest,
      }
    })
  }

  #variable(
    key: string,
    make: () => Omit<GeneratedVariable, Optional> & Partial<Pick<GeneratedVariable, Optional>>,
  ): Polynomial {
    const present = this.#positions.get(key)
    if (present !== undefined) return variableOf(present)
    const position = this.#known.length + this.generated.length
    this.#positions.set(key, position)
    const variable = {
      algebra: null,
      form: { kind: 'other' } as const,
      undefinedAtStart: '',
      singular: '',
      domain: [],
      ...make(),
    }
    if (variable.algebra && this.#isExternal(variable.algebra)) this.#external.add(variable)
    this.generated.push(variable)
    return variableOf(position)
  }

  #at(key: string): Polynomial {
    const position = this.#positions.get(key)
    invariant(position !== undefined, 'the variable was made before its derivative is asked for')
    return variableOf(position)
  }

  /** The first argument of this kind that differs by a constant only, and by how much this one is beyond it. */
  #shared(kind: string, argument: Polynomial): { first: Polynomial; shift: number } {
    const constant = (polynomial: Polynomial): number => polynomial.get('')?.coefficient ?? 0
    const key = `${kind} ${canonicalKey(this.#sum(argument, constantOf(-constant(argument))))}`
    const first = this.#firsts.get(key) ?? argument
    this.#firsts.set(key, first)
    return { first, shift: constant(argument) - constant(first) }
  }

  /** The polynomial divided by the size of its leading coefficient. */
  #normalised(polynomial: Polynomial): { unit: Polynomial; factor: number } {
    const factor = Math.abs(leadingCoefficient(polynomial))
    if (factor === 1) return { unit: polynomial, factor }
    return { unit: this.#arithmetic.scaled(polynomial, 1 / factor), factor }
  }

  /** Of u and -u, the one whose leading coefficient is positive. */
  #positive(argument: Polynomial): Polynomial {
    return leadingCoefficient(argument) < 0 ? this.#arithmetic.scaled(argument, -1) : argument
  }

  /** f(-u) = -f(u). */
  #odd(argument: Polynomial, apply: (positive: Polynomial) => Polynomial): Polynomial {
    const value = apply(this.#positive(argument))
    return leadingCoefficient(argument) < 0 ? this.#arithmetic.scaled(value, -1) : value
  }

  /** coefficient * variable^count, where the variable is itself a power or an exponential. */
  #soleForm(polynomial: Polynomial): { coefficient: number; count: number; form: Form } | null {
    const [term, ...others] = polynomial.values()
    if (!term || others.length > 0) return null
    const variable = soleVariable(term.monomial)
    const form = variable === null ? undefined : this.generated[variable - this.#known.length]?.form
    return form ? { coefficient: term.coefficient, count: term.monomial.length, form } : null
  }

  #sum(...values: readonly Polynomial[]): Polynomial {
    return this.#arithmetic.sum(values.map((value) => ({ sign: 1, value })))
  }
}

/** Of the first monomial in alphabetic order, which does not depend on how the polynomial came about. */
function leadingCoefficient(polynomial: Polynomial): number {
  const keys = [...polynomial.keys()].filter((key) => key !== '').sort()
  return polynomial.get(keys[0] ?? '')?.coefficient ?? 1
}

function soleVariable(monomial: Monomial): number | null {
  const [first] = monomial
  return first !== undefined && monomial.every((variable) => variable === first) ? first : null
}

/** The smallest denominator of a number that is a fraction of small numbers, else null. */
function denominatorOf(exponent: number): number | null {
  for (let denominator = 1; denominator <= DENOMINATOR_MAX; denominator++)
    if (Number.isInteger(tidy(exponent * denominator))) return denominator
  return null
}

function leastCommonMultiple(a: number, b: number): number {
  let multiple = Math.max(a, b)
  while (multiple % a !== 0 || multiple % b !== 0) multiple++
  return multiple
}

/** Products of fractions such as 3 * (1/3) come out whole. */
function tidy(value: number): number {
  const whole = Math.round(value)
  return Math.abs(value - whole) < EXPONENT_TOLERANCE ? whole : value
}

/** sin π is 1e-16 in floating point; a quarter turn is meant exactly. */
function exactly(value: number): number {
  const whole = Math.round(value)
  return Math.abs(value - whole) < 1e-15 ? whole : value
}

/** Both divided by the monomial that divides every term of both. */
function withoutCommonFactors(a: Polynomial, b: Polynomial): readonly [Polynomial, Polynomial] {
  const terms = [...a.values(), ...b.values()]
  const common = terms.reduce<number[]>(
    (left, { monomial }) => {
      const rest = [...monomial]
      return left.filter((variable) => {
        const at = rest.indexOf(variable)
        if (at >= 0) rest.splice(at, 1)
        return at >= 0
      })
    },
    [...(terms[0]?.monomial ?? [])],
  )
  if (common.length === 0) return [a, b]
  const divided = (polynomial: Polynomial): Polynomial =>
    new Map(
      [...polynomial.values()].map(({ monomial, coefficient }) => {
        const rest = [...monomial]
        for (const variable of common) rest.splice(rest.indexOf(variable), 1)
        return [keyOf(rest), { monomial: rest, coefficient }]
      }),
    )
  return [divided(a), divided(b)]
}

function quotientName(numerator: string, denominator: string): string {
  const inner = (text: string): string => (/^[\p{L}\p{N}_]+(?:\(.*\)|\[.*\])?$/u.test(text) ? text : `(${text})`)
  return `${inner(numerator)}/${inner(denominator)}`
}

function powerName(base: string, exponent: number): string {
  const inner = /^[\p{L}\p{N}_]+$/u.test(base) ? base : `(${base})`
  if (exponent === 1 / 2) return `sqrt(${base})`
  if (exponent === -1) return `1/${inner}`
  if (exponent === -1 / 2) return `1/sqrt(${base})`
  return `${inner}^${Number.isInteger(exponent) && exponent > 0 ? exponent : `(${rounded(exponent)})`}`
}

function rounded(value: number): string {
  return String(Number(value.toPrecision(4)))
}
