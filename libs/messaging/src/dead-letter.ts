/** Puts a message that nobody can use aside, with what is known about it, so that a person can look at it. */
import { deadLetterSubject } from '@lucihub/contracts'
import type { Connection } from './connection.ts'
import type { HeldMessage } from './held-message.ts'
import { publishDurably } from './publish.ts'

const TIMEOUT_MS = 10_000
/** Headers are for reading; the whole story is in the log. */
const MAX_REASON_LENGTH = 500

export interface DeadLetter {
  readonly message: HeldMessage
  readonly stream: string
  readonly durable: string
  readonly reason: string
}

/** Resolves when the copy is stored. The id makes a second copy of the same message disappear. */
export function deadLetter(connection: Connection, { message, stream, durable, reason }: DeadLetter): Promise<void> {
  const { subject, streamSequence, deliveries } = message.delivery
  return publishDurably(connection, {
    subject: deadLetterSubject(subject),
    bytes: message.bytes,
    id: message.identity,
    timeoutMs: TIMEOUT_MS,
    headers: {
      'Lh-Reason': reason.replace(/\s+/g, ' ').slice(0, MAX_REASON_LENGTH),
      'Lh-Subject': subject,
      'Lh-Stream': stream,
      'Lh-Stream-Sequence': String(streamSequence),
      'Lh-Consumer': durable,
      'Lh-Deliveries': String(deliveries),
    },
  })
}
