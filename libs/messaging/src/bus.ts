/** The outgoing side of the bus: calls, durable publishing, broadcasts. What comes in is handled by the strategy. */
import { randomUUID } from 'node:crypto'
import { healthSubject, STREAMS, type Broadcast, type Feed, type Rpc } from '@lucihub/contracts'
import { callRpc } from './call.ts'
import { Connection } from './connection.ts'
import { SILENT, type BusObserver } from './observer.ts'
import { publishDurably } from './publish.ts'

export interface BusOptions {
  /** `nats://host:port`, optionally with user and password; several servers of one cluster with commas between. */
  readonly url: string
  /** Service name: name of the connection and prefix of its inboxes. */
  readonly name: string
  /** Hardware host token, for per-host handlers and rpcs. */
  readonly host?: string
  /** How long to wait for the first connection, ms (default 60 000). */
  readonly connectTimeoutMs?: number
}

export interface PublishOptions {
  /** The same id is stored once; the bus salts it with this boot, so no other process can take it first. */
  readonly id: string
  /** How long to keep trying, ms (default 30 000). */
  readonly timeoutMs?: number
}

type Address = readonly string[]

const CALL_TIMEOUT_MS = 5_000
const PUBLISH_TIMEOUT_MS = 30_000
/** A stream that needs longer than this to take a probe is not healthy, ms. */
const HEALTH_TIMEOUT_MS = 2_000

/** One NATS connection per process; injectable by its class. */
export class Bus {
  /** Random id of this process's life. */
  readonly bootId = randomUUID()
  /** Told about every call and every handled message; service-kit makes metrics of it. */
  observer: BusObserver = SILENT
  private probes = 0

  private constructor(
    /** For this library's receiving side. */
    readonly connection: Connection,
    readonly name: string,
    readonly host: string | undefined,
  ) {}

  /** Connects, trying until a server answers. Rejects with Problem `unavailable` after `connectTimeoutMs`. */
  static async connect({ url, name, host, connectTimeoutMs = 60_000 }: BusOptions): Promise<Bus> {
    return new Bus(await Connection.open({ url, name, connectTimeoutMs }), name, host)
  }

  /** Asks an rpc. Rejects with the answerer's Problem; `unavailable` when nobody answers, `timeout` after `timeoutMs` (default 5 000). */
  async call<Q, R>(
    rpc: Rpc<Q, R>,
    request: Q,
    { timeoutMs = CALL_TIMEOUT_MS }: { readonly timeoutMs?: number } = {},
  ): Promise<R> {
    const started = performance.now()
    let outcome: 'ok' | 'problem' = 'problem'
    try {
      const reply = await callRpc(this.connection, rpc, request, { timeoutMs, host: this.host })
      outcome = 'ok'
      return reply
    } finally {
      this.observer.called({ subject: rpc.subject, outcome, seconds: (performance.now() - started) / 1000 })
    }
  }

  /** Publishes to a feed, durably: resolves after the stream's ack. Rejects with Problem `unavailable` after `timeoutMs`. */
  publish<M, A extends Address>(feed: Feed<M, A>, address: A, message: M, options: PublishOptions): Promise<void> {
    return this.publishBytes(feed, address, feed.message.encode(message), options)
  }

  /** The same for bytes already encoded. */
  publishBytes<A extends Address>(
    feed: Feed<unknown, A>,
    address: A,
    bytes: Uint8Array,
    { id, timeoutMs = PUBLISH_TIMEOUT_MS }: PublishOptions,
  ): Promise<void> {
    return publishDurably(this.connection, { subject: feed.subject(...address), bytes, id: this.salted(id), timeoutMs })
  }

  /** Fire and forget: without a connection it is lost. */
  broadcast<M, A extends Address>(broadcast: Broadcast<M, A>, address: A, message: M): void {
    this.connection.nats.publish(broadcast.subject(...address), broadcast.message.encode(message))
  }

  /**
   * Hears a broadcast, or taps a feed's subjects as they pass (what was sent while nobody listened is lost).
   * Without an address: all. `group`: of all subscribers in a group one hears each message. What cannot be
   * decoded and what the handler throws is logged. Returns the function that ends it.
   */
  subscribe<M, A extends Address>(
    source: Broadcast<M, A> | Feed<M, A>,
    { address, group }: { readonly address?: A; readonly group?: string },
    handler: (message: M, subject: string) => void,
  ): () => void {
    const all = source.kind === 'feed' ? source.filter() : source.pattern
    const subscription = this.connection.nats.subscribe(address ? source.subject(...address) : all, {
      ...(group !== undefined && { queue: group }),
      callback: (error, received) => {
        try {
          if (error) throw error
          handler(source.message.decode(received.data), received.subject)
        } catch (thrown) {
          this.connection.log.error(`A message on ${all} was not heard: ${String(thrown)}`)
        }
      },
    })
    return () => subscription.unsubscribe()
  }

  /** Creates or updates all streams of STREAMS. Idempotent. */
  provision(): Promise<void> {
    return this.connection.provision()
  }

  /** Removes the records at one address of a feed from its stream; a run's, after its seal. */
  async purge<A extends Address>(feed: Feed<unknown, A>, address: A): Promise<void> {
    const filter = feed.subject(...address)
    await this.connection.manage(({ streams }) => streams.purge(STREAMS[feed.stream].name, { filter }))
  }

  /** True when a stream took a message just now: after a full disk a server may answer everything but that. */
  async healthy(): Promise<boolean> {
    try {
      await publishDurably(this.connection, {
        subject: healthSubject(this.name),
        bytes: new Uint8Array(),
        id: this.salted(`health/${this.probes++}`),
        timeoutMs: HEALTH_TIMEOUT_MS,
      })
      return true
    } catch (error) {
      this.connection.log.warn(`The bus is not healthy: ${String(error)}`)
      return false
    }
  }

  /** Sends what is buffered and closes. Idempotent; called by {@link MessagingModule} at shutdown. */
  drain(): Promise<void> {
    return this.connection.drain()
  }

  private salted(id: string): string {
    return `${this.bootId.slice(0, 8)}/${id}`
  }
}
