import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common'
import { HttpAdapterHost } from '@nestjs/core'
import { Problem } from '@lucihub/analog'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { MethodTable } from './method-table.ts'
import { answerProblem } from './problem-answer.ts'
import { BODY_BYTES_MAX } from './server.ts'

/** Turns whatever was thrown into a problem document. What is our fault says nothing but its trace id; the log says the rest. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #log = new Logger('http')
  readonly #methods: MethodTable

  constructor(host: HttpAdapterHost) {
    this.#methods = MethodTable.of(host.httpAdapter.getInstance<FastifyInstance>())
  }

  catch(thrown: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>()
    const reply = host.switchToHttp().getResponse<FastifyReply>()
    const problem = this.#problemOf(thrown, request, reply)
    if (problem.type === 'internal') {
      this.#log.error({
        traceId: request.id,
        method: request.method,
        url: request.url,
        error: problem.cause ?? problem,
      })
    } else if (problem.status >= 500) {
      this.#log.warn({
        traceId: request.id,
        method: request.method,
        url: request.url,
        problem: problem.type,
        detail: problem.message,
      })
    }
    if (reply.sent) return void reply.raw.destroy() // Half an answer is out: breaking off is the only honest end.
    answerProblem(
      request,
      reply,
      problem.type === 'internal' ? new Problem('internal', 'The error was logged under this trace id.') : problem,
    )
  }

  #problemOf(thrown: unknown, request: FastifyRequest, reply: FastifyReply): Problem {
    if (!(thrown instanceof HttpException)) return Problem.from(thrown)
    switch (thrown.getStatus()) {
      case 404:
        return this.#notRouted(request, reply)
      case 413:
        // Fastify would close with the rest unread, and the client would see a reset instead of this answer.
        // Kept open, the rest is read and thrown away, within the request timeout.
        reply.removeHeader('connection')
        return new Problem('too-large', `The body may have at most ${BODY_BYTES_MAX} bytes.`)
      case 415:
        return new Problem('unsupported-media-type', 'Send the body as application/json.')
      default:
        return thrown.getStatus() < 500
          ? new Problem('invalid-request', thrown.message)
          : new Problem('internal', '', { cause: thrown })
    }
  }

  #notRouted(request: FastifyRequest, reply: FastifyReply): Problem {
    const methods = this.#methods.methodsOf(request.url)
    if (methods.length === 0)
      return new Problem('not-found', 'There is nothing at this address. GET /openapi.json lists every route.')
    reply.header('allow', methods.join(', '))
    return new Problem('method-not-allowed', `${request.method} is not offered here; ${methods.join(', ')} is.`)
  }
}
