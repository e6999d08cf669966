/** Resources and logs: I15 and I16. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from 'pg'
import { SERVICES, type Incident, type Stage } from '../stage.ts'
import { violation, type Violation } from './violation.ts'

/** Descriptors that may be open beyond what a service had when the stage was set. */
const DESCRIPTORS_MORE = 24
/** Two pools of run-store, the harness, and what Postgres has not noticed yet. */
const SESSIONS_MAX = 32

export interface Baseline {
  readonly descriptors: Readonly<Record<string, number>>
  /** Sizes of the logs: what is older was judged before. */
  readonly logs: Readonly<Record<string, number>>
}

export function baselineOf(stage: Stage): Baseline {
  return {
    descriptors: Object.fromEntries(SERVICES.map((name) => [name, descriptorsOf(stage.pidOf(name))])),
    logs: Object.fromEntries(logsOf(stage).map((file) => [file, statSync(file).size])),
  }
}

export async function checkUpkeep({
  stage,
  client,
  before,
  incidents,
}: {
  stage: Stage
  client: Client
  before: Baseline
  incidents: readonly Incident[]
}): Promise<Violation[]> {
  const descriptors = SERVICES.flatMap((name) => {
    const now = descriptorsOf(stage.pidOf(name))
    const allowed = (before.descriptors[name] ?? 0) + DESCRIPTORS_MORE
    return now > allowed
      ? [violation('I15', `${name} has ${now} open descriptors, at first ${before.descriptors[name]}`)]
      : []
  })
  const { rows } = await client.query<{ sessions: number }>(
    'SELECT count(*)::int AS sessions FROM pg_stat_activity WHERE datname IS NOT NULL',
  )
  const sessions = rows[0]?.sessions ?? 0
  return [
    ...descriptors,
    ...(sessions > SESSIONS_MAX ? [violation('I15', `Postgres has ${sessions} sessions`)] : []),
    ...logsOf(stage).flatMap((file) => checkLog(stage, file, before.logs[file] ?? 0)),
    ...incidents
      .filter(({ what }) => what === 'ended')
      .map(({ process, detail }) => violation('I16', `${process} ended by itself: ${detail.slice(-400)}`)),
  ]
}

function checkLog({ hub }: Stage, file: string, from: number): Violation[] {
  const text = readFileSync(file)
    .subarray(from <= statSync(file).size ? from : 0)
    .toString('utf8')
  const password = new URL(hub.servers.postgres.url).password
  const name = file.split('/').at(-1) ?? file
  const secrets = [hub.apiKey, password].filter((secret) => secret !== '' && text.includes(secret))
  const crashes = text
    .split('\n')
    .filter((line) =>
      /"level":60|"level":"fatal"|uncaughtException|unhandledRejection|MaxListenersExceeded|Invariant/.test(line),
    )
  return [
    ...secrets.map(() => violation('I16', `${name} holds a secret`)),
    ...crashes.slice(0, 3).map((line) => violation('I16', `${name}: ${line.slice(0, 400)}`)),
  ]
}

function logsOf({ hub }: Stage): string[] {
  const folder = join(hub.dir, 'logs')
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []
}

function descriptorsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return 0 // No such process, or no /proc on this system: nothing to compare.
  }
}
