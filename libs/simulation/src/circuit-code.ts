/**
 * The JavaScript of a circuit. It is made of numbers and indices only, never of anybody's text. Outputs are variables
 * `v<output>`, states are read and derivatives written where the caller says, so that the same lines serve a
 * right-hand side on arrays and the stages of a generated step.
 */
import { invariant } from '@lucihub/analog'
import { groupsFor, type Group } from './evaluation-order.ts'
import { inputsOf, type AlgebraicElement, type IntegratorElement, type Network, type Sum } from './network.ts'
import { OVERLOAD } from './overload.ts'
import { ROW, kernelSource, type StepKernel, type StepSizes, type SweepKernel } from './step-kernel.ts'

/** Where the limiter of an integrator stops its output, machine units. */
const LIMITER = 1
/**
 * Characters of a step or a sweep that is still generated as one function. The engine does not optimise functions of
 * more than 60 KiB of byte code, of which a character makes about one byte; loops are faster than those.
 */
const FUNCTION_LENGTH_MAX = 55_000

/** What the generated source evaluates to. */
export interface CircuitCode extends Partial<StepKernel & SweepKernel> {
  rhs(t: number, y: Float64Array, dy: Float64Array): void
  outputs(y: Float64Array, out: Float64Array, t: number): void
  sampled(y: Float64Array, out: Float64Array, t: number): void
  record(memory: Float64Array, instants: Instants, columns: readonly Float32Array[], at: number): void
  calm(memory: Float64Array): boolean
}

/** Instants (first + i) * period for i < count, within a step that begins at `start` and lasts 1 / perStep. */
export interface Instants {
  readonly first: number
  readonly count: number
  readonly period: number
  readonly start: number
  readonly perStep: number
}

/** The body of a function of `loops` (solvers of the algebraic loops, in the order of the groups), `inputs` (of the network) and `stretch` that returns a {@link CircuitCode}. */
export function circuitSource(network: Network, groups: readonly Group[], limits: number | null): string {
  const { integrators, probes } = network
  const known = new Set([...integrators, ...network.algebraic].map(({ output }) => output))
  const read = (y: (i: number) => string, needed?: ReadonlySet<number>): string[] => [
    ...network.inputs.map(({ output }, i) => `const v${output} = inputs[${i}](t);`),
    ...integrators.flatMap((element, i) =>
      !needed || needed.has(element.output)
        ? [`const v${element.output} = ${clipped(y(i), limitOf(element, limits))};`]
        : [],
    ),
  ]
  const evaluate = (outputs: Iterable<number>): string[] => {
    const needed = groupsFor(groups, outputs)
    return groups.filter((group) => needed.includes(group)).flatMap((group) => evaluation(group, groups, limits))
  }
  const value = (output: number): string => (known.has(output) ? `v${output}` : '0')
  const everything = Array.from({ length: network.outputs }, (_, output) => output)
  const integrated = integrators.flatMap(({ x }) => x.terms.map(({ output }) => output))
  const derivatives = (names: { y: (i: number) => string; dy: (i: number) => string }): string[] => [
    ...read(names.y),
    ...evaluate(integrated),
    ...integrators.map((element, i) => derivative(element, { y: names.y(i), dy: names.dy(i), d: `d${i}` }, limits)),
  ]
  const y = (i: number): string => `y[${i}]`
  const autonomous = network.inputs.length === 0 && !groups.some(({ loop }) => loop)
  const steps = autonomous
    ? kernelSource(integrators.length, {
        derivatives,
        calm: (sizes, no) => calmness(network, groups, { limits, sizes, no }),
        record: (coefficients) => sample(network, groups, { read, evaluate, value, coefficients, column: 'at' }),
        channels: probes.length,
      })
    : []
  const methods = [
    define('rhs(t, y, dy)', derivatives({ y, dy: (i) => `dy[${i}]` })),
    define('outputs(y, out, t)', [
      ...read(y),
      ...evaluate(everything),
      ...everything.map((output) => `out[${output}] = ${value(output)};`),
    ]),
    define('sampled(y, out, t)', [
      ...read(y),
      ...evaluate(probes),
      ...probes.map((output, i) => `out[${i}] = ${value(output)};`),
    ]),
    define('record(m, instants, columns, at)', recording(network, groups, { read, evaluate, value })),
    define('calm(m)', [
      ...calmness(network, groups, { limits, sizes: storedSizes(integrators.length), no: 'return false;' }),
      'return true;',
    ]),
    ...steps.filter(() => steps.every(({ length }) => length <= FUNCTION_LENGTH_MAX)),
  ]
  return ['"use strict";', `return {\n${methods.join(',\n')},\n};`].join('\n')
}

function define(head: string, lines: readonly string[]): string {
  return `${head} {\n${lines.join('\n')}\n}`
}

interface Reading {
  read(y: (i: number) => string, needed: ReadonlySet<number>): string[]
  evaluate(outputs: Iterable<number>): string[]
  value(output: number): string
}

/** Samples straight from the continuous extension into the columns. */
function recording(network: Network, groups: readonly Group[], reading: Reading): string[] {
  const n = network.integrators.length
  const rows = [ROW.before, ROW.dense, ROW.dense + 1, ROW.dense + 2, ROW.dense + 3]
  const coefficients = (i: number): string[] => rows.map((_, r) => `p${r}_${i}`)
  return [
    'const { first, count, period, start, perStep } = instants;',
    ...sampledStates(network, groups).states.map(
      (i) =>
        `const ${coefficients(i)
          .map((name, r) => `${name} = m[${(rows[r] ?? 0) * n + i}]`)
          .join(', ')};`,
    ),
    ...network.probes.map((_, c) => `const c${c} = columns[${c}];`),
    'for (let i = 0; i < count; i++) {',
    'const t = (first + i) * period, x = (t - start) * perStep, r = 1 - x;',
    ...sample(network, groups, { ...reading, coefficients, column: 'at + i' }),
    '}',
  ]
}

/** One sample, at x of the step, of which r is left. */
function sample(
  network: Network,
  groups: readonly Group[],
  {
    read,
    evaluate,
    value,
    coefficients,
    column,
  }: Reading & { readonly coefficients: (i: number) => readonly string[]; readonly column: string },
): string[] {
  const { probes } = network
  const { needed, states } = sampledStates(network, groups)
  return [
    ...states.map((i) => {
      const [before, d0, d1, d2, d3] = coefficients(i)
      return `const q${i} = ${before} + x * (${d0} + r * (${d1} + x * (${d2} + r * ${d3})));`
    }),
    ...read((i) => `q${i}`, needed),
    ...evaluate(probes),
    ...probes.map((output, c) => `c${c}[${column}] = ${value(output)};`),
  ]
}

/** Outputs and states that a probe depends on: no other is interpolated. */
function sampledStates(
  { integrators, probes }: Network,
  groups: readonly Group[],
): { readonly needed: ReadonlySet<number>; readonly states: readonly number[] } {
  const needed = new Set(probes)
  for (const { elements } of groupsFor(groups, probes))
    for (const element of elements)
      for (const { terms } of inputsOf(element)) for (const { output } of terms) needed.add(output)
  return { needed, states: integrators.flatMap(({ output }, i) => (needed.has(output) ? [i] : [])) }
}

/**
 * Goes on to the next line when no output can have been overloaded within the last step, else to `no`: each state is bounded by the larger of its ends
 * and a quarter of its bend, as θ (1 - θ) is at most 1/4, and every other output by the bounds of what it takes.
 */
function calmness(
  { integrators, inputs }: Network,
  groups: readonly Group[],
  { limits, sizes, no }: { readonly limits: number | null; readonly sizes: StepSizes; readonly no: string },
): string[] {
  const refuse = (output: number): string => `if (!(b${output} <= ${OVERLOAD})) ${no}`
  const bound = (sum: Sum): string =>
    [
      ...sum.terms.map(({ weight, output }) => product(Math.abs(weight), `b${output}`)),
      String(Math.abs(sum.constant)),
    ].join(' + ')
  if (
    inputs.length > 0 ||
    groups.some(({ loop, elements }) => loop || elements.some(({ kind }) => kind === 'quotient'))
  )
    return [no]
  return [
    ...integrators.flatMap((element, i) => {
      const { output } = element
      const limit = limitOf(element, limits)
      const { before, after, d1, d2, d3 } = sizes(i)
      const state = `(${before} > ${after} ? ${before} : ${after}) + 0.25 * (${d1} + ${d2} + 0.25 * ${d3})`
      return [`const b${output} = ${limit === null ? state : `Math.min(${state}, ${literal(limit)})`};`, refuse(output)]
    }),
    ...groups.flatMap(({ elements }) =>
      elements.flatMap((element) => [`const b${element.output} = ${boundOf(element, bound)};`, refuse(element.output)]),
    ),
  ]
}

function storedSizes(n: number): StepSizes {
  const size = (row: number, i: number): string => `Math.abs(m[${row * n + i}])`
  return (i) => ({
    before: size(ROW.before, i),
    after: size(ROW.y, i),
    d1: size(ROW.dense + 1, i),
    d2: size(ROW.dense + 2, i),
    d3: size(ROW.dense + 3, i),
  })
}

function boundOf(element: AlgebraicElement, bound: (sum: Sum) => string): string {
  switch (element.kind) {
    case 'product':
      return `(${bound(element.x)}) * (${bound(element.y)})`
    case 'square':
      return `(${bound(element.x)}) ** 2`
    case 'root':
      return `Math.sqrt(${bound(element.x)})`
    case 'negation':
      return bound(element.x)
    case 'quotient':
      throw new Error('a quotient has no bound')
    default: {
      const unknown: never = element
      throw new Error(`no such element: ${JSON.stringify(unknown)}`)
    }
  }
}

function limitOf(element: IntegratorElement, limits: number | null): number | null {
  return element.limiter ? Math.min(LIMITER, limits ?? LIMITER) : limits
}

/** Written out at every place: the engine does not inline that many calls. `variable` is a name, as it is read thrice. */
function clipped(variable: string, limit: number | null): string {
  if (limit === null) return variable
  const [high, low] = [literal(limit), literal(-limit)]
  // One comparison within the limits; NaN stays NaN.
  return `Math.abs(${variable}) > ${high} ? (${variable} > 0 ? ${high} : ${low}) : ${variable}`
}

/** An integrator that has reached its limit stays there until its input turns round. */
function derivative(
  element: IntegratorElement,
  { y, dy, d }: { y: string; dy: string; d: string },
  limits: number | null,
): string {
  const slope = sumExpression(element.x, -element.k0)
  const limit = limitOf(element, limits)
  if (limit === null) return `${dy} = ${slope};`
  const stuck = `Math.abs(${y}) >= ${literal(limit)} && (${y} > 0 ? ${d} > 0 : ${d} < 0)`
  return `const ${d} = ${slope}; ${dy} = ${stuck} ? 0 : ${d};`
}

function evaluation(group: Group, groups: readonly Group[], limits: number | null): string[] {
  const { elements } = group
  if (!group.loop) return elements.flatMap((element) => assignment(`v${element.output}`, element, limits))
  const number = groups.filter(({ loop }) => loop).indexOf(group)
  invariant(number >= 0, 'a loop is one of the loops')
  const declare = (from: string): string =>
    elements.map(({ output }, i) => `const v${output} = ${from}[${i}];`).join(' ')
  const residuals = elements.flatMap((element, i) => [
    ...assignment(`w${element.output}`, element, limits),
    `f[${i}] = v${element.output} - w${element.output};`,
  ])
  return [`loops[${number}].solve((z, f) => { ${declare('z')}`, ...residuals, '});', declare(`loops[${number}].z`)]
}

/** Declares a variable with what the element makes of its inputs. */
function assignment(name: string, element: AlgebraicElement, limits: number | null): string[] {
  const raw = rawExpression(element)
  if (limits === null) return [`const ${name} = ${raw};`]
  const value = clipped(`r${name}`, limits)
  // A saturating divider answers 0 to 0/0: some finite value, as the hardware does.
  return [`const r${name} = ${raw};`, `const ${name} = ${element.kind === 'quotient' ? `(${value}) || 0` : value};`]
}

function rawExpression(element: AlgebraicElement): string {
  const x = sumExpression(element.x, 1)
  switch (element.kind) {
    case 'product':
      return `(${x}) * (${sumExpression(element.y, 1)})`
    case 'quotient':
      return `(${x}) / (${sumExpression(element.y, 1)})`
    case 'square':
      return `(${x}) ** 2`
    case 'root':
      return `Math.sqrt(Math.max(0, ${sumExpression(element.x, -1)}))`
    case 'negation':
      return `(${sumExpression(element.x, -1)})`
    default: {
      const unknown: never = element
      throw new Error(`no such element: ${JSON.stringify(unknown)}`)
    }
  }
}

/** The sum times a factor, as source. */
function sumExpression(sum: Sum, factor: number): string {
  const terms = sum.terms.map(({ weight, output }) => product(weight * factor, `v${output}`))
  if (sum.constant !== 0) terms.push(literal(sum.constant * factor))
  return terms.length > 0 ? terms.join(' + ') : '0'
}

/** A weighted variable; the engine would not drop a factor of 1. */
function product(weight: number, variable: string): string {
  return weight === 1 ? variable : `${literal(weight)} * ${variable}`
}

/** A number as source: the shortest text that reads back as the same double. */
function literal(value: number): string {
  invariant(Number.isFinite(value), 'generated code holds finite numbers only')
  return value < 0 ? `(${String(value)})` : String(value)
}
