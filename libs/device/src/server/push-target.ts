/** Where the pushes of a run go: the connection, or datagrams beside it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from '../wire/connection.ts'
import type { DatagramSender } from '../wire/datagrams.ts'
import { MESSAGE_BYTES_MAX } from '../wire/framing.ts'
import type { MessageToSend } from '../wire/messages.ts'

/** What fits one packet of an Ethernet: larger datagrams are lost as soon as one of their pieces is. */
const DATAGRAM_BYTES = 1_400
/** Datagrams sent without a pause, and the pause, ms: more than a run needs, less than fills the reader's buffer. */
const BURST_DATAGRAMS = 32
const BURST_PAUSE_MS = 1

export interface PushTarget {
  /** Largest message to send, bytes. */
  readonly messageBytesMax: number
  /** Data may be lost on the way. */
  readonly lossy: boolean
  /** Queues a message. */
  send(message: MessageToSend): void
  /** Resolves when more may follow. */
  drained(): Promise<void>
  /** Why the run cannot go on, or null. */
  failure(): string | null
}

export interface ConnectionTargetOptions {
  readonly connection: Connection
  readonly nextId: () => string
  /**
   * Bytes that the device holds for a reader who does not keep up, before the run fails as on a machine; null: the
   * device waits for its reader instead.
   */
  readonly daqBufferBytes: number | null
}

export function connectionTarget({ connection, nextId, daqBufferBytes }: ConnectionTargetOptions): PushTarget {
  const overflow = () => daqBufferBytes !== null && connection.unsentBytes > daqBufferBytes
  return {
    messageBytesMax: MESSAGE_BYTES_MAX,
    lossy: false,
    send: (message) => connection.send({ messageV1: { id: nextId(), ...message } }),
    drained: async () => (daqBufferBytes === null ? connection.drained() : undefined),
    failure: () => (overflow() ? 'DMA overflow' : null),
  }
}

export function datagramTarget(sender: DatagramSender, nextId: () => string): PushTarget {
  let sent = 0
  return {
    messageBytesMax: DATAGRAM_BYTES,
    lossy: true,
    send: (message) => {
      sent += 1
      sender.send({ messageV1: { id: nextId(), ...message } })
    },
    drained: async () => {
      if (sent < BURST_DATAGRAMS) return
      sent = 0
      await sleep(BURST_PAUSE_MS)
    },
    failure: () => null,
  }
}
