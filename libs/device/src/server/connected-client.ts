/** One connected client: its commands are answered in their order, its run is streamed beside them. */
import { Problem } from '@lucihub/analog'
import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { Connection } from '../wire/connection.ts'
import { sendDatagrams, type DatagramSender } from '../wire/datagrams.ts'
import type { Envelope, MessageToSend } from '../wire/messages.ts'
import { errorReply, replyTo } from './commands.ts'
import type { ServeOptions } from './device-server.ts'
import type { Machine } from './machine.ts'
import { MisbehavingTarget } from './misbehaving-target.ts'
import type { ProxySession, ProxySessions } from './proxy-sessions.ts'
import { connectionTarget, datagramTarget, type PushTarget } from './push-target.ts'
import type { RunToStart } from './run-request.ts'
import { streamRun } from './run-stream.ts'

/** Commands of one connection that may wait for their turn before it is read no further. */
const COMMANDS_WAITING_MAX = 64
/** Replies that a connection may leave unread before it is read no further, bytes. */
const UNREAD_BYTES_MAX = 1024 * 1024

export interface ConnectedClientOptions {
  readonly socket: Socket
  readonly number: number
  readonly machine: Machine
  readonly sessions: ProxySessions | null
  readonly options: ServeOptions
  readonly onGone: (client: ConnectedClient) => void
}

export class ConnectedClient implements ProxySession {
  readonly #options: ConnectedClientOptions
  readonly #connection: Connection
  readonly #gone = new AbortController()
  #turn: Promise<void> = Promise.resolve()
  #waiting = 0
  #datagrams: DatagramSender | null = null
  #driving = false

  constructor(options: ConnectedClientOptions) {
    this.#options = options
    this.#connection = new Connection(options.socket, {
      onEnvelope: (envelope) => this.#receive(envelope),
      onClose: (problem) => this.#end(problem),
    })
    if (options.sessions?.join(this) === false) {
      this.#push({ errorMessage: { description: 'Server overloaded' } })
      void this.#connection.finish()
    }
  }

  isDrivingRun(): boolean {
    return this.#driving
  }

  close(problem: Problem | null = null): void {
    this.#connection.close(problem)
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
    const { machine, sessions } = this.#options
    const refusal = sessions?.judge(this, messageV1 ?? null) ?? null
    if (messageV1) {
      // The run begins behind its reply: the reply comes before the first push.
      let started: RunToStart | null = null
      const startRun = (run: RunToStart) => {
        started = run
        this.#claim(run)
      }
      const streamTo = (port: number) => this.#streamTo(port)
      const reply = refusal ?? (await replyTo(messageV1, { machine, proxied: sessions !== null, startRun, streamTo }))
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

  /** From now on the pushes of this client's runs are datagrams to this port of its host. False when refused. */
  #streamTo(port: number): boolean {
    if (this.#options.options.datagrams !== true) return false
    this.#datagrams?.close()
    this.#datagrams = sendDatagrams(this.#connection.addresses, port)
    return true
  }

  #claim({ request }: RunToStart): void {
    this.#driving = true
    this.#options.machine.active = { id: request.id, abort: new AbortController() }
  }

  /** Streams the claimed run and frees the machine. */
  async #stream(run: RunToStart): Promise<void> {
    const { machine, sessions } = this.#options
    const { active } = machine
    if (!active) return
    const signal = AbortSignal.any([active.abort.signal, this.#gone.signal])
    let report = () => {}
    try {
      const description = await machine.describe()
      report = await streamRun({
        run,
        computer: machine.computer,
        description,
        carriers: machine.configuration.carriers,
        stamped: sessions !== null,
        isLast: () => active.isLast === true,
        signal,
        target: this.#target(),
      })
    } catch (thrown) {
      this.#connection.close(Problem.from(thrown))
    } finally {
      machine.finished(run.request)
      this.#driving = false
    }
    report()
  }

  #target(): PushTarget {
    const { machine, options } = this.#options
    const connection = this.#connection
    const nextId = () => this.#nextId()
    const { misbehaviours = [], seed = 1, daqBufferBytes = null } = options
    const target = this.#datagrams
      ? datagramTarget(this.#datagrams, nextId)
      : connectionTarget({ connection, nextId, daqBufferBytes })
    if (misbehaviours.length === 0) return target
    const { previousRun } = machine
    return new MisbehavingTarget(target, { misbehaviours, seed: seed + machine.totals.runs, connection, previousRun })
  }

  #push(message: MessageToSend): void {
    this.#connection.send({ messageV1: { id: this.#nextId(), ...message } })
  }

  #nextId(): string {
    return (this.#options.options.nextId ?? randomUUID)()
  }

  #end(problem: Problem | null): void {
    this.#gone.abort()
    this.#datagrams?.close()
    this.#options.sessions?.leave(this)
    this.#options.onGone(this)
    if (problem) this.#options.options.onProblem?.(problem, this.#options.number)
  }
}

function uptimeUs(): number {
  return Math.round(performance.now() * 1000)
}
