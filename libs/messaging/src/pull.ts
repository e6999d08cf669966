/**
 * One durable pull consumer. One request for a batch is always out while there is room for it, so the
 * next messages arrive while the last are being handled; bytes and messages held are bounded. Whatever
 * happens to the server (restart, lost consumer, lost store, silence) ends in `rebuild`: make sure that
 * the consumer exists and ask again.
 */
import { createInbox, nanos, type Msg, type Subscription } from '@nats-io/transport-node'
import { backoffMs, pause, type Connection } from './connection.ts'
import { ensureConsumer, isStreamNotFound, type DurableOptions } from './durable.ts'
import { heldMessage, settle, type HeldMessage, type Settlement } from './held-message.ts'

export interface PullOptions extends DurableOptions {
  /** Most bytes of one request. */
  readonly maxBytes: number
}

export interface TakeLimits {
  readonly maxMessages: number
  readonly maxBytes: number
  readonly maxWaitMs: number
}

/** How long one request stays open, ms. */
const EXPIRES_MS = 30_000
/** How often the server says that an idle request is alive, ms; silent for 2.5 of these, it is asked again. */
const HEARTBEAT_MS = 5_000
const SILENCE_MS = 2.5 * HEARTBEAT_MS
/** A request must have room for any message: a server's max_payload is 1 MiB, headers and subject come on top. */
const MIN_REQUEST_BYTES = 2_097_152
const REBUILD_MAX_MS = 2_000
/** Before asking again when the server refused a request, e.g. for too many at once. */
const REFUSED_PAUSE_MS = 1_000

interface Request {
  readonly inbox: string
  messagesLeft: number
  lastWordAt: number
}

export class Pull {
  private readonly inbox: string
  private readonly subscription: Subscription
  private readonly closing = new AbortController()
  private readonly beat: NodeJS.Timeout
  private readonly unlisten: () => void
  private buffer: HeldMessage[] = []
  private bufferBytes = 0
  /** Everything not settled yet, buffered or at work. */
  private readonly held = new Set<HeldMessage>()
  /** Settlements that wait for the connection, because the store may come back as another one. */
  private postponed: (() => void)[] = []
  private request: Request | null = null
  private requests = 0
  /** False from the loss of the connection until the consumer is known to exist. */
  private live = false
  private rebuilding: Promise<void> | null = null
  /** Creation time of the consumer: another one means another store. */
  private created = ''
  private readonly waiting = new Set<() => void>()

  private constructor(
    private readonly connection: Connection,
    private readonly options: PullOptions,
  ) {
    this.inbox = createInbox(connection.inboxPrefix)
    this.subscription = connection.nats.subscribe(`${this.inbox}.*`, {
      callback: (error, message) => this.receive(error, message),
    })
    this.unlisten = connection.listen({ lost: () => this.lose(), back: () => void this.rebuild() })
    this.beat = setInterval(() => this.keepAlive(), Math.min(HEARTBEAT_MS, options.ackWaitMs / 3)).unref()
  }

  /** Resolves when the consumer exists and the first request is out. */
  static async open(connection: Connection, options: PullOptions): Promise<Pull> {
    const pull = new Pull(connection, options)
    await pull.rebuild()
    return pull
  }

  /** The next messages: at least one, then as many as the limits and `maxWaitMs` allow. Null after `close`. */
  async take(limits: TakeLimits): Promise<readonly HeldMessage[] | null> {
    while (this.buffer.length === 0) {
      if (this.closing.signal.aborted) return null
      await this.nextArrival()
    }
    const deadline = performance.now() + limits.maxWaitMs
    while (
      !this.closing.signal.aborted &&
      this.buffer.length < limits.maxMessages &&
      this.bufferBytes < limits.maxBytes
    ) {
      const leftMs = deadline - performance.now()
      if (leftMs <= 0) break
      await this.nextArrival(leftMs)
    }
    const taken = this.cut(limits)
    this.ask()
    return taken.length > 0 ? taken : this.take(limits)
  }

  /** Final word about a message. */
  settle(message: HeldMessage, settlement: Settlement): void {
    if (!this.held.delete(message)) return
    if (this.live) settle(message, settlement)
    else this.postponed.push(() => settle(message, settlement))
  }

  /** Stops asking. What was not taken goes back to the server at once; what is at work can still be settled. */
  async close(): Promise<void> {
    this.closing.abort()
    this.request = null
    this.giveBack()
    this.wake()
    this.unlisten()
    await this.subscription.drain().catch(() => undefined) // the connection is gone: the server redelivers
  }

  /** After the last settlement. */
  dispose(): void {
    clearInterval(this.beat)
  }

  private receive(error: Error | null, message: Msg): void {
    if (error) {
      this.connection.log.error(`${this.options.durable} may not pull: ${error.message}`)
      return
    }
    const status = message.headers?.code ?? 0
    if (message.subject.startsWith(this.inbox)) {
      this.hear(message.subject, status, message.headers?.description ?? '')
      return
    }
    const arrived = heldMessage(message)
    this.held.add(arrived)
    if (this.request) {
      this.request.messagesLeft--
      this.request.lastWordAt = performance.now()
      if (this.request.messagesLeft <= 0) this.request = null
    }
    if (this.closing.signal.aborted) {
      this.settle(arrived, { kind: 'nak', afterMs: 0 })
      return
    }
    this.buffer.push(arrived)
    this.bufferBytes += arrived.bytes.length
    this.wake()
    this.ask()
  }

  /** A word of the server about a request: 100 it lives, 404/408 it ended, 409 it ended early, 503 nobody is there. */
  private hear(inbox: string, status: number, description: string): void {
    if (inbox !== this.request?.inbox) return
    this.request.lastWordAt = performance.now()
    if (status === 100) return
    this.request = null
    const gone = status === 503 || /deleted|shutdown|leadership/i.test(description)
    const refused = status === 400 || /exceeded/i.test(description)
    if (gone) void this.rebuild()
    else if (refused) void pause(REFUSED_PAUSE_MS, this.closing.signal).then(() => this.ask())
    else this.ask()
  }

  /** Asks for one batch more, if none is asked for and less than one is waiting. */
  private ask(): void {
    const { stream, durable, maxMessages, maxBytes } = this.options
    if (!this.live || this.request || this.closing.signal.aborted) return
    if (this.buffer.length >= maxMessages || this.bufferBytes >= maxBytes) return
    const inbox = `${this.inbox}.${this.requests++}`
    this.request = { inbox, messagesLeft: maxMessages, lastWordAt: performance.now() }
    this.connection.nats.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`,
      JSON.stringify({
        batch: maxMessages,
        max_bytes: Math.max(maxBytes, MIN_REQUEST_BYTES),
        expires: nanos(EXPIRES_MS),
        idle_heartbeat: nanos(HEARTBEAT_MS),
      }),
      { reply: inbox },
    )
  }

  private lose(): void {
    this.live = false
    this.request = null
  }

  private rebuild(): Promise<void> {
    this.lose()
    this.rebuilding ??= this.untilLive().finally(() => {
      this.rebuilding = null
    })
    return this.rebuilding
  }

  private async untilLive(): Promise<void> {
    for (let attempt = 1; !this.closing.signal.aborted; attempt++) {
      try {
        this.revive(await this.connection.manage((manager) => ensureConsumer(manager, this.options)))
        return
      } catch (error) {
        this.connection.log.warn(`Consumer ${this.options.durable} is not there yet: ${String(error)}`)
        if (isStreamNotFound(error)) await this.connection.provision().catch(() => undefined) // tried again below
        await pause(backoffMs(attempt, REBUILD_MAX_MS), this.closing.signal)
      }
    }
  }

  private revive(created: string): void {
    if (created !== this.created) {
      // Another store counts from one again: an ack for an old message could hit a new one.
      this.held.clear()
      this.postponed = []
      this.buffer = []
      this.bufferBytes = 0
      this.created = created
    }
    this.live = true
    for (const say of this.postponed.splice(0)) say()
    this.ask()
  }

  /** Tells the server that what is held is still being worked on, and asks again when it fell silent. */
  private keepAlive(): void {
    if (!this.live) return
    for (const message of this.held) settle(message, { kind: 'working' })
    if (this.request && performance.now() - this.request.lastWordAt > SILENCE_MS) {
      this.connection.log.warn(`Consumer ${this.options.durable} fell silent.`)
      void this.rebuild()
    }
  }

  private cut({ maxMessages, maxBytes }: TakeLimits): HeldMessage[] {
    let count = 0
    let bytes = 0
    for (const {
      bytes: { length },
    } of this.buffer) {
      if (count >= maxMessages || (count > 0 && bytes + length > maxBytes)) break
      count++
      bytes += length
    }
    this.bufferBytes -= bytes
    return this.buffer.splice(0, count)
  }

  private giveBack(): void {
    for (const message of this.buffer.splice(0)) this.settle(message, { kind: 'nak', afterMs: 0 })
    this.bufferBytes = 0
  }

  private nextArrival(atMostMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.waiting.delete(done)
        resolve()
      }
      const timer = atMostMs === undefined ? undefined : setTimeout(done, atMostMs)
      this.waiting.add(done)
    })
  }

  private wake(): void {
    for (const done of [...this.waiting]) done()
  }
}
