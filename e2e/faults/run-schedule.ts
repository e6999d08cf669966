/** One schedule on a stage: users and faults, healing, patience, probes, and the checker's word. */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { AUDIT } from './check/audit.ts'
import { checkBus, deadLetters } from './check/bus.ts'
import { checkDevices } from './check/devices.ts'
import { collectFacts } from './check/facts.ts'
import { checkJournals, checkRuns } from './check/runs.ts'
import { checkSamples, type SampleCounts } from './check/samples.ts'
import { baselineOf, checkUpkeep, type Baseline } from './check/upkeep.ts'
import { violation, type Violation } from './check/violation.ts'
import { startUsers, submissionOf } from './client.ts'
import { readDeviceLog } from './device-log.ts'
import { injectAll } from './inject.ts'
import type { PlannedFault, PlannedRun, Schedule } from './schedule.ts'
import type { Stage } from './stage.ts'
import { startWitness } from './witness.ts'

/** After all faults are over the hub has so long to end every run, ms. */
const GRACE_MS = 60_000
const PROBE_MS = 15_000
const FOLLOWERS_MS = 15_000

export interface Outcome {
  readonly seed: number
  readonly violations: readonly Violation[]
  readonly counts: SampleCounts
  readonly runs: Readonly<Record<string, number>>
  readonly attempts: number
  readonly faults: readonly PlannedFault[]
  /** From the end of all faults until every run had ended, ms; null: not within the grace. */
  readonly recoveryMs: number | null
  readonly seconds: number
  /** Faults that could not be staged as planned. */
  readonly troubles: readonly string[]
}

export async function runSchedule(stage: Stage, schedule: Schedule, before: Baseline): Promise<Outcome> {
  const began = performance.now()
  const beganMs = Date.now()
  const incidentsBefore = stage.incidents.length
  const deadLettersBefore = await deadLetters(stage)
  const witness = await startWitness(stage)
  const logsBefore = baselineOf(stage).logs
  const users = startUsers(stage.hub, schedule, began)
  const troubles = await injectAll(stage, schedule, began)
  await stage.heal()
  const healed = performance.now()
  const healedMs = Date.now()
  const client = await connected(stage)
  try {
    const served = await Promise.race([users.done.then(() => true), sleep(GRACE_MS, false, { ref: false })])
    const ended = await untilEnded(client, schedule, healed + GRACE_MS)
    const recoveryMs = served && ended ? performance.now() - healed : null
    const followed = performance.now() + FOLLOWERS_MS
    while (users.log.heard.some(({ over }) => !over) && performance.now() < followed) await sleep(50)
    users.stop()
    const incidents = stage.incidents.slice(incidentsBefore)
    const facts = await collectFacts({
      client,
      schedule,
      deviceLog: readDeviceLog(stage.files.deviceLog),
      users: users.log,
      incidents,
      bus: witness.log,
      deadLettersBefore,
      beganMs,
      healedMs,
    })
    const probes = await probe(stage, schedule.seed)
    const { violations, counts } = await checkSamples(client, facts)
    return {
      seed: schedule.seed,
      violations: [
        ...(served ? [] : [violation('I14', 'users were not answered')]),
        ...checkRuns(facts),
        ...violations,
        ...checkDevices(facts),
        ...(await checkJournals(client, facts)),
        ...(await checkBus({ stage, client, facts })),
        ...probes,
        ...(await checkUpkeep({ stage, client, before: { ...before, logs: logsBefore }, incidents })),
      ],
      counts,
      runs: tally(facts.runs.map(({ state }) => state)),
      attempts: facts.attempts.length,
      faults: schedule.faults,
      recoveryMs,
      seconds: (performance.now() - began) / 1000,
      troubles,
    }
  } finally {
    await client.end()
    await witness.close()
  }
}

/** Lays the audit's triggers. Once per stage. */
export async function installAudit(stage: Stage): Promise<void> {
  const client = await connected(stage)
  await client.query(AUDIT)
  await client.end()
}

async function connected(stage: Stage): Promise<pg.Client> {
  const deadline = performance.now() + GRACE_MS
  for (;;) {
    const client = new pg.Client(stage.hub.servers.postgres.url)
    client.on('error', () => undefined)
    try {
      await client.connect()
      return client
    } catch (error) {
      if (performance.now() > deadline) throw error
      await sleep(200)
    }
  }
}

async function untilEnded(client: pg.Client, { runs }: Schedule, deadline: number): Promise<boolean> {
  const keys = runs.map(({ key }) => key)
  for (;;) {
    const { rows } = await client.query<{ open: number }>(
      `SELECT count(*)::int AS open FROM run r WHERE r.idempotency_key = ANY ($1) AND NOT EXISTS (SELECT FROM run_terminal t WHERE t.run_id = r.id)`,
      [keys],
    )
    if (rows[0]?.open === 0) return true
    if (performance.now() > deadline) return false
    await sleep(100)
  }
}

/** I14: one small run per device, each to be completed soon. */
async function probe({ hub, devices }: Stage, seed: number): Promise<Violation[]> {
  const headers = { authorization: `Bearer ${hub.apiKey}`, 'content-type': 'application/json' }
  return (
    await Promise.all(
      devices.map(async ({ name, simulator }): Promise<Violation[]> => {
        const run: PlannedRun = {
          at: 0,
          key: `probe-${seed}-${name}`,
          kind: simulator ? 'simulate' : 'run',
          device: name,
          oscillators: 1,
          opTimeNs: 20_000_000,
          sampleRateHz: 1_000,
          maxAttempts: 2,
          acceptGaps: false,
          cancelAfterMs: null,
          copies: 1,
          watched: false,
        }
        const deadline = performance.now() + PROBE_MS
        let [id, said] = ['', 'no answer']
        while (performance.now() < deadline) {
          const path = id === '' ? '/runs' : `/runs/${id}`
          const request = id === '' ? { method: 'POST', body: JSON.stringify(submissionOf(run)) } : {}
          try {
            const response = await fetch(`${hub.url}/api/v1${path}`, {
              ...request,
              headers: { ...headers, ...(id === '' && { 'idempotency-key': run.key }) },
              signal: AbortSignal.timeout(5_000),
            })
            const body = (await response.json()) as { id?: string; state?: string; detail?: string }
            said = body.state ?? body.detail ?? String(response.status)
            if (response.ok) id = body.id ?? ''
            if (said === 'COMPLETED') return []
          } catch (error) {
            said = String(error)
          }
          await sleep(100)
        }
        return [violation('I14', `a probe on ${name} was not completed within ${PROBE_MS / 1000} s: ${said}`)]
      }),
    )
  ).flat()
}

function tally(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}
