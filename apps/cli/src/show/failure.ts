/** Failures, as text for people and as a JSON document for programs. Never a stack trace. */
import { Problem, type Violation } from '@lucihub/analog'
import { HubProblem, TransportError } from '@lucihub/sdk'
import { printable } from './text.ts'

/** `lucihub: <title>`, the detail, then every violation with its remedy. */
export function failureText(failure: unknown): string {
  if (!(failure instanceof Problem)) return `lucihub: ${printable(messageOf(failure))}`
  const lines = [`lucihub: ${failure.title} (${failure.status})`]
  if (failure.message !== failure.title) lines.push(`  ${printable(failure.message)}`)
  lines.push(...violationLines(failure.violations))
  if (failure.retryAfterS > 0) lines.push(`  Try again in ${failure.retryAfterS} s.`)
  if (failure instanceof HubProblem && failure.traceId !== '' && failure.status >= 500) {
    lines.push(`  Trace: ${printable(failure.traceId)}`)
  }
  return lines.join('\n')
}

/** Each violation with its remedy. */
export function violationLines(violations: readonly Violation[]): string[] {
  return violations.flatMap(({ pointer, value, message, remedy }) => [
    `  ${printable(pointer || '/')} = ${printable(value)}: ${printable(message)}`,
    ...(remedy ? [`    remedy: ${printable(remedy)}`] : []),
  ])
}

/** The same for `--json`. */
export function failureDocument(failure: unknown): { readonly error: object } {
  if (failure instanceof Problem) {
    const { type, title, status, message, violations, retryAfterS } = failure
    const extra = failure instanceof HubProblem ? { traceId: failure.traceId, diagnostics: failure.diagnostics } : {}
    return { error: { type, title, status, detail: message, violations, retryAfterS, ...extra } }
  }
  const type = failure instanceof TransportError ? 'transport' : 'failed'
  return { error: { type, title: messageOf(failure), detail: messageOf(failure) } }
}

function messageOf(failure: unknown): string {
  // Not `instanceof Error`: failures of Node's own modules may come from another realm.
  const told = typeof failure === 'object' && failure !== null && 'message' in failure ? failure.message : failure
  return String(told)
}
