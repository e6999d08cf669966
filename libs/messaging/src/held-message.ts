/**
 * A message of a stream between its delivery and its settlement. The client library makes such objects
 * only inside its own iterators, so the few words of the ack protocol are spoken here.
 */
import type { Msg } from '@nats-io/transport-node'
import type { Delivery } from './handlers.ts'

/** `ack` and `term`: never again. `nak`: again, after a delay. `working`: not yet, but don't give up. */
export type Settlement =
  { readonly kind: 'ack' | 'term' | 'working' } | { readonly kind: 'nak'; readonly afterMs: number }

export interface HeldMessage {
  readonly bytes: Uint8Array
  readonly delivery: Delivery
  /** Names the message among all that its stream ever held, under its consumer. */
  readonly identity: string
  readonly raw: Msg
}

/** Reads the reply subject `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time>.<pending>[.<token>]`. */
export function heldMessage(raw: Msg): HeldMessage {
  const tokens = (raw.reply ?? '').split('.')
  const [stream, consumer, deliveries, streamSequence, , storedAt] = tokens.slice(tokens.length >= 11 ? 4 : 2)
  return {
    bytes: raw.data,
    raw,
    identity: `${stream}/${consumer}/${streamSequence}/${storedAt}`,
    delivery: {
      subject: raw.subject,
      deliveries: Number(deliveries),
      streamSequence: Number(streamSequence),
      size: raw.data.length,
    },
  }
}

/** Says it to the server; nothing comes back. */
export function settle({ raw }: HeldMessage, settlement: Settlement): void {
  raw.respond(wordOf(settlement))
}

function wordOf(settlement: Settlement): string {
  switch (settlement.kind) {
    case 'ack':
      return '+ACK'
    case 'term':
      return '+TERM'
    case 'working':
      return '+WPI'
    case 'nak':
      return settlement.afterMs > 0 ? `-NAK {"delay":${Math.round(settlement.afterMs) * 1_000_000}}` : '-NAK'
    default:
      return settlement satisfies never
  }
}
