/**
 * One NATS connection per process, with what the client library leaves open: a first connection that is
 * tried until a deadline, and a signal at every reconnect, so that whatever was in flight is asked again
 * at once instead of after its timeout.
 */
import { Logger } from '@nestjs/common'
import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node'
import { Problem } from '@lucihub/analog'
import { provisionStreams } from './provision.ts'

export interface ConnectionOptions {
  readonly url: string
  readonly name: string
  /** How long the first connection may take, ms. */
  readonly connectTimeoutMs: number
}

/** A server that is silent for two of these counts as gone. */
const PING_INTERVAL_MS = 5_000
const RECONNECT_WAIT_MS = 250
/** Spreads the clients of a hub that all lost the same server. */
const RECONNECT_JITTER_MS = 500
/** All clients of a server that came back are back within this time, ms. */
const RENEWAL_GRACE_MS = 3 * (RECONNECT_WAIT_MS + RECONNECT_JITTER_MS)
/** Answers of the JetStream API; a server that syncs every write to disk may take a while. */
const API_TIMEOUT_MS = 5_000

/** Thrown to whoever waited for an answer that a lost connection swallowed. */
export class Reconnected extends Error {
  override readonly name = 'Reconnected'
}

interface Listener {
  lost?(): void
  back(): void
}

export class Connection {
  readonly log: Logger
  readonly js: JetStreamClient
  /** False while there is no connection. What is sent then is lost, for the client library forgets it. */
  private up = true
  private renewedAt = -Infinity
  private readonly listeners = new Set<Listener>()
  private provisioning: Promise<void> | null = null

  private constructor(
    readonly nats: NatsConnection,
    private readonly jsm: JetStreamManager,
    name: string,
    readonly inboxPrefix: string,
  ) {
    this.log = new Logger(`Bus ${name}`)
    this.js = jetstream(nats, { timeout: API_TIMEOUT_MS })
    void this.follow()
  }

  /** Tries until a server answers; Problem `unavailable` when none did in time. */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const deadline = performance.now() + options.connectTimeoutMs
    for (;;) {
      try {
        const nats = await connect(natsOptions(options))
        const manager = await jetstreamManager(nats, { timeout: API_TIMEOUT_MS, checkAPI: false })
        return new Connection(nats, manager, options.name, inboxPrefixOf(options.name))
      } catch (cause) {
        if (performance.now() >= deadline) {
          throw new Problem(
            'unavailable',
            `No NATS server answered at ${withoutSecrets(options.url)} within ${options.connectTimeoutMs} ms.`,
            { cause },
          )
        }
        await pause(RECONNECT_WAIT_MS + Math.random() * RECONNECT_JITTER_MS)
      }
    }
  }

  /** Calls the listener at every loss and return of the connection, until the returned function is called. */
  listen(listener: Listener): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Waits for the connection; false when there was none in time. */
  async connected(timeoutMs: number): Promise<boolean> {
    if (this.up) return true
    const waiting = new AbortController()
    const forget = this.listen({ back: () => waiting.abort() })
    await pause(timeoutMs, waiting.signal)
    forget()
    return waiting.signal.aborted
  }

  /** True just after a reconnect, when the other processes may not be back yet. */
  justRenewed(): boolean {
    return performance.now() - this.renewedAt < RENEWAL_GRACE_MS
  }

  /** The same promise, but rejecting with {@link Reconnected} as soon as the connection had to be renewed. */
  async orReconnect<T>(answer: Promise<T>): Promise<T> {
    let forget = (): void => undefined
    const renewed = new Promise<never>((_, reject) => {
      forget = this.listen({ back: () => reject(new Reconnected('the connection was renewed')) })
    })
    try {
      return await Promise.race([answer, renewed])
    } finally {
      forget()
      answer.catch(() => undefined) // when the race was lost, nobody else hears of its failure
    }
  }

  /** Asks the JetStream API. */
  manage<T>(ask: (manager: JetStreamManager) => Promise<T>): Promise<T> {
    return this.orReconnect(ask(this.jsm))
  }

  /** Creates or updates all streams. Calls at the same time share one pass. */
  provision(): Promise<void> {
    this.provisioning ??= this.manage(provisionStreams).finally(() => {
      this.provisioning = null
    })
    return this.provisioning
  }

  /** Lets running subscriptions finish, sends what is buffered, closes. Idempotent. */
  async drain(): Promise<void> {
    if (this.nats.isClosed()) return
    if (this.nats.isDraining()) {
      await this.nats.closed()
      return
    }
    try {
      await this.nats.drain()
    } catch (error) {
      this.log.warn(`The connection could not be drained: ${String(error)}`)
      await this.nats.close()
    }
  }

  private async follow(): Promise<void> {
    for await (const status of this.nats.status()) {
      if (status.type === 'disconnect') {
        this.up = false
        this.log.warn('The connection to NATS was lost.')
        for (const listener of [...this.listeners]) listener.lost?.()
      } else if (status.type === 'reconnect') {
        this.up = true
        this.renewedAt = performance.now()
        this.log.log('Connected to NATS again.')
        for (const listener of [...this.listeners]) listener.back()
      } else if (status.type === 'error') {
        this.log.error(`NATS refused something: ${String(status.error)}`)
      }
    }
  }
}

/** Resolves after this time, or at once when the signal is aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve()
      return
    }
    const done = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done)
  })
}

/** How long to wait before the nth retry (1, 2, ...): doubling, spread by half, at most `maxMs`. */
export function backoffMs(attempt: number, maxMs: number): number {
  return Math.min(maxMs, 50 * 2 ** Math.min(attempt, 20)) * (0.5 + Math.random() / 2)
}

function natsOptions({ url, name }: ConnectionOptions): NodeConnectionOptions {
  const servers = url.split(',').map((one) => new URL(one))
  const { username, password } = servers[0] ?? { username: '', password: '' }
  return {
    name,
    servers: servers.map(({ host }) => host),
    ...(username !== '' && { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
    inboxPrefix: inboxPrefixOf(name),
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: 2,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: reconnectPace(),
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
  }
}

/**
 * How long to wait between two tries. The client library counts the wait by the wall clock, and a clock that was set
 * back by an hour would keep it from trying for an hour; so when the time is over by the monotonic clock, the answer
 * is one that leaves nothing to wait for.
 */
export function reconnectPace(now: () => number = () => performance.now()): () => number {
  let triedAt = -Infinity
  return () => {
    const waitMs = RECONNECT_WAIT_MS + Math.random() * RECONNECT_JITTER_MS
    if (now() - triedAt < waitMs) return waitMs
    triedAt = now()
    return -Infinity
  }
}

/** Each service its own, so that permissions can keep the others from listening in. */
function inboxPrefixOf(name: string): string {
  return `_INBOX_${name}`
}

function withoutSecrets(url: string): string {
  return url.replace(/\/\/[^@,]*@/g, '//')
}
