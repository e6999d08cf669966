/**
 * The second half of checking: with names resolved, definitions are put in an order of evaluation, and what no
 * probe depends on is left out. References between definitions may be as long a chain as the program, so they
 * are followed with explicit stacks.
 */
import type { Ast, Expression, Target } from './ast.ts'
import { checkTime, declare, derivativeName, type Declarations } from './declare.ts'
import { adding, issue, quoted, staged, type Edit, type Issue, type Staged } from './diagnostics.ts'
import {
  within,
  type DeclaredRange,
  type Definition,
  type ProbedValue,
  type Program,
  type Reference,
  type Value,
} from './program.ts'
import { Scope } from './resolve.ts'

const NOTHING: Program = { time: 't', states: [], definitions: [], inputs: [], probes: [], ranges: [] }

/** `source` is only used to name probes of expressions by their text. */
export function check(ast: Ast, source: string): Staged<Program> {
  const issues: Issue[] = []
  const declarations = declare(ast, issues)
  const scope = new Scope(declarations, issues)
  const probes = declarations.probes.map(({ value, label }) => ({
    label: label?.name ?? labelOf(value, declarations, source),
    range: label ?? value.range,
    value: scope.resolve(value),
  }))
  const ranges = declarations.ranges.map(({ target, from, to }): DeclaredRange => {
    if (target.kind === 'signal') checkTime(target.time, declarations.time, issues)
    return {
      name: source.slice(target.range.from, target.range.to),
      range: target.range,
      value: labelled(target, declarations, probes) ?? scope.target(target),
      from: scope.resolve(from),
      to: scope.resolve(to),
    }
  })
  checkLabels(probes, issues)
  if (ast.broken !== '') return { value: null, issues: issues.filter((one) => standsAlone(one, ast.broken, source)) }
  // Names that stand for nothing read as 0, so what is said of values from here on would be misleading.
  if (issues.length > 0) return staged(NOTHING, issues)
  const ordered = inOrder(scope.definitions, issues)
  if (issues.length > 0) return staged(NOTHING, issues)
  checkConstants({ states: scope.states, definitions: ordered, probes, ranges }, issues)
  if (probes.length === 0)
    issues.push(
      issue(
        'ANA0111',
        null,
        'the program probes nothing',
        scope.states[0] ? `add \`probe ${scope.states[0].name}(${declarations.time});\`` : 'add a `probe`',
        scope.states[0] ? adding(`probe ${scope.states[0].name}(${declarations.time});`) : null,
      ),
    )
  const measured = probes.map((probe) => probe.value)
  const alive = reachable(measured)
  const kept = ranges.filter(({ value }) => referencesIn(value).every((reference) => alive.has(reference)))
  const live = reachable([...measured, ...kept.flatMap(({ from, to }) => [from, to])])
  if (probes.length > 0) noteDead(scope, live, issues)
  return staged(
    {
      time: declarations.time,
      states: scope.states.filter((state) => live.has(state)),
      definitions: ordered.filter((definition) => live.has(definition)),
      inputs: scope.inputs.filter((input) => live.has(input)),
      probes,
      ranges: kept,
    },
    issues,
  )
}

/** Whether an issue would be one whatever the statements that do not parse were meant to say. */
function standsAlone({ code, range }: Issue, broken: string, source: string): boolean {
  const name = range ? source.slice(range.from, range.to) : ''
  if (code === 'ANA0101') return !broken.includes(name)
  return code !== 'ANA0107' && code !== 'ANA0109'
}

/** The probe that a range means by its label; names of signals come first. */
function labelled(target: Target, { symbols }: Declarations, probes: readonly ProbedValue[]): Value | null {
  if (target.kind === 'derivative' || symbols.has(target.name.name)) return null
  return probes.find(({ label }) => label === target.name.name)?.value ?? null
}

/** Definitions so that each stands after those it refers to; one issue per loop. */
function inOrder(definitions: readonly Definition[], issues: Issue[]): Definition[] {
  const ordered: Definition[] = []
  const progress = new Map<Definition, 'open' | 'done'>()
  for (const root of definitions) {
    const path = [{ definition: root, pending: definitionsIn(root.value) }]
    if (progress.has(root)) continue
    progress.set(root, 'open')
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const next = top.pending.pop()
      if (!next) {
        progress.set(top.definition, 'done')
        ordered.push(top.definition)
        path.pop()
      } else if (progress.get(next) === 'open') {
        const loop = path
          .slice(path.findIndex(({ definition }) => definition === next))
          .map(({ definition }) => definition.name)
        issues.push(
          issue(
            'ANA0103',
            next.range,
            `${quoted(next.name)} depends on itself: ${shortened([...loop, next.name]).join(' → ')}`,
            'a loop needs an integrator: give one of them a differential equation',
          ),
        )
      } else if (!progress.has(next)) {
        progress.set(next, 'open')
        path.push({ definition: next, pending: definitionsIn(next.value) })
      }
    }
  }
  return ordered
}

function shortened(names: readonly string[]): readonly string[] {
  return names.length <= 8 ? names : [...names.slice(0, 4), '…', ...names.slice(-3)]
}

function definitionsIn(value: Value): Definition[] {
  return [...within(value)].flatMap((part) => (part.kind === 'definition' ? [part.definition] : [])).reverse()
}

function referencesIn(value: Value): Reference[] {
  return [...within(value)].flatMap((part): Reference[] => {
    if (part.kind === 'definition') return [part.definition]
    if (part.kind === 'state') return [part.state]
    return part.kind === 'input' ? [part.input] : []
  })
}

/** Initial values and the bounds of ranges must be constant, probes must not be. */
function checkConstants(
  { states, definitions, probes, ranges }: Pick<Program, 'states' | 'definitions' | 'probes' | 'ranges'>,
  issues: Issue[],
): void {
  const constants = new Set<Definition>()
  const isConstant = (value: Value): boolean =>
    [...within(value)].every(
      (part) =>
        part.kind !== 'time' &&
        part.kind !== 'state' &&
        part.kind !== 'input' &&
        (part.kind !== 'definition' || constants.has(part.definition)),
    )
  for (const definition of definitions) if (isConstant(definition.value)) constants.add(definition)
  const onlyConstants = 'use numbers and parameters only'
  for (const { name, initial } of states)
    if (!isConstant(initial))
      issues.push(
        issue('ANA0110', initial.range, `the initial value of ${quoted(name)} depends on time`, onlyConstants),
      )
  for (const { name, from, to } of ranges)
    for (const bound of [from, to])
      if (!isConstant(bound))
        issues.push(
          issue('ANA0119', bound.range, `a bound of the range of ${quoted(name)} depends on time`, onlyConstants),
        )
  for (const { label, value } of probes)
    if (isConstant(value))
      issues.push(issue('ANA0112', value.range, `the probe ${quoted(label)} does not depend on time`))
}

function checkLabels(probes: readonly ProbedValue[], issues: Issue[]): void {
  const seen = new Set<string>()
  for (const { label, range } of probes) {
    if (seen.has(label))
      issues.push(
        issue(
          'ANA0113',
          range,
          `the label ${quoted(label)} is used twice`,
          'give one of the probes another: `probe … as other;`',
        ),
      )
    seen.add(label)
  }
}

/** Everything the values depend on, through definitions, equations and initial values. */
function reachable(values: readonly Value[]): ReadonlySet<Reference> {
  const found = new Set<Reference>()
  const pending = values.flatMap(referencesIn)
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (found.has(next)) continue
    found.add(next)
    if ('derivative' in next) pending.push(...referencesIn(next.derivative), ...referencesIn(next.initial))
    if ('value' in next) pending.push(...referencesIn(next.value))
  }
  return found
}

function noteDead(scope: Scope, live: ReadonlySet<Reference>, issues: Issue[]): void {
  for (const { name, range, references } of scope.named)
    if (!references.some((reference) => live.has(reference)))
      issues.push(
        issue('ANA0118', range, `no probe depends on ${quoted(name)}; it is left out`, '', probing(name, references)),
      )
}

/** Parameters have nothing to measure. */
function probing(name: string, references: readonly Reference[]): Edit | null {
  return references.some((reference) => 'derivative' in reference) ? adding(`probe ${name};`) : null
}

/** A signal by its own name, anything else by its text, on one line and of bounded length. */
function labelOf(expression: Expression, { symbols, time }: Declarations, source: string): string {
  if (expression.kind === 'name' || (expression.kind === 'call' && symbols.has(expression.name.name)))
    return expression.name.name
  if (expression.kind === 'derivative')
    return derivativeName(expression.name.name, Math.min(expression.variables.length, 4), time)
  const text = source
    .slice(expression.range.from, expression.range.to)
    .replace(/(?:#|\/\/)[^\n]*/g, '')
    .replace(/\s+/g, ' ')
  return text.length > 64 ? `${text.slice(0, 63)}…` : text
}
