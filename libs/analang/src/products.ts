/**
 * Which products to form so that all wanted monomials appear, with as few multipliers as can be. Products
 * are shared: x², x³ and x²·y need three multipliers, not five. A greedy plan is always at hand; a bounded
 * search by rising length looks for a shorter one.
 */
import { invariant } from '@lucihub/analog'
import { keyOf, type Monomial } from './polynomial.ts'

/** Forms the monomial as the product of two that are formed before it, or are single variables. */
export interface Product {
  readonly monomial: Monomial
  readonly factors: readonly [Monomial, Monomial]
}

/** Products tried before the search settles for the greedy plan. */
const SEARCH_MAX = 50_000

/**
 * Products in order of computation, covering all `wanted` monomials (of degree 2 and more, each once). May be more
 * than `available`, then as the greedy plan has them. Meant for few monomials: time grows with their square.
 */
export function planProducts(wanted: readonly Monomial[], available: number): Product[] {
  const greedy = greedyPlan(wanted)
  for (let length = wanted.length; length <= available && length < greedy.length; length++) {
    const found = new Search(wanted).plan(length)
    if (found) return found
  }
  return greedy
}

/** From the lowest degree up, each monomial is the largest product at hand times the rest. */
function greedyPlan(wanted: readonly Monomial[]): Product[] {
  const formed = new Map<string, Product>()
  const form = (monomial: Monomial): void => {
    if (monomial.length < 2 || formed.has(keyOf(monomial))) return
    const divisors = [...formed.values()]
      .filter((product) => divides(product.monomial, monomial))
      .map((product) => product.monomial)
    const [first] = monomial
    invariant(first !== undefined, 'a monomial of degree 2 has factors')
    const largest = divisors.reduce<Monomial>(
      (best, divisor) => (divisor.length > best.length ? divisor : best),
      half(monomial),
    )
    const rest = quotient(monomial, largest)
    form(largest)
    form(rest)
    formed.set(keyOf(monomial), { monomial, factors: [largest, rest] })
  }
  for (const monomial of [...wanted].sort((a, b) => a.length - b.length)) form(monomial)
  return [...formed.values()]
}

/** Every second factor: squares come out as equal halves. */
function half(monomial: Monomial): Monomial {
  return monomial.filter((_, index) => index % 2 === 0)
}

/** Depth-first search for a plan of a given length; gives up after a fixed number of tries. */
class Search {
  readonly #wanted: readonly Monomial[]
  readonly #variables: readonly Monomial[]
  #tries = 0

  constructor(wanted: readonly Monomial[]) {
    this.#wanted = wanted
    this.#variables = [...new Set(wanted.flat())].sort((a, b) => a - b).map((variable) => [variable])
  }

  plan(length: number): Product[] | null {
    return this.#extend([], length)
  }

  #extend(plan: readonly Product[], left: number): Product[] | null {
    const formed = new Set(plan.map(({ monomial }) => keyOf(monomial)))
    const missing = this.#wanted.filter((monomial) => !formed.has(keyOf(monomial)))
    if (missing.length === 0) return [...plan]
    if (missing.length > left || ++this.#tries > SEARCH_MAX) return null
    const atHand = [...this.#variables, ...plan.map(({ monomial }) => monomial)]
    for (const [index, a] of atHand.entries())
      for (const b of atHand.slice(index)) {
        const monomial = [...a, ...b].sort((x, y) => x - y)
        if (formed.has(keyOf(monomial)) || !missing.some((goal) => divides(monomial, goal))) continue
        const found = this.#extend([...plan, { monomial, factors: [a, b] }], left - 1)
        if (found) return found
      }
    return null
  }
}

function divides(divisor: Monomial, monomial: Monomial): boolean {
  let at = 0
  for (const variable of monomial) if (variable === divisor[at]) at++
  return at === divisor.length
}

function quotient(monomial: Monomial, divisor: Monomial): Monomial {
  let at = 0
  return monomial.filter((variable) => {
    if (variable !== divisor[at]) return true
    at++
    return false
  })
}
