/** The other end of a connection, by hand: a device that does as it is told, and a client that sends any bytes. */
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net'
import { encodeFrame, FrameReader } from '../src/wire/framing.ts'
import { decodeEnvelope, type Envelope, type EnvelopeToSend, type MessageToSend } from '../src/wire/messages.ts'

/** What a scripted device may do while it answers. */
export interface DeviceEnd {
  send(envelope: EnvelopeToSend): void
  /** Answers the message being handled. */
  reply(message: MessageToSend): void
  /** Pushes a message of its own. */
  push(message: MessageToSend): void
  readonly socket: Socket
}

export interface ScriptedDevice {
  readonly port: number
  /** Every byte that clients have sent, as hex. */
  received(): string
  close(): Promise<void>
}

/** A device that hands every envelope to a script. */
export async function scriptedDevice(script: (envelope: Envelope, end: DeviceEnd) => void): Promise<ScriptedDevice> {
  const received: Uint8Array[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    const reader = new FrameReader()
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    socket.on('data', (piece: Uint8Array) => {
      received.push(piece)
      for (const frame of reader.read(piece)) {
        const envelope = decodeEnvelope(frame)
        const send = (message: EnvelopeToSend) => void socket.write(encodeFrame(message))
        script(envelope, {
          socket,
          send,
          reply: (message) => send({ messageV1: { id: envelope.messageV1?.id ?? null, ...message } }),
          push: (message) => send({ messageV1: message }),
        })
      }
    })
  })
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve))
  return {
    port: (server.address() as AddressInfo).port,
    received: () => Buffer.concat(received).toString('hex'),
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

export interface RawClient {
  readonly socket: Socket
  /** Sends bytes, or hex. */
  send(bytes: Uint8Array | string): void
  /** Resolves with what has come so far, as hex, when it is at least so many bytes. */
  bytes(count: number): Promise<string>
  /** The next envelope that `wanted` accepts; earlier ones are skipped. */
  next(wanted: (envelope: Envelope) => boolean): Promise<Envelope>
  closed: Promise<void>
}

/** Of what a raw client receives, the beginning that it keeps as bytes. */
const KEPT_BYTES = 4_096

/** Connects to a device and leaves the bytes to the caller. */
export async function rawClient(port: number): Promise<RawClient> {
  const socket = createConnection({ port, host: '127.0.0.1' })
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  let all = Buffer.alloc(0)
  let wake = () => {}
  const reader = new FrameReader()
  const envelopes: Envelope[] = []
  socket.on('error', () => socket.destroy())
  socket.on('data', (piece: Uint8Array) => {
    if (all.length < KEPT_BYTES) all = Buffer.concat([all, piece])
    for (const frame of reader.read(piece)) envelopes.push(decodeEnvelope(Uint8Array.from(frame)))
    wake()
  })
  const closed = new Promise<void>((resolve) => socket.once('close', () => (wake(), resolve())))
  const arrival = () => new Promise<void>((resolve) => (wake = resolve))
  return {
    socket,
    closed,
    send: (bytes) => void socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'hex') : bytes),
    bytes: async (count) => {
      while (all.length < count && !socket.destroyed) await arrival()
      return all.toString('hex')
    },
    next: async (wanted) => {
      for (;;) {
        while (envelopes.length > 0) {
          const envelope = envelopes.shift()
          if (envelope && wanted(envelope)) return envelope
        }
        if (socket.destroyed) throw new Error('the connection was closed')
        await arrival()
      }
    },
  }
}
