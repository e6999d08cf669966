/** The asking side of an rpc: request and reply on core NATS, failures as Problems. */
import { errors, type Msg } from '@nats-io/transport-node'
import { Problem } from '@lucihub/analog'
import { problemFromProto, ProblemMessage, token, type Rpc } from '@lucihub/contracts'
import { pause, Reconnected, type Connection } from './connection.ts'

/** A reply with this header set to "1" is a ProblemMessage. */
export const PROBLEM_HEADER = 'Lh-Problem'

/** Between two tries while the answerers are coming back after an outage, ms. */
const ABSENCE_PAUSE_MS = 100

export interface CallOptions {
  readonly timeoutMs: number
  /** Own host token, for per-host rpcs. */
  readonly host: string | undefined
}

export async function callRpc<Q, R>(
  connection: Connection,
  rpc: Rpc<Q, R>,
  request: Q,
  options: CallOptions,
): Promise<R> {
  const subject = rpc.perHost ? `${rpc.subject}.${ownHost(rpc.subject, options.host)}` : rpc.subject
  const reply = await ask(connection, { subject, bytes: rpc.request.encode(request), timeoutMs: options.timeoutMs })
  if (reply.headers?.get(PROBLEM_HEADER) === '1') throw problemFromProto(ProblemMessage.decode(reply.data))
  return rpc.reply.decode(reply.data)
}

/** The host of this process, for what is addressed by host. */
export function ownHost(subject: string, host: string | undefined): string {
  if (host === undefined)
    throw new Problem('internal', `${subject} is per host, but this process was started without a host.`)
  return token(host)
}

interface Question {
  readonly subject: string
  readonly bytes: Uint8Array
  readonly timeoutMs: number
}

async function ask(connection: Connection, { subject, bytes, timeoutMs }: Question): Promise<Msg> {
  const { nats } = connection
  const max = nats.info?.max_payload ?? Infinity
  if (bytes.length > max)
    throw new Problem('too-large', `A request on ${subject} has ${bytes.length} bytes; the bus takes ${max}.`)
  const deadline = performance.now() + timeoutMs
  for (;;) {
    if (!(await connection.connected(deadline - performance.now()))) {
      throw new Problem('unavailable', `There was no connection to NATS for ${subject} within ${timeoutMs} ms.`, {
        retryAfterS: 1,
      })
    }
    const leftMs = Math.max(1, deadline - performance.now())
    try {
      return await connection.orReconnect(nats.request(subject, bytes, { timeout: leftMs }))
    } catch (cause) {
      if (cause instanceof errors.TimeoutError)
        throw new Problem('timeout', `${subject} did not answer within ${timeoutMs} ms.`, { cause })
      // Whether it was handled is unknown, so it is not asked again here.
      if (cause instanceof Reconnected)
        throw new Problem('timeout', `The connection was lost before ${subject} answered.`, { cause })
      if (!connection.justRenewed() || leftMs < ABSENCE_PAUSE_MS) {
        throw new Problem('unavailable', `Nobody answers ${subject}.`, { cause, retryAfterS: 1 })
      }
      await pause(ABSENCE_PAUSE_MS) // nobody took it, so asking again is safe
    }
  }
}
