/**
 * What a compiler can say, as one table. Stages make issues (a code, a range, a message); only the outermost
 * functions turn them into diagnostics with line and column, once, against the source.
 */
import type { Diagnostic, Fix, Severity, SourceSpan } from '@lucihub/analog'
import type { Range } from './ast.ts'

interface DiagnosticRow {
  readonly severity: Severity
  readonly title: string
  readonly explanation: string
}

/** Every code: what it is called and what it means. A code is never reused: ANA0202 and ANA0207 are retired. */
export const DIAGNOSTICS = {
  ANA0001: row('error', 'source too large', 'A program is text of at most 64 KiB.'),
  ANA0002: row(
    'error',
    'syntax error',
    'The text does not follow the grammar. Statements begin with use, in, probe or let and end with a semicolon.',
  ),
  ANA0003: row('error', 'program too large', 'A program has at most 20 000 names, numbers and operations.'),
  ANA0004: row(
    'error',
    'nested too deeply',
    'Parentheses and signs nest at most 64 deep. Give parts of the expression a name of their own.',
  ),
  ANA0005: row('error', 'name too long', 'A name has at most 64 characters.'),
  ANA0006: row('error', 'number out of range', 'The number is larger than any that can be computed with.'),

  ANA0101: row('error', 'unknown name', 'The name is neither defined by let or in, nor part of an imported module.'),
  ANA0102: row(
    'error',
    'defined twice',
    'A name has one meaning in the whole program; the order of statements does not matter.',
  ),
  ANA0103: row(
    'error',
    'algebraic loop',
    'A value depends on itself with no integrator in between. Analog loops without an integrator settle or oscillate in ways no equation here describes, so they are not compiled yet.',
  ),
  ANA0104: row('error', 'unknown module', 'The only module is math.'),
  ANA0105: row(
    'error',
    'wrong argument',
    'A signal is a function of the present time and nothing else: x(t). A delayed or shifted signal cannot be built from integrators and multipliers.',
  ),
  ANA0106: row(
    'error',
    'malformed derivative',
    'A derivative names the signal once and the time variable once per order: diff[x, t](t), diff[x, t, t](t).',
  ),
  ANA0107: row('error', 'no such derivative', 'A variable whose equation has order n has derivatives up to order n.'),
  ANA0108: row('error', 'initial value not at time 0', 'A run starts at time 0, so initial values are given there.'),
  ANA0109: row(
    'error',
    'initial value without an equation',
    'Only a variable of a differential equation has initial values, one for each derivative below the order of its equation.',
  ),
  ANA0110: row('error', 'initial value not constant', 'An initial value is computed from numbers and parameters only.'),
  ANA0111: row('error', 'nothing is probed', 'A run measures its probes; without one there is nothing to see.'),
  ANA0112: row('error', 'constant probe', 'A probe must depend on time; a constant needs no measurement.'),
  ANA0113: row(
    'error',
    'label used twice',
    'The labels of probes name the channels of the result, so each is used once.',
  ),
  ANA0114: row('error', 'two time variables', 'All equations of a program have the same time variable.'),
  ANA0115: row('error', 'wrong number of arguments', 'A function takes a fixed number of arguments.'),
  ANA0116: row(
    'error',
    'reserved name',
    'The time variable, and the functions and constants of an imported module, cannot be defined anew.',
  ),
  ANA0117: row('error', 'exponent out of range', 'A constant exponent is a number from -64 to 64.'),
  ANA0118: row(
    'warning',
    'has no effect',
    'No probe depends on this, directly or through other equations, so no element is spent on it.',
  ),
  ANA0119: row(
    'error',
    'malformed range',
    'A range has two constant bounds, the smaller first: range x(t) = -20 .. 20;',
  ),
  ANA0120: row(
    'warning',
    'range without effect',
    'A range gives the size of the output of one element: of a variable, of a function of signals, or of a probe. Sums and products within an expression have none of their own.',
  ),
  ANA0121: row('error', 'start outside the range', 'The initial value of a signal must lie within its range.'),

  ANA0201: row(
    'error',
    'no element for this function',
    'abs and sign have a kink or a jump, which no differential equation without one follows, and the machine has no comparators.',
  ),
  ANA0203: row('error', 'division by zero', 'The divisor is zero for every time.'),
  ANA0204: row(
    'error',
    'expression too large',
    'Multiplying out this expression gives more terms than any device could carry.',
  ),
  ANA0205: row('error', 'value not finite', 'A constant of the program is not a finite number.'),
  ANA0206: row(
    'error',
    'not enough ports',
    'An external input takes a port of the front panel. A LUCIDAC has eight; an mREDAC and a REDAC have none.',
  ),
  ANA0208: row('error', 'degree too high', 'A product has at most 64 factors.'),
  ANA0209: row(
    'error',
    'function of an external input',
    'A function of a signal is made by a differential equation that needs the derivative of the signal. That of an external input is not known.',
  ),
  ANA0210: row(
    'error',
    'not defined at the start',
    'At time 0 the argument lies outside the domain of the function, or where its slope is infinite: the logarithm or a root of a negative number, a division by zero.',
  ),

  ANA0301: row('error', 'not enough elements', 'The circuit needs more elements of a kind than the device has.'),
  ANA0302: row(
    'error',
    'not enough lanes',
    'Every weighted connection takes a lane; a weight beyond what one upscaled lane carries takes several.',
  ),
  ANA0303: row('error', 'op time out of range', 'A run computes for 100 ns to 9 s.'),
  ANA0304: row('error', 'integrator rate not offered', 'The device has no such integrator rate k0.'),

  ANA0401: row(
    'error',
    'solution without bound',
    'The solution leaves every bound during the run, so no scale factor keeps it within the machine.',
  ),
  ANA0402: row(
    'warning',
    'solution only partly known',
    'Scale factors come from a digital solution. It takes too many steps to follow to the end of the run; amplitudes are those seen until then.',
  ),
  ANA0403: row(
    'warning',
    'problem time slowed down',
    'Coefficients too large for the lanes are made smaller by letting problem time pass more slowly.',
  ),
  ANA0404: row(
    'warning',
    'coefficient below resolution',
    'The weight is smaller than the smallest step of a coefficient, so the machine may round it to nothing.',
  ),
  ANA0405: row(
    'error',
    'solution gave up',
    'The digital solution takes too many steps to reach the end of the interval.',
  ),
  ANA0406: row(
    'error',
    'function leaves its domain',
    'During the run the argument of a function reaches a place where the function has no value: the divisor or the argument of a root or logarithm reaches zero, a tangent its pole.',
  ),
  ANA0407: row(
    'warning',
    'range too narrow',
    'The digital solution goes beyond the range that the program declares. The range is kept, so the machine may overload.',
  ),
  ANA0408: row(
    'warning',
    'channel hardly used',
    'The signal uses less than a tenth of full scale, so the converter, of 14 bit, resolves it coarsely.',
  ),
  ANA0409: row(
    'warning',
    'unbounded for some inputs',
    'What comes in is not known; scale factors are those for inputs that are steady at full scale or swing. With one of these the solution leaves every bound.',
  ),
} as const satisfies Record<string, DiagnosticRow>

export type DiagnosticCode = keyof typeof DIAGNOSTICS

/** A diagnostic before it is placed in lines and columns. */
export interface Issue {
  readonly code: DiagnosticCode
  /** Null when the whole program is meant. */
  readonly range: Range | null
  readonly message: string
  readonly hint: string
  readonly fix: Edit | null
}

/** A fix before it is placed. */
export interface Edit {
  readonly title: string
  /** Null to add a statement behind the last one. */
  readonly range: Range | null
  readonly replacement: string
}

/** What a stage gives: `value` is null when an issue is an error that leaves nothing to go on with. */
export interface Staged<T> {
  readonly value: T | null
  readonly issues: readonly Issue[]
}

/** More than a person reads at once; the rest is dropped. */
const DIAGNOSTICS_MAX = 50

export function issue(
  code: DiagnosticCode,
  range: Range | null,
  message: string,
  hint = '',
  fix: Edit | null = null,
): Issue {
  return { code, range, message, hint, fix }
}

/** Puts other text in the place of a range. */
export function replacing(range: Range, replacement: string): Edit {
  return { title: `write ${quoted(replacement)}`, range: { from: range.from, to: range.to }, replacement }
}

/** Puts text before a place. */
export function inserting(at: number, replacement: string): Edit {
  return { title: `insert ${quoted(replacement.trim())}`, range: { from: at, to: at }, replacement }
}

/** Adds a statement behind the last one. */
export function adding(statement: string): Edit {
  return { title: `add ${quoted(statement)}`, range: null, replacement: statement }
}

/** A stage's outcome: its value unless there were errors. */
export function staged<T>(value: T, issues: readonly Issue[]): Staged<T> {
  return { value: issues.some(isError) ? null : value, issues }
}

/** Issues as diagnostics of this source: errors first, each kind in textual order, at most 50. */
export function diagnosticsOf(source: string, issues: readonly Issue[]): Diagnostic[] {
  const spanOf = spansOf(source)
  const from = ({ range }: Issue): number => range?.from ?? source.length
  return [...issues]
    .sort((a, b) => Number(isError(b)) - Number(isError(a)) || from(a) - from(b))
    .slice(0, DIAGNOSTICS_MAX)
    .map(({ code, range, message, hint, fix }) => ({
      code,
      severity: DIAGNOSTICS[code].severity,
      message,
      hint,
      span: range && spanOf(range),
      ...(fix && { fix: fixOf(fix, source, spanOf) }),
    }))
}

function fixOf({ title, range, replacement }: Edit, source: string, spanOf: (range: Range) => SourceSpan): Fix {
  if (range) return { title, span: spanOf(range), replacement }
  const end = { from: source.length, to: source.length }
  return { title, span: spanOf(end), replacement: `${/(^|\n)$/.test(source) ? '' : '\n'}${replacement}\n` }
}

/** The name in the form people know from compilers: quoted with back ticks, shortened. */
export function quoted(text: string): string {
  return `\`${text.length > 40 ? `${text.slice(0, 39)}…` : text}\``
}

function isError({ code }: Issue): boolean {
  return DIAGNOSTICS[code].severity === 'error'
}

function spansOf(source: string): (range: Range) => SourceSpan {
  const starts = [0]
  for (let at = source.indexOf('\n'); at !== -1; at = source.indexOf('\n', at + 1)) starts.push(at + 1)
  return ({ from, to }) => {
    let line = 0
    for (let step = 2 ** 20; step >= 1; step /= 2) {
      const start = starts[line + step]
      if (start !== undefined && start <= from) line += step
    }
    return { from, to, line: line + 1, column: from - (starts[line] ?? 0) + 1 }
  }
}

function row(severity: Severity, title: string, explanation: string): DiagnosticRow {
  return { severity, title, explanation }
}
