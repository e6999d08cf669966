/**
 * A client's end of one connection: requests out, each matched with its reply. Most replies carry the request's
 * id; one without it answers the oldest request of its type that waits, or of any type where it names none. Samples
 * and changes of a run's state come in between at any time.
 */
import { Problem } from '@lucihub/analog'
import { createConnection, type Socket } from 'node:net'
import { LineConnection } from './line-connection.ts'
import { problemOf, refusalOf, type MessageType } from './message-types.ts'
import { readReply, type Fields, type Reply, type StateChange } from './replies.ts'
import { RunDataReader, type RunData } from './run-data.ts'

/** Lines that mean nothing, of one connection, before it counts as no device's. */
const GARBAGE_LINES_MAX = 64
/** Requests whose replies do not matter and have not come yet. */
const TOLD_MAX = 64

export interface LineSessionOptions {
  readonly host: string
  readonly port: number
  /** Bound of connecting and of each reply, ms. */
  readonly timeoutMs: number
  /** Makes the ids of requests. */
  readonly nextId: () => string
  readonly onSamples: (line: RunData) => void
  readonly onState: (change: StateChange) => void
  /** Hears the end of the connection, once. */
  readonly onLost: (problem: Problem) => void
}

interface Waiting {
  readonly id: string
  readonly type: MessageType
  resolve(reply: Reply): void
  reject(problem: Problem): void
}

export class LineSession {
  readonly #options: LineSessionOptions
  readonly #connection: LineConnection
  readonly #reader = new RunDataReader()
  #waiting: Waiting[] = []
  #told: { readonly id: string; readonly type: MessageType }[] = []
  #garbage = 0
  #lost: Problem | null = null

  private constructor(options: LineSessionOptions, socket: Socket) {
    this.#options = options
    this.#connection = new LineConnection(socket, {
      onLine: (line) => this.#receive(line),
      onClose: (problem) => this.#end(problem),
    })
  }

  /** Connects. Rejects with Problem `device-failed` when nobody listens there in time. */
  static async open(options: LineSessionOptions): Promise<LineSession> {
    return new LineSession(options, await dialed(options))
  }

  /**
   * Sends a request and resolves with the fields of its reply. Rejects with a Problem: as `problemOf` has it when the
   * device refuses, `device-failed` when it is lost, `timeout` when it does not answer.
   */
  request(type: MessageType, msg: Fields = {}): Promise<Fields> {
    if (this.#lost) return Promise.reject(this.#lost)
    const { nextId, timeoutMs } = this.#options
    const id = nextId()
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer)
        this.#waiting = this.#waiting.filter((one) => one !== waiting)
      }
      const waiting: Waiting = {
        id,
        type,
        resolve: ({ code, error, msg: answer }) => {
          settle()
          if (code === 0) resolve(answer)
          else reject(problemOf(refusalOf({ request: type, code, error }), this.#name))
        },
        reject: (problem) => {
          settle()
          reject(problem)
        },
      }
      const timer = setTimeout(
        () =>
          waiting.reject(new Problem('timeout', `${this.#name} did not answer ${type} within ${timeoutMs / 1000} s.`)),
        timeoutMs,
      )
      this.#waiting.push(waiting)
      this.#send({ id, type, msg })
    })
  }

  /** Sends a request whose reply, if any, does not matter. */
  tell(type: MessageType, msg: Fields = {}): void {
    const id = this.#options.nextId()
    this.#told = [...this.#told.slice(1 - TOLD_MAX), { id, type }]
    this.#send({ id, type, msg })
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

  #send(request: { readonly id: string; readonly type: MessageType; readonly msg: Fields }): void {
    this.#connection.send(JSON.stringify(request))
  }

  #receive(line: Uint8Array): void {
    const samples = this.#reader.read(line)
    if (samples) return this.#options.onSamples(samples)
    const said = readReply(line)
    if (said?.kind === 'state') return this.#options.onState(said)
    if (said) return this.#answer(said)
    this.#garbage += 1
    if (this.#garbage === GARBAGE_LINES_MAX)
      this.#connection.close(new Problem('device-failed', `${GARBAGE_LINES_MAX} of its lines mean nothing.`))
  }

  #answer(reply: Reply): void {
    const { id, type } = reply
    const answers = (one: { readonly id: string; readonly type: MessageType }): boolean =>
      id !== null ? one.id === id : type === null || one.type === type
    const waiting = this.#waiting.find(answers)
    // What was only told is answered too; without an id such an answer must not be taken for another's.
    const told = this.#told.findIndex(answers)
    if (told >= 0 && (id !== null || !waiting)) this.#told.splice(told, 1)
    else waiting?.resolve(reply)
  }

  #end(problem: Problem | null): void {
    const detail = problem ? `was lost: ${problem.message}` : 'closed the connection.'
    this.#lost = new Problem('device-failed', `${this.#name} ${detail}`, { cause: problem })
    for (const waiting of this.#waiting) waiting.reject(this.#lost)
    this.#options.onLost(this.#lost)
  }

  get #name(): string {
    return `The device at ${this.#options.host}:${this.#options.port}`
  }
}

/** A connected socket. Rejects with Problem `device-failed` when nobody listens there in time. */
export function dialed(endpoint: {
  readonly host: string
  readonly port: number
  readonly timeoutMs: number
}): Promise<Socket> {
  const { host, port, timeoutMs } = endpoint
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port })
    const fail = (detail: string, cause?: unknown): void => {
      clearTimeout(timer)
      socket.destroy()
      reject(new Problem('device-failed', `No device answers at ${host}:${port}: ${detail}`, { cause }))
    }
    const timer = setTimeout(() => fail(`no connection within ${timeoutMs / 1000} s.`), timeoutMs)
    const onError = (cause: NodeJS.ErrnoException): void => fail(`${cause.code ?? cause.message}.`, cause)
    socket.once('error', onError)
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.off('error', onError)
      resolve(socket)
    })
  })
}
