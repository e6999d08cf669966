/**
 * One TCP connection of the device protocol, seen from either side: envelopes in, envelopes out. Whatever
 * arrives, no exception leaves a socket handler: a breach of the protocol or a failing handler closes the
 * connection, and `onClose` hears why, exactly once.
 */
import { Problem } from '@lucihub/analog'
import type { Socket } from 'node:net'
import { encodeFrame, FrameReader } from './framing.ts'
import { decodeEnvelope, type Envelope, type EnvelopeToSend } from './messages.ts'

/** Probes a silent peer after this long, so that a half-open connection ends. */
const KEEP_ALIVE_MS = 10_000
/** How long the peer may take to close its side after we have closed ours. */
const GOODBYE_MS = 1_000

export interface ConnectionHandlers {
  onEnvelope(envelope: Envelope): void
  /** `problem` is null when the peer or we closed in good order. */
  onClose(problem: Problem | null): void
}

export class Connection {
  readonly #socket: Socket
  readonly #reader = new FrameReader()
  #problem: Problem | null = null

  constructor(socket: Socket, handlers: ConnectionHandlers) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    socket.on('data', (piece: Uint8Array) => this.#receive(piece, handlers))
    socket.on('error', (cause) =>
      this.close(new Problem('device-failed', `The connection failed: ${cause.message}`, { cause })),
    )
    socket.on('end', () => socket.end())
    socket.once('close', () => handlers.onClose(this.#problem))
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.writable
  }

  /** The two ends of the connection, as the network names them; empty once it is gone. */
  get addresses(): { readonly local: string; readonly remote: string } {
    return { local: this.#socket.localAddress ?? '', remote: this.#socket.remoteAddress ?? '' }
  }

  /** Bytes written that the network has not taken yet. */
  get unsentBytes(): number {
    return this.#socket.writableLength
  }

  /** Sends an envelope, or drops it when the connection is closing. */
  send(envelope: EnvelopeToSend): void {
    if (this.isOpen) this.#socket.write(encodeFrame(envelope))
  }

  /** Sends bytes as they are: what no device should do. */
  sendBytes(bytes: Uint8Array): void {
    if (this.isOpen) this.#socket.write(bytes)
  }

  /** Resolves when the network has taken what was written, or the connection is gone. */
  async drained(): Promise<void> {
    const socket = this.#socket
    if (!socket.writableNeedDrain || socket.destroyed) return
    await new Promise<void>((resolve) => {
      const done = () => {
        socket.off('drain', done)
        socket.off('close', done)
        resolve()
      }
      socket.on('drain', done)
      socket.on('close', done)
    })
  }

  /** Stops reading, so that the peer's writes stall. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Closes in good order: what was sent still arrives. Resolves when the connection is gone, in GOODBYE_MS at most. */
  async finish(): Promise<void> {
    const socket = this.#socket
    if (socket.destroyed) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => socket.destroy(), GOODBYE_MS)
      socket.once('close', () => {
        clearTimeout(timer)
        resolve()
      })
      socket.end()
      // Paused, it would never see that the peer has closed too.
      socket.resume()
    })
  }

  /** Closes at once. The first problem given is the one that `onClose` hears. */
  close(problem: Problem | null = null): void {
    if (this.#socket.destroyed) return
    this.#problem = problem
    this.#socket.destroy()
  }

  #receive(piece: Uint8Array, handlers: ConnectionHandlers): void {
    try {
      for (const payload of this.#reader.read(piece)) {
        if (this.#socket.destroyed) return
        handlers.onEnvelope(decodeEnvelope(payload))
      }
    } catch (thrown) {
      this.close(Problem.from(thrown))
    }
  }
}
