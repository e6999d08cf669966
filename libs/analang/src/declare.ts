/**
 * The first half of checking: who is declared, as what. Nothing here looks into expressions, so the order of
 * statements does not matter.
 */
import type { Ast, Expression, Identifier, Range, Statement, Target, Time } from './ast.ts'
import { inserting, issue, quoted, replacing, type Issue } from './diagnostics.ts'
import { isMathName } from './math.ts'

/** Higher derivatives than any device has integrators for. */
const ORDER_MAX = 64

export type Symbol =
  | { readonly kind: 'alias'; readonly name: string; readonly range: Range; readonly expression: Expression }
  | {
      readonly kind: 'variable'
      readonly name: string
      readonly range: Range
      readonly order: number
      readonly equation: Expression
      readonly initials: Map<number, Expression>
    }
  | { readonly kind: 'input'; readonly name: string; readonly range: Range }

export interface Declarations {
  /** The one time variable. */
  readonly time: string
  readonly math: boolean
  readonly symbols: ReadonlyMap<string, Symbol>
  readonly probes: readonly Extract<Statement, { kind: 'probe' }>[]
  readonly ranges: readonly Extract<Statement, { kind: 'range' }>[]
}

type Definition = Extract<Statement, { kind: 'definition' }>

/** Reads all statements; what is wrong with them is added to `issues`. */
export function declare(ast: Ast, issues: Issue[]): Declarations {
  const { statements } = ast
  const time = timeVariableOf(statements)
  const math = importsMath(statements, issues)
  const symbols = new Map<string, Symbol>()
  const reserved = (name: string): boolean => name === time || (math && isMathName(name))
  const add = (symbol: Symbol, at: Identifier): void => {
    if (reserved(symbol.name))
      issues.push(
        issue(
          'ANA0116',
          at,
          `${quoted(symbol.name)} is ${symbol.name === time ? 'the time variable' : 'part of module math'} and cannot be defined`,
        ),
      )
    else if (symbols.has(symbol.name))
      issues.push(issue('ANA0102', at, `${quoted(symbol.name)} is defined twice`, 'rename one of the two'))
    // Known even so: one mistake is not to make every use of the name another.
    if (!symbols.has(symbol.name)) symbols.set(symbol.name, symbol)
  }
  for (const statement of statements) {
    if (statement.kind === 'input') {
      checkTime(statement.time, time, issues)
      add({ kind: 'input', name: statement.name.name, range: statement.name }, statement.name)
    }
    if (statement.kind === 'definition' && !isInitial(statement)) {
      add(symbolOf(statement, time, issues), statement.target.name)
    }
  }
  for (const statement of statements)
    if (statement.kind === 'definition' && isInitial(statement)) declareInitial(statement, { time, symbols, issues })
  return {
    time,
    math,
    symbols,
    probes: statements.filter((statement) => statement.kind === 'probe'),
    ranges: statements.filter((statement) => statement.kind === 'range'),
  }
}

/** A derivative as it is written. */
export function derivativeName(name: string, order: number, time: string): string {
  return order === 0 ? name : `diff[${[name, ...Array<string>(order).fill(time)].join(', ')}]`
}

/** The order of `diff[x, t, t]`, or null with an issue when it is malformed. */
export function orderOf(
  name: Identifier,
  variables: readonly Identifier[],
  time: string,
  issues: Issue[],
): number | null {
  const range = { from: name.from, to: variables.at(-1)?.to ?? name.to }
  const other = variables.find((variable) => variable.name !== time)
  if (variables.length === 0)
    issues.push(
      issue(
        'ANA0106',
        range,
        'the derivative does not say with respect to what',
        `write \`diff[${name.name}, ${time}]\``,
        inserting(name.to, `, ${time}`),
      ),
    )
  else if (other)
    issues.push(
      issue(
        'ANA0106',
        other,
        `the derivative is with respect to ${quoted(other.name)}, but time is ${quoted(time)}`,
        'derive with respect to time only',
        replacing(other, time),
      ),
    )
  else if (variables.length > ORDER_MAX)
    issues.push(issue('ANA0106', range, `the derivative has order ${variables.length}, more than ${ORDER_MAX}`))
  else return variables.length
  return null
}

/** The variable that the first equation derives by; without one the first argument of a definition, else `t`. */
function timeVariableOf(statements: readonly Statement[]): string {
  const targets = statements.flatMap((statement) => (statement.kind === 'definition' ? [statement.target] : []))
  const derived = targets.find((target) => target.kind === 'derivative')
  const timed = targets.find((target) => target.time !== null)
  return derived?.time?.variable.name ?? timed?.time?.variable.name ?? 't'
}

function importsMath(statements: readonly Statement[], issues: Issue[]): boolean {
  let math = false
  for (const statement of statements) {
    if (statement.kind !== 'use') continue
    if (statement.module.name === 'math') math = true
    else
      issues.push(
        issue(
          'ANA0104',
          statement.module,
          `there is no module ${quoted(statement.module.name)}`,
          'the only module is `math`',
          replacing(statement.module, 'math'),
        ),
      )
  }
  return math
}

function isInitial({ target }: Definition): boolean {
  return target.time !== null && target.time.instant !== null
}

function symbolOf({ target, value }: Definition, time: string, issues: Issue[]): Symbol {
  checkTime(target.time, time, issues)
  const { range } = target
  const { name } = target.name
  if (target.kind === 'signal') return { kind: 'alias', name, range, expression: value }
  const order = orderOf(target.name, target.variables, time, issues) ?? 1
  return { kind: 'variable', name, range, order, equation: value, initials: new Map() }
}

export function checkTime(written: Time | null, time: string, issues: Issue[]): void {
  if (written && written.variable.name !== time)
    issues.push(
      issue(
        'ANA0114',
        written.variable,
        `time is ${quoted(time)} in other equations, but ${quoted(written.variable.name)} here`,
        `write ${quoted(time)}`,
        replacing(written.variable, time),
      ),
    )
}

interface Scope {
  readonly time: string
  readonly symbols: ReadonlyMap<string, Symbol>
  readonly issues: Issue[]
}

function declareInitial({ target, value }: Definition, { time, symbols, issues }: Scope): void {
  checkTime(target.time, time, issues)
  if (target.time?.instant !== 0)
    issues.push(
      issue(
        'ANA0108',
        target.time,
        `the initial value is given at ${time} = ${target.time?.instant}`,
        `write \`${time}: 0\``,
      ),
    )
  const order = initialOrderOf(target, time, issues)
  if (order === null) return
  const { name } = target.name
  const symbol = symbols.get(name)
  const written = derivativeName(name, order, time)
  if (symbol?.kind !== 'variable')
    issues.push(
      issue(
        'ANA0109',
        target.range,
        `${quoted(name)} has no differential equation, so it has no initial value`,
        `give \`diff[${name}, ${time}](${time})\` an equation`,
      ),
    )
  else if (order >= symbol.order)
    issues.push(
      issue(
        'ANA0109',
        target.range,
        `the equation of ${quoted(name)} has order ${symbol.order}, so ${quoted(written)} has no initial value`,
      ),
    )
  else if (symbol.initials.has(order))
    issues.push(
      issue(
        'ANA0102',
        target.range,
        `the initial value of ${quoted(written)} is defined twice`,
        'remove one of the two',
      ),
    )
  else symbol.initials.set(order, value)
}

function initialOrderOf(target: Target, time: string, issues: Issue[]): number | null {
  return target.kind === 'signal' ? 0 : orderOf(target.name, target.variables, time, issues)
}
