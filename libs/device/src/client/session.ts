/**
 * A client's end of one connection: commands out, each matched with its reply by id; everything else that
 * comes is a push. A busy device is asked again. When the connection is lost, every command in flight and
 * every later one rejects with Problem `device-failed`.
 */
import { Problem, type ProblemType } from '@lucihub/analog'
import { createConnection, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { Connection } from '../wire/connection.ts'
import {
  PROTOCOL_VERSION,
  type Envelope,
  type MessageKind,
  type MessageToSend,
  type MessageV1,
} from '../wire/messages.ts'

/** TCP port of every device. */
export const DEVICE_PORT = 5732

export interface SessionOptions {
  readonly host: string
  readonly port: number
  /** Bound of connecting and of each reply, ms. */
  readonly timeoutMs: number
  /** Pause before a busy device is asked again, ms. */
  readonly busyRetryMs: number
  /** A device that stays busy for longer has refused, ms. */
  readonly busyWaitMs: number
  /** Makes the ids of commands, at most 38 characters. */
  readonly nextId: () => string
  /** Hears every message that answers no command; null for an envelope without one. */
  readonly onPush: (message: MessageV1 | null) => void
  /** Hears the end of the connection, once. */
  readonly onLost: (problem: Problem) => void
}

interface RequestOptions {
  /** The type of the Problem that an error message becomes; default `device-failed`. */
  readonly refusedAs?: ProblemType
  /** Ends the waiting for a busy device, with Problem `unavailable`. */
  readonly signal?: AbortSignal | undefined
  /** Bound of the reply, ms; default that of the session. */
  readonly timeoutMs?: number
}

interface Waiting<T> {
  resolve(reply: T): void
  reject(problem: Problem): void
}

export class Session {
  readonly #options: SessionOptions
  readonly #connection: Connection
  readonly #replies = new Map<string, Waiting<MessageV1>>()
  readonly #pings: Waiting<number>[] = []
  #lost: Problem | null = null

  private constructor(options: SessionOptions, socket: Socket) {
    this.#options = options
    this.#connection = new Connection(socket, {
      onEnvelope: (envelope) => this.#receive(envelope),
      onClose: (problem) => this.#end(problem),
    })
  }

  /** Connects. Rejects with Problem `device-failed` when nobody listens there in time. */
  static async open(options: SessionOptions): Promise<Session> {
    return new Session(options, await connected(options))
  }

  /** The device's clock in µs, by the ping that every generation answers. */
  async ping(): Promise<number> {
    return this.#wait('a ping', this.#options.timeoutMs, (waiting) => {
      this.#pings.push(waiting)
      this.#connection.send({ generic: { pingCommand: {} } })
      return () => void this.#pings.splice(this.#pings.indexOf(waiting), 1)
    })
  }

  /**
   * Sends a command and resolves with its reply of kind `reply`. Rejects with a Problem: `refusedAs` when
   * the device answers with an error, `device-failed` when it answers with something else or is lost,
   * `timeout` when it does not answer, `unavailable` when it stays busy.
   */
  async request<K extends MessageKind>(
    command: MessageToSend,
    reply: K,
    { refusedAs = 'device-failed', signal, timeoutMs = this.#options.timeoutMs }: RequestOptions = {},
  ): Promise<NonNullable<MessageV1[K]>> {
    const deadline = performance.now() + this.#options.busyWaitMs
    for (;;) {
      const message = await this.#exchange(command, timeoutMs)
      if (message.kind === 'busyResponse') {
        if (performance.now() + this.#options.busyRetryMs > deadline) {
          throw new Problem('unavailable', `${this.#name} has been busy for ${this.#options.busyWaitMs / 1000} s.`)
        }
        await delay(this.#options.busyRetryMs, undefined, signal && { signal }).catch(() => undefined)
        if (signal?.aborted) throw new Problem('unavailable', `${this.#name} was busy until it was asked no more.`)
        continue
      }
      const body = message[reply]
      if (message.kind === reply && body) return body
      if (message.errorMessage) {
        const reason = message.errorMessage.description || 'no reason given.'
        throw new Problem(refusedAs, `${this.#name} refused ${kindOf(command)}: ${reason}`)
      }
      throw new Problem(
        'device-failed',
        `${this.#name} answered ${kindOf(command)} with ${message.kind ?? 'an unknown message'}.`,
      )
    }
  }

  /** Sends a command whose reply, if any, does not matter. */
  tell(command: MessageToSend): void {
    this.#connection.send(this.#envelope(this.#options.nextId(), command))
  }

  get isOpen(): boolean {
    return this.#connection.isOpen
  }

  /** The two ends of the connection. */
  get addresses(): { readonly local: string; readonly remote: string } {
    return this.#connection.addresses
  }

  /** Gives the connection up, because of this problem. */
  abandon(problem: Problem): void {
    this.#connection.close(problem)
  }

  pause(): void {
    this.#connection.pause()
  }

  resume(): void {
    this.#connection.resume()
  }

  close(): Promise<void> {
    return this.#connection.finish()
  }

  async #exchange(command: MessageToSend, timeoutMs: number): Promise<MessageV1> {
    const id = this.#options.nextId()
    return this.#wait(kindOf(command), timeoutMs, (waiting) => {
      this.#replies.set(id, waiting)
      this.#connection.send(this.#envelope(id, command))
      return () => void this.#replies.delete(id)
    })
  }

  #envelope(id: string, command: MessageToSend) {
    return { version: PROTOCOL_VERSION, messageV1: { id, ...command } }
  }

  /** Waits for one answer, `timeoutMs` at most. `start` sends the question and returns how to forget it. */
  #wait<T>(question: string, timeoutMs: number, start: (waiting: Waiting<T>) => () => void): Promise<T> {
    if (this.#lost) return Promise.reject(this.#lost)
    return new Promise<T>((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer)
        forget()
      }
      const forget = start({
        resolve: (reply) => (settle(), resolve(reply)),
        reject: (problem) => (settle(), reject(problem)),
      })
      const timer = setTimeout(() => {
        forget()
        reject(new Problem('timeout', `${this.#name} did not answer ${question} within ${timeoutMs / 1000} s.`))
      }, timeoutMs)
    })
  }

  #receive({ generic, messageV1 }: Envelope): void {
    const [ping] = this.#pings
    if (ping && generic?.pingResponse) return ping.resolve(generic.pingResponse.micros)
    const waiting = messageV1 && this.#replies.get(messageV1.id)
    if (waiting) waiting.resolve(messageV1)
    else this.#options.onPush(messageV1 ?? null)
  }

  #end(problem: Problem | null): void {
    const detail = problem ? `was lost: ${problem.message}` : 'closed the connection.'
    this.#lost = new Problem('device-failed', `${this.#name} ${detail}`, { cause: problem })
    for (const waiting of [...this.#pings, ...this.#replies.values()]) waiting.reject(this.#lost)
    this.#options.onLost(this.#lost)
  }

  get #name(): string {
    return `The device at ${this.#options.host}:${this.#options.port}`
  }
}

function kindOf(command: MessageToSend): string {
  return Object.keys(command).find((key) => key !== 'id') ?? 'nothing'
}

function connected({ host, port, timeoutMs }: SessionOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port })
    const fail = (detail: string, cause?: unknown) => {
      clearTimeout(timer)
      socket.destroy()
      reject(new Problem('device-failed', `No device answers at ${host}:${port}: ${detail}`, { cause }))
    }
    const timer = setTimeout(() => fail(`no connection within ${timeoutMs / 1000} s.`), timeoutMs)
    const onError = (cause: NodeJS.ErrnoException) => fail(`${cause.code ?? cause.message}.`, cause)
    socket.once('error', onError)
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.off('error', onError)
      resolve(socket)
    })
  })
}
