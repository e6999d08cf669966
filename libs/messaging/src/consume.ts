/**
 * Handlers at work on a durable consumer: take a batch, hand it over, settle it. A batch stands or falls
 * together; when it falls for a reason that may lie in one of its messages, each is handed over alone, so
 * that the poison is found and the others pass.
 */
import { setMaxListeners } from 'node:events'
import { STREAMS, type Feed } from '@lucihub/contracts'
import type { Bus } from './bus.ts'
import { refuseDamaged } from './checksum.ts'
import { pause } from './connection.ts'
import { deadLetter } from './dead-letter.ts'
import { causeOf, decide, retryDelayMs } from './delivery-policy.ts'
import type { Received } from './handlers.ts'
import type { HeldMessage } from './held-message.ts'
import { Pull, type TakeLimits } from './pull.ts'

export interface Consumption<M> {
  readonly feed: Feed<M, readonly string[]>
  readonly durable: string
  readonly filter: string
  /** Batches at work at the same time. */
  readonly concurrency: number
  /** What one batch may hold. */
  readonly limits: TakeLimits
  /** Messages to fetch ahead. */
  readonly prefetch: number
  /** How long messages of a process that died stay away, ms. */
  readonly ackWaitMs: number
  handle(batch: readonly Received<M>[]): Promise<void>
}

interface Decoded<M> {
  readonly held: HeldMessage
  readonly received: Received<M>
}

export class Consumer<M> {
  private readonly stopping = new AbortController()
  private readonly workers: Promise<void>[]
  /** Batches in a row that failed for the world's reasons. */
  private transientFailures = 0

  private constructor(
    private readonly bus: Bus,
    private readonly consumption: Consumption<M>,
    private readonly pull: Pull,
  ) {
    // Every worker that waits to try again listens to it.
    setMaxListeners(consumption.concurrency + 1, this.stopping.signal)
    this.workers = Array.from({ length: consumption.concurrency }, () => this.work())
  }

  static async start<M>(bus: Bus, consumption: Consumption<M>): Promise<Consumer<M>> {
    const { feed, durable, filter, limits, prefetch, ackWaitMs } = consumption
    const pull = await Pull.open(bus.connection, {
      stream: STREAMS[feed.stream].name,
      durable,
      filter,
      ackWaitMs,
      maxMessages: prefetch,
      maxBytes: limits.maxBytes,
    })
    return new Consumer(bus, consumption, pull)
  }

  /** Takes no more; resolves when all that was being handled is settled. */
  async stop(): Promise<void> {
    this.stopping.abort()
    await this.pull.close()
    await Promise.all(this.workers)
    this.pull.dispose()
  }

  private async work(): Promise<void> {
    for (;;) {
      const taken = await this.pull.take(this.consumption.limits)
      if (!taken) return
      const decoded = await this.decode(taken)
      if (decoded.length > 0) await this.handleTogether(decoded)
    }
  }

  private async decode(taken: readonly HeldMessage[]): Promise<Decoded<M>[]> {
    const decoded: Decoded<M>[] = []
    for (const held of taken) {
      try {
        refuseDamaged(held)
        decoded.push({
          held,
          received: { message: this.consumption.feed.message.decode(held.bytes), delivery: held.delivery },
        })
      } catch (error) {
        await this.refuse(held, error)
      }
    }
    return decoded
  }

  private async handleTogether(batch: readonly Decoded<M>[]): Promise<void> {
    const failure = await this.attempt(batch)
    if (!failure) return
    if (causeOf(failure.thrown) === 'transient') {
      await this.backOff(batch, failure.thrown)
      return
    }
    const [only, ...others] = batch
    if (only && others.length === 0) {
      await this.refuse(only.held, failure.thrown)
      return
    }
    this.bus.connection.log.warn(
      `${this.consumption.durable} could not handle ${batch.length} messages at once, trying one by one: ${String(failure.thrown)}`,
    )
    for (const one of batch) await this.handleTogether([one])
  }

  /** Null when the handler took the batch, which is acked then. */
  private async attempt(batch: readonly Decoded<M>[]): Promise<{ readonly thrown: unknown } | null> {
    const started = performance.now()
    const observe = (outcome: 'ok' | 'failed'): void =>
      this.bus.observer.handled({
        kind: 'consume',
        subject: this.consumption.feed.filter(),
        outcome,
        messages: batch.length,
        seconds: (performance.now() - started) / 1000,
      })
    try {
      await this.consumption.handle(batch.map(({ received }) => received))
    } catch (thrown) {
      observe('failed')
      return { thrown }
    }
    observe('ok')
    this.transientFailures = 0
    for (const { held } of batch) this.pull.settle(held, { kind: 'ack' })
    return null
  }

  /** The world is at fault: everything again later, and no new work until then. */
  private async backOff(batch: readonly Decoded<M>[], thrown: unknown): Promise<void> {
    this.transientFailures++
    const afterMs = Math.max(
      retryDelayMs(this.transientFailures),
      ...batch.map(({ held }) => retryDelayMs(held.delivery.deliveries)),
    )
    this.bus.connection.log.warn(
      `${this.consumption.durable} tries ${batch.length} messages again in ${afterMs} ms: ${String(thrown)}`,
    )
    for (const { held } of batch) this.pull.settle(held, { kind: 'nak', afterMs })
    await pause(retryDelayMs(this.transientFailures), this.stopping.signal)
  }

  /** One message alone failed: again later, or aside. */
  private async refuse(held: HeldMessage, thrown: unknown): Promise<void> {
    const { connection, observer } = this.bus
    const { durable, feed } = this.consumption
    const decision = decide(thrown, held.delivery.deliveries)
    if (decision.kind === 'retry') {
      connection.log.warn(`${durable} tries ${held.identity} again in ${decision.afterMs} ms: ${String(thrown)}`)
      this.pull.settle(held, { kind: 'nak', afterMs: decision.afterMs })
      return
    }
    try {
      await deadLetter(connection, {
        message: held,
        stream: STREAMS[feed.stream].name,
        durable,
        reason: decision.reason,
      })
      this.pull.settle(held, { kind: 'term' })
      observer.deadLettered({ subject: feed.filter() })
      connection.log.error(
        `${durable} put ${held.identity} aside: ${decision.reason}`,
        thrown instanceof Error ? thrown.stack : undefined,
      )
    } catch (error) {
      connection.log.error(`${durable} could not put ${held.identity} aside: ${String(error)}`)
      this.pull.settle(held, { kind: 'nak', afterMs: retryDelayMs(held.delivery.deliveries) })
    }
  }
}
