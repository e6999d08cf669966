/**
 * Common factors: a multiplier's input is a sum of lanes anyway, so y·u + z·u takes one multiplier as (y + z)·u.
 * What is left when the terms of a right-hand side are divided by a common monomial (its kernel) becomes a sum
 * with a number of its own, wherever it occurs; sums are chosen greedily while that saves multipliers. This undoes
 * the multiplying out where multiplying out was a waste: (1 - tanh(u)²)·u' with a long u' takes two again.
 */
import { keyOf, type Monomial, type Polynomial, type Term } from './polynomial.ts'
import { countProducts } from './products.ts'

/** Polynomials in which variables from `first` on stand for sums. */
export interface Factored {
  readonly polynomials: readonly Polynomial[]
  /** What the variable first + k stands for; may refer to earlier sums. */
  readonly sums: readonly Polynomial[]
}

/** Terms rewritten and products planned in the search; some tenths of a second. */
const WORK_MAX = 400_000
/** Up to here candidates are judged by a plan of all products, beyond by how many different monomials they leave. */
const PLANNED_MAX = 24
/** Beyond this many different monomials no machine has room, with or without common factors. */
export const MONOMIALS_MAX = 400

export function factor(polynomials: readonly Polynomial[], first: number): Factored {
  let best: Factored = { polynomials, sums: [] }
  const size = monomialsOf(best).length
  if (size > MONOMIALS_MAX) return best
  const planned = size <= PLANNED_MAX
  const costOf = (factored: Factored): number =>
    planned ? countProducts(monomialsOf(factored)) : monomialsOf(factored).length
  const terms = polynomials.reduce((sum, polynomial) => sum + polynomial.size, 0)
  let cost = costOf(best)
  let work = WORK_MAX
  for (;;) {
    const current = best
    for (const kernel of kernelsOf([...current.polynomials, ...current.sums])) {
      work -= terms + (planned ? size * size : 0)
      if (work < 0) return best
      const candidate = withSum(current, kernel, first)
      const reduced = costOf(candidate)
      if (reduced < cost) [best, cost] = [candidate, reduced]
      // In large systems there are many places that do not touch each other, so any improvement is taken.
      if (!planned && best !== current) break
    }
    if (best === current) return best
  }
}

/** All products that a factored system needs, each once. */
export function monomialsOf({ polynomials, sums }: Factored): Monomial[] {
  const monomials = new Map<string, Monomial>()
  for (const polynomial of [...polynomials, ...sums])
    for (const [key, { monomial }] of polynomial) if (monomial.length >= 2) monomials.set(key, monomial)
  return [...monomials.values()]
}

/** Quotients of two terms and more, with a leading coefficient of 1, each once. */
function kernelsOf(polynomials: readonly Polynomial[]): Polynomial[] {
  const kernels = new Map<string, Polynomial>()
  for (const polynomial of polynomials)
    for (const divisor of divisorsOf(polynomial)) {
      const kernel = normalised(quotient(polynomial, divisor))
      if (kernel.size >= 2) kernels.set(signature(kernel), kernel)
    }
  return [...kernels.values()]
}

/** Monomials that divide two terms and more: common parts of all pairs. */
function divisorsOf(polynomial: Polynomial): Monomial[] {
  const terms = [...polynomial.values()].filter(({ monomial }) => monomial.length > 0)
  const divisors = new Map<string, Monomial>()
  terms.forEach((a, index) => {
    for (const b of terms.slice(index + 1)) {
      const common = commonPart(a.monomial, b.monomial)
      if (common.length > 0) divisors.set(keyOf(common), common)
    }
  })
  return [...divisors.values()]
}

function commonPart(a: Monomial, b: Monomial): Monomial {
  const rest = [...b]
  return a.filter((variable) => {
    const at = rest.indexOf(variable)
    if (at >= 0) rest.splice(at, 1)
    return at >= 0
  })
}

/** The terms that a monomial divides, divided by it. */
function quotient(polynomial: Polynomial, divisor: Monomial): Polynomial {
  return polynomialOf(
    [...polynomial.values()].flatMap(({ monomial, coefficient }) => {
      const rest = dividedBy(monomial, divisor)
      return rest ? [{ monomial: rest, coefficient }] : []
    }),
  )
}

function dividedBy(monomial: Monomial, divisor: Monomial): Monomial | null {
  const rest = [...monomial]
  for (const variable of divisor) {
    const at = rest.indexOf(variable)
    if (at < 0) return null
    rest.splice(at, 1)
  }
  return rest
}

/** Terms in alphabetic order of their monomials, divided by the first coefficient. */
function normalised(polynomial: Polynomial): Polynomial {
  const terms = [...polynomial].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, term]) => term)
  const leading = terms[0]?.coefficient ?? 1
  return polynomialOf(terms.map(({ monomial, coefficient }) => ({ monomial, coefficient: coefficient / leading })))
}

function signature(polynomial: Polynomial): string {
  return [...polynomial].map(([key, { coefficient }]) => `${key}:${coefficient.toPrecision(12)}`).join(';')
}

/** Puts a new sum in the place of a kernel, wherever a monomial times the kernel occurs. */
function withSum({ polynomials, sums }: Factored, kernel: Polynomial, first: number): Factored {
  const variable = first + sums.length
  const replaced = (polynomial: Polynomial): Polynomial => replace(polynomial, kernel, variable)
  return { polynomials: polynomials.map(replaced), sums: [...sums.map(replaced), kernel] }
}

function replace(polynomial: Polynomial, kernel: Polynomial, variable: number): Polynomial {
  const [head] = kernel.values()
  if (!head) return polynomial
  let result = polynomial
  for (const term of polynomial.values()) {
    const divisor = dividedBy(term.monomial, head.monomial)
    // A sum by itself costs lanes, not multipliers, so it stays written out.
    if (!divisor || divisor.length === 0) continue
    const factor = term.coefficient / head.coefficient
    const terms = [...kernel.values()].map(({ monomial, coefficient }): Term => ({
      monomial: product(divisor, monomial),
      coefficient: coefficient * factor,
    }))
    if (!terms.every((one) => close(result.get(keyOf(one.monomial))?.coefficient, one.coefficient))) continue
    const gone = new Set(terms.map(({ monomial }) => keyOf(monomial)))
    result = polynomialOf([
      ...[...result].flatMap(([key, one]) => (gone.has(key) ? [] : [one])),
      { monomial: product(divisor, [variable]), coefficient: factor },
    ])
  }
  return result
}

function close(a: number | undefined, b: number): boolean {
  return a !== undefined && Math.abs(a - b) <= 1e-12 * Math.abs(b)
}

function product(a: Monomial, b: Monomial): Monomial {
  return [...a, ...b].sort((x, y) => x - y)
}

function polynomialOf(terms: readonly Term[]): Polynomial {
  return new Map(terms.map((term) => [keyOf(term.monomial), term]))
}
