/** The other end of a connection in lines, by hand: a device that does as it is told, and a client that sends any text. */
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net'

export interface LineDevice {
  readonly port: number
  /** Every line that clients have sent. */
  readonly lines: readonly string[]
  close(): Promise<void>
}

/** A device that hands every line to a script. */
export async function scriptedLines(
  script: (request: { id: string; type: string; msg: Record<string, unknown> }, say: (text: string) => void) => void,
): Promise<LineDevice> {
  const lines: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    let held = ''
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    socket.on('data', (piece: Uint8Array) => {
      held += Buffer.from(piece).toString('latin1')
      for (let end = held.indexOf('\n'); end >= 0; end = held.indexOf('\n')) {
        const line = held.slice(0, end)
        held = held.slice(end + 1)
        lines.push(line)
        const say = (text: string) => void socket.write(`${text}\n`)
        if (line.startsWith('{')) script(JSON.parse(line), say)
        else if (line !== '') say('{"type":"","code":-10,"error":"Malformed JSON"}')
      }
    })
  })
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve))
  return {
    port: (server.address() as AddressInfo).port,
    lines,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

export interface RawLines {
  readonly socket: Socket
  send(text: string): void
  /** The next line that `wanted` accepts; earlier ones are skipped. */
  next(wanted?: (line: string) => boolean): Promise<string>
  readonly closed: Promise<void>
}

/** Connects to a device and leaves the lines to the caller. */
export async function rawLines(port: number): Promise<RawLines> {
  const socket = createConnection({ port, host: '127.0.0.1' })
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  const lines: string[] = []
  let held = ''
  let wake = () => {}
  socket.on('error', () => socket.destroy())
  socket.on('data', (piece: Uint8Array) => {
    const parts = (held + Buffer.from(piece).toString()).split('\n')
    held = parts.pop() ?? ''
    lines.push(...parts)
    wake()
  })
  const closed = new Promise<void>((resolve) => socket.once('close', () => (wake(), resolve())))
  return {
    socket,
    closed,
    send: (text) => void socket.write(text),
    next: async (wanted = () => true) => {
      for (;;) {
        while (lines.length > 0) {
          const line = lines.shift() ?? ''
          if (wanted(line)) return line
        }
        if (socket.destroyed) throw new Error('the connection was closed')
        await new Promise<void>((resolve) => (wake = resolve))
      }
    },
  }
}
