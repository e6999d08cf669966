/**
 * Handlers, typed by their subject: a method whose parameter is not the subject's message, or whose result
 * is not its reply, does not compile. The decorators only note what the strategy has to connect.
 */
import { EventPattern, MessagePattern } from '@nestjs/microservices'
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

type MethodOf<F> = (target: object, key: string | symbol, descriptor: TypedPropertyDescriptor<F>) => void

/** Answers an rpc. A thrown Problem is sent to the caller as it is, anything else as `internal`. */
export function Answer<Request, Reply>(rpc: Rpc<Request, Reply>): MethodOf<(request: Request, call: Call) => Promise<Reply>> {
  return note(MessagePattern, rpc.subject, { kind: 'answer', rpc: rpc as unknown as Rpc<unknown, unknown> })
}

/** Handles a feed message by message: resolving acks; a retryable Problem is tried again later; all else is dead-lettered. */
export function Consume<M, A extends readonly string[]>(feed: Feed<M, A>, options: ConsumeOptions): MethodOf<(message: M, delivery: Delivery) => Promise<void>> {
  return note(EventPattern, `${feed.filter()} ${options.durable}`, { kind: 'consume', feed: feed as unknown as Feed<unknown, readonly string[]>, options })
}

/** Handles a feed batch by batch, all or nothing: resolving acks the whole batch, throwing leaves none acked. */
export function ConsumeBatch<M, A extends readonly string[]>(feed: Feed<M, A>, options: BatchOptions): MethodOf<(batch: readonly Received<M>[]) => Promise<void>> {
  return note(EventPattern, `${feed.filter()} ${options.durable}`, { kind: 'consume-batch', feed: feed as unknown as Feed<unknown, readonly string[]>, options })
}

/** Hears a broadcast; errors are logged and forgotten. `perHost`: only what is addressed to this process's host. */
export function Listen<M, A extends readonly string[]>(broadcast: Broadcast<M, A>, { perHost = false } = {}): MethodOf<(message: M, subject: string) => Promise<void>> {
  return note(EventPattern, broadcast.pattern, { kind: 'listen', broadcast: broadcast as unknown as Broadcast<unknown, readonly string[]>, perHost })
}

function note<F>(decorator: typeof MessagePattern | typeof EventPattern, pattern: string, extras: HandlerExtras): MethodOf<F> {
  return decorator(pattern, { ...extras }) as MethodOf<F>
}
