/**
 * The digital reference solution: how large every signal of a circuit gets. It is followed step by step and
 * looked at within each step too, so that the accuracy of the maxima does not depend on the length of the run.
 */
import { DormandPrince, type OdeProblem } from '@lucihub/simulation'
import type { Circuit, Contribution } from './circuit.ts'

/** A second or so of work for the largest circuit of a cluster; some thousand oscillations. */
const STEPS_MAX = 100_000
/** Beyond this a solution is taken to have no bound. */
const BOUND = 1e12

export interface Reference {
  /** Largest |value| of each signal, in the order of the circuit's signals. */
  readonly amplitudes: readonly number[]
  /** How far the solution was followed, in problem time. */
  readonly until: number
  readonly end: 'complete' | 'step_limit' | 'unbounded'
  /** The integrator whose signal is largest when the solution ends. */
  readonly largest: number
}

/** Solves the circuit's equations from 0 to `horizon` (problem time, > 0). */
export function referenceOf(circuit: Circuit, horizon: number): Reference {
  const initial = circuit.signals.flatMap((signal) => (signal.kind === 'integrator' ? [signal.initial] : []))
  const equations = new Equations(circuit, initial.length)
  const solution = new DormandPrince(equations, Float64Array.from(initial), 0, {
    rtol: 1e-5,
    atol: 1e-12,
    maxSteps: STEPS_MAX,
    // Variables may be of any size, so an absolute tolerance says nothing about a good first step; the error control will.
    firstStep: horizon / 100,
  })
  const middle = new Float64Array(initial.length)
  const ended = (end: Reference['end']): Reference => ({
    amplitudes: [...equations.amplitudes],
    until: solution.t,
    end,
    largest: largestOf(solution.y),
  })
  equations.look(solution.y)
  while (solution.t < horizon) {
    const status = solution.step(horizon)
    if (status !== 'ok') return ended(status === 'step_limit' ? 'step_limit' : 'unbounded')
    solution.interpolate((solution.tStart + solution.t) / 2, middle)
    equations.look(middle)
    equations.look(solution.y)
    if (Math.abs(solution.y[largestOf(solution.y)] ?? 0) > BOUND) return ended('unbounded')
  }
  return ended('complete')
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
  /** Of all signals, and behind them the constant 1. */
  readonly #values: Float64Array
  readonly #products: readonly { readonly at: number; readonly a: number; readonly b: number }[]
  readonly #sums: readonly WeightedSum[]
  readonly #derivatives: readonly WeightedSum[]

  constructor({ signals }: Circuit, dimension: number) {
    this.dimension = dimension
    this.amplitudes = new Float64Array(signals.length)
    this.#values = new Float64Array(signals.length + 1).fill(1)
    this.#products = signals.flatMap((signal, at) =>
      signal.kind === 'product' ? [{ at, a: signal.factors[0], b: signal.factors[1] }] : [],
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
    const { amplitudes } = this
    for (let index = 0; index < amplitudes.length; index++)
      amplitudes[index] = Math.max(amplitudes[index] ?? 0, Math.abs(values[index] ?? 0))
  }

  #multiply(y: Float64Array): Float64Array {
    const values = this.#values
    for (let index = 0; index < y.length; index++) values[index] = y[index] ?? 0
    for (const { at, a, b } of this.#products) values[at] = (values[a] ?? 0) * (values[b] ?? 0)
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
