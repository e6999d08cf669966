/**
 * Watches the bus from beside the hub: which records were acknowledged to the streams and when, what was purged, and
 * whether the server gave a message up. It speaks to NATS itself and looks into the relays. Of a message it reads by
 * itself which records it carries, for that is all a loss can be told by.
 */
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { headerOf, type Frame } from './nats-frames.ts'
import type { Direction } from './relay.ts'
import { STORES, type Stage } from './stage.ts'

/** A record that a store told the stream to forget. */
export interface Acknowledged {
  readonly atMs: number
  /** Of the message, with its sender's salt. */
  readonly messageId: string
  readonly runId: string
  readonly attempt: number
  readonly seq: number
}

export interface BusLog {
  readonly acknowledged: Acknowledged[]
  /** Purges of a run's records. */
  readonly purges: { readonly atMs: number; readonly runId: string }[]
  /** Messages that the server will deliver no more. */
  readonly givenUp: string[]
}

export interface Witness {
  readonly log: BusLog
  close(): Promise<void>
}

export async function startWitness(stage: Stage): Promise<Witness> {
  const log: BusLog = { acknowledged: [], purges: [], givenUp: [] }
  for (const store of STORES) {
    const relay = stage.relays[`${store}-nats`]
    if (relay) relay.witness = acknowledgements(log)
  }
  const nats: NatsConnection = await connect({
    servers: new URL(stage.hub.servers.nats.url).host,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    reconnectJitter: 0,
  })
  nats.subscribe('$JS.API.STREAM.PURGE.>', {
    callback: (_error, message) => {
      const run = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(message.string())?.[0]
      if (run) log.purges.push({ atMs: Date.now(), runId: run })
    },
  })
  nats.subscribe('$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>', {
    callback: (_error, message) => {
      log.givenUp.push(message.subject)
    },
  })
  return { log, close: () => nats.close() }
}

function acknowledgements({ acknowledged }: BusLog): (frame: Frame, direction: Direction) => void {
  const delivered = new Map<string, Frame>()
  return (frame, direction) => {
    if (direction === 'down') {
      if (frame.verb === 'HMSG' && frame.reply.startsWith('$JS.ACK.')) delivered.set(frame.reply, frame)
      return
    }
    const message = delivered.get(frame.subject)
    if (message === undefined || frame.payload.toString('latin1') !== '+ACK') return
    delivered.delete(frame.subject)
    const messageId = headerOf(message, 'Nats-Msg-Id')
    for (const record of recordsIn(message.payload)) acknowledged.push({ atMs: Date.now(), messageId, ...record })
  }
}

/** The addresses of the records in a batch (field 1, repeated): fields 1, 2 and 4 of each. None for what is no batch. */
export function recordsIn(
  payload: Buffer,
): { readonly runId: string; readonly attempt: number; readonly seq: number }[] {
  try {
    return [...fieldsOf(payload)].flatMap(({ number, bytes }) => {
      if (number !== 1 || !bytes) return []
      const fields = new Map([...fieldsOf(bytes)].map((field) => [field.number, field]))
      const runId = fields.get(1)?.bytes?.toString('latin1') ?? ''
      return runId === '' ? [] : [{ runId, attempt: fields.get(2)?.value ?? 0, seq: fields.get(4)?.value ?? 0 }]
    })
  } catch {
    return [] // Spoiled.
  }
}

interface Field {
  readonly number: number
  readonly value: number
  readonly bytes: Buffer | null
}

/** The fields of a protobuf message, as far as addresses need: varints and what has a length. */
function* fieldsOf(message: Buffer): Generator<Field> {
  let at = 0
  const varint = (): number => {
    for (let value = 0, shift = 1; ; shift *= 128) {
      const byte = message.readUInt8(at++)
      value += (byte & 0x7f) * shift
      if (byte < 0x80) return value
    }
  }
  while (at < message.length) {
    const tag = varint()
    const number = Math.floor(tag / 8)
    const value = varint()
    if (tag % 8 === 0) yield { number, value, bytes: null }
    else if (tag % 8 === 2 && at + value <= message.length)
      yield { number, value, bytes: message.subarray(at, (at += value)) }
    else throw new RangeError(`wire type ${tag % 8} of ${value}`)
  }
}
