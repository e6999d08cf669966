/**
 * Messages for text that does not parse. The grammar itself says what may stand at a place: each kind of
 * token is tried there, and those that a strict parse swallows were expected. Statements end with `;`, so
 * each is looked at on its own, and one mistake does not hide the next.
 */
import { invariant } from '@lucihub/analog'
import type { Range } from './ast.ts'
import { inserting, issue, quoted, replacing, type Edit, type Issue } from './diagnostics.ts'
import { parser } from './generated/parser.js'

/** More mistakes than this are most likely one mistake. */
const SYNTAX_ERRORS_MAX = 20

const STATEMENT = /^(let|probe|range|in|use)$/
const KEYWORDS = /^(let|probe|in|use|as|diff)$/

const strict = parser.configure({ strict: true })

/** A token of each kind, and what people call it. */
const CANDIDATES: readonly (readonly [token: string, name: string])[] = [
  [';', '`;`'],
  [')', '`)`'],
  [']', '`]`'],
  [',', '`,`'],
  ['=', '`=`'],
  ['..', '`..`'],
  ['1', 'a number'],
  ['x', 'a name'],
  ['*', 'an operator'],
  ['(', '`(`'],
  ['[', '`[`'],
]

/** The first mistake of every statement of a source that does not parse, at least one, and where those statements are. */
export function syntaxErrors(source: string): { issues: Issue[]; statements: Range[] } {
  const issues: Issue[] = []
  const statements: Range[] = []
  for (const range of statementsOf(source)) {
    const text = source.slice(range.from, range.to)
    const at = firstErrorIn(text)
    if (at === null) continue
    issues.push(describe({ source, text, start: range.from, at }))
    statements.push(range)
    if (issues.length >= SYNTAX_ERRORS_MAX) break
  }
  invariant(issues.length > 0, 'a program that does not parse has a statement that does not parse')
  return { issues, statements }
}

/** Ranges that end after a `;`, and the rest of the text. Semicolons in comments do not count. */
function statementsOf(source: string): Range[] {
  const ranges: Range[] = []
  let from = 0
  for (const { 0: token, index } of source.matchAll(/(?:#|\/\/)[^\n]*|;/g)) {
    if (token !== ';') continue
    ranges.push({ from, to: index + 1 })
    from = index + 1
  }
  return [...ranges, { from, to: source.length }]
}

function firstErrorIn(text: string): number | null {
  try {
    strict.parse(text)
    return null
  } catch (error) {
    // The strict parser reports the place in its message and in no other way.
    const at = error instanceof SyntaxError ? /^No parse at (\d+)$/.exec(error.message)?.[1] : undefined
    if (at === undefined) throw error
    return Number(at)
  }
}

interface Mistake {
  readonly source: string
  /** The statement and where it starts in the source. */
  readonly text: string
  readonly start: number
  /** Where the parser stopped, within the statement. */
  readonly at: number
}

function describe({ source, text, start, at }: Mistake): Issue {
  const before = text.slice(0, at)
  const found = tokenAt(source, start + at)
  if (before.replace(/(?:#|\/\/)[^\n]*/g, '').trim() === '')
    return issue(
      'ANA0002',
      rangeOf(found, start + at),
      `expected a statement, found ${nameOf(found)}`,
      'a statement begins with `let`, `probe`, `range`, `in` or `use`',
    )
  const names = summary(CANDIDATES.filter(([token]) => accepts(before, token)).map(([, name]) => name))
  const lineBreak = /\n\s*$/.test(before) || found === ''
  if (names.includes('`;`') && (lineBreak || STATEMENT.test(found))) {
    // The mistake is at the end of the line before, not where the next statement begins.
    const end = start + before.replace(/(\s|(?:#|\/\/)[^\n]*)+$/, '').length
    return issue(
      'ANA0002',
      { from: end - 1, to: end },
      `expected \`;\` after this, found ${nameOf(found)}`,
      '',
      inserting(end, ';'),
    )
  }
  return issue(
    'ANA0002',
    rangeOf(found, start + at),
    `expected ${listOf(names)}, found ${nameOf(found)}`,
    hintFor({ before, found, names }),
    fixFor({ before, found, names, at: start + at }),
  )
}

/** Where numbers and names may stand so may any value; where an operator may stand, nobody misses a parenthesis. */
function summary(names: readonly string[]): string[] {
  const value = names.includes('a number') && names.includes('a name')
  const kept = names.filter(
    (name) => !(value && ['a name', '`(`'].includes(name)) && !(names.includes('an operator') && name === '`(`'),
  )
  return kept.map((name) => (value && name === 'a number' ? 'a value' : name))
}

/** Whether the parser, having read `before`, goes on past `token`. */
function accepts(before: string, token: string): boolean {
  const text = `${before} ${token}`
  const at = firstErrorIn(text)
  return at === null || at >= text.length
}

function tokenAt(source: string, at: number): string {
  return /^(?:[\p{L}_][\p{L}\p{N}_]*|[0-9.]+|[^])/u.exec(source.slice(at, at + 80))?.[0] ?? ''
}

function rangeOf(found: string, at: number): Range {
  return { from: at, to: at + Math.max(1, found.length) }
}

function nameOf(token: string): string {
  if (token === '') return 'the end of the program'
  return /[\p{C}\p{Z}]/u.test(token)
    ? `the character U+${(token.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
    : quoted(token)
}

function listOf(names: readonly string[]): string {
  if (names.length === 0) return 'something else'
  return names.length === 1 ? `${names[0]}` : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
}

function hintFor({ before, found, names }: { before: string; found: string; names: readonly string[] }): string {
  if (found === "'" || found === '’') return 'a derivative is written `diff[x, t](t)`'
  if (found === '*' && before.endsWith('*')) return 'a power is written `x ^ 2`'
  if (found === '=' && before.endsWith('=')) return 'a definition has a single `=`'
  if (found.startsWith('.') && names.includes('`..`')) return 'put spaces around `..`'
  if (found === '^') return 'write `(x ^ 2) ^ 3`, powers do not chain'
  if (names.includes('a name') && KEYWORDS.test(found)) return `${quoted(found)} is a word of the language`
  if (names.includes('an operator') && /^[\p{L}\p{N}_(]/u.test(found)) return 'products are written with `*`'
  return ''
}

/** What the hint says, or the only token that was expected. */
function fixFor({
  before,
  found,
  names,
  at,
}: {
  before: string
  found: string
  names: readonly string[]
  at: number
}): Edit | null {
  if (found === '*' && before.endsWith('*')) return replacing({ from: at - 1, to: at + 1 }, '^')
  if (found === '=' && before.endsWith('=')) return replacing({ from: at - 1, to: at + 1 }, '=')
  if (names.includes('an operator') && /^[\p{L}\p{N}_(]/u.test(found)) return inserting(at, '* ')
  const [only, ...others] = names
  const token = CANDIDATES.find(([, name]) => name === only)?.[0]
  return token !== undefined && others.length === 0 && /^\W+$/.test(token) ? inserting(at, `${token} `) : null
}
