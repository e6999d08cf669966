/**
 * Polynomials over numbered variables: the form every right-hand side is multiplied out to. Multiplying out
 * can explode, so all arithmetic draws on one fuel counter and gives null when it runs dry.
 */

/** Factors in ascending order, repeated for powers: x0²·x3 is [0, 0, 3]. Empty for the constant term. */
export type Monomial = readonly number[]

export interface Term {
  readonly monomial: Monomial
  readonly coefficient: number
}

/** Terms by the key of their monomial, in order of first appearance; coefficients are not 0. */
export type Polynomial = ReadonlyMap<string, Term>

export const DEGREE_MAX = 64
const FUEL = 1_000_000
/** A stored term costs memory, not only time. */
const TERM_COST = 10

export type Exhausted = 'fuel' | 'degree'

export function keyOf(monomial: Monomial): string {
  return monomial.join(',')
}

export function constantOf(value: number): Polynomial {
  return value === 0 ? new Map() : new Map([['', { monomial: [], coefficient: value }]])
}

export function variableOf(index: number): Polynomial {
  return new Map([[keyOf([index]), { monomial: [index], coefficient: 1 }]])
}

/** The value of a polynomial without variables, or null. */
export function constantValue(polynomial: Polynomial): number | null {
  if (polynomial.size === 0) return 0
  return polynomial.size === 1 ? (polynomial.get('')?.coefficient ?? null) : null
}

/** The same text for equal polynomials, however their terms are ordered. */
export function canonicalKey(polynomial: Polynomial): string {
  return [...polynomial]
    .map(([key, { coefficient }]) => `${key}:${coefficient}`)
    .sort()
    .join(';')
}

/** The value where the variables have these values. */
export function valueAt(polynomial: Polynomial, valueOf: (variable: number) => number): number {
  let sum = 0
  for (const { monomial, coefficient } of polynomial.values())
    sum += monomial.reduce((product, variable) => product * valueOf(variable), coefficient)
  return sum
}

export function variablesOf(polynomial: Polynomial): Set<number> {
  const variables = new Set<number>()
  for (const { monomial } of polynomial.values()) for (const variable of monomial) variables.add(variable)
  return variables
}

/** `2*x^2*y - 1`, with the variables' names; cut where it gets long. */
export function textOf(polynomial: Polynomial, nameOf: (variable: number) => string): string {
  const TERMS_SHOWN = 4
  const terms = [...polynomial.values()].slice(0, TERMS_SHOWN).map(({ monomial, coefficient }, index) => {
    const size = Number(Math.abs(coefficient).toPrecision(4))
    const factors = [...new Set(monomial)].map((variable) => {
      const exponent = monomial.filter((other) => other === variable).length
      return exponent > 1 ? `${factorName(nameOf(variable))}^${exponent}` : factorName(nameOf(variable))
    })
    const alone = polynomial.size === 1 && monomial.length === 1 && coefficient === 1
    if (alone) return nameOf(monomial[0] ?? -1)
    const text = [...(size !== 1 || monomial.length === 0 ? [String(size)] : []), ...factors].join('*')
    if (index === 0) return coefficient < 0 ? `-${text}` : text
    return coefficient < 0 ? ` - ${text}` : ` + ${text}`
  })
  return terms.join('') + (polynomial.size > TERMS_SHOWN ? ' + …' : '')
}

/** `1/x` in parentheses, `x` and `sin(x + y)` as they are. */
function factorName(name: string): string {
  return /^[\p{L}\p{N}_]+(?:\(.*\)|\[.*\])?$/u.test(name) ? name : `(${name})`
}

/** Arithmetic that stops in time. Once exhausted it stays so. */
export class Arithmetic {
  exhausted: Exhausted | null = null
  #fuel = FUEL

  sum(parts: readonly { readonly sign: number; readonly value: Polynomial }[]): Polynomial {
    const terms = new Map<string, Term>()
    for (const { sign, value } of parts)
      for (const [key, term] of value)
        this.#add(terms, key, { monomial: term.monomial, coefficient: sign * term.coefficient })
    return terms
  }

  scaled(polynomial: Polynomial, factor: number): Polynomial {
    return this.sum([{ sign: factor, value: polynomial }])
  }

  product(a: Polynomial, b: Polynomial): Polynomial {
    const terms = new Map<string, Term>()
    for (const left of a.values())
      for (const right of b.values()) {
        if (this.exhausted) return terms
        if (left.monomial.length + right.monomial.length > DEGREE_MAX) this.exhausted = 'degree'
        const monomial = [...left.monomial, ...right.monomial].sort((x, y) => x - y)
        this.#add(terms, keyOf(monomial), { monomial, coefficient: left.coefficient * right.coefficient })
      }
    return terms
  }

  power(base: Polynomial, exponent: number): Polynomial {
    let result = constantOf(1)
    for (let count = 0; count < exponent && !this.exhausted; count++) result = this.product(result, base)
    return result
  }

  /** The chain rule: the sum over all variables of the partial derivative times the variable's own derivative. */
  timeDerivative(polynomial: Polynomial, derivativeOf: (variable: number) => Polynomial): Polynomial {
    const parts = [...polynomial.values()].flatMap(({ monomial, coefficient }) =>
      [...new Set(monomial)].map((variable) => {
        const at = monomial.indexOf(variable)
        const rest = [...monomial.slice(0, at), ...monomial.slice(at + 1)]
        const multiplicity = monomial.filter((other) => other === variable).length
        const partial = new Map([[keyOf(rest), { monomial: rest, coefficient: coefficient * multiplicity }]])
        return { sign: 1, value: this.product(partial, derivativeOf(variable)) }
      }),
    )
    return this.sum(parts)
  }

  #add(terms: Map<string, Term>, key: string, { monomial, coefficient }: Term): void {
    if (this.exhausted) return
    const present = terms.get(key)
    this.#fuel -= monomial.length + (present ? 1 : TERM_COST)
    if (this.#fuel < 0) this.exhausted = 'fuel'
    const total = (present?.coefficient ?? 0) + coefficient
    if (total === 0) terms.delete(key)
    else terms.set(key, { monomial, coefficient: total })
  }
}
