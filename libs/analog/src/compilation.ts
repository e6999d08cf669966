/** What a compilation tells: diagnostics with their place in the source, and the report of a success. */
import type { Configuration } from './configuration.ts'
import type { IntegratorRate } from './limits.ts'

export const SEVERITIES = ['error', 'warning', 'info'] as const
export type Severity = (typeof SEVERITIES)[number]

/** A half-open range of the source, in UTF-16 units; line and column are 1-based. */
export interface SourceSpan {
  readonly from: number
  readonly to: number
  readonly line: number
  readonly column: number
}

/** An edit of the source that mends what a diagnostic complains of: put `replacement` in the place of the span. */
export interface Fix {
  /** What it does, e.g. "insert `;`". */
  readonly title: string
  /** Empty (from = to) where text is only inserted. */
  readonly span: SourceSpan
  readonly replacement: string
}

/** The source after a fix. */
export function fixed(source: string, { span, replacement }: Fix): string {
  return source.slice(0, span.from) + replacement + source.slice(span.to)
}

export interface Diagnostic {
  /** Stable, e.g. `ANA0012`. */
  readonly code: string
  readonly severity: Severity
  readonly message: string
  /** How to mend it; empty when there is nothing to say. */
  readonly hint: string
  /** Null when the whole program is meant. */
  readonly span: SourceSpan | null
  /** Absent where mending takes a decision that only a person can make. */
  readonly fix?: Fix
}

/** How one variable was scaled: physical = machine * scale. */
export interface SignalReport {
  readonly name: string
  /** Where it lives, e.g. `M0.3` (slot and element). */
  readonly element: string
  readonly scale: number
  /** Largest |physical value| in the reference solution. */
  readonly amplitude: number
}

export interface ElementUse {
  readonly kind: string
  readonly used: number
  readonly available: number
}

/** What a compilation decided, for people. */
export interface CompileReport {
  readonly elements: readonly ElementUse[]
  readonly lanesUsed: number
  readonly lanesAvailable: number
  readonly k0: IntegratorRate
  /** Problem time units per second of op time. */
  readonly problemTimePerSecond: number
  readonly signals: readonly SignalReport[]
  readonly compileTimeMs: number
  /** Which machine was chosen (LUCIDAC, mREDAC, REDAC) where none was named. */
  readonly machine?: string
}

/** `result` is null exactly when a diagnostic has severity `error`. */
export interface Compilation {
  readonly diagnostics: readonly Diagnostic[]
  readonly result: { readonly configuration: Configuration; readonly report: CompileReport } | null
}
