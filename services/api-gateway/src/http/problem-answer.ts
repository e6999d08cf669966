/** Problems as RFC 9457 documents: the one place where a failure becomes an HTTP answer. */
import { Problem, type ProblemType } from '@lucihub/analog'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { DiagnosticResource } from '../runs/diagnostic.schema.ts'

export const PROBLEM_CONTENT_TYPE = 'application/problem+json; charset=utf-8'

/** For `Retry-After`, where nobody knows better. */
const RETRY_AFTER_S: Partial<Record<ProblemType, number>> = { 'too-many-requests': 1, unavailable: 2, timeout: 2 }

/** A program that does not compile, with everything the compiler said. */
export function compilationProblem(diagnostics: readonly DiagnosticResource[]): Problem {
  const [first, ...others] = diagnostics.filter(({ severity }) => severity === 'error')
  const line = first?.span ? `Line ${first.span.line}: ` : ''
  const more = others.length > 0 ? ` (and ${others.length} more)` : ''
  const detail = `${line}${first?.message ?? 'No configuration was made.'}${more}`
  return Object.assign(new Problem('compilation-failed', detail), { diagnostics })
}

/** The document as it is sent. */
export function problemDocument(problem: Problem, { instance, traceId }: { instance: string; traceId: string }) {
  return {
    type: `/problems/${problem.type}`,
    title: problem.title,
    status: problem.status,
    detail: problem.message,
    instance,
    traceId,
    ...(problem.violations.length > 0 && { violations: problem.violations }),
    ...('diagnostics' in problem && { diagnostics: problem.diagnostics }),
  }
}

/** Answers with a problem. The caller has made sure that nothing was sent before. */
export function answerProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem): void {
  const retryAfterS = problem.retryAfterS || RETRY_AFTER_S[problem.type]
  if (retryAfterS !== undefined) reply.header('retry-after', String(retryAfterS))
  if (problem.type === 'unauthenticated') reply.header('www-authenticate', 'Bearer realm="lucihub"')
  const [path = ''] = request.url.split('?')
  reply
    .code(problem.status)
    .header('cache-control', 'no-store')
    .header('content-type', PROBLEM_CONTENT_TYPE)
    .send(JSON.stringify(problemDocument(problem, { instance: path.slice(0, 400), traceId: request.id })))
}
