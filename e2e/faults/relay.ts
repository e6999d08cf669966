/**
 * A TCP relay that stands between two parts of the hub and can be a bad network: cut (nothing passes, nothing is
 * reset), cut in one direction, half open (one side is gone and the other never hears of it), slow, narrow, or
 * full of resets. On a NATS leg it sees single messages, too, and hands them to `pass`.
 */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { FrameReader, bytesOf, type Frame } from './nats-frames.ts'

/** `up`: from who connected to the server. */
export type Direction = 'up' | 'down'

/** What becomes of a frame: the frames that go on in its place. */
export type Pass = (frame: Frame, direction: Direction) => readonly Frame[]

export interface RelayOptions {
  readonly to: { readonly host: string; readonly port: number }
  /** The leg speaks NATS. */
  readonly nats?: boolean
}

/** Bytes held for one direction before its sender is read no further. */
const HELD_BYTES_MAX = 4 * 1_048_576

export class Relay {
  readonly #links = new Set<Link>()
  readonly #server: Server
  readonly #cut: Record<Direction, boolean> = { up: false, down: false }
  /** Null: frames pass as they are. */
  pass: Pass | null = null
  /** Hears every frame that passes, for the checker. */
  witness: ((frame: Frame, direction: Direction) => void) | null = null
  delayMs = 0
  jitterMs = 0
  /** Null: as fast as it goes. */
  bytesPerSecond: number | null = null
  resets = 0

  private constructor(readonly options: RelayOptions) {
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#links.add(new Link(this, client)))
  }

  static async open(options: RelayOptions): Promise<Relay> {
    const relay = new Relay(options)
    relay.#server.listen(0, '127.0.0.1')
    await once(relay.#server, 'listening')
    return relay
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  cut(...directions: readonly Direction[]): void {
    for (const direction of directions) this.#cut[direction] = true
  }

  isCut(direction: Direction): boolean {
    return this.#cut[direction]
  }

  /** The server's side of every connection is reset; who connected never hears of it. */
  halfOpen(): void {
    for (const link of this.#links) link.halfOpen()
  }

  /** Every connection is reset on both sides. */
  reset(): void {
    for (const link of this.#links) link.reset()
    this.resets++
  }

  /** A good network again. What is half open stays so: nobody tells a sleeper that his peer is gone. */
  heal(): void {
    this.#cut.up = this.#cut.down = false
    this.delayMs = this.jitterMs = 0
    this.bytesPerSecond = null
    this.pass = null
    for (const link of this.#links) link.pump()
  }

  forget(link: Link): void {
    this.#links.delete(link)
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.reset()
    await closed
  }
}

/** One connection through the relay. */
class Link {
  readonly #relay: Relay
  readonly #client: Socket
  #upstream: Socket | null = null
  readonly #ways: Record<Direction, Way>
  #orphaned = false

  constructor(relay: Relay, client: Socket) {
    this.#relay = relay
    this.#client = client
    this.#ways = { up: new Way(relay, 'up', client), down: new Way(relay, 'down', null) }
    client.setNoDelay(true)
    client.on('error', () => client.destroy())
    client.on('data', (bytes: Buffer) => {
      if (!this.#orphaned) this.#ways.up.take(bytes)
    })
    client.on('end', () => this.#ways.up.end())
    client.on('close', () => this.#clientGone())
    this.pump()
  }

  pump(): void {
    if (this.#orphaned) return
    // Under a cut a connection does not come about: who asks for one waits.
    if (!this.#upstream && !this.#relay.isCut('up') && !this.#client.destroyed) this.#dial()
    this.#ways.up.pump()
    this.#ways.down.pump()
  }

  halfOpen(): void {
    this.#orphaned = true
    this.#upstream?.resetAndDestroy()
  }

  reset(): void {
    this.#client.resetAndDestroy()
    this.#upstream?.resetAndDestroy()
  }

  #dial(): void {
    const upstream = connect({ ...this.#relay.options.to, allowHalfOpen: true })
    this.#upstream = upstream
    upstream.setNoDelay(true)
    upstream.on('error', () => upstream.destroy())
    upstream.on('data', (bytes: Buffer) => this.#ways.down.take(bytes))
    upstream.on('end', () => this.#ways.down.end())
    upstream.on('close', (failed) => {
      if (this.#orphaned) return
      if (failed) this.#client.resetAndDestroy()
      else this.#ways.down.end()
    })
    this.#ways.up.to = upstream
    this.#ways.down.from = upstream
    this.#ways.down.to = this.#client
  }

  #clientGone(): void {
    this.#relay.forget(this)
    // What a cut network still holds of a connection that was given up is lost.
    if (this.#relay.isCut('up') || this.#client.errored || !this.#ways.up.idle) this.#upstream?.resetAndDestroy()
    else this.#upstream?.end()
  }
}

interface Parcel {
  readonly bytes: Buffer
  readonly dueAt: number
}

/** One direction of a connection. */
class Way {
  readonly #relay: Relay
  readonly #direction: Direction
  readonly #frames: FrameReader | null
  from: Socket | null
  to: Socket | null = null
  #held: Parcel[] = []
  #heldBytes = 0
  #ended = false
  #timer: NodeJS.Timeout | null = null
  #freeAt = 0

  constructor(relay: Relay, direction: Direction, from: Socket | null) {
    this.#relay = relay
    this.#direction = direction
    this.#frames = relay.options.nats ? new FrameReader() : null
    this.from = from
  }

  get idle(): boolean {
    return this.#held.length === 0
  }

  take(bytes: Buffer): void {
    const passed = this.#frames ? this.#framed(bytes) : bytes
    if (passed.length === 0) return
    const { delayMs, jitterMs } = this.#relay
    const dueAt = delayMs + jitterMs === 0 ? 0 : performance.now() + delayMs + Math.random() * jitterMs
    // Later bytes never overtake earlier ones.
    this.#held.push({ bytes: passed, dueAt: Math.max(dueAt, this.#held.at(-1)?.dueAt ?? 0) })
    this.#heldBytes += passed.length
    if (this.#heldBytes > HELD_BYTES_MAX) this.from?.pause()
    this.pump()
  }

  end(): void {
    this.#ended = true
    this.pump()
  }

  pump(): void {
    if (this.#timer || !this.to || this.to.destroyed || this.#relay.isCut(this.#direction)) return
    for (let next = this.#held[0]; next; next = this.#held[0]) {
      const waitMs = Math.max(next.dueAt, this.#freeAt) - performance.now()
      if (waitMs > 0) return this.#later(waitMs)
      this.#held.shift()
      this.#heldBytes -= next.bytes.length
      this.to.write(next.bytes)
      const { bytesPerSecond } = this.#relay
      if (bytesPerSecond !== null) this.#freeAt = performance.now() + (next.bytes.length / bytesPerSecond) * 1000
    }
    if (this.#heldBytes <= HELD_BYTES_MAX) this.from?.resume()
    if (this.#ended) this.to.end()
  }

  #later(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.pump()
    }, ms)
  }

  #framed(bytes: Buffer): Buffer {
    const { pass, witness } = this.#relay
    const frames = this.#frames?.read(bytes) ?? []
    const passed = frames.flatMap((frame) => (pass ? pass(frame, this.#direction) : [frame]))
    if (witness) for (const frame of passed) witness(frame, this.#direction)
    return Buffer.concat(passed.map(bytesOf))
  }
}
