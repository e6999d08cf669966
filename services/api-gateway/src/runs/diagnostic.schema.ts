import { SEVERITIES, type CompileReport, type Diagnostic } from '@lucihub/analog'
import { z } from 'zod'

export const SourceSpanSchema = z
  .object({
    from: z.int().describe('First UTF-16 unit'),
    to: z.int().describe('Behind the last UTF-16 unit'),
    line: z.int().describe('From 1'),
    column: z.int().describe('From 1'),
  })
  .meta({ id: 'SourceSpan', description: 'A range of the source' })

export const DiagnosticSchema = z
  .object({
    code: z.string().meta({ example: 'ANA0012' }),
    severity: z.enum(SEVERITIES),
    message: z.string(),
    hint: z.string().describe('How to mend it; may be empty'),
    span: SourceSpanSchema.nullable().describe('Null when the whole program is meant'),
    fix: z
      .object({
        title: z.string().meta({ example: 'insert `;`' }),
        span: SourceSpanSchema.describe('What to replace; empty where text is inserted'),
        replacement: z.string(),
      })
      .meta({ id: 'Fix', description: 'An edit of the source that mends it' })
      .exactOptional(),
    excerpt: z.string().describe('The source line with a caret under the place'),
  })
  .meta({ id: 'Diagnostic', description: 'What the compiler has to say about one place of the source' })

export type DiagnosticResource = Diagnostic & { readonly excerpt: string }

/** Adds the line the diagnostic is about, and a caret under its place. */
export function diagnosticResource(diagnostic: Diagnostic, source: string): DiagnosticResource {
  return { ...diagnostic, excerpt: excerptOf(diagnostic, source) }
}

const EXCERPT_COLUMNS = 160

function excerptOf({ span }: Diagnostic, source: string): string {
  if (!span) return ''
  const line = source.split('\n')[span.line - 1]?.replace(/\r$/, '') ?? ''
  const carets = Math.max(1, Math.min(span.to - span.from, line.length - span.column + 1, EXCERPT_COLUMNS))
  const number = String(span.line)
  // A tab before the caret stays a tab, so that the caret lands under its place whatever a tab's width is.
  const indent = line.slice(0, span.column - 1).replace(/[^\t]/g, ' ')
  return `${number} | ${line.slice(0, EXCERPT_COLUMNS)}\n${' '.repeat(number.length)} | ${indent.slice(0, EXCERPT_COLUMNS)}${'^'.repeat(carets)}`
}

const SignalReportSchema = z.object({
  name: z.string(),
  element: z.string().describe('Slot and element').meta({ example: 'M0.3' }),
  scale: z.number().describe('physical = machine * scale'),
  amplitude: z.number().describe('Largest |physical value| in the reference solution'),
})

export const CompileReportSchema: z.ZodType<CompileReport> = z
  .object({
    elements: z.array(z.object({ kind: z.string(), used: z.int(), available: z.int() })),
    lanesUsed: z.int(),
    lanesAvailable: z.int(),
    k0: z.union([z.literal(100), z.literal(10_000)]).describe('Integrator rate, 1/s'),
    problemTimePerSecond: z.number().describe('Problem time units per second of op time'),
    signals: z.array(SignalReportSchema),
    compileTimeMs: z.number(),
    machine: z
      .string()
      .exactOptional()
      .describe('The machine that was chosen, where none was named: LUCIDAC, mREDAC or REDAC'),
  })
  .meta({ id: 'CompileReport', description: 'What a compilation decided' })
