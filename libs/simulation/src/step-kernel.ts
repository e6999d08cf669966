/**
 * The arithmetic of one step, on one flat memory: the stages, the error estimate, and the coefficients of the
 * continuous extension. It is generated from the tables below, twice: as loops for any problem,
 * and, for problems that come as source themselves, as straight-line code in which every value is a local variable:
 * as one step, and as a sweep over many, with step control and samples, that touches the memory only where it ends.
 */

import { GROW } from './step-length.ts'

/** Rows of an integration's memory. A row holds one value per component; component i of row r is at r * dimension + i. */
export const ROW = {
  /** Solution at the end of the last accepted step, its derivative in `k1`. */
  y: 0,
  /** Solution that a tried step arrives at; only loops use it, and the rows of stages behind k1. */
  next: 1,
  k1: 2,
  k2: 3,
  k3: 4,
  k4: 5,
  k5: 6,
  k6: 7,
  k7: 8,
  /** Solution at the start of the last accepted step. */
  before: 9,
  /** Four rows: over that step, y = before + θ (d0 + (1 - θ) (d1 + θ (d2 + (1 - θ) d3))). */
  dense: 10,
  stage: 14,
} as const
export const ROWS = 15

/** Behind the rows: what a step is told and what it answers. As arguments and results the numbers would be allocated, five for each step. */
export const TRIAL = {
  /** Where the step begins, s. */
  t: 0,
  /** Its length, s. */
  h: 1,
  rtol: 2,
  atol: 3,
  /** Answer: mean square of the error in units of the tolerance; NaN when it is not finite. */
  squares: 4,
  /** Answer of generated steps: 1 when the step that was made is known to be without overload. */
  calm: 5,
} as const

/** Length of the memory of an integration. */
export function memoryLength(dimension: number): number {
  return ROWS * dimension + Object.keys(TRIAL).length
}

export interface StepKernel {
  /** Tries a step from y. When the mean square of the error is at most 1 it is made: y, k1, before and dense are those of the next one. */
  step(memory: Float64Array): boolean
}

/** Where a sweep stands, and how far it may go. An object, as most sweeps make many steps. */
export interface Sweep {
  /** End of the last step, s. */
  t: number
  /** Start of the last step, s. */
  start: number
  /** 1 / length of the last step; 0 when that is a point. */
  perStep: number
  /** Length of the next step to try, s. */
  next: number
  /** The instant that no step passes, s. */
  end: number
  /** Steps have to be longer, s. */
  shortest: number
  rtol: number
  atol: number
  /** Steps tried so far, and how many may be. */
  steps: number
  maxSteps: number
  /** Steps that may still be made. */
  budget: number
  /** Index of the next sample; samples are `period` apart, s. */
  sample: number
  period: number
  /** Where in the columns it goes. */
  at: number
  /** Samples that are wanted end here, and columns there. */
  stop: number
  capacity: number
}

export interface SweepKernel {
  /**
   * Makes steps and writes the samples that each one covers into the columns. Ends after a step that may have
   * overloaded something, whose samples it leaves to the caller; when the columns are full, the budget is spent or the
   * end is reached; and before a step that cannot be tried.
   */
  sweep(memory: Float64Array, sweep: Sweep, columns: readonly Float32Array[]): void
}

/** Nodes of the stages. */
const NODES = [0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1]
/** Weights of k1, k2, … in the stages 2 to 6. */
const STAGES = [
  [1 / 5],
  [3 / 40, 9 / 40],
  [44 / 45, -56 / 15, 32 / 9],
  [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
  [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
]
/** In the solution of fifth order, where stage 7 is. */
const SOLUTION = [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84]
/** Fifth minus fourth order. */
const ERROR = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40]
/** The last coefficient of the continuous extension. */
const EXTENSION = [
  -12715105075 / 11282082432,
  0,
  87487479700 / 32700410799,
  -10690763975 / 1880347072,
  701980252875 / 199316789632,
  -1453857185 / 822651844,
  69997945 / 29380423,
]

/** A right-hand side: writes dy/dt at (t, y) into `dy`. */
export type RightHandSide = (t: number, y: Float64Array, dy: Float64Array) => void

/** The loops, for the one memory that they are made with. */
export function loopKernel(problem: { dimension: number; rhs: RightHandSide }, memory: Float64Array): StepKernel {
  const { dimension } = problem
  const row = (index: number): Float64Array => memory.subarray(index * dimension, (index + 1) * dimension)
  return loops(
    problem,
    Array.from({ length: ROWS }, (_, index) => row(index)),
    memory.subarray(ROWS * dimension),
  )
}

type LoopsMaker = (
  problem: { dimension: number; rhs: RightHandSide },
  rows: readonly Float64Array[],
  trial: Float64Array,
) => StepKernel

/** The weights stand in the source as numbers: read from arrays they would cost more than what they weigh. */
const loops = new Function('problem', 'rows', 'trial', loopsSource()) as LoopsMaker

function loopsSource(): string {
  const stages = [1, 2, 3, 4, 5, 6, 7].map((number) => `k${number}`)
  const each = (line: string): string => `for (let i = 0; i < n; i++) { ${line} }`
  const combine = (weights: readonly number[]): string => combination(weights, (number) => `k${number}[i]`)
  return `
"use strict";
const n = problem.dimension;
const [y, next, ${stages.join(', ')}, before, d0, d1, d2, d3, stage] = rows;
return {
step(_memory) {
const ${trialNames('trial', 0)};
${STAGES.map(
  (weights, s) =>
    `${each(`stage[i] = y[i] + h * (${combine(weights)});`)}\nproblem.rhs(t + h * ${NODES[s + 1]}, stage, k${s + 2});`,
).join('\n')}
${each(`next[i] = y[i] + h * (${combine(SOLUTION)});`)}
problem.rhs(t + h, next, k7);
let squares = 0;
${each(`const e = h * (${combine(ERROR)}) / (atol + rtol * Math.max(Math.abs(y[i]), Math.abs(next[i]))); squares += e * e;`)}
trial[${TRIAL.squares}] = squares /= Math.max(1, n);
if (!(squares <= 1)) return false;
${each(`const d = next[i] - y[i], b = h * k1[i] - d; d0[i] = d; d1[i] = b; d2[i] = d - h * k7[i] - b; d3[i] = h * (${combine(EXTENSION)});`)}
before.set(y); y.set(next); k1.set(k7);
return true;
},
};`
}

function combination(weights: readonly number[], stage: (number: number) => string): string {
  return weights.flatMap((weight, j) => (weight === 0 ? [] : [`${literal(weight)} * ${stage(j + 1)}`])).join(' + ')
}

/**
 * Lines of source that evaluate a right-hand side: `y(i)` and `dy(i)` are the names of variables, of which those of
 * dy are to be assigned.
 */
export type DerivativeSource = (names: { y: (i: number) => string; dy: (i: number) => string }) => readonly string[]

/** Names of what bounds component i within a step: absolute values of its ends and of its coefficients d1 to d3. */
export type StepSizes = (i: number) => Readonly<Record<'before' | 'after' | 'd1' | 'd2' | 'd3', string>>

/** What steps are made of. */
export interface StepSource {
  readonly derivatives: DerivativeSource
  /** Lines that do `otherwise` unless no output can have been overloaded within the step. */
  calm(sizes: StepSizes, otherwise: string): readonly string[]
  /** Lines that write a sample into the columns at `at`: x of the step, of which r is left, from these coefficients. */
  record(coefficients: (i: number) => readonly string[]): readonly string[]
  /** Number of columns. */
  readonly channels: number
}

/**
 * The methods of a {@link StepKernel} and a {@link SweepKernel} as source, for an autonomous right-hand side. The
 * source of a sweep takes `stretch` from around it.
 */
export function kernelSource(dimension: number, source: StepSource): readonly string[] {
  return [stepSource(dimension, source), sweepSource(dimension, source)]
}

function stepSource(dimension: number, source: StepSource): string {
  const each = (line: (i: number) => string): string[] => Array.from({ length: dimension }, (_, i) => line(i))
  const answer = (name: 'squares' | 'calm'): string => `m[${ROWS * dimension + TRIAL[name]}]`
  const lines = [
    `const ${trialNames('m', ROWS * dimension)};`,
    ...each((i) => `const y${i} = ${at(dimension, ROW.y, i)}, ${stage(1, i)} = ${at(dimension, ROW.k1, i)};`),
    ...triedSource(dimension, source),
    `${answer('squares')} = squares;`,
    'if (!(squares <= 1)) return false;',
    ...extensionSource(dimension),
    ...each((i) => stored(dimension, i)),
    `${answer('calm')} = 0;`,
    ...source.calm(localSizes, 'return true;'),
    `${answer('calm')} = 1;`,
    'return true;',
  ]
  return `step(m) {\n${lines.join('\n')}\n}`
}

/**
 * Solution, first stage and step control are variables from the first step to the last. A sweep that cannot try its
 * next step has forgotten the extension of the one before: it ends in a last step that is a point.
 */
function sweepSource(dimension: number, source: StepSource): string {
  const each = (line: (i: number) => string): string[] => Array.from({ length: dimension }, (_, i) => line(i))
  const calm = `m[${ROWS * dimension + TRIAL.calm}]`
  const lines = [
    'const { end, shortest, rtol, atol, maxSteps, period, stop, capacity } = sweep;',
    'let { t, start, perStep, next, steps, budget, sample, at } = sweep;',
    ...each((i) => `let y${i} = ${at(dimension, ROW.y, i)}, ${stage(1, i)} = ${at(dimension, ROW.k1, i)};`),
    ...Array.from({ length: source.channels }, (_, c) => `const c${c} = columns[${c}];`),
    'let due = sample * period, rejected = false;',
    'for (;;) {',
    'const remaining = end - t, last = next * 1.01 >= remaining, h = last ? remaining : next;',
    'if (steps >= maxSteps || !(h > shortest)) {',
    'start = t; perStep = 0;',
    ...each(
      (i) =>
        `${at(dimension, ROW.before, i)} = ${at(dimension, ROW.y, i)} = y${i}; ${at(dimension, ROW.k1, i)} = ${stage(1, i)};`,
    ),
    `${calm} = 1;`,
    'break;',
    '}',
    'steps++;',
    ...triedSource(dimension, source),
    'if (!(squares <= 1)) {',
    'next = h * (squares < Infinity ? stretch(squares) : 0.1); rejected = true;',
    'continue;',
    '}',
    ...extensionSource(dimension),
    `const longest = rejected ? 1 : ${GROW}, fits = stretch(squares), after = h * (fits < longest ? fits : longest);`,
    'rejected = false; start = t; t = last ? end : t + h; perStep = 1 / h;',
    '// A step cut short by the end says little about the next one unless its error was large.',
    'if (!last || after > next) next = after;',
    'let calm = false;',
    'look: {',
    ...source.calm(localSizes, 'break look;'),
    'calm = true;',
    '}',
    'if (calm) for (; due <= t && at < stop; due = ++sample * period, at++) {',
    'const x = (due - start) * perStep, r = 1 - x;',
    ...source.record((i) => [`y${i}`, `d${i}`, `bend${i}`, `skew${i}`, `rest${i}`]),
    '}',
    'if (--budget <= 0 || !calm || at >= capacity || t >= end) {',
    ...each((i) => stored(dimension, i)),
    `${calm} = calm ? 1 : 0;`,
    'break;',
    '}',
    ...each((i) => `y${i} = n${i}; ${stage(1, i)} = ${stage(7, i)};`),
    '}',
    'sweep.t = t; sweep.start = start; sweep.perStep = perStep; sweep.next = next;',
    'sweep.steps = steps; sweep.budget = budget; sweep.sample = sample; sweep.at = at;',
  ]
  return `sweep(m, sweep, columns) {\n${lines.join('\n')}\n}`
}

const at = (dimension: number, row: number, i: number): string => `m[${row * dimension + i}]`
const stage = (number: number, i: number): string => `k${number}_${i}`

const localSizes: StepSizes = (i) => ({
  before: `u${i}`,
  after: `w${i}`,
  d1: `Math.abs(bend${i})`,
  d2: `Math.abs(skew${i})`,
  d3: `Math.abs(rest${i})`,
})

const WEIGHTS = {
  a: STAGES[0]!,
  b: STAGES[1]!,
  c: STAGES[2]!,
  d: STAGES[3]!,
  e: STAGES[4]!,
  f: SOLUTION,
  g: ERROR,
  x: EXTENSION,
}

/** Weights are multiplied with the step once: as variables they are read from the stack, while a constant is made anew wherever it stands. */
function weighted(name: keyof typeof WEIGHTS): string[] {
  return WEIGHTS[name].flatMap((weight, j) => (weight === 0 ? [] : [`const ${name}w${j} = h * ${literal(weight)};`]))
}

function terms(name: keyof typeof WEIGHTS, i: number): string[] {
  return WEIGHTS[name].flatMap((weight, j) => (weight === 0 ? [] : [`${name}w${j} * ${stage(j + 1, i)}`]))
}

/** From y, k1 and h to the solution n, the last stage, the sizes u and w of the ends, and `squares`. */
function triedSource(dimension: number, { derivatives }: StepSource): string[] {
  const each = (line: (i: number) => string): string[] => Array.from({ length: dimension }, (_, i) => line(i))
  /** The last stage is the last to be known: all else is added up before it. */
  const advanced = (name: keyof typeof WEIGHTS, i: number): string => {
    const [last, ...known] = terms(name, i).reverse()
    return known.length > 0 ? `(y${i} + (${known.reverse().join(' + ')})) + ${last}` : `y${i} + ${last}`
  }
  const evaluate = (number: number, y: (i: number) => string): string[] => [
    ...each((i) => `let ${stage(number, i)} = 0;`),
    '{',
    ...derivatives({ y, dy: (i) => stage(number, i) }),
    '}',
  ]
  return [
    ...(['a', 'b', 'c', 'd', 'e'] as const).flatMap((name, s) => [
      ...weighted(name),
      ...each((i) => `const s${s}_${i} = ${advanced(name, i)};`),
      ...evaluate(s + 2, (i) => `s${s}_${i}`),
    ]),
    ...weighted('f'),
    ...each((i) => `const n${i} = ${advanced('f', i)};`),
    ...evaluate(7, (i) => `n${i}`),
    'let squares = 0;',
    ...weighted('g'),
    ...each((i) =>
      [
        `const u${i} = Math.abs(y${i}), w${i} = Math.abs(n${i});`,
        `const e${i} = (${terms('g', i).join(' + ')}) / (atol + rtol * (u${i} > w${i} ? u${i} : w${i}));`,
        `squares += e${i} * e${i};`,
      ].join(' '),
    ),
    ...(dimension > 1 ? [`squares *= ${1 / dimension};`] : []),
  ]
}

/** The coefficients of the continuous extension. */
function extensionSource(dimension: number): string[] {
  return [
    ...weighted('x'),
    ...Array.from({ length: dimension }, (_, i) =>
      [
        `const d${i} = n${i} - y${i}, bend${i} = h * ${stage(1, i)} - d${i};`,
        `const skew${i} = d${i} - h * ${stage(7, i)} - bend${i}, rest${i} = ${terms('x', i).join(' + ')};`,
      ].join('\n'),
    ),
  ]
}

/** A step that was made, in the memory. */
function stored(dimension: number, i: number): string {
  const row = (number: number): string => at(dimension, number, i)
  return [
    `${row(ROW.before)} = y${i}; ${row(ROW.y)} = n${i}; ${row(ROW.k1)} = ${stage(7, i)};`,
    `${row(ROW.dense)} = d${i}; ${row(ROW.dense + 1)} = bend${i};`,
    `${row(ROW.dense + 2)} = skew${i}; ${row(ROW.dense + 3)} = rest${i};`,
  ].join('\n')
}

/** Declares what a step is told. */
function trialNames(array: string, offset: number): string {
  return (['t', 'h', 'rtol', 'atol'] as const).map((name) => `${name} = ${array}[${offset + TRIAL[name]}]`).join(', ')
}

/** A number as source: the shortest text that reads back as the same double. */
function literal(value: number): string {
  return value < 0 ? `(${String(value)})` : String(value)
}
