/**
 * Versions of a stored run. Rows are not rewritten when what a run says grows: they are brought up to date when they
 * are read. While replicas of two versions run side by side the older ones go on writing rows of theirs.
 *
 * 1: before runs had places, records and shards; what a writer of that version leaves out follows from the rest.
 * 2: today's.
 */
import { Problem, type RunState } from '@lucihub/analog'

export const RUN_VERSION = 2

/** What can be missing in a row of an older version. */
export interface VersionedRow {
  readonly id: string
  readonly schema_version: number
  readonly kind: string
  readonly job_type: string
  readonly state: RunState
  readonly reason: string
  readonly expected_samples: number
  readonly requested_work: number
  readonly submitted_at: Date
  readonly started_at: Date | null
  readonly ended_at: Date | null
  readonly state_changes: readonly StateChangeJson[]
}

export interface StateChangeJson {
  readonly at: string
  readonly state: RunState
  readonly reason: string
}

/** The row as one of today's. Problem `state-conflict` for one that a newer version of the hub wrote. */
export function upcast<Row extends VersionedRow>(row: Row): Row {
  if (row.schema_version > RUN_VERSION)
    throw new Problem(
      'state-conflict',
      `Run ${row.id} was stored in version ${row.schema_version}; this hub reads up to ${RUN_VERSION}. Upgrade it.`,
    )
  if (row.schema_version === RUN_VERSION) return row
  return {
    ...row,
    job_type: row.job_type || row.kind,
    requested_work: row.requested_work || row.expected_samples,
    state_changes: row.state_changes.length > 0 ? row.state_changes : changesFromTimes(row),
  }
}

function changesFromTimes({ submitted_at, started_at, ended_at, state, reason }: VersionedRow): StateChangeJson[] {
  const change = (at: Date | null, entered: RunState, why = ''): StateChangeJson[] =>
    at ? [{ at: at.toISOString(), state: entered, reason: why }] : []
  return [
    ...change(submitted_at, 'CREATED'),
    ...change(submitted_at, 'QUEUED'),
    ...change(started_at, 'RUNNING'),
    ...change(ended_at, state, reason),
  ]
}
