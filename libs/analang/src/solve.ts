/**
 * The equations as they are written, integrated directly: the reference that compiled circuits are compared
 * with. It shares parsing and checking with the compiler and nothing after that, and knows division and
 * functions that no circuit computes yet.
 */
import { invariant, type Diagnostic } from '@lucihub/analog'
import { integrate } from '@lucihub/simulation'
import { check } from './check.ts'
import { diagnosticsOf, issue, type Issue } from './diagnostics.ts'
import { applyFunction } from './math.ts'
import { parse } from './parse.ts'
import { within, type Definition, type Program, type State, type Value } from './program.ts'

/** Instants t0 + k * dt of problem time, k < count. Initial values hold at time 0, so t0 is not negative. */
export interface ProblemTime {
  readonly t0: number
  readonly dt: number
  readonly count: number
}

/** One array of `count` values per probe, in the order of the program. */
export interface Solution {
  readonly labels: readonly string[]
  readonly values: readonly Float64Array[]
}

/** Evaluations of a part of an expression; some seconds of work. */
const WORK_MAX = 400_000_000
const STEPS_MAX = 500_000
const STAGES_PER_STEP = 7
const RTOL = 1e-9
const ATOL = 1e-12

export interface Solving {
  readonly problemTime: ProblemTime
  /** Error of a step relative to the solution: a larger one gives a solution nearby, which shows how soon those part. */
  readonly rtol?: number
  /** External inputs by name, over problem time, in physical values; those that are not named are 0. */
  readonly inputs?: Readonly<Record<string, (t: number) => number>>
}

/** Solves the program, or says why not. Throws only when `problemTime` is not a grid that starts at 0 or later. */
export function solve(
  source: string,
  { problemTime, rtol = RTOL, inputs = {} }: Solving,
): Solution | { readonly diagnostics: readonly Diagnostic[] } {
  const { t0, dt, count } = problemTime
  invariant(t0 >= 0 && dt > 0 && Number.isInteger(count) && count >= 1, 'problem time is a rising grid from 0 or later')
  const failed = (issues: readonly Issue[]): { diagnostics: Diagnostic[] } => ({
    diagnostics: diagnosticsOf(source, issues),
  })
  const ast = parse(source)
  const checked = ast.value && check(ast.value, source)
  if (!checked?.value) return failed([...ast.issues, ...(checked?.issues ?? [])])
  return solveProgram(checked.value, { problemTime, rtol, inputs }, failed)
}

function solveProgram<F>(
  program: Program,
  { problemTime: { t0, dt, count }, rtol, inputs }: Required<Solving>,
  failed: (issues: readonly Issue[]) => F,
): Solution | F {
  const evaluation = new Evaluation(program, inputs)
  const dimension = program.states.length
  /** Whether every function was within its domain so far. */
  let defined = true
  const problem = {
    dimension,
    rhs(t: number, y: Float64Array, dy: Float64Array) {
      evaluation.at(t, y)
      evaluation.derivatives.forEach((derivative, index) => (dy[index] = derivative()))
      if (dy.some(Number.isNaN) && y.every(Number.isFinite)) defined = false
    },
  }
  const maxSteps = Math.min(STEPS_MAX, Math.ceil(WORK_MAX / STAGES_PER_STEP / evaluation.size))
  const values = program.probes.map(() => new Float64Array(count))
  let y: Float64Array = evaluation.initial()
  const run = (grid: ProblemTime, onSample: (k: number, sample: Float64Array) => void): Issue[] => {
    const end = integrate(problem, y, grid, { rtol, atol: ATOL, maxSteps, firstStep: grid.dt / 10, onSample })
    return end.status === 'ok' ? [] : [endIssue(end.status, end.t, { defined })]
  }
  const runUp = t0 > 0 ? run({ t0: 0, dt: t0, count: 2 }, (_k, sample) => (y = sample.slice())) : []
  if (runUp.length > 0) return failed(runUp)
  const issues = run({ t0, dt, count }, (k, sample) => {
    evaluation.at(t0 + k * dt, sample)
    evaluation.probes.forEach((probe, index) => {
      const row = values[index]
      if (row) row[k] = probe()
    })
  })
  return issues.length > 0 ? failed(issues) : { labels: program.probes.map(({ label }) => label), values }
}

function endIssue(status: string, t: number, { defined }: { defined: boolean }): Issue {
  const at = Number(t.toPrecision(4))
  if (status === 'step_limit')
    return issue('ANA0405', null, `the digital solution takes too many steps; it got to problem time ${at}`)
  return defined
    ? issue('ANA0401', null, `the solution leaves every bound at problem time ${at}`)
    : issue('ANA0406', null, `a function leaves its domain at problem time ${at}`)
}

type Evaluate = () => number

/** The program as closures over one moment: definitions are computed once per moment, in their order. */
class Evaluation {
  readonly derivatives: readonly Evaluate[]
  readonly probes: readonly Evaluate[]
  /** Parts of all expressions: the cost of one moment. */
  readonly size: number
  readonly #initials: readonly Evaluate[]
  readonly #definitions: readonly Evaluate[]
  readonly #states: ReadonlyMap<State, number>
  readonly #positions: ReadonlyMap<Definition, number>
  readonly #computed: Float64Array
  readonly #inputs: NonNullable<Solving['inputs']>
  #t = 0
  #y: Float64Array = new Float64Array(0)

  constructor({ states, definitions, probes }: Program, inputs: NonNullable<Solving['inputs']>) {
    this.#inputs = inputs
    this.#states = new Map(states.map((state, index) => [state, index]))
    this.#positions = new Map(definitions.map((definition, index) => [definition, index]))
    this.#computed = new Float64Array(definitions.length)
    this.#definitions = definitions.map(({ value }) => this.#closure(value))
    this.#initials = states.map(({ initial }) => this.#closure(initial))
    this.derivatives = states.map(({ derivative }) => this.#closure(derivative))
    this.probes = probes.map(({ value }) => this.#closure(value))
    const all = [...definitions.map(({ value }) => value), ...states.map(({ derivative }) => derivative)]
    this.size = 1 + all.reduce((count, value) => count + [...within(value)].length, 0)
  }

  /** Initial values refer to constants only, so any moment will do for computing them. */
  initial(): Float64Array {
    this.at(0, new Float64Array(this.#states.size))
    return Float64Array.from(this.#initials, (value) => value())
  }

  /** Moves to a moment; the closures then give its values. */
  at(t: number, y: Float64Array): void {
    this.#t = t
    this.#y = y
    this.#definitions.forEach((definition, index) => (this.#computed[index] = definition()))
  }

  #closure(value: Value): Evaluate {
    switch (value.kind) {
      case 'constant':
        return () => value.value
      case 'time':
        return () => this.#t
      case 'state': {
        const index = this.#states.get(value.state) ?? -1
        return () => this.#y[index] ?? NaN
      }
      case 'definition': {
        const index = this.#positions.get(value.definition) ?? -1
        return () => this.#computed[index] ?? NaN
      }
      case 'input': {
        const signal = this.#inputs[value.input.name] ?? (() => 0)
        return () => signal(this.#t)
      }
      case 'negation': {
        const operand = this.#closure(value.operand)
        return () => -operand()
      }
      case 'sum': {
        const terms = value.terms.map(({ sign, value: part }) => ({ sign, part: this.#closure(part) }))
        return () => terms.reduce((sum, { sign, part }) => sum + sign * part(), 0)
      }
      case 'product': {
        const factors = value.factors.map(({ operator, value: part }) => ({
          divides: operator === '/',
          part: this.#closure(part),
        }))
        return () => factors.reduce((product, { divides, part }) => (divides ? product / part() : product * part()), 1)
      }
      case 'power': {
        const base = this.#closure(value.base)
        const exponent = this.#closure(value.exponent)
        return () => base() ** exponent()
      }
      case 'function': {
        const parts = value.arguments.map((part) => this.#closure(part))
        return () =>
          applyFunction(
            value.name,
            parts.map((part) => part()),
          )
      }
    }
  }
}
