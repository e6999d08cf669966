/**
 * Handlers, typed by their subject: a method whose parameter is not the subject's message, or whose result
 * is not its reply, does not compile. The decorators only note what the strategy has to connect.
 */
import { Catch, UseFilters, type RpcExceptionFilter } from '@nestjs/common'
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices'
import { throwError, type Observable } from 'rxjs'
import type { Broadcast, Feed, Rpc } from '@lucihub/contracts'

/** Where a request came from. */
export interface Call {
  /** Last subject token of a per-host rpc: NATS permissions bind it to the caller. Empty otherwise. */
  readonly host: string
}

/** Where a stream message came from and how often it was tried. */
export interface Delivery {
  readonly subject: string
  /** Sequence in the stream. */
  readonly streamSequence: number
  /** 1 for the first delivery. */
  readonly deliveries: number
  /** Size of the payload, bytes. */
  readonly size: number
}

/** One message of a batch. */
export interface Received<M> {
  readonly message: M
  readonly delivery: Delivery
}

export interface ConsumeOptions {
  /** Name of the durable consumer; with `perHost` the host is appended. */
  readonly durable: string
  /** Take only messages addressed to this process's host (first address token). */
  readonly perHost?: boolean
  /** Handlers at work at the same time (default 1). */
  readonly concurrency?: number
  /** How long messages stay away after the process that held them died, ms (default 30 000). */
  readonly ackWaitMs?: number
}

export interface BatchOptions extends ConsumeOptions {
  readonly maxMessages: number
  readonly maxBytes: number
  /** How long a batch that is not full may wait for more, ms. */
  readonly maxWaitMs: number
}

/** What the strategy reads back from a decorated method. */
export type HandlerExtras =
  | { readonly kind: 'answer'; readonly rpc: Rpc<unknown, unknown> }
  | { readonly kind: 'consume'; readonly feed: Feed<unknown, readonly string[]>; readonly options: ConsumeOptions }
  | { readonly kind: 'consume-batch'; readonly feed: Feed<unknown, readonly string[]>; readonly options: BatchOptions }
  | { readonly kind: 'listen'; readonly broadcast: Broadcast<unknown, readonly string[]>; readonly perHost: boolean }

/** Decorates methods of type F, and those that leave out trailing parameters. */
type Decorates<F> = <G extends F>(target: object, key: string | symbol, descriptor: TypedPropertyDescriptor<G>) => void

type Anything = readonly string[]

/** Answers an rpc. A thrown Problem is sent to the caller as it is, anything else as `internal`. */
export function Answer<Request, Reply>(
  rpc: Rpc<Request, Reply>,
): Decorates<(request: Request, call: Call) => Promise<Reply>> {
  return note(MessagePattern, rpc.subject, { kind: 'answer', rpc })
}

/** Handles a feed message by message: resolving acks; how a failure is treated, delivery-policy.ts decides. */
export function Consume<M, A extends Anything>(
  feed: Feed<M, A>,
  options: ConsumeOptions,
): Decorates<(message: M, delivery: Delivery) => Promise<void>> {
  return note(EventPattern, `${feed.filter()} ${options.durable}`, { kind: 'consume', feed, options })
}

/** Handles a feed batch by batch: resolving acks the whole batch, throwing leaves none acked. */
export function ConsumeBatch<M, A extends Anything>(
  feed: Feed<M, A>,
  options: BatchOptions,
): Decorates<(batch: readonly Received<M>[]) => Promise<void>> {
  return note(EventPattern, `${feed.filter()} ${options.durable}`, { kind: 'consume-batch', feed, options })
}

/** Hears a broadcast; errors are logged and forgotten. `perHost`: only what is addressed to this process's host. */
export function Listen<M, A extends Anything>(
  broadcast: Broadcast<M, A>,
  { perHost = false } = {},
): Decorates<(message: M, subject: string) => Promise<void>> {
  return note(EventPattern, broadcast.pattern, { kind: 'listen', broadcast, perHost })
}

/** Keeps what a handler threw as it is; Nest would make an anonymous error of it. */
@Catch()
class AsThrown implements RpcExceptionFilter {
  catch(thrown: unknown): Observable<never> {
    return throwError(() => thrown)
  }
}

type Pattern = (pattern: string, extras: Record<string, unknown>) => MethodDecorator

function note(
  pattern: Pattern,
  name: string,
  extras: HandlerExtras,
): (target: object, key: string | symbol, descriptor: PropertyDescriptor) => void {
  return (target, key, descriptor) => {
    pattern(name, { ...extras })(target, key, descriptor)
    UseFilters(new AsThrown())(target, key, descriptor)
    Payload()(target, key, 0)
    Ctx()(target, key, 1)
  }
}
