/**
 * The device's end of the protocol over any `AnalogComputer`: what makes a virtual LUCIDAC out of a
 * simulation. Any number of clients may be connected, as on the real machine; pushes of a run go to the
 * connection that started it, and a run whose starter has gone is stopped.
 */
import { Problem, type AnalogComputer } from '@lucihub/analog'
import { randomUUID } from 'node:crypto'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { Connection } from '../wire/connection.ts'
import type { Envelope, MessageToSend, MessageV1 } from '../wire/messages.ts'
import { errorReply, replyTo } from './commands.ts'
import { Machine } from './machine.ts'
import type { RunToStart } from './run-request.ts'
import { streamRun } from './run-stream.ts'

/** Connections at a time; one more is closed at once. */
const CONNECTIONS_MAX = 64
/** Commands of one connection that may wait for their turn before it is read no further. */
const COMMANDS_WAITING_MAX = 64
/** Replies that a connection may leave unread before it is read no further, bytes. */
const UNREAD_BYTES_MAX = 1024 * 1024

/** A command as it came in. */
export interface ReceivedCommand {
  /** Counts the connections of this server from 1. */
  readonly connection: number
  readonly id: string
  /** The message's kind, `ping` for the generic ping, `unknown` for what has none. */
  readonly command: string
  readonly message: MessageV1 | null
}

export interface ServeOptions {
  readonly computer: AnalogComputer
  /** 0 for any free port. */
  readonly port: number
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string
  /** Hears every command before it is answered. */
  readonly onCommand?: (command: ReceivedCommand) => void
  /** Hears why a connection was closed that broke the protocol or failed. */
  readonly onProblem?: (problem: Problem, connection: number) => void
  /** The device's clock in µs, for pings; default the time since the server started. */
  readonly clockUs?: () => number
  /** Makes the ids of pushes; default random UUIDs. */
  readonly nextId?: () => string
}

export interface DeviceServer {
  readonly host: string
  readonly port: number
  /** Clients connected now. */
  connections(): number
  /** Stops the run in progress, closes every connection and the computer. */
  close(): Promise<void>
}

/** Serves a computer as a device. Rejects with Problem `unavailable` when it cannot listen there. */
export async function serveDevice(options: ServeOptions): Promise<DeviceServer> {
  const { computer, host = '127.0.0.1', onProblem } = options
  const machine = new Machine(computer)
  const clients = new Set<Client>()
  let opened = 0
  const server = createServer({ allowHalfOpen: false }, (socket) => {
    opened += 1
    clients.add(new Client({ socket, number: opened, machine, options, onGone: (client) => clients.delete(client) }))
  })
  server.maxConnections = CONNECTIONS_MAX
  await listening(server, options.port, host)
  server.on('error', (cause) =>
    onProblem?.(new Problem('unavailable', `Listening failed: ${cause.message}`, { cause }), 0),
  )
  const { port } = server.address() as AddressInfo
  return {
    host,
    port,
    connections: () => clients.size,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      machine.active?.abort.abort()
      for (const client of clients) client.close()
      await closed
      await computer.close()
    },
  }
}

interface ClientOptions {
  readonly socket: Socket
  readonly number: number
  readonly machine: Machine
  readonly options: ServeOptions
  readonly onGone: (client: Client) => void
}

/** One connected client: its commands are answered in their order, its run is streamed beside them. */
class Client {
  readonly #options: ClientOptions
  readonly #connection: Connection
  readonly #gone = new AbortController()
  #turn: Promise<void> = Promise.resolve()
  #waiting = 0

  constructor(options: ClientOptions) {
    this.#options = options
    this.#connection = new Connection(options.socket, {
      onEnvelope: (envelope) => this.#receive(envelope),
      onClose: (problem) => this.#end(problem),
    })
  }

  close(): void {
    this.#connection.close()
  }

  #receive(envelope: Envelope): void {
    const { onCommand } = this.#options.options
    const { messageV1, generic } = envelope
    const command = messageV1 ? (messageV1.kind ?? 'unknown') : generic?.pingCommand ? 'ping' : 'unknown'
    onCommand?.({ connection: this.#options.number, id: messageV1?.id ?? '', command, message: messageV1 ?? null })
    this.#waiting += 1
    if (this.#waiting === COMMANDS_WAITING_MAX) this.#connection.pause()
    this.#turn = this.#turn
      .then(() => this.#answer(envelope))
      .catch((thrown: unknown) => this.#connection.close(Problem.from(thrown)))
  }

  async #answer({ messageV1, generic }: Envelope): Promise<void> {
    if (messageV1) {
      // The run begins behind its reply: the reply comes before the first push.
      let started: RunToStart | null = null
      const startRun = (run: RunToStart) => {
        started = run
        this.#claim(run)
      }
      const reply = await replyTo(messageV1, { machine: this.#options.machine, startRun })
      this.#connection.send({ messageV1: { id: messageV1.id || null, ...reply } })
      if (started) void this.#stream(started)
    } else if (generic?.pingCommand) {
      const { clockUs = uptimeUs } = this.#options.options
      this.#connection.send({ generic: { pingResponse: { micros: clockUs() || null } } })
    } else {
      this.#push(errorReply(new Problem('invalid-request', 'The envelope is empty or of an unknown kind.')))
    }
    if (this.#connection.unsentBytes > UNREAD_BYTES_MAX) await this.#connection.drained()
    this.#waiting -= 1
    if (this.#waiting < COMMANDS_WAITING_MAX) this.#connection.resume()
  }

  #claim({ request }: RunToStart): void {
    this.#options.machine.active = { id: request.id, abort: new AbortController() }
  }

  /** Streams the claimed run and frees the machine. */
  async #stream(run: RunToStart): Promise<void> {
    const { machine } = this.#options
    const { active } = machine
    if (!active) return
    const signal = AbortSignal.any([active.abort.signal, this.#gone.signal])
    const target = { send: (message: MessageToSend) => this.#push(message), drained: () => this.#connection.drained() }
    let report = () => {}
    try {
      const description = await machine.describe()
      report = await streamRun({
        run,
        computer: machine.computer,
        description,
        carriers: machine.configuration.carriers,
        signal,
        target,
      })
    } catch (thrown) {
      this.#connection.close(Problem.from(thrown))
    } finally {
      machine.totals.runs += 1
      machine.totals.icTimeNs += run.request.icTimeNs
      machine.totals.opTimeNs += run.request.opTimeNs
      machine.active = null
    }
    report()
  }

  #push(message: MessageToSend): void {
    const { nextId = randomUUID } = this.#options.options
    this.#connection.send({ messageV1: { id: nextId(), ...message } })
  }

  #end(problem: Problem | null): void {
    this.#gone.abort()
    this.#options.onGone(this)
    if (problem) this.#options.options.onProblem?.(problem, this.#options.number)
  }
}

function uptimeUs(): number {
  return Math.round(performance.now() * 1000)
}

function listening(server: ReturnType<typeof createServer>, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException) =>
      reject(new Problem('unavailable', `Cannot listen on ${host}:${port}: ${cause.code ?? cause.message}.`, { cause }))
    server.once('error', fail)
    server.listen({ port, host }, () => {
      server.off('error', fail)
      resolve()
    })
  })
}
