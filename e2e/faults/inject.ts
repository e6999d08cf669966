/** Does to a stage what a schedule says, and takes it back when its time is over. */
import { connect as connectNats } from '@nats-io/transport-node'
import { jetstreamManager } from '@nats-io/jetstream'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { createClient } from 'redis'
import { limitFiles } from './file-limit.ts'
import { messageFault } from './message-faults.ts'
import { random } from './random.ts'
import type { Relay } from './relay.ts'
import type { PlannedFault, Schedule } from './schedule.ts'
import { EXECUTOR, SPARE, type ServerName, type Stage } from './stage.ts'

/** How often a fault that repeats itself does so, ms. */
const STORM_MS = 200
const LOOP_MS = 1_000
const TERMINATE_MS = 500
const CLOCK_MS = 700
/** Under throttle, bytes per second. */
const NARROW = 100_000

/** Stages all faults of a schedule; resolves when the last is over. Two faults on one target take turns. */
export async function injectAll(stage: Stage, schedule: Schedule, began: number): Promise<readonly string[]> {
  const turns = new Map<string, Promise<void>>()
  const troubles: string[] = []
  await Promise.all(
    schedule.faults.map(async (fault, index) => {
      await sleep(Math.max(0, began + fault.at - performance.now()))
      const target = targetOf(fault)
      const turn = (turns.get(target) ?? Promise.resolve())
        .then(() => inject(stage, fault, random(schedule.seed * 31 + index)))
        .catch((error: unknown) => void troubles.push(`${fault.kind}: ${String(error)}`))
      turns.set(target, turn)
      await turn
    }),
  )
  return troubles
}

function targetOf(fault: PlannedFault): string {
  switch (fault.kind) {
    case 'kill':
    case 'freeze':
    case 'crash-loop':
    case 'kill-server':
    case 'freeze-server':
    case 'crash-point':
      return fault.target
    case 'takeover':
    case 'journal-full':
      return EXECUTOR
    case 'nats-amnesia':
    case 'nats-purge':
    case 'nats-consumers':
      return 'nats'
    case 'redis-flush':
      return 'redis'
    case 'postgres-sessions':
      return 'postgres'
    case 'device':
    case 'clock':
      return fault.kind
    default:
      return fault.leg
  }
}

async function inject(stage: Stage, fault: PlannedFault, chance: ReturnType<typeof random>): Promise<void> {
  const { forMs } = fault
  switch (fault.kind) {
    case 'kill':
      await stage.kill(fault.target)
      await sleep(forMs)
      return stage.release(fault.target)
    case 'freeze':
      stage.signal(fault.target, 'SIGSTOP')
      await sleep(forMs)
      return stage.signal(fault.target, 'SIGCONT')
    case 'crash-loop':
      return repeatedly(forMs, LOOP_MS * (0.3 + 0.7 * chance.next()), async () => {
        await stage.kill(fault.target)
        stage.release(fault.target)
      })
    case 'kill-server':
      return withServerDown(stage, fault.target, forMs)
    case 'freeze-server':
      stage.signal(fault.target, 'SIGSTOP')
      await sleep(forMs)
      return stage.signal(fault.target, 'SIGCONT')
    case 'cut':
    case 'cut-up':
    case 'cut-down':
    case 'half-open':
    case 'reset-storm':
    case 'delay':
    case 'throttle':
    case 'message':
      return onLeg(stage, fault, chance)
    case 'nats-amnesia':
      return withServerDown(stage, 'nats', forMs, () =>
        rmSync(join(stage.hub.dir, 'nats/jetstream'), { recursive: true, force: true }),
      )
    case 'nats-purge':
      return asOperator(stage, async ({ streams }) => {
        for (const name of await namesOf(streams.names())) await streams.purge(name)
      })
    case 'nats-consumers':
      return asOperator(stage, async ({ streams, consumers }) => {
        for (const stream of await namesOf(streams.names()))
          for await (const { name } of consumers.list(stream)) await consumers.delete(stream, name)
      })
    case 'redis-flush':
      return flush(stage)
    case 'postgres-sessions':
      return repeatedly(forMs, TERMINATE_MS, () => terminateSessions(stage))
    case 'device': {
      const mac = stage.devices.find(({ name }) => name === fault.device)?.mac ?? ''
      stage.misbehave({ [mac]: fault.how })
      await sleep(forMs)
      return stage.misbehave({})
    }
    case 'takeover':
      // The active executor sleeps through its lease while a spare one of the same host takes its place.
      stage.release(SPARE)
      stage.signal(EXECUTOR, 'SIGSTOP')
      await sleep(forMs)
      stage.signal(EXECUTOR, 'SIGCONT')
      await sleep(1_000)
      return stage.kill(SPARE)
    case 'crash-point':
      await stage.kill(fault.target)
      stage.release(fault.target, { LH_CRASH_AT: fault.point })
      stage.expectEnd(fault.target)
      return sleep(forMs)
    case 'clock': {
      let shifted = false
      await repeatedly(forMs, CLOCK_MS, async () => {
        shifted = !shifted
        stage.shiftClocks(shifted ? fault.offsetMs : 0)
      })
      return stage.shiftClocks(0)
    }
    case 'journal-full': {
      const lift = await limitFiles(stage.pidOf(EXECUTOR), join(stage.hub.dir, 'logs', `${EXECUTOR}.log`))
      await sleep(forMs)
      return lift()
    }
    default:
      return fault satisfies never
  }
}

async function onLeg(
  stage: Stage,
  fault: Extract<PlannedFault, { readonly leg: string }>,
  chance: ReturnType<typeof random>,
): Promise<void> {
  const { kind, forMs } = fault
  const relay = relayOf(stage, fault.leg)
  if (kind === 'cut') relay.cut('up', 'down')
  else if (kind === 'cut-up') relay.cut('up')
  else if (kind === 'cut-down') relay.cut('down')
  else if (kind === 'half-open') relay.halfOpen()
  else if (kind === 'delay') [relay.delayMs, relay.jitterMs] = [chance.whole(50, 1_000), chance.whole(0, 1_000)]
  else if (kind === 'throttle') relay.bytesPerSecond = NARROW
  else if (kind === 'message') relay.pass = messageFault(fault.fault, chance, stage.spoiled)
  else return repeatedly(forMs, STORM_MS, async () => relay.reset())
  await sleep(forMs)
  relay.heal()
}

async function withServerDown(stage: Stage, name: ServerName, forMs: number, meanwhile = () => {}): Promise<void> {
  const server = stage.hub.servers[name]
  stage.note(name, 'killed')
  await server.kill()
  meanwhile()
  await sleep(forMs)
  // A killed Postgres leaves children for a moment, which hold its memory: then it is tried again.
  for (let tries = 1; ; tries++) {
    try {
      await server.restart()
      return stage.note(name, 'started')
    } catch (error) {
      if (tries === 20) throw error
      await sleep(250)
    }
  }
}

async function repeatedly(forMs: number, everyMs: number, work: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + forMs
  do {
    await work()
    await sleep(everyMs)
  } while (performance.now() < deadline)
}

function relayOf(stage: Stage, leg: string): Relay {
  const relay = stage.relays[leg]
  if (!relay) throw new Error(`there is no leg ${leg}`)
  return relay
}

type Manager = Awaited<ReturnType<typeof jetstreamManager>>

async function asOperator(stage: Stage, work: (manager: Manager) => Promise<void>): Promise<void> {
  const nats = await connectNats({ servers: new URL(stage.hub.servers.nats.url).host, timeout: 2_000 })
  try {
    await work(await jetstreamManager(nats, { checkAPI: false, timeout: 2_000 }))
  } finally {
    await nats.close()
  }
}

async function namesOf(names: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = []
  for await (const name of names) all.push(name)
  return all
}

async function flush(stage: Stage): Promise<void> {
  const client = createClient({ url: stage.hub.servers.redis.url, socket: { reconnectStrategy: false } })
  client.on('error', () => undefined) // It may be down or frozen: then there is nothing to lose.
  await Promise.race([client.connect().then(() => client.flushAll()), sleep(1_000)]).catch(() => undefined)
  client.destroy()
}

/** All sessions but the harness's own. */
async function terminateSessions(stage: Stage): Promise<void> {
  const client = new pg.Client({ connectionString: stage.hub.servers.postgres.url, connectionTimeoutMillis: 1_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'run-store' AND pid <> pg_backend_pid()",
    )
  } catch {
    // It is down or frozen just now.
  } finally {
    void client.end().catch(() => undefined)
  }
}
