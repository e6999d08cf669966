/**
 * One TCP connection of the JSON-lines protocol, seen from either side. Whatever arrives, no exception leaves a
 * socket handler: a line that is too long or a failing handler closes the connection, and `onClose` hears why,
 * exactly once. A peer that sends too many lines is read more slowly, not dropped.
 */
import { Problem } from '@lucihub/analog'
import type { Socket } from 'node:net'
import { LineReader } from './line-reader.ts'

/** Lines taken from one peer per second: at a device's full rate that leaves room for lines of 20 samples. */
export const LINES_PER_SECOND_MAX = 50_000
const SECOND_MS = 1_000
/** Probes a silent peer after this long, so that a half-open connection ends. */
const KEEP_ALIVE_MS = 10_000
/** How long the peer may take to close its side after we have closed ours. */
const GOODBYE_MS = 1_000

export interface LineHandlers {
  /** The line is valid until the handler returns; empty lines are passed over. */
  onLine(line: Uint8Array): void
  /** `problem` is null when the peer or we closed in good order. */
  onClose(problem: Problem | null): void
}

export interface LineBounds {
  /** Longest line that is read; default 4 MiB. */
  readonly lineBytesMax?: number
  /** Default 50 000. */
  readonly linesPerSecondMax?: number
}

export class LineConnection {
  readonly #socket: Socket
  readonly #reader: LineReader
  readonly #linesPerSecondMax: number
  #problem: Problem | null = null
  #paused = false
  #windowEndMs = 0
  #linesInWindow = 0
  #throttle: NodeJS.Timeout | null = null

  constructor(
    socket: Socket,
    handlers: LineHandlers,
    { lineBytesMax, linesPerSecondMax = LINES_PER_SECOND_MAX }: LineBounds = {},
  ) {
    this.#socket = socket
    this.#reader = new LineReader(lineBytesMax)
    this.#linesPerSecondMax = linesPerSecondMax
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    socket.on('data', (piece: Uint8Array) => this.#receive(piece, handlers))
    socket.on('error', (cause) =>
      this.close(new Problem('device-failed', `The connection failed: ${cause.message}`, { cause })),
    )
    socket.on('end', () => socket.end())
    socket.once('close', () => {
      if (this.#throttle) clearTimeout(this.#throttle)
      handlers.onClose(this.#problem)
    })
  }

  /** Bytes written that the network has not taken yet. */
  get unsentBytes(): number {
    return this.#socket.writableLength
  }

  /** Sends a line, given without its end, or drops it when the connection is closing. */
  send(line: string): void {
    this.sendBytes(Buffer.from(`${line}\n`))
  }

  /** Sends lines that are encoded already, each with its end. */
  sendBytes(lines: Uint8Array): void {
    if (!this.#socket.destroyed && this.#socket.writable) this.#socket.write(lines)
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
    this.#paused = true
    this.#socket.pause()
  }

  resume(): void {
    this.#paused = false
    if (!this.#throttle) this.#socket.resume()
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

  #receive(piece: Uint8Array, handlers: LineHandlers): void {
    try {
      for (const line of this.#reader.read(piece)) {
        if (this.#socket.destroyed) return
        this.#linesInWindow += 1
        if (line.length > 0) handlers.onLine(line)
      }
    } catch (thrown) {
      this.close(Problem.from(thrown))
    }
    this.#limitRate()
  }

  /** Looked at once per piece: a piece holds a bounded number of lines. */
  #limitRate(): void {
    const nowMs = performance.now()
    if (this.#linesInWindow > this.#linesPerSecondMax && nowMs < this.#windowEndMs) {
      this.#socket.pause()
      this.#throttle ??= setTimeout(() => {
        this.#throttle = null
        if (!this.#paused) this.#socket.resume()
      }, this.#windowEndMs - nowMs)
    }
    if (nowMs < this.#windowEndMs) return
    this.#windowEndMs = nowMs + SECOND_MS
    this.#linesInWindow = 0
  }
}
