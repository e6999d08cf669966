/**
 * Run data as datagrams, beside a TCP connection and between the same two hosts: one envelope each. What comes from
 * another address than the connection's peer is not heard, and what cannot be decoded is lost like any datagram:
 * the numbering of the chunks shows it. Addresses are those of the connection, never those that a message names.
 */
import { Problem } from '@lucihub/analog'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { encodeDatagram } from './framing.ts'
import { decodeEnvelope, type Envelope, type EnvelopeToSend } from './messages.ts'

/** Asked of the system for datagrams that wait to be read, bytes; it may grant less. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024

/** The two hosts, as the addresses of a connection between them. */
export interface DatagramPath {
  readonly local: string
  readonly remote: string
}

export interface DatagramReceiver {
  readonly port: number
  close(): void
}

export interface DatagramHandlers {
  onEnvelope(envelope: Envelope): void
  /** A datagram came that is not from the peer, or is no envelope. */
  onStray(): void
}

/** Listens for the peer's datagrams on any free port. Rejects with Problem `unavailable` when there is none. */
export async function receiveDatagrams(path: DatagramPath, handlers: DatagramHandlers): Promise<DatagramReceiver> {
  const socket = createSocket({ type: familyOf(path.local), recvBufferSize: RECEIVE_BUFFER_BYTES })
  const remote = plain(path.remote)
  socket.on('message', (bytes: Uint8Array, from: RemoteInfo) => {
    if (plain(from.address) !== remote) return handlers.onStray()
    const envelope = decoded(bytes)
    if (envelope) handlers.onEnvelope(envelope)
    else handlers.onStray()
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (cause) =>
      reject(new Problem('unavailable', `No datagrams can be received: ${cause.message}`, { cause })),
    )
    socket.bind({ address: plain(path.local), port: 0, exclusive: true }, resolve)
  })
  // An error of a bound socket concerns one datagram, which is lost then.
  socket.on('error', () => handlers.onStray())
  return { port: socket.address().port, close: () => closeQuietly(socket) }
}

export interface DatagramSender {
  /** Sends an envelope, or drops it once closed. */
  send(envelope: EnvelopeToSend): void
  close(): void
}

/** Sends to this port of the peer. */
export function sendDatagrams(path: DatagramPath, port: number): DatagramSender {
  const socket = createSocket(familyOf(path.remote))
  // Nobody may be listening; then they are lost, as datagrams are.
  socket.on('error', () => undefined)
  let open = true
  return {
    send: (envelope) => {
      if (open) socket.send(encodeDatagram(envelope), port, plain(path.remote), () => undefined)
    },
    close: () => {
      open = false
      closeQuietly(socket)
    },
  }
}

function decoded(bytes: Uint8Array): Envelope | null {
  try {
    return decodeEnvelope(bytes)
  } catch {
    // Garbage is told to `onStray`.
    return null
  }
}

function familyOf(address: string): 'udp4' | 'udp6' {
  return isIPv6(plain(address)) ? 'udp6' : 'udp4'
}

/** An IPv4 address also where a socket for both families wraps it. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '')
}

function closeQuietly(socket: Socket): void {
  try {
    socket.close()
  } catch {
    // It was closed already.
  }
}
