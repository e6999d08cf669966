/**
 * The digital reference solution: how large every signal of a circuit gets. It is followed step by step and
 * looked at within each step too, so that the accuracy of the maxima does not depend on the length of the run.
 * At a slower pace a run covers only the beginning of the same solution, so one solution, read at the end that each
 * pace gives it, serves them all: trying paces costs nothing here.
 */
import { invariant } from '@lucihub/analog'
import { DormandPrince, type OdeProblem } from '@lucihub/simulation'
import { inputsOf, type Circuit, type Contribution, type Signal } from './circuit.ts'
import { valueAt } from './polynomial.ts'

/** Tried steps of one solution: some thousand oscillations. */
const STEPS_MAX = 100_000
/** Terms evaluated for one solution, a third of a second: less than all steps for circuits that take a carrier and more. */
const TERMS_MAX = 80_000_000
const STAGES_PER_STEP = 7
/** A component costs each stage of a step as much as so many terms of its equation. */
const TERMS_PER_COMPONENT = 4
/** Beyond this a solution is taken to have no bound. */
const BOUND = 1e12

export interface Reference {
  /** Largest |value| of each signal, in the order of the circuit's signals. */
  readonly amplitudes: readonly number[]
  /** Largest |value| of each multiplier's inputs (divider's, rooter's), two entries per signal; 0 for other signals. */
  readonly factors: readonly number[]
  /** How far the solution was followed, in problem time. */
  readonly until: number
  readonly end: 'complete' | 'step_limit' | 'unbounded' | 'undefined'
  /** The signal to blame: whose value is largest when the solution ends, or whose function is undefined from there on. */
  readonly blamed: number
  /** Whether solutions that start a hair beside end somewhere else, so that amplitudes are samples of what may come. */
  readonly chaotic: boolean
  /** Whether the solution has no bound for some external input within its range. */
  readonly unboundedDrive: boolean
}

/**
 * Solves the circuit's equations from 0 to `horizon` (problem time, > 0) and says what the part up to
 * horizon / divisor is like, for each of the rising `divisors`; those asked for later must not be smaller. Where a
 * solution that starts a hair beside ends somewhere else, the machine, which is never exact, will follow neither:
 * then the largest values of several such solutions count.
 */
export function referenceOf(
  circuit: Circuit,
  { horizon, divisors }: { horizon: number; divisors: readonly number[] },
): (divisor: number) => Reference {
  const start = Float64Array.from(
    circuit.signals.flatMap((signal) => (signal.kind === 'integrator' ? [signal.initial] : [])),
  )
  const ends = divisors.map((divisor) => horizon / divisor)
  const maxSteps = stepsFor(circuit, start.length)
  const solution = follow(circuit, start, { ends, maxSteps, drive: SILENCE })
  const isDriven = circuit.signals.some(({ kind }) => kind === 'input')
  const others = new Map<string, readonly Followed[]>()
  /** Some other solution, known by its name: as many of its parts as the first who asked wanted. */
  const other = (name: string, parts: number, solve: (ends: readonly number[]) => readonly Followed[]) => {
    const followed = others.get(name) ?? solve(ends.slice(-parts))
    others.set(name, followed)
    return followed.at(-parts)
  }
  const drivenBy = (parts: number): Followed[] =>
    DRIVES.flatMap(
      (drive, index) =>
        other(`drive ${index}`, parts, (to) =>
          follow(circuit, start, { ends: to, maxSteps: maxSteps * SHARE, drive: drive(horizon) }),
        ) ?? [],
    )
  const neighbour = (distance: number, own: Followed, parts: number): Followed | undefined =>
    other(`beside ${distance}`, parts, (to) =>
      follow(circuit, beside(start, own, distance), {
        ends: to,
        maxSteps: SPARE * own.steps + SPARE_STEPS,
        drive: SILENCE,
      }),
    )
  const neighbours = (own: Followed, parts: number): Followed[] => {
    const first = neighbour(BESIDE, own, parts)
    if (first?.end !== 'complete' || !isApart(own.final, first.final, own)) return []
    return [first, ...FURTHER.flatMap((distance) => neighbour(distance, own, parts) ?? [])]
  }
  return (divisor) => {
    const parts = ends.length - divisors.indexOf(divisor)
    const own = solution.at(-parts)
    invariant(own, 'the solution is known for all divisors')
    if (own.end !== 'complete') return own
    const beside = own.steps <= maxSteps * SHARE ? neighbours(own, parts) : []
    const driven = isDriven ? drivenBy(parts) : []
    return [...beside, ...driven].reduce<Reference>(largerOf, {
      ...own,
      chaotic: beside.length > 0,
      unboundedDrive: driven.some(({ end }) => end === 'unbounded' || end === 'undefined'),
    })
  }
}

/** Other solutions get this share of the steps of the first, so that all together take twice as long at most. */
const SHARE = 0.2
/** Neighbours may take a little more steps than the solution beside. */
const SPARE = 1.25
const SPARE_STEPS = 100

/** What comes in at all inputs, as a part of their size. */
type Drive = (t: number) => number

const SILENCE: Drive = () => 0

/**
 * What comes in from outside is not known; it is thought to be as large as it may be, steady, or swinging at the pace
 * of the problem or of the run.
 */
const DRIVES: readonly ((horizon: number) => Drive)[] = [
  () => () => 1,
  () => () => -1,
  () => (t) => Math.sin(t),
  (horizon) => (t) => Math.sin((2 * Math.PI * t) / horizon),
  (horizon) => (t) => Math.sin((20 * Math.PI * t) / horizon),
]

/** How far beside they start, and how far apart they must end to be different solutions; relative to the amplitudes. */
const BESIDE = 1e-6
const APART = 1e-2
/** Of those that are followed once the system is known to be chaotic: these part early, and see more of it. */
const FURTHER = [1e-4, 1e-3, 1e-2]

function stepsFor({ signals }: Circuit, dimension: number): number {
  const terms = signals.flatMap((signal) => ('factors' in signal ? signal.factors.flat() : inputsOf(signal))).length
  return Math.min(
    STEPS_MAX,
    Math.ceil(TERMS_MAX / STAGES_PER_STEP / Math.max(1, terms + TERMS_PER_COMPONENT * dimension)),
  )
}

function beside(start: Float64Array, { amplitudes }: Reference, distance: number): Float64Array {
  return start.map((value, index) => value + distance * (index % 2 === 0 ? 1 : -1) * (amplitudes[index] ?? 0))
}

function isApart(a: Float64Array, b: Float64Array, { amplitudes }: Reference): boolean {
  return a.some((value, index) => Math.abs(value - (b[index] ?? NaN)) > APART * (amplitudes[index] ?? Infinity))
}

/** With the larger values of both, if the other one is a solution as far as it goes. */
function largerOf(largest: Reference, { end, amplitudes, factors }: Reference): Reference {
  if (end !== 'complete' && end !== 'step_limit') return largest
  const larger = (known: readonly number[], others: readonly number[]): number[] =>
    known.map((value, index) => Math.max(value, others[index] ?? 0))
  return {
    ...largest,
    amplitudes: larger(largest.amplitudes, amplitudes),
    factors: larger(largest.factors, factors),
  }
}

interface Followed extends Reference {
  readonly final: Float64Array
  readonly steps: number
}

/** What is known at each of the falling `ends`; the same for all that were not reached. */
function follow(
  circuit: Circuit,
  start: Float64Array,
  { ends, maxSteps, drive }: { ends: readonly number[]; maxSteps: number; drive: Drive },
): readonly Followed[] {
  const equations = new Equations(circuit, start.length, drive)
  const horizon = ends[0] ?? 0
  const solution = new DormandPrince(equations, start, 0, {
    rtol: 1e-5,
    atol: 1e-12,
    maxSteps,
    // Variables may be of any size, so an absolute tolerance says nothing about a good first step; the error control will.
    firstStep: horizon / 100,
  })
  const within = new Float64Array(start.length)
  const parts: Followed[] = []
  const known = (part: Pick<Followed, 'end' | 'until' | 'blamed' | 'final'>): Followed => ({
    ...part,
    amplitudes: [...equations.amplitudes],
    factors: [...equations.factors],
    chaotic: false,
    unboundedDrive: false,
    steps: solution.steps,
  })
  const ended = (end: Reference['end'], until = solution.t, blamed = largestOf(solution.y)): readonly Followed[] => {
    const last = known({ end, until, blamed, final: solution.y })
    return ends.map((_, index) => parts[parts.length - ends.length + index] ?? last)
  }
  const domains = [...domainsOf(circuit, solution.y), ...computedDomains(equations, solution.y)]
  equations.look(0, solution.y)
  while (solution.t < horizon) {
    const status = solution.step(horizon)
    if (status !== 'ok') return ended(status === 'step_limit' ? 'step_limit' : 'unbounded')
    const left = domains.find(({ outside }) => outside(solution.t, solution.y))
    const until = left ? firstOutside(solution, left, within) : solution.t
    for (let end = endAt(); end < until || (end === until && !left); end = endAt()) {
      solution.interpolate(end, within)
      equations.look(end, within)
      if (equations.infinite >= 0) return ended('unbounded', solution.tStart, equations.infinite)
      parts.unshift(known({ end: 'complete', until: end, blamed: largestOf(within), final: within.slice() }))
    }
    if (left) return ended('undefined', until, left.signal)
    const between = (solution.tStart + solution.t) / 2
    solution.interpolate(between, within)
    equations.look(between, within)
    equations.look(solution.t, solution.y)
    if (equations.infinite >= 0) return ended('unbounded', solution.tStart, equations.infinite)
    if (Math.abs(solution.y[largestOf(solution.y)] ?? 0) > BOUND) return ended('unbounded')
  }
  return ended('complete')

  function endAt(): number {
    return ends[ends.length - 1 - parts.length] ?? Infinity
  }
}

/** A function's domain: outside it what the function depends on has changed its sign. */
interface Domain {
  readonly signal: number
  outside(t: number, y: Float64Array): boolean
}

function domainsOf({ signals }: Circuit, start: Float64Array): Domain[] {
  return signals.flatMap((signal, index): Domain[] => {
    if (signal.kind !== 'integrator') return []
    return signal.domain.map((value) => {
      const at = (y: Float64Array): number => valueAt(value, (variable) => y[variable] ?? NaN)
      const sign = Math.sign(at(start))
      return { signal: index, outside: (_t, y) => at(y) * sign <= 0 }
    })
  })
}

/** A divisor keeps its sign, a radicand stays above zero but for what comes of the steps of a solution. */
function computedDomains(equations: Equations, start: Float64Array): Domain[] {
  return equations.conditional.map(({ at, kind, a, b }): Domain => {
    if (kind === 'root')
      return {
        signal: at,
        outside: (t, y) =>
          valueOf(a, equations.at(t, y)) < -NEGATIVE * Math.max(equations.factors[a.at] ?? 0, NEGATIVE),
      }
    const sign = Math.sign(valueOf(b, equations.at(0, start)))
    return { signal: at, outside: (t, y) => valueOf(b, equations.at(t, y)) * sign <= 0 }
  })
}

/** Of its largest value: as far below zero as a radicand may get. */
const NEGATIVE = 1e-4

/** The moment within the last step at which a domain is left, by bisection. */
function firstOutside(solution: DormandPrince, { outside }: Domain, y: Float64Array): number {
  let [inside, beyond] = [solution.tStart, solution.t]
  for (let halving = 0; halving < 40; halving++) {
    const middle = (inside + beyond) / 2
    solution.interpolate(middle, y)
    if (outside(middle, y)) beyond = middle
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

interface ComputedSum {
  readonly at: number
  readonly kind: ComputedSignal['kind']
  readonly a: WeightedSum
  /** That of a root or a square is empty. */
  readonly b: WeightedSum
}

type ComputedSignal = Extract<Signal, { factors: unknown }>

/** The circuit in flat arrays: this is evaluated a million times. */
class Equations implements OdeProblem {
  readonly dimension: number
  /** Largest |value| of each signal at the moments looked at. */
  readonly amplitudes: Float64Array
  /** Likewise of the two inputs of each multiplier. */
  readonly factors: Float64Array
  /** The first signal that was no finite number where it was looked at; -1 while all are. */
  infinite = -1
  /** Quotients and roots. */
  readonly conditional: readonly ComputedSum[]
  /** Of all signals, and behind them the constant 1. */
  readonly #values: Float64Array
  readonly #computed: readonly ComputedSum[]
  readonly #sums: readonly WeightedSum[]
  readonly #derivatives: readonly WeightedSum[]
  readonly #inputs: readonly { readonly at: number; readonly size: number }[]
  readonly #drive: Drive

  constructor({ signals }: Circuit, dimension: number, drive: Drive) {
    this.dimension = dimension
    this.amplitudes = new Float64Array(signals.length)
    this.factors = new Float64Array(2 * signals.length)
    this.#values = new Float64Array(signals.length + 1).fill(1)
    this.#drive = drive
    this.#computed = signals.flatMap((signal, at): ComputedSum[] => {
      if (!('factors' in signal)) return []
      const [a = [], b = []] = signal.factors
      return [
        {
          at,
          kind: signal.kind,
          a: weightedSum(2 * at, a, signals.length),
          b: weightedSum(2 * at + 1, b, signals.length),
        },
      ]
    })
    this.conditional = this.#computed.filter(({ kind }) => kind === 'quotient' || kind === 'root')
    this.#inputs = signals.flatMap((signal, at) =>
      signal.kind === 'input' ? [{ at, size: signal.declared ?? 1 }] : [],
    )
    const sums = (kind: 'integrator' | 'sum'): WeightedSum[] =>
      signals.flatMap((signal, at) => (signal.kind === kind ? [weightedSum(at, inputsOf(signal), signals.length)] : []))
    this.#sums = sums('sum')
    this.#derivatives = sums('integrator')
  }

  rhs(t: number, y: Float64Array, dy: Float64Array): void {
    const values = this.at(t, y)
    for (const derivative of this.#derivatives) dy[derivative.at] = valueOf(derivative, values)
  }

  look(t: number, y: Float64Array): void {
    const values = this.at(t, y)
    for (const sum of this.#sums) values[sum.at] = valueOf(sum, values)
    const { amplitudes, factors } = this
    for (const { a, b } of this.#computed)
      for (const sum of [a, b]) factors[sum.at] = Math.max(factors[sum.at] ?? 0, Math.abs(valueOf(sum, values)))
    for (let index = 0; index < amplitudes.length; index++)
      amplitudes[index] = Math.max(amplitudes[index] ?? 0, Math.abs(values[index] ?? 0))
    if (this.infinite < 0 && !amplitudes.every(Number.isFinite)) this.infinite = amplitudes.findIndex(isNotFinite)
  }

  /** All values but sums. */
  at(t: number, y: Float64Array): Float64Array {
    const values = this.#values
    for (let index = 0; index < y.length; index++) values[index] = y[index] ?? 0
    for (const { at, size } of this.#inputs) values[at] = size * this.#drive(t)
    for (const { at, kind, a, b } of this.#computed) values[at] = computedValue(kind, valueOf(a, values), b, values)
    return values
  }
}

function isNotFinite(value: number): boolean {
  return !Number.isFinite(value)
}

function computedValue(kind: ComputedSignal['kind'], a: number, b: WeightedSum, values: Float64Array): number {
  switch (kind) {
    case 'product':
      return a * valueOf(b, values)
    case 'square':
      return a * a
    case 'quotient':
      return a / valueOf(b, values)
    case 'root':
      return Math.sqrt(Math.max(0, a))
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
