/**
 * Text to syntax tree. The generated parser never fails and never recurses; what it gives may be as deep as
 * the text is long, so depth is bounded before and while its tree is read.
 */
import type { SyntaxNode, Tree } from '@lezer/common'
import { invariant, RUN_LIMITS } from '@lucihub/analog'
import type { Ast, Expression, Identifier, Range, Statement, Target, Time } from './ast.ts'
import { issue, quoted, staged, type Issue, type Staged } from './diagnostics.ts'
import { parser } from './generated/parser.js'
import { syntaxErrors } from './syntax-error.ts'

/** Parts of a syntax tree. */
const NODES_MAX = 20_000
/** Parentheses, brackets and signs within each other. Keeps every recursion over a tree within a small stack. */
const DEPTH_MAX = 64
const NAME_LENGTH_MAX = 64

/** The value of a text with syntax errors is what is left of it, for further checks; without `broken` it is the program. */
export function parse(source: string): Staged<Ast> {
  if (new TextEncoder().encode(source).length > RUN_LIMITS.sourceBytes.max)
    return failed(issue('ANA0001', null, `the program has more than ${RUN_LIMITS.sourceBytes.max} bytes`))
  const deep = tooDeep(source)
  if (deep) return failed(depthIssue(deep))
  const tree = parser.parse(source)
  if (isSound(tree)) return read(source, tree)
  // Statements that do not parse are blanked out, so that what the others say wrong is said too.
  const { issues, statements } = syntaxErrors(source)
  const rest = parser.parse(blanked(source, statements))
  if (!isSound(rest)) return { value: null, issues }
  const { value, issues: others } = read(source, rest)
  const broken = statements.map(({ from, to }) => source.slice(from, to)).join('\n')
  return { value: value && { ...value, broken }, issues: [...issues, ...others] }
}

function isSound(tree: Tree): boolean {
  let sound = true
  tree.iterate({ enter: ({ type }) => ((sound &&= !type.isError), sound) })
  return sound
}

function read(source: string, tree: Tree): Staged<Ast> {
  const reader = new TreeReader(source)
  const statements = childrenOf(tree.topNode).map((node) => reader.statement(node))
  return staged({ statements, broken: '' }, reader.issues)
}

/** The source with spaces in place of some of it. */
function blanked(source: string, ranges: readonly Range[]): string {
  return ranges.reduce((text, { from, to }) => text.slice(0, from) + ' '.repeat(to - from) + text.slice(to), source)
}

/** The bracket that opens one level too many, or null. Textual, since a tree so deep is not worth building. */
function tooDeep(source: string): Range | null {
  // A run of signs is as deep a tree as it is long, and the generated parser gives up on the longest.
  const signs = /(?:[+-]\s*){1000}/.exec(source)
  if (signs) return { from: signs.index, to: signs.index + 1 }
  let depth = 0
  for (const { 0: token, index } of source.matchAll(/(?:#|\/\/)[^\n]*|[()[\];]/g)) {
    if (token === ';') depth = 0
    if (token === '(' || token === '[') depth++
    if (token === ')' || token === ']') depth--
    if (depth > DEPTH_MAX) return { from: index, to: index + 1 }
  }
  return null
}

function depthIssue(range: Range): Issue {
  return issue(
    'ANA0004',
    range,
    `the expression is nested more than ${DEPTH_MAX} deep`,
    'give a part of it a name with `let`',
  )
}

function failed(only: Issue): Staged<never> {
  return { value: null, issues: [only] }
}

/** Reads a tree without error nodes. Beyond a bound it notes one issue and answers with zeros. */
class TreeReader {
  readonly issues: Issue[] = []
  readonly #source: string
  #nodes = 0
  #exhausted = false

  constructor(source: string) {
    this.#source = source
  }

  statement(node: SyntaxNode): Statement {
    const range = rangeOf(node)
    const parts = childrenOf(node)
    switch (node.name) {
      case 'Use':
        return { kind: 'use', range, module: this.#identifier(partOf(parts, 'Identifier')) }
      case 'Input':
        return {
          kind: 'input',
          range,
          name: this.#identifier(partOf(parts, 'Identifier')),
          time: this.#time(findPart(parts, 'Time')),
        }
      case 'Probe': {
        const label = findPart(parts, 'Label')
        return {
          kind: 'probe',
          range,
          value: this.expression(parts[1], 0),
          label: label && this.#identifier(partOf(childrenOf(label), 'Identifier')),
        }
      }
      case 'Range':
        return {
          kind: 'range',
          range,
          target: this.#target(parts[1]),
          from: this.expression(parts[3], 0),
          to: this.expression(parts[5], 0),
        }
      case 'Definition':
        return { kind: 'definition', range, target: this.#target(parts[1]), value: this.expression(parts[3], 0) }
      default:
        invariant(false, `${node.name} is no statement`)
    }
  }

  expression(node: SyntaxNode | undefined, depth: number): Expression {
    invariant(node, 'an expression is missing from a sound tree')
    const range = rangeOf(node)
    if (this.#refuses(range, depth)) return { kind: 'number', range, value: 0 }
    const parts = childrenOf(node)
    switch (node.name) {
      case 'Number':
        return { kind: 'number', range, value: this.#number(node) }
      case 'Name':
        return { kind: 'name', range, name: this.#identifier(partOf(parts, 'Identifier')) }
      case 'Call':
        return {
          kind: 'call',
          range,
          name: this.#identifier(partOf(parts, 'Identifier')),
          arguments: this.#arguments(parts, depth),
        }
      case 'Derivative':
        return { kind: 'derivative', range, ...this.#differential(parts), arguments: this.#arguments(parts, depth) }
      case 'Parens':
        return this.expression(parts[1], depth + 1)
      case 'Negation': {
        const operand = this.expression(parts[1], depth + 1)
        return this.#text(parts[0]) === '-' ? { kind: 'negation', range, operand } : operand
      }
      case 'Power':
        return {
          kind: 'power',
          range,
          base: this.expression(parts[0], depth + 1),
          exponent: this.expression(parts[2], depth + 1),
        }
      case 'Sum': {
        const terms = operandsOf(parts).map(({ operator, operand }) => ({
          sign: this.#text(operator) === '-' ? (-1 as const) : (1 as const),
          value: this.expression(operand, depth),
        }))
        return { kind: 'sum', range, terms }
      }
      case 'Product': {
        const factors = operandsOf(parts).map(({ operator, operand }) => ({
          operator: this.#text(operator) === '/' ? ('/' as const) : ('*' as const),
          value: this.expression(operand, depth),
        }))
        return { kind: 'product', range, factors }
      }
      default:
        invariant(false, `${node.name} is no expression`)
    }
  }

  #refuses(range: Range, depth: number): boolean {
    this.#nodes++
    if (this.#exhausted) return true
    if (depth > DEPTH_MAX) this.issues.push(depthIssue(range))
    else if (this.#nodes > NODES_MAX)
      this.issues.push(issue('ANA0003', range, `the program has more than ${NODES_MAX} names, numbers and operations`))
    else return false
    this.#exhausted = true
    return true
  }

  #target(node: SyntaxNode | undefined): Target {
    invariant(node, 'a definition has a target')
    const range = rangeOf(node)
    const parts = childrenOf(node)
    const time = this.#time(findPart(parts, 'Time'))
    if (node.name === 'SignalTarget')
      return { kind: 'signal', range, name: this.#identifier(partOf(parts, 'Identifier')), time }
    invariant(time, 'a derivative target has a time')
    return { kind: 'derivative', range, ...this.#differential(parts), time }
  }

  #differential(parts: readonly SyntaxNode[]): { name: Identifier; variables: Identifier[] } {
    const [name, ...variables] = childrenOf(partOf(parts, 'Differential'))
      .filter((part) => part.name === 'Identifier')
      .map((part) => this.#identifier(part))
    invariant(name, 'a derivative names its signal')
    return { name, variables }
  }

  #arguments(parts: readonly SyntaxNode[], depth: number): Expression[] {
    const between = childrenOf(partOf(parts, 'Arguments')).filter((part) => !['(', ')', ','].includes(part.name))
    return between.map((part) => this.expression(part, depth + 1))
  }

  #time(node: SyntaxNode | null): Time | null {
    if (!node) return null
    const parts = childrenOf(node)
    const instant = findPart(parts, 'Instant')
    const sign = instant && findPart(childrenOf(instant), 'AddOp')
    return {
      ...rangeOf(node),
      variable: this.#identifier(partOf(parts, 'Identifier')),
      instant:
        instant && (sign && this.#text(sign) === '-' ? -1 : 1) * this.#number(partOf(childrenOf(instant), 'Number')),
    }
  }

  #number(node: SyntaxNode): number {
    const value = Number(this.#text(node))
    if (!Number.isFinite(value))
      this.issues.push(issue('ANA0006', rangeOf(node), `the number ${quoted(this.#text(node))} is out of range`))
    return value
  }

  #identifier(node: SyntaxNode): Identifier {
    const name = this.#text(node)
    if (name.length > NAME_LENGTH_MAX)
      this.issues.push(
        issue('ANA0005', rangeOf(node), `the name has ${name.length} characters, more than ${NAME_LENGTH_MAX}`),
      )
    return { name, ...rangeOf(node) }
  }

  #text(node: SyntaxNode | undefined): string {
    return node ? this.#source.slice(node.from, node.to) : ''
  }
}

/** Operands of a flat list such as `a + b - c`, each with the operator before it. */
function operandsOf(
  parts: readonly SyntaxNode[],
): { operator: SyntaxNode | undefined; operand: SyntaxNode | undefined }[] {
  return Array.from({ length: (parts.length + 1) / 2 }, (_, index) => ({
    operator: parts[2 * index - 1],
    operand: parts[2 * index],
  }))
}

function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = []
  for (let child = node.firstChild; child; child = child.nextSibling)
    if (child.name !== 'LineComment') children.push(child)
  return children
}

function findPart(parts: readonly SyntaxNode[], name: string): SyntaxNode | null {
  return parts.find((part) => part.name === name) ?? null
}

function partOf(parts: readonly SyntaxNode[], name: string): SyntaxNode {
  const part = findPart(parts, name)
  invariant(part, `a sound tree has a ${name} here`)
  return part
}

function rangeOf({ from, to }: Range): Range {
  return { from, to }
}
