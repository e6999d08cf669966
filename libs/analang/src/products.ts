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

/** Products looked at, for plans of all lengths together, before the search settles for the greedy plan: a tenth of a second. */
const SEARCH_MAX = 60_000
/** The search is for small circuits, where a single multiplier decides; each of its tries looks at all pairs. */
const SEARCHED_MAX = 8
/** Pairs of factors counted for each product of the pairwise plan. */
const PAIRS_MAX = 20_000

/**
 * Products in order of computation, covering all `wanted` monomials (of degree 2 and more, each once). May be more
 * than `available`, then as the greedy plan has them. Meant for few monomials: time grows with their square.
 */
export function planProducts(wanted: readonly Monomial[], available: number): Product[] {
  const greedy = shorterOf(greedyPlan(wanted), pairwisePlan(wanted))
  if (wanted.length > SEARCHED_MAX) return greedy
  const search = new Search(wanted)
  for (let length = wanted.length; length <= available && length < greedy.length; length++) {
    const found = search.plan(length)
    if (found) return found
  }
  return greedy
}

/** How many multipliers the monomials take, without looking for long. */
export function countProducts(wanted: readonly Monomial[]): number {
  return shorterOf(greedyPlan(wanted), pairwisePlan(wanted)).length
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

function shorterOf(a: Product[], b: Product[] | null): Product[] {
  return b && b.length < a.length ? b : a
}

/**
 * Forms the pair of factors that occurs in most monomials first, and takes it for a single factor from then on.
 * Finds what high powers in many monomials share: g³ in x g³ and y g³.
 */
function pairwisePlan(wanted: readonly Monomial[]): Product[] | null {
  const pairs = wanted.reduce((sum, { length }) => sum + length ** 2, 0)
  if (pairs > PAIRS_MAX) return null
  const plan: Product[] = []
  /** What each number stands for: variables for themselves, larger numbers for products. */
  const meaning = new Map<number, Monomial>(wanted.flat().map((variable) => [variable, [variable]]))
  const firstProduct = Math.max(0, ...meaning.keys()) + 1
  let open = wanted.map((monomial) => [...monomial])
  for (;;) {
    const counts = new Map<string, { pair: readonly [number, number]; count: number }>()
    for (const factors of open)
      for (const pair of pairsOf(factors)) {
        const key = pair.join(',')
        counts.set(key, { pair, count: (counts.get(key)?.count ?? 0) + 1 })
      }
    const best = [...counts.values()].reduce<{ pair: readonly [number, number]; count: number } | null>(
      (most, one) => (!most || one.count > most.count ? one : most),
      null,
    )
    if (!best) return plan
    const [a, b] = best.pair
    const [left, right] = [meaning.get(a), meaning.get(b)]
    invariant(left && right, 'pairs are of known factors')
    const product = firstProduct + plan.length
    const monomial = [...left, ...right].sort((x, y) => x - y)
    meaning.set(product, monomial)
    plan.push({ monomial, factors: [left, right] })
    open = open.map((factors) => withPair(factors, best.pair, product))
  }
}

/** Different pairs of factors of a monomial, each once. */
function pairsOf(factors: readonly number[]): (readonly [number, number])[] {
  const pairs = new Map<string, readonly [number, number]>()
  factors.forEach((a, index) => {
    for (const b of factors.slice(index + 1)) pairs.set(`${a},${b}`, [a, b])
  })
  return [...pairs.values()]
}

/** As many of the pair as there are become the product. */
function withPair(factors: readonly number[], [a, b]: readonly [number, number], product: number): number[] {
  const left = [...factors]
  let formed = 0
  for (;;) {
    const first = left.indexOf(a)
    const second = left.indexOf(b, a === b ? first + 1 : 0)
    if (first < 0 || second < 0) break
    left.splice(Math.max(first, second), 1)
    left.splice(Math.min(first, second), 1)
    formed++
  }
  return [...left, ...repeated(product, formed)]
}

function repeated(factor: number, count: number): number[] {
  return Array<number>(count).fill(factor)
}

/** Every second factor: squares come out as equal halves. */
function half(monomial: Monomial): Monomial {
  return monomial.filter((_, index) => index % 2 === 0)
}

/** Depth-first search for plans of given lengths; gives up after a fixed number of tries. */
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
    if (missing.length > left || this.#tries > SEARCH_MAX) return null
    const highest = Math.max(...missing.map((monomial) => monomial.length))
    const isUseful = (monomial: Monomial): boolean => missing.some((goal) => divides(monomial, goal))
    const atHand = [...this.#variables, ...plan.map(({ monomial }) => monomial)].filter(isUseful)
    for (const [index, a] of atHand.entries())
      for (const b of atHand.slice(index)) {
        if (++this.#tries > SEARCH_MAX) return null
        if (a.length + b.length > highest) continue
        const monomial = [...a, ...b].sort((x, y) => x - y)
        if (!isUseful(monomial) || formed.has(keyOf(monomial))) continue
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
