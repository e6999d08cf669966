/** The server's side of a consumer: a durable that remembers what was acked. */
import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type ConsumerConfig,
  type JetStreamManager,
} from '@nats-io/jetstream'
import { nanos } from '@nats-io/transport-node'

export interface DurableOptions {
  readonly stream: string
  readonly durable: string
  readonly filter: string
  /** How long the server waits for a settlement before it delivers again, ms. */
  readonly ackWaitMs: number
  /** Most messages of one request. */
  readonly maxMessages: number
}

/** The server's code for a durable that exists with another configuration. */
const CONSUMER_EXISTS = 10_148
/** Messages delivered and not yet settled, over all processes of a durable; a request of one may need a quarter. */
const ACK_PENDING = { min: 256, max: 1_024 }

/** Creates or updates the durable; returns its creation time, by which a lost store can be told. */
export async function ensureConsumer({ consumers }: JetStreamManager, options: DurableOptions): Promise<string> {
  const { stream, durable, filter, ackWaitMs, maxMessages } = options
  const changeable = {
    filter_subject: filter,
    ack_wait: nanos(ackWaitMs),
    max_deliver: -1,
    max_ack_pending: Math.min(ACK_PENDING.max, Math.max(ACK_PENDING.min, 4 * maxMessages)),
  }
  const config: Partial<ConsumerConfig> = {
    ...changeable,
    durable_name: durable,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
  }
  try {
    return (await consumers.add(stream, config)).created
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== CONSUMER_EXISTS) throw error
    return (await consumers.update(stream, durable, changeable)).created
  }
}

export function isStreamNotFound(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound
}
