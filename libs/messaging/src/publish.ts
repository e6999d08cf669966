/**
 * Durable publishing: one message, one id, asked again until the stream's ack is here. Retrying under the
 * same id is safe because the stream remembers ids for two minutes.
 */
import { JetStreamApiError } from '@nats-io/jetstream'
import { errors, headers } from '@nats-io/transport-node'
import { Problem } from '@lucihub/analog'
import { CHECKSUM_HEADER, checksumOf } from './checksum.ts'
import { backoffMs, pause, Reconnected, type Connection } from './connection.ts'

export interface Publication {
  readonly subject: string
  readonly bytes: Uint8Array
  /** Deduplicates; salted by the caller. */
  readonly id: string
  /** How long to keep trying, ms. */
  readonly timeoutMs: number
  readonly headers?: Readonly<Record<string, string>>
}

/** How long one try waits for the ack, ms. */
const ACK_TIMEOUT_MS = 5_000
const RETRY_MAX_MS = 1_000
/** Room for headers below the server's max_payload, bytes. */
const HEADER_ROOM = 1_024
/** The server's code for a message above the stream's own limit. */
const MESSAGE_TOO_LARGE = 10_054

/** Resolves after the stream's ack. Problem `unavailable` when there was none in time, `too-large` at once. */
export async function publishDurably(connection: Connection, publication: Publication): Promise<void> {
  const { subject, bytes, id, timeoutMs } = publication
  refuseOversize(connection, publication)
  const deadline = performance.now() + timeoutMs
  for (let attempt = 1; ; attempt++) {
    const leftMs = deadline - performance.now()
    try {
      const timeout = Math.max(1, Math.min(ACK_TIMEOUT_MS, leftMs))
      await connection.orReconnect(
        connection.js.publish(subject, bytes, { msgID: id, timeout, headers: headersOf(publication) }),
      )
      return
    } catch (cause) {
      if (isFinal(cause)) throw finalProblem(publication, cause)
      const waitMs = cause instanceof Reconnected ? 0 : backoffMs(attempt, RETRY_MAX_MS)
      if (performance.now() + waitMs >= deadline) {
        throw new Problem('unavailable', `No stream took a message on ${subject} within ${timeoutMs} ms.`, { cause })
      }
      if (streamIsMissing(cause))
        await connection
          .provision()
          .catch((error: unknown) => connection.log.warn(`Streams cannot be created: ${String(error)}`))
      await pause(waitMs)
    }
  }
}

function headersOf({ headers: more = {}, bytes }: Publication): ReturnType<typeof headers> {
  const result = headers()
  result.set('Lh-Schema', '1')
  result.set(CHECKSUM_HEADER, checksumOf(bytes))
  for (const [name, value] of Object.entries(more)) result.set(name, value)
  return result
}

function refuseOversize({ nats }: Connection, { subject, bytes }: Publication): void {
  const max = (nats.info?.max_payload ?? Infinity) - HEADER_ROOM
  if (bytes.length > max)
    throw new Problem('too-large', `A message on ${subject} has ${bytes.length} bytes; the bus takes ${max}.`)
}

/** No stream listens on the subject. */
function streamIsMissing(error: unknown): boolean {
  return (
    error instanceof Error && (error.name === 'JetStreamNotEnabled' || error.cause instanceof errors.NoRespondersError)
  )
}

function isFinal(error: unknown): boolean {
  return (
    error instanceof errors.ClosedConnectionError ||
    error instanceof errors.DrainingConnectionError ||
    (error instanceof JetStreamApiError && error.code === MESSAGE_TOO_LARGE)
  )
}

function finalProblem({ subject, bytes }: Publication, cause: unknown): Problem {
  return cause instanceof JetStreamApiError
    ? new Problem('too-large', `A message on ${subject} has ${bytes.length} bytes, more than its stream takes.`, {
        cause,
      })
    : new Problem('unavailable', `The connection was closed before ${subject} took the message.`, { cause })
}
