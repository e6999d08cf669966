import { PROBLEMS, Problem, type ProblemType } from '@lucihub/analog'
import type { ProblemMessage } from '../messages.ts'

export function problemToProto({ type, message, violations, retryAfterS }: Problem): ProblemMessage {
  return { type, detail: message, violations, retryAfterS }
}

/** A type this process does not know becomes `internal`. */
export function problemFromProto({ type, detail, violations, retryAfterS }: ProblemMessage): Problem {
  const known = Object.hasOwn(PROBLEMS, type) ? (type as ProblemType) : 'internal'
  return new Problem(known, detail, {
    retryAfterS,
    violations: violations.map(({ pointer, value, message, remedy }) => ({ pointer, value, message, remedy })),
  })
}
