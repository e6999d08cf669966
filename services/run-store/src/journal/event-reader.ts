/** A run's story as it is stored: phases, logs, gaps and the end of every attempt, in order. */
import { Injectable } from '@nestjs/common'
import type { RunState } from '@lucihub/analog'
import type { RunEvent } from '@lucihub/contracts'
import { Database, type Statement } from '../database/database.ts'
import { mayReadRun, type Asker } from '../access/rights.ts'
import { noSuchRun } from '../runs/run-repository.ts'
import { isUuid } from '../runs/uuid7.ts'
import { contentOf, KINDS, recordOf } from './entry.ts'

/** Leaves room for the envelope below NATS's 1 MiB. */
const REPLY_BYTES_MAX = 786_432

const STATE: Statement = {
  name: 'events-state',
  text: `SELECT r.state FROM run r WHERE r.id = $2 AND ${mayReadRun('r', { user: '$1', role: '$3' })}`,
}
/** An end is shown only when it is sealed, or its attempt was given up. */
const EVENTS: Statement = {
  name: 'events',
  text: `SELECT j.attempt, j.seq, j.body FROM journal j JOIN attempt a ON a.run_id = j.run_id AND a.number = j.attempt
    WHERE j.run_id = $1 AND (j.attempt, j.seq) >= ($2, $3) AND j.kind IN (${KINDS.phase}, ${KINDS.log}, ${KINDS.gap}, ${KINDS.end})
      AND (j.kind <> ${KINDS.end} OR a.state <> 'CLAIMED')
    ORDER BY j.attempt, j.seq LIMIT $4`,
}

export interface EventsPlace {
  readonly asker: Asker
  readonly runId: string
  /** First event wanted: this attempt and seq, or what follows. */
  readonly attempt: number
  readonly seq: number
  readonly limit: number
}

@Injectable()
export class EventReader {
  constructor(private readonly database: Database) {}

  /**
   * The state is read before the events: so it may be older than they are, but a terminal one never comes
   * without the events that led to it. Problem `not-found` also when the run belongs to somebody else.
   */
  async read({
    asker,
    runId,
    attempt,
    seq,
    limit,
  }: EventsPlace): Promise<{ readonly events: readonly RunEvent[]; readonly more: boolean; readonly state: RunState }> {
    const [run] = isUuid(runId)
      ? await this.database.query<{ readonly state: RunState }>(STATE, [asker.userId, runId, asker.role])
      : []
    if (!run) throw noSuchRun(runId)
    const rows = await this.database.query<{ attempt: number; seq: number; body: Buffer }>(EVENTS, [
      runId,
      attempt,
      seq,
      limit + 1,
    ])
    let bytes = 0
    const shown = rows.slice(0, limit).filter((row, at) => at === 0 || (bytes += row.body.length) <= REPLY_BYTES_MAX)
    const events = shown.map((row): RunEvent => {
      const record = recordOf(row.body)
      return { attempt: row.attempt, seq: row.seq, atMs: record.atMs, ...contentOf(record) }
    })
    return { events, more: shown.length < rows.length, state: run.state }
  }
}
