/** The answering side of an rpc: decode, handle, reply; whatever is thrown goes back as a Problem. */
import { headers, type Msg, type Subscription } from '@nats-io/transport-node'
import { Problem } from '@lucihub/analog'
import { problemToProto, ProblemMessage, type Rpc } from '@lucihub/contracts'
import type { Bus } from './bus.ts'
import { PROBLEM_HEADER } from './call.ts'
import type { Call } from './handlers.ts'

/** Requests of one rpc at work at the same time; the next ones are refused, so that a flood cannot pile up in memory. */
const MAX_IN_FLIGHT = 256

export class Answerer<Q, R> {
  private readonly inFlight = new Set<Promise<void>>()
  private readonly subscription: Subscription

  /** Answerers of one rpc share its requests. */
  constructor(
    private readonly bus: Bus,
    private readonly rpc: Rpc<Q, R>,
    private readonly handle: (request: Q, call: Call) => Promise<R>,
  ) {
    this.subscription = bus.connection.nats.subscribe(rpc.perHost ? `${rpc.subject}.*` : rpc.subject, {
      queue: rpc.subject,
      callback: (error, message) => {
        if (error) bus.connection.log.error(`${rpc.subject} cannot be answered: ${error.message}`)
        else this.receive(message)
      },
    })
  }

  /** Takes no more; resolves when all that was being answered is. */
  async stop(): Promise<void> {
    await this.subscription.drain().catch(() => undefined) // the connection is gone, and with it the callers
    await Promise.all(this.inFlight)
  }

  private receive(message: Msg): void {
    if (this.inFlight.size >= MAX_IN_FLIGHT) {
      this.refuse(
        message,
        new Problem('too-many-requests', `${this.rpc.subject} has ${MAX_IN_FLIGHT} requests at work.`, {
          retryAfterS: 1,
        }),
      )
      return
    }
    const answered = this.answer(message).finally(() => this.inFlight.delete(answered))
    this.inFlight.add(answered)
  }

  private async answer(message: Msg): Promise<void> {
    const started = performance.now()
    let outcome: 'ok' | 'failed' = 'failed'
    try {
      const request = this.rpc.request.decode(message.data)
      const host = this.rpc.perHost ? message.subject.slice(this.rpc.subject.length + 1) : ''
      message.respond(this.sized(this.rpc.reply.encode(await this.handle(request, { host }))))
      outcome = 'ok'
    } catch (thrown) {
      const problem = Problem.from(thrown)
      if (problem.type === 'internal') this.logInternal(thrown)
      this.refuse(message, problem)
    }
    this.bus.observer.handled({
      kind: 'answer',
      subject: this.rpc.subject,
      outcome,
      messages: 1,
      seconds: (performance.now() - started) / 1000,
    })
  }

  private sized(reply: Uint8Array): Uint8Array {
    const max = this.bus.connection.nats.info?.max_payload ?? Infinity
    if (reply.length <= max) return reply
    throw new Error(`a reply of ${reply.length} bytes does not fit the bus, which takes ${max}`)
  }

  private refuse(message: Msg, problem: Problem): void {
    const marked = headers()
    marked.set(PROBLEM_HEADER, '1')
    try {
      message.respond(ProblemMessage.encode(problemToProto(problem)), { headers: marked })
    } catch (error) {
      this.bus.connection.log.warn(`A caller of ${this.rpc.subject} could not be told of a problem: ${String(error)}`)
    }
  }

  private logInternal(thrown: unknown): void {
    const inmost = thrown instanceof Problem ? (thrown.cause ?? thrown) : thrown
    this.bus.connection.log.error(
      `${this.rpc.subject} failed: ${String(inmost)}`,
      inmost instanceof Error ? inmost.stack : undefined,
    )
  }
}
