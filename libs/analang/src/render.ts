/**
 * A diagnostic as people read it: what and where, the line of the program with the place underlined, a hint.
 * The excerpt is made safe for terminals and cut to a window, since a program may be a single line of 64 KiB.
 */
import { fixed, type Diagnostic, type Fix, type SourceSpan } from '@lucihub/analog'

const WIDTH = 100
/** Characters shown before the place when the line is cut. */
const LEAD = 40

/** Several lines of plain text, without a newline at the end. */
export function renderDiagnostic(source: string, diagnostic: Diagnostic, fileName = 'program.ana'): string {
  const { severity, code, message, hint, span, fix } = diagnostic
  const gutter = ' '.repeat(span ? String(span.line).length : 1)
  const lines = [
    `${severity}[${code}]: ${message}`,
    ...(span
      ? [`${gutter}--> ${fileName}:${span.line}:${span.column}`, ...excerpt(source, span, gutter)]
      : [`${gutter}--> ${fileName}`]),
    ...(hint ? [`${gutter} = hint: ${hint}`] : []),
    ...(fix ? [`${gutter} = fix: ${printable(fix.title)}`, ...fixedLine(source, fix)] : []),
  ]
  return lines.join('\n')
}

function excerpt(source: string, { from, to, line, column }: SourceSpan, gutter: string): string[] {
  const start = from - (column - 1)
  const newline = source.indexOf('\n', from)
  const text = source.slice(start, newline === -1 ? source.length : newline).replace(/\r$/, '')
  const cutBefore = text.length > WIDTH && column > WIDTH - LEAD ? column - 1 - LEAD : 0
  const shown = text.slice(cutBefore, cutBefore + WIDTH)
  const lead = cutBefore > 0 ? '…' : ''
  const trail = cutBefore + WIDTH < text.length ? '…' : ''
  const before = text.slice(cutBefore, column - 1)
  // Whatever goes on in the next line is underlined to the end of this one.
  const marked = Math.max(1, Math.min(to - from, shown.length - before.length))
  return [
    `${gutter} |`,
    `${line} | ${lead}${printable(shown)}${trail}`,
    `${gutter} | ${lead && ' '}${printable(before).replace(/[^\t]/g, ' ')}${'^'.repeat(marked)}`,
  ]
}

/** The line as it would be; of an added statement the line that it makes. */
function fixedLine(source: string, fix: Fix): string[] {
  const after = fixed(source, fix)
  const added = fix.replacement.startsWith('\n')
  const begin = added ? fix.span.from + 1 : after.lastIndexOf('\n', fix.span.from - 1) + 1
  const end = after.indexOf('\n', begin)
  const text = after.slice(begin, end === -1 ? after.length : end).replace(/\r$/, '')
  if (text.length > WIDTH) return []
  const number = String(fix.span.line + (added ? 1 : 0))
  return [`${' '.repeat(number.length)} |`, `${number} + ${printable(text)}`]
}

/** Control and formatting characters could move the cursor or hide text. */
function printable(text: string): string {
  return text.replace(/(?!\t)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{fffd}')
}
