/** A push target between a run and its reader that does to the run's messages what a list of misbehaviours says. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from '../wire/connection.ts'
import { encodeFrame } from '../wire/framing.ts'
import { anabrid, type MessageToSend } from '../wire/messages.ts'
import { chance, type Misbehaviour, type MisbehaviourMode } from './misbehaviour.ts'
import type { PushTarget } from './push-target.ts'

const GARBAGE_BYTES = 512
/** Runs that no client has started. */
const FOREIGN_RUN = 'a-run-of-somebody-else'
const BACKEND_LOST = 'Cluster degraded: one or more backends disconnected'

export interface MisbehavingOptions {
  readonly misbehaviours: readonly Misbehaviour[]
  readonly seed: number
  readonly connection: Connection
  /** Id of the run before this one; empty when there was none. */
  readonly previousRun: string
}

export class MisbehavingTarget implements PushTarget {
  readonly #target: PushTarget
  readonly #connection: Connection
  readonly #arguments: ReadonlyMap<MisbehaviourMode, number>
  readonly #previousRun: string
  readonly #chance: () => number
  #chunks = 0
  /** A chunk that its successor, or the end, is to overtake. */
  #held: MessageToSend | null = null

  constructor(target: PushTarget, { misbehaviours, seed, connection, previousRun }: MisbehavingOptions) {
    this.#target = target
    this.#connection = connection
    this.#arguments = new Map(misbehaviours.map(({ mode, argument }) => [mode, argument]))
    this.#previousRun = previousRun
    this.#chance = chance(seed)
  }

  get messageBytesMax(): number {
    return this.#target.messageBytesMax
  }

  get lossy(): boolean {
    return this.#target.lossy
  }

  send(message: MessageToSend): void {
    if (this.#past('silence')) return
    if (message.runDataMessage) this.#chunk(message)
    else this.#other(message)
  }

  async drained(): Promise<void> {
    const ms = this.#arguments.get('slow')
    if (ms !== undefined) await sleep(ms)
    await this.#target.drained()
  }

  failure(): string | null {
    return this.#past('backend-lost') ? BACKEND_LOST : this.#target.failure()
  }

  #chunk(message: MessageToSend): void {
    this.#strangers(message)
    for (const one of this.#variants(message)) this.#inOrder(one)
    this.#chunks += 1
    if (this.#at('garbage')) this.#connection.sendBytes(this.#garbage())
    if (this.#at('disconnect')) this.#connection.close()
  }

  /** What becomes of one chunk: nothing, itself, or more than itself. */
  #variants(message: MessageToSend): MessageToSend[] {
    if (this.#happens('drop-chunks') || (this.lossy && this.#happens('udp-loss'))) return []
    if (this.#happens('corrupt-chunks')) return [cutShort(message)]
    const flood = this.#arguments.get('flood')
    if (flood !== undefined)
      return Array.from({ length: flood + 1 }, (_, more) => renumbered(message, this.#chunks * (flood + 1) + more))
    return this.#happens('duplicate-chunks') ? [message, message] : [message]
  }

  #inOrder(message: MessageToSend): void {
    if (this.#chunks === 0 && this.#arguments.has('length-lie')) return this.#lie(message)
    const held = this.#held
    if (this.#arguments.has('early-done')) this.#held = message
    else if (!held && this.#happens('reorder-chunks')) {
      this.#held = message
      return
    } else {
      this.#held = null
      this.#target.send(message)
    }
    if (held) this.#target.send(held)
  }

  #other(message: MessageToSend): void {
    const phase = message.runStateChangeMessage?.new_
    const over = phase === anabrid.RunState.DONE || phase === anabrid.RunState.ERROR
    const held = this.#held
    if (over || !this.#arguments.has('early-done')) this.#held = null
    if (held && !this.#arguments.has('early-done')) this.#target.send(held)
    if (over && this.#arguments.has('never-done')) return
    this.#target.send(message)
    if (over && this.#arguments.has('done-twice')) this.#target.send(message)
    if (over && held && this.#arguments.has('early-done')) this.#target.send(held)
  }

  #strangers(message: MessageToSend): void {
    for (const [mode, id] of [
      ['foreign-run', FOREIGN_RUN],
      ['stale-run', this.#previousRun],
    ] as const) {
      const frames = id === '' ? 0 : (this.#arguments.get(mode) ?? 0)
      const { runDataMessage } = message
      const foreign = { runDataMessage: { ...runDataMessage, run: { ...runDataMessage?.run, id } } }
      for (let frame = 0; frame < frames; frame++) this.#target.send(foreign)
    }
  }

  /** Sends a frame whose length is not its own. */
  #lie(message: MessageToSend): void {
    const frame = encodeFrame({ messageV1: message })
    const payload = frame.subarray(frame.findIndex((byte) => byte < 0x80) + 1)
    this.#connection.sendBytes(varint(payload.length + (this.#arguments.get('length-lie') ?? 0)))
    this.#connection.sendBytes(payload)
  }

  #garbage(): Uint8Array {
    return Uint8Array.from({ length: GARBAGE_BYTES }, () => Math.floor(this.#chance() * 256))
  }

  #happens(mode: MisbehaviourMode): boolean {
    const share = this.#arguments.get(mode)
    return share !== undefined && this.#chance() < share
  }

  #at(mode: MisbehaviourMode): boolean {
    return this.#arguments.get(mode) === this.#chunks
  }

  #past(mode: MisbehaviourMode): boolean {
    return this.#chunks >= (this.#arguments.get(mode) ?? Infinity)
  }
}

/** The same chunk with half of a value missing at its end. */
function cutShort({ runDataMessage }: MessageToSend): MessageToSend {
  const bytes = runDataMessage?.data?.data ?? new Uint8Array(0)
  return {
    runDataMessage: {
      ...runDataMessage,
      data: { ...runDataMessage?.data, data: bytes.subarray(0, Math.max(0, bytes.length - 2)) },
    },
  }
}

function renumbered({ runDataMessage }: MessageToSend, chunk: number): MessageToSend {
  return { runDataMessage: { ...runDataMessage, run: { ...runDataMessage?.run, chunk: chunk || null } } }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) + 0x80)
  return Uint8Array.from([...bytes, value])
}
