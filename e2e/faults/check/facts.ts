/** Everything the checker judges by, read from Postgres, the device log and what users and the bus witness wrote down. */
import type { Client } from 'pg'
import type { ClientLog } from '../client.ts'
import type { CommandLine, DeviceLine, RunLine } from '../device-log.ts'
import type { Schedule } from '../schedule.ts'
import type { Incident } from '../stage.ts'
import type { BusLog } from '../witness.ts'
import { changesSince, type Change } from './audit.ts'

export interface RunRow {
  readonly id: string
  readonly key: string
  readonly state: string
  readonly reason: string
  readonly winning_attempt: number | null
  readonly num_channels: number
  readonly accept_gaps: boolean
  readonly max_attempts: number
  readonly terminals: number
  readonly terminal_state: string | null
  readonly terminalMs: number | null
}

export interface AttemptRow {
  readonly run_id: string
  readonly number: number
  readonly state: string
  readonly outcome: string
  readonly reason: string
  readonly counted: boolean
  readonly device_id: string
  readonly epoch: number
  readonly boot_id: string | null
  readonly device_run_id: string | null
  readonly last_seq: number | null
  readonly claimedMs: number | null
  readonly endedMs: number | null
}

export interface Facts {
  readonly schedule: Schedule
  readonly runs: readonly RunRow[]
  readonly attempts: readonly AttemptRow[]
  readonly attemptOf: ReadonlyMap<string, AttemptRow>
  readonly changes: readonly Change[]
  readonly commands: readonly CommandLine[]
  readonly deviceRuns: ReadonlyMap<string, RunLine>
  readonly users: ClientLog
  readonly incidents: readonly Incident[]
  readonly bus: BusLog
  readonly deadLettersBefore: number
  /** When the schedule began and when all faults were over, ms since 1970. */
  readonly beganMs: number
  readonly healedMs: number
}

export interface Sources {
  readonly client: Client
  readonly schedule: Schedule
  readonly deviceLog: readonly DeviceLine[]
  readonly users: ClientLog
  readonly incidents: readonly Incident[]
  readonly bus: BusLog
  readonly deadLettersBefore: number
  readonly beganMs: number
  readonly healedMs: number
}

export async function collectFacts({ client, deviceLog, ...given }: Sources): Promise<Facts> {
  const { schedule, beganMs } = given
  const keys = schedule.runs.map(({ key }) => key)
  const ms = (column: string) => `(extract(epoch FROM ${column}) * 1000)::float8`
  const runs = await client.query<RunRow>(
    `SELECT r.id::text, r.idempotency_key AS key, r.state, r.reason, r.winning_attempt, r.num_channels, r.accept_gaps, r.max_attempts,
      (SELECT count(*)::int FROM run_terminal t WHERE t.run_id = r.id) AS terminals,
      (SELECT min(t.state) FROM run_terminal t WHERE t.run_id = r.id) AS terminal_state,
      (SELECT ${ms('min(t.at)')} FROM run_terminal t WHERE t.run_id = r.id) AS "terminalMs"
    FROM run r WHERE r.idempotency_key = ANY ($1)`,
    [keys],
  )
  const attempts = await client.query<AttemptRow>(
    `SELECT run_id::text, number, state, outcome, reason, counted, device_id, epoch::float8 AS epoch, boot_id, device_run_id::text,
      last_seq::float8 AS last_seq, ${ms('claimed_at')} AS "claimedMs", ${ms('ended_at')} AS "endedMs"
    FROM attempt WHERE run_id = ANY ($1::uuid[]) ORDER BY run_id, number`,
    [runs.rows.map(({ id }) => id)],
  )
  const lines = deviceLog.filter((line) => line.wallMs >= beganMs)
  return {
    ...given,
    runs: runs.rows,
    attempts: attempts.rows,
    attemptOf: new Map(attempts.rows.flatMap((row) => (row.device_run_id ? [[row.device_run_id, row] as const] : []))),
    changes: await changesSince(client, beganMs),
    commands: lines.flatMap((line) => (line.kind === 'command' ? [line] : [])),
    deviceRuns: new Map(lines.flatMap((line) => (line.kind === 'run' ? [[line.runId, line] as const] : []))),
  }
}

/** Whether any fault of these kinds lay within the times, ms since 1970. */
export function disturbed(
  { schedule, beganMs }: Facts,
  { fromMs, toMs, by }: { readonly fromMs: number; readonly toMs: number; by(kind: string, target: string): boolean },
): boolean {
  return schedule.faults.some((fault) => {
    const target = 'leg' in fault ? fault.leg : 'target' in fault ? fault.target : ''
    // Faults on one target take turns, so one may be later than planned: its end is taken generously.
    return beganMs + fault.at < toMs && beganMs + fault.at + fault.forMs + 3_000 > fromMs && by(fault.kind, target)
  })
}
