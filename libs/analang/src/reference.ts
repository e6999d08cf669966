/**
 * The digital reference solution: how large every signal of a circuit gets. It is followed step by step and
 * looked at within each step too, so that the accuracy of the maxima does not depend on the length of the run.
 */
import { DormandPrince, type OdeProblem } from '@lucihub/simulation'
import type { Circuit, Contribution } from './circuit.ts'
import { valueAt } from './polynomial.ts'

/** A second or so of work for the largest circuit of a cluster; some thousand oscillations. */
const STEPS_MAX = 100_000
/** Beyond this a solution is taken to have no bound. */
const BOUND = 1e12

export interface Reference {
  /** Largest |value| of each signal, in the order of the circuit's signals. */
  readonly amplitudes: readonly number[]
  /** Largest |value| of each multiplier's inputs, two entries per signal; 0 for other signals. */
  readonly factors: readonly number[]
  /** How far the solution was followed, in problem time. */
  readonly until: number
  readonly end: 'complete' | 'step_limit' | 'unbounded' | 'undefined'
  /** The integrator to blame: whose signal is largest when the solution ends, or whose function is undefined from there on. */
  readonly blamed: number
  /** Whether solutions that start a hair beside end somewhere else, so that amplitudes are samples of what may come. */
  readonly chaotic: boolean
}

/**
 * Solves the circuit's equations from 0 to `horizon` (problem time, > 0). Where a solution that starts a hair beside
 * ends somewhere else, the machine, which is never exact, will follow neither: then the largest values of several
 * such solutions count.
 */
export function referenceOf(circuit: Circuit, horizon: number): Reference {
  const initial = circuit.signals.flatMap((signal) => (signal.kind === 'integrator' ? [signal.initial] : []))
  const start = Float64Array.from(initial)
  const { final, steps, ...reference } = follow(circuit, start, horizon)
  if (reference.end !== 'complete' || steps > NEIGHBOURED_STEPS_MAX) return reference
  const first = follow(circuit, beside(start, reference, BESIDE), horizon)
  if (first.end !== 'complete' || !isApart(final, first.final, reference)) return reference
  const others = FURTHER.map((distance) => follow(circuit, beside(start, reference, distance), horizon))
  return [first, ...others].reduce<Reference>(
    (largest, { end, amplitudes, factors }) =>
      end === 'complete'
        ? {
            ...largest,
            amplitudes: largest.amplitudes.map((amplitude, index) => Math.max(amplitude, amplitudes[index] ?? 0)),
            factors: largest.factors.map((amplitude, index) => Math.max(amplitude, factors[index] ?? 0)),
          }
        : largest,
    { ...reference, chaotic: true },
  )
}

const NEIGHBOURED_STEPS_MAX = 20_000
/** How far beside they start, and how far apart they must end to be different solutions; relative to the amplitudes. */
const BESIDE = 1e-6
const APART = 1e-2
/** Of those that are followed once the system is known to be chaotic: these part early, and see more of it. */
const FURTHER = [1e-4, 1e-3, 1e-2]

function beside(start: Float64Array, { amplitudes }: Reference, distance: number): Float64Array {
  return start.map((value, index) => value + distance * (index % 2 === 0 ? 1 : -1) * (amplitudes[index] ?? 0))
}

function isApart(a: Float64Array, b: Float64Array, { amplitudes }: Reference): boolean {
  return a.some((value, index) => Math.abs(value - (b[index] ?? NaN)) > APART * (amplitudes[index] ?? Infinity))
}

interface Followed extends Reference {
  readonly final: Float64Array
  readonly steps: number
}

function follow(circuit: Circuit, start: Float64Array, horizon: number): Followed {
  const equations = new Equations(circuit, start.length)
  const solution = new DormandPrince(equations, start, 0, {
    rtol: 1e-5,
    atol: 1e-12,
    maxSteps: STEPS_MAX,
    // Variables may be of any size, so an absolute tolerance says nothing about a good first step; the error control will.
    firstStep: horizon / 100,
  })
  const middle = new Float64Array(start.length)
  const ended = (end: Reference['end'], until = solution.t, blamed = largestOf(solution.y)): Followed => ({
    amplitudes: [...equations.amplitudes],
    factors: [...equations.factors],
    until,
    end,
    blamed,
    chaotic: false,
    final: solution.y,
    steps: solution.steps,
  })
  const domains = domainsOf(circuit, solution.y)
  equations.look(solution.y)
  while (solution.t < horizon) {
    const status = solution.step(horizon)
    if (status !== 'ok') return ended(status === 'step_limit' ? 'step_limit' : 'unbounded')
    const left = domains.find(({ outside }) => outside(solution.y))
    if (left) return ended('undefined', firstOutside(solution, left, middle), left.integrator)
    solution.interpolate((solution.tStart + solution.t) / 2, middle)
    equations.look(middle)
    equations.look(solution.y)
    if (Math.abs(solution.y[largestOf(solution.y)] ?? 0) > BOUND) return ended('unbounded')
  }
  return ended('complete')
}

/** A function's domain: outside it what the function depends on has changed its sign. */
interface Domain {
  readonly integrator: number
  outside(y: Float64Array): boolean
}

function domainsOf({ signals }: Circuit, start: Float64Array): Domain[] {
  return signals.flatMap((signal, integrator): Domain[] => {
    if (signal.kind !== 'integrator') return []
    return signal.domain.map((value) => {
      const at = (y: Float64Array): number => valueAt(value, (variable) => y[variable] ?? NaN)
      const sign = Math.sign(at(start))
      return { integrator, outside: (y) => at(y) * sign <= 0 }
    })
  })
}

/** The moment within the last step at which a domain is left, by bisection. */
function firstOutside(solution: DormandPrince, { outside }: Domain, y: Float64Array): number {
  let [inside, beyond] = [solution.tStart, solution.t]
  for (let halving = 0; halving < 40; halving++) {
    const middle = (inside + beyond) / 2
    solution.interpolate(middle, y)
    if (outside(y)) beyond = middle
    else inside = middle
  }
  return beyond
}

function largestOf(y: Float64Array): number {
  let largest = 0
  for (let index = 1; index < y.length; index++)
    if (Math.abs(y[index] ?? 0) > Math.abs(y[largest] ?? 0)) largest = index
  return largest
}

/** The circuit in flat arrays: this is evaluated a million times. */
class Equations implements OdeProblem {
  readonly dimension: number
  /** Largest |value| of each signal at the moments looked at. */
  readonly amplitudes: Float64Array
  /** Likewise of the two inputs of each multiplier. */
  readonly factors: Float64Array
  /** Of all signals, and behind them the constant 1. */
  readonly #values: Float64Array
  readonly #products: readonly { readonly at: number; readonly a: WeightedSum; readonly b: WeightedSum }[]
  readonly #sums: readonly WeightedSum[]
  readonly #derivatives: readonly WeightedSum[]

  constructor({ signals }: Circuit, dimension: number) {
    this.dimension = dimension
    this.amplitudes = new Float64Array(signals.length)
    this.factors = new Float64Array(2 * signals.length)
    this.#values = new Float64Array(signals.length + 1).fill(1)
    this.#products = signals.flatMap((signal, at) =>
      signal.kind === 'product'
        ? [
            {
              at,
              a: weightedSum(2 * at, signal.factors[0], signals.length),
              b: weightedSum(2 * at + 1, signal.factors[1], signals.length),
            },
          ]
        : [],
    )
    const sums = (kind: 'integrator' | 'sum'): WeightedSum[] =>
      signals.flatMap((signal, at) => (signal.kind === kind ? [weightedSum(at, signal.inputs, signals.length)] : []))
    this.#sums = sums('sum')
    this.#derivatives = sums('integrator')
  }

  rhs(_t: number, y: Float64Array, dy: Float64Array): void {
    const values = this.#multiply(y)
    for (const derivative of this.#derivatives) dy[derivative.at] = valueOf(derivative, values)
  }

  look(y: Float64Array): void {
    const values = this.#multiply(y)
    for (const sum of this.#sums) values[sum.at] = valueOf(sum, values)
    const { amplitudes, factors } = this
    for (const { a, b } of this.#products)
      for (const sum of [a, b]) factors[sum.at] = Math.max(factors[sum.at] ?? 0, Math.abs(valueOf(sum, values)))
    for (let index = 0; index < amplitudes.length; index++)
      amplitudes[index] = Math.max(amplitudes[index] ?? 0, Math.abs(values[index] ?? 0))
  }

  #multiply(y: Float64Array): Float64Array {
    const values = this.#values
    for (let index = 0; index < y.length; index++) values[index] = y[index] ?? 0
    for (const { at, a, b } of this.#products) values[at] = valueOf(a, values) * valueOf(b, values)
    return values
  }
}

interface WeightedSum {
  readonly at: number
  readonly sources: Int32Array
  readonly coefficients: Float64Array
}

function weightedSum(at: number, inputs: readonly Contribution[], constant: number): WeightedSum {
  return {
    at,
    sources: Int32Array.from(inputs, ({ source }) => (source === 'constant' ? constant : source)),
    coefficients: Float64Array.from(inputs, ({ coefficient }) => coefficient),
  }
}

function valueOf({ sources, coefficients }: WeightedSum, values: Float64Array): number {
  let sum = 0
  for (let index = 0; index < sources.length; index++)
    sum += (coefficients[index] ?? 0) * (values[sources[index] ?? 0] ?? 0)
  return sum
}
