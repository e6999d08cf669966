/**
 * A diagnostic as people read it: what and where, the line of the program with the place underlined, a hint.
 * The excerpt is made safe for terminals and cut to a window, since a program may be a single line of 64 KiB.
 */
import type { Diagnostic, SourceSpan } from '@lucihub/analog'

const WIDTH = 100
/** Characters shown before the place when the line is cut. */
const LEAD = 40

/** Several lines of plain text, without a newline at the end. */
export function renderDiagnostic(source: string, diagnostic: Diagnostic, fileName = 'program.ana'): string {
  const { severity, code, message, hint, span } = diagnostic
  const gutter = ' '.repeat(span ? String(span.line).length : 1)
  const lines = [
    `${severity}[${code}]: ${message}`,
    ...(span
      ? [`${gutter}--> ${fileName}:${span.line}:${span.column}`, ...excerpt(source, span, gutter)]
      : [`${gutter}--> ${fileName}`]),
    ...(hint ? [`${gutter} = hint: ${hint}`] : []),
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

/** Control and formatting characters could move the cursor or hide text. */
function printable(text: string): string {
  return text.replace(/(?!\t)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{fffd}')
}
