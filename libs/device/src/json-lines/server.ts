/**
 * The device's end of the JSON-lines protocol over any `AnalogComputer`. Any number of clients may be connected;
 * whoever asks is answered, nobody is fenced off, and what a run tells goes to all of them. A run waits for the client
 * that started it; another that does not read is disconnected.
 */
import { Problem, type AnalogComputer } from '@lucihub/analog'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { DeviceServer } from '../server/device-server.ts'
import { answerTo, type LineContext, type LineUser, type LockState } from './commands.ts'
import { readLenientObject } from './lenient-json.ts'
import { LineConnection } from './line-connection.ts'
import { LineMachine } from './line-machine.ts'
import { GENERAL_CODES } from './message-types.ts'
import { FIRMWARE_1, type Quirks } from './quirks.ts'
import { objectOf } from './replies.ts'
import type { LineRun } from './run-lines.ts'

/** Connections at a time; one more is closed at once. */
const CONNECTIONS_MAX = 64
/** Requests of one connection that may wait for their turn before it is read no further. */
const REQUESTS_WAITING_MAX = 64
/** Longest request that is read, bytes: a circuit of the largest carrier is a tenth of it. */
const REQUEST_BYTES_MAX = 256 * 1024
/** Requests taken from one client per second. */
const REQUESTS_PER_SECOND_MAX = 5_000
/** What a client may leave unread, bytes, while others read on. */
const UNREAD_BYTES_MAX = 1024 * 1024

export interface ServeLinesOptions {
  readonly computer: AnalogComputer
  /** 0 for any free port. */
  readonly port: number
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string
  /** Who may do what; nobody: authentication is disabled, as it is by default on real devices. */
  readonly users?: readonly LineUser[]
  /** Default {@link FIRMWARE_1}. */
  readonly quirks?: Quirks
  /** Hears the type of every request before it is answered. */
  readonly onCommand?: (command: { readonly connection: number; readonly command: string }) => void
  /** Hears why a connection was closed that broke the protocol or failed. */
  readonly onProblem?: (problem: Problem, connection: number) => void
  /** The device's clock in µs; default the time since the process started. */
  readonly clockUs?: () => number
}

/** Serves a computer as a device of the JSON-lines generation. Rejects with Problem `unavailable` when it cannot listen there. */
export async function serveJsonLines(options: ServeLinesOptions): Promise<DeviceServer> {
  const { computer, host = '127.0.0.1', quirks = FIRMWARE_1, onProblem } = options
  const clients = new Set<LineClient>()
  const lock: LockState = { holder: null, untilMs: 0 }
  const machine = new LineMachine({
    computer,
    allPhases: quirks.phases === 'all',
    tell: (line, run) => broadcast(clients, line, run),
  })
  let opened = 0
  const server = createServer({ allowHalfOpen: false }, (socket) => {
    opened += 1
    const context: LineContext = {
      machine,
      quirks,
      users: options.users ?? [],
      lock,
      connection: opened,
      port: (server.address() as AddressInfo | null)?.port ?? 0,
      level: 'none',
      clockUs: options.clockUs ?? uptimeUs,
    }
    clients.add(new LineClient({ socket, context, options, onGone: (client) => clients.delete(client) }))
  })
  server.maxConnections = CONNECTIONS_MAX
  await listening(server, { port: options.port, host })
  server.on('error', (cause) =>
    onProblem?.(new Problem('unavailable', `Listening failed: ${cause.message}`, { cause }), 0),
  )
  return {
    host,
    port: (server.address() as AddressInfo).port,
    connections: () => clients.size,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      machine.stop()
      for (const client of clients) client.close()
      await closed
      await computer.close()
    },
  }
}

/** Tells everybody. Who started the run is waited for, so that a slow reader slows its own run; others keep up or are given up. */
async function broadcast(clients: ReadonlySet<LineClient>, line: string, { starter }: LineRun): Promise<void> {
  const bytes = Buffer.from(`${line}\n`)
  let awaited: LineClient | null = null
  for (const client of clients) {
    client.tell(bytes)
    if (client.number === starter) awaited = client
    else if (client.unreadBytes > UNREAD_BYTES_MAX) client.giveUp()
  }
  await awaited?.drained()
}

interface ClientOptions {
  readonly socket: Socket
  readonly context: LineContext
  readonly options: ServeLinesOptions
  readonly onGone: (client: LineClient) => void
}

/** One connected client: its requests are answered in their order. */
class LineClient {
  readonly #options: ClientOptions
  readonly #connection: LineConnection
  #turn: Promise<void> = Promise.resolve()
  #waiting = 0

  constructor(options: ClientOptions) {
    this.#options = options
    this.#connection = new LineConnection(
      options.socket,
      {
        onLine: (line) => this.#receive(Buffer.from(line).toString('utf8')),
        onClose: (problem) => this.#end(problem),
      },
      { lineBytesMax: REQUEST_BYTES_MAX, linesPerSecondMax: REQUESTS_PER_SECOND_MAX },
    )
  }

  get number(): number {
    return this.#options.context.connection
  }

  get unreadBytes(): number {
    return this.#connection.unsentBytes
  }

  tell(lines: Uint8Array): void {
    this.#connection.sendBytes(lines)
  }

  drained(): Promise<void> {
    return this.#connection.drained()
  }

  giveUp(): void {
    this.#connection.close(new Problem('device-failed', `It left more than ${UNREAD_BYTES_MAX} bytes unread.`))
  }

  close(): void {
    this.#connection.close()
  }

  #receive(line: string): void {
    this.#waiting += 1
    if (this.#waiting === REQUESTS_WAITING_MAX) this.#connection.pause()
    this.#turn = this.#turn
      .then(() => this.#answer(line))
      .catch((thrown: unknown) => this.#connection.close(Problem.from(thrown)))
  }

  async #answer(line: string): Promise<void> {
    const { context, options } = this.#options
    const request = readLenientObject(line)
    if (request) {
      const { id, type } = request
      options.onCommand?.({ connection: context.connection, command: typeof type === 'string' ? type : 'unknown' })
      const { code, msg, error } = await answerTo(type, objectOf(request['msg']) ?? {}, context)
      const { withoutId, emptyMessage } = context.quirks
      const named = typeof id === 'string' && !withoutId.includes(String(type))
      const empty = emptyMessage === 'null' && Object.keys(msg).length === 0
      this.#send({
        ...(named && { id }),
        ...(typeof type === 'string' && { type }),
        ...(code === 0 ? { msg: empty ? null : msg, code } : { code, error }),
      })
      // The reply comes before the first word of the run that it announces.
      if (type === 'start_run' && code === 0) context.machine.begin()
    } else {
      this.#send({ code: GENERAL_CODES.unknownType, error: 'This line is no JSON object.' })
    }
    if (this.#connection.unsentBytes > UNREAD_BYTES_MAX) await this.#connection.drained()
    this.#waiting -= 1
    if (this.#waiting < REQUESTS_WAITING_MAX) this.#connection.resume()
  }

  #send(reply: object): void {
    this.#connection.send(JSON.stringify(reply))
  }

  #end(problem: Problem | null): void {
    this.#options.onGone(this)
    if (problem) this.#options.options.onProblem?.(problem, this.#options.context.connection)
  }
}

function uptimeUs(): number {
  return Math.round(performance.now() * 1000)
}

function listening(
  server: ReturnType<typeof createServer>,
  { port, host }: { readonly port: number; readonly host: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException): void =>
      reject(new Problem('unavailable', `Cannot listen on ${host}:${port}: ${cause.code ?? cause.message}.`, { cause }))
    server.once('error', fail)
    server.listen({ port, host }, () => {
      server.off('error', fail)
      resolve()
    })
  })
}
