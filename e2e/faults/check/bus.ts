/** The streams: I9, I10, I19. Speaks to NATS itself. */
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import type { Client } from 'pg'
import type { Stage } from '../stage.ts'
import { disturbed, type Facts } from './facts.ts'
import { violation, type Violation } from './violation.ts'

/** Two clocks are compared: that of Postgres when a record was inserted, and ours when its ack passed. */
const TOLERANCE_MS = 5

export async function checkBus({
  stage,
  client,
  facts,
}: {
  stage: Stage
  client: Client
  facts: Facts
}): Promise<Violation[]> {
  const nats = await connect({ servers: new URL(stage.hub.servers.nats.url).host })
  try {
    const manager = await jetstreamManager(nats, { checkAPI: false })
    return [
      ...checkPurges(facts),
      ...(await checkAcknowledged({ stage, client, facts })),
      ...(await checkDeadLetters(manager, facts)),
      ...(await checkDefinitions(manager)),
      ...facts.bus.givenUp.map((subject) => violation('I10', `the server gave a message up: ${subject}`)),
    ]
  } finally {
    await nats.close()
  }
}

function checkPurges({ bus, runs }: Facts): Violation[] {
  return bus.purges.flatMap(({ atMs, runId }) => {
    const run = runs.find(({ id }) => id === runId)
    return run && (run.terminalMs === null || run.terminalMs > atMs + TOLERANCE_MS)
      ? [violation('I9', `the records of ${runId} were purged before it had ended`)]
      : []
  })
}

/** No record is acknowledged to its stream before it is stored. One that was spoiled is acknowledged and asked for again. */
async function checkAcknowledged({
  stage,
  client,
  facts,
}: {
  stage: Stage
  client: Client
  facts: Facts
}): Promise<Violation[]> {
  const ours = new Set(facts.runs.map(({ id }) => id))
  const { rows } = await client.query<{ key: string; atMs: number }>(
    `SELECT run_id || '/' || attempt || '/' || seq AS key, (extract(epoch FROM min(at)) * 1000)::float8 AS "atMs"
    FROM faults.stored WHERE run_id = ANY ($1::uuid[]) GROUP BY run_id, attempt, seq`,
    [[...ours]],
  )
  const storedAt = new Map(rows.map(({ key, atMs }) => [key, atMs]))
  const early = facts.bus.acknowledged.filter(({ messageId, runId, attempt, seq, atMs }) => {
    const stored = storedAt.get(`${runId}/${attempt}/${seq}`)
    return ours.has(runId) && stored !== undefined && stored > atMs + TOLERANCE_MS && !isSpoiled(stage, messageId)
  })
  const [first] = early
  return first
    ? [
        violation(
          'I10',
          `${early.length} records were acknowledged before they were stored, the first is ${first.messageId}`,
        ),
      ]
    : []
}

/** A message that was spoiled may hold other records than its sender put there; so may its copies under another id. */
function isSpoiled({ spoiled }: Stage, messageId: string): boolean {
  return spoiled.has(messageId) || [...spoiled].some((id) => id !== '' && messageId.startsWith(id))
}

/** Dead letters come from spoiled records alone. */
async function checkDeadLetters(manager: JetStreamManager, facts: Facts): Promise<Violation[]> {
  const { state } = await manager.streams
    .info('LH_DLQ', { subjects_filter: '>' })
    .catch(() => ({ state: { messages: 0 } }))
  const spoilt = facts.schedule.faults.some((fault) => fault.kind === 'message' && fault.fault === 'corrupt')
  const explained = spoilt || disturbed(facts, { fromMs: 0, toMs: Infinity, by: (kind) => kind === 'device' })
  return state.messages > facts.deadLettersBefore && !explained
    ? [
        violation(
          'I10',
          `${state.messages - facts.deadLettersBefore} messages were put aside, and nothing had spoiled them`,
        ),
      ]
    : []
}

export async function deadLetters(stage: Stage): Promise<number> {
  const nats = await connect({ servers: new URL(stage.hub.servers.nats.url).host })
  try {
    const manager = await jetstreamManager(nats, { checkAPI: false })
    return (await manager.streams.info('LH_DLQ')).state.messages
  } catch {
    return 0 // The store was lost and nobody has missed the stream yet.
  } finally {
    await nats.close()
  }
}

/** What the design says of every stream and consumer of the hub. */
async function checkDefinitions({ streams, consumers }: JetStreamManager): Promise<Violation[]> {
  const found: Violation[] = []
  for await (const { config } of streams.list()) {
    if (!config.name.startsWith('LH_')) continue
    const { name, retention, discard, deny_delete, allow_rollup_hdrs } = config
    if (retention !== 'limits' || discard !== 'new' || !deny_delete || allow_rollup_hdrs)
      found.push(
        violation('I19', `stream ${name} has retention ${retention}, discard ${discard}, deny_delete ${deny_delete}`),
      )
    for await (const { config: consumer } of consumers.list(name))
      if (consumer.max_deliver !== -1 || consumer.ack_policy !== 'explicit')
        found.push(
          violation(
            'I19',
            `consumer ${consumer.durable_name} has max_deliver ${consumer.max_deliver}, acks ${consumer.ack_policy}`,
          ),
        )
  }
  return found
}
