/** What a bad network between an executor or a run-store and NATS does to single messages. */
import type { Random } from './random.ts'
import type { Pass } from './relay.ts'
import { headerOf, underOtherId, withBitFlipped, type Frame } from './nats-frames.ts'

export const MESSAGE_FAULTS = ['duplicate', 'reorder', 'corrupt', 'drop-publish-acks', 'drop-consumer-acks'] as const
export type MessageFault = (typeof MESSAGE_FAULTS)[number]

/** One message in so many is hit. */
const EVERY = 4
/** A message that is held back lets so many others pass. */
const WINDOW = 8

/** `spoiled` takes the ids of messages that were changed. Applies to journal records and their acks alone: the rest of the protocol is the business of other faults. */
export function messageFault(kind: MessageFault, random: Random, spoiled: Set<string>): Pass {
  switch (kind) {
    case 'duplicate':
      return (frame) => (isRecord(frame) && random.chance(1 / EVERY) ? [frame, underOtherId(frame, '/again')] : [frame])
    case 'reorder':
      return reorder(random)
    case 'corrupt':
      // Anywhere in the record: address, samples or checksums.
      return (frame) => {
        if (!isRecord(frame) || !random.chance(1 / EVERY)) return [frame]
        spoiled.add(headerOf(frame, 'Nats-Msg-Id'))
        return [withBitFlipped(frame, random.next())]
      }
    case 'drop-publish-acks':
      return (frame, direction) =>
        direction === 'down' && isPublishAck(frame) && random.chance(1 / EVERY) ? [] : [frame]
    case 'drop-consumer-acks':
      return (frame, direction) =>
        direction === 'up' && /^\$JS\.ACK\.LH_(?!HEALTH)/.test(frame.subject) ? [] : [frame]
    default:
      return kind satisfies never
  }
}

function reorder(random: Random): Pass {
  let held: Frame[] = []
  let passing = 0
  return (frame) => {
    if (!isRecord(frame)) return [frame]
    if (held.length < WINDOW && random.chance(1 / 2)) {
      held.push(frame)
      passing = WINDOW
      return []
    }
    passing--
    if (passing > 0) return [frame]
    const late = held.sort(() => random.next() - 0.5)
    held = []
    return [frame, ...late]
  }
}

/** A journal record on its way into a stream. */
export function isRecord({ verb, subject }: Frame): boolean {
  return verb.endsWith('PUB') && /^lh\.v1\.(data|evt|jrn|log)\./.test(subject)
}

function isPublishAck({ verb, payload }: Frame): boolean {
  return verb.endsWith('MSG') && payload.toString('latin1', 0, 11) === '{"stream":"'
}
