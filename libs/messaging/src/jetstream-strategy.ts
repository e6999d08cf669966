/**
 * The receiving side of the bus as a Nest transport: connects every handler that a decorator of
 * handlers.ts noted, and lets the running ones finish at the end.
 */
import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices'
import { isObservable, lastValueFrom } from 'rxjs'
import type { Broadcast, Feed, Rpc } from '@lucihub/contracts'
import { invariant } from '@lucihub/analog'
import { Answerer } from './answer.ts'
import type { Bus } from './bus.ts'
import { ownHost } from './call.ts'
import { pause } from './connection.ts'
import { Consumer, type Consumption } from './consume.ts'
import type { BatchOptions, ConsumeOptions, HandlerExtras } from './handlers.ts'

type AnyFeed = Feed<unknown, readonly string[]>

/** Something connected that can be asked to finish. */
interface Running {
  stop(): Promise<void>
}

/** How long messages of a process that died stay away, unless a handler says otherwise, ms. */
const ACK_WAIT_MS = 10_000
/** How long running handlers may take to finish at the end, ms. What they hold is delivered again elsewhere. */
const DRAIN_DEADLINE_MS = 8_000
/** A consumer of single messages asks for twice as many as it handles at once, so that it never waits. */
const PREFETCH = 2
const SINGLE_MAX_BYTES = 4_194_304

export class JetStreamStrategy extends Server implements CustomTransportStrategy {
  private running: Running[] = []

  constructor(private readonly bus: Bus) {
    super()
  }

  /** Resolves, and calls back, when every handler is connected. */
  async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      for (const [pattern, handler] of this.messageHandlers) this.running.push(await this.connect(pattern, handler))
      await this.bus.connection.nats.flush()
      callback()
    } catch (error) {
      callback(error)
    }
  }

  /** Takes no more work and waits for what is at work. The bus itself is drained by its module. */
  async close(): Promise<void> {
    const deadline = new AbortController()
    const stopped = Promise.all(this.running.splice(0).map((running) => running.stop())).then(() => true)
    const inTime = await Promise.race([stopped, pause(DRAIN_DEADLINE_MS, deadline.signal).then(() => false)])
    deadline.abort()
    if (!inTime)
      this.logger.warn(
        `Handlers still at work after ${DRAIN_DEADLINE_MS} ms were left behind; their messages will be delivered again.`,
      )
  }

  /** This transport has no events of its own: see the log. */
  on(): void {
    invariant(false, 'nobody listens to events of the JetStream transport')
  }

  unwrap<T>(): T {
    return this.bus.connection.nats as T
  }

  private async connect(pattern: string, handler: MessageHandler): Promise<Running> {
    const extras = handler.extras as HandlerExtras | undefined
    invariant(extras && 'kind' in extras, `${pattern} is decorated with @Answer, @Consume, @ConsumeBatch or @Listen`)
    invariant(!handler.next, `${pattern} has one handler`)
    switch (extras.kind) {
      case 'answer':
        return this.answer(extras.rpc, handler)
      case 'consume':
        return this.consume(extras.feed, extras.options, handler)
      case 'consume-batch':
        return this.consumeBatches(extras.feed, extras.options, handler)
      case 'listen':
        return this.hear(extras.broadcast, extras.perHost, handler)
      default:
        return extras satisfies never
    }
  }

  private answer(rpc: Rpc<unknown, unknown>, handler: MessageHandler): Running {
    return new Answerer(this.bus, rpc, (request, call) => run(handler, request, call))
  }

  private consume(feed: AnyFeed, options: ConsumeOptions, handler: MessageHandler): Promise<Running> {
    const { concurrency = 1 } = options
    return Consumer.start(this.bus, {
      ...this.addressed(feed, options),
      limits: { maxMessages: 1, maxBytes: SINGLE_MAX_BYTES, maxWaitMs: 0 },
      prefetch: PREFETCH * concurrency,
      handle: async (batch) => {
        for (const { message, delivery } of batch) await run(handler, message, delivery)
      },
    })
  }

  private consumeBatches(feed: AnyFeed, options: BatchOptions, handler: MessageHandler): Promise<Running> {
    const { maxMessages, maxBytes, maxWaitMs } = options
    return Consumer.start(this.bus, {
      ...this.addressed(feed, options),
      limits: { maxMessages, maxBytes, maxWaitMs },
      prefetch: maxMessages,
      handle: async (batch) => {
        await run(handler, batch, undefined)
      },
    })
  }

  private hear(broadcast: Broadcast<unknown, readonly string[]>, perHost: boolean, handler: MessageHandler): Running {
    const started = new Set<Promise<void>>()
    const address = perHost ? [ownHost(broadcast.pattern, this.bus.host)] : undefined
    const unsubscribe = this.bus.subscribe(broadcast, address ? { address } : {}, (message, subject) => {
      const heard = this.listenOnce(broadcast.pattern, handler, message, subject).finally(() => started.delete(heard))
      started.add(heard)
    })
    return {
      stop: async () => {
        unsubscribe()
        await Promise.all(started)
      },
    }
  }

  private async listenOnce(pattern: string, handler: MessageHandler, message: unknown, subject: string): Promise<void> {
    const begun = performance.now()
    let outcome: 'ok' | 'failed' = 'ok'
    try {
      await run(handler, message, subject)
    } catch (error) {
      outcome = 'failed'
      this.logger.error(`A handler of ${pattern} failed: ${String(error)}`)
    }
    this.bus.observer.handled({
      kind: 'listen',
      subject: pattern,
      outcome,
      messages: 1,
      seconds: (performance.now() - begun) / 1000,
    })
  }

  private addressed(
    feed: AnyFeed,
    { durable, perHost = false, concurrency = 1, ackWaitMs = ACK_WAIT_MS }: ConsumeOptions,
  ): Omit<Consumption<unknown>, 'limits' | 'prefetch' | 'handle'> {
    if (!perHost) return { feed, concurrency, ackWaitMs, durable, filter: feed.filter() }
    const host = ownHost(feed.filter(), this.bus.host)
    return { feed, concurrency, ackWaitMs, durable: `${durable}-${host}`, filter: feed.filter(host) }
  }
}

/** Calls a handler through Nest's guards, pipes, interceptors and filters, and waits for its last value. */
async function run(handler: MessageHandler, data: unknown, context: unknown): Promise<unknown> {
  const result: unknown = await handler(data, context)
  return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result
}
