/**
 * The device's end of the protocol over any `AnalogComputer`: what makes a virtual LUCIDAC out of a
 * simulation. Any number of clients may be connected, as on the real machine; pushes of a run go to the
 * connection that started it, and a run whose starter has gone is stopped.
 */
import { Problem, type AnalogComputer } from '@lucihub/analog'
import { createServer, type AddressInfo } from 'node:net'
import type { MessageV1 } from '../wire/messages.ts'
import { ConnectedClient } from './connected-client.ts'
import { Machine } from './machine.ts'
import type { Misbehaviour } from './misbehaviour.ts'
import { ProxySessions, type ProxyOptions } from './proxy-sessions.ts'

/** Connections at a time; one more is closed at once. */
const CONNECTIONS_MAX = 64

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
  /** True: gives run data as datagrams to clients that ask for it. Default: they are refused. */
  readonly datagrams?: boolean
  /** Presents the carriers as a proxy does: sessions in a queue, phases told carrier by carrier, no datagrams. */
  readonly proxy?: ProxyOptions
  /**
   * Bytes of run data that wait for a reader who does not keep up before the run fails with `DMA overflow`, as on a
   * machine. Default: the device waits for its reader and loses nothing.
   */
  readonly daqBufferBytes?: number
  /** What is wrong with the device; default nothing. */
  readonly misbehaviours?: readonly Misbehaviour[]
  /** Of the misbehaviours that happen by chance; default 1. */
  readonly seed?: number
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
  const sessions = options.proxy ? new ProxySessions(options.proxy) : null
  const clients = new Set<ConnectedClient>()
  let opened = 0
  const server = createServer({ allowHalfOpen: false }, (socket) => {
    opened += 1
    const onGone = (client: ConnectedClient) => clients.delete(client)
    clients.add(new ConnectedClient({ socket, number: opened, machine, sessions, options, onGone }))
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
