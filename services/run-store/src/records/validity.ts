/**
 * Whether a record may be built upon. A run that completed is valid; a person may take that back, with a reason, and
 * give it again. Nothing else of the run changes, and every change stays on record.
 */
import { Injectable } from '@nestjs/common'
import { isTerminal, Problem, RUN_STATES } from '@lucihub/analog'
import type { Actor, ListValidityReply, SetValidityReply } from '@lucihub/contracts'
import { mayWriteRun, type Asker } from '../access/rights.ts'
import { Database, type Statement } from '../database/database.ts'
import { audit } from '../people/audit.ts'
import { invalid } from '../tree/names.ts'
import { runStanding } from './lineage.ts'
import { unstorableIn } from './flatten.ts'

const REASON_LENGTH_MAX = 2_000

/** A shard's run follows no command of its own: only whole runs are judged. */
const SET: Statement = {
  name: 'validity-set',
  text: `UPDATE run SET valid = $2 WHERE id = ANY ($1::uuid[]) AND valid <> $2 AND state = 'COMPLETED' RETURNING id`,
}
const DESCENDANTS: Statement = {
  name: 'validity-descendants',
  text: `WITH RECURSIVE down AS (
      SELECT child_run_id AS id FROM lineage WHERE parent_run_id = $1
      UNION SELECT l.child_run_id FROM lineage l JOIN down ON l.parent_run_id = down.id)
    SELECT r.id FROM down JOIN run r ON r.id = down.id WHERE ${mayWriteRun('r', { user: '$2', role: '$3' })} ORDER BY r.seq`,
}
const NOTE: Statement = {
  name: 'validity-note',
  text: `INSERT INTO validity_event (run_id, valid, reason, actor) SELECT id, $2, $3, $4 FROM unnest($1::uuid[]) AS k (id)`,
}
const LIST: Statement = {
  name: 'validity-list',
  text: `SELECT seq, valid, reason, actor, at FROM validity_event WHERE run_id = $1 ORDER BY seq LIMIT 1000`,
}
const LOCK: Statement = { name: 'validity-lock', text: 'SELECT valid, state FROM run WHERE id = $1 FOR NO KEY UPDATE' }

export interface Judgement {
  readonly runId: string
  readonly valid: boolean
  readonly reason: string
  /** With everything made from it that the actor may change. */
  readonly cascade: boolean
}

@Injectable()
export class Validity {
  constructor(private readonly database: Database) {}

  /**
   * Problems: `not-found`, `forbidden`, `validation-failed`; `state-conflict` for a run that is not over, and for one that
   * did not complete and so cannot be valid.
   */
  async set(actor: Actor, { runId, valid, reason, cascade }: Judgement): Promise<SetValidityReply> {
    if (reason.trim() === '' || reason.length > REASON_LENGTH_MAX || unstorableIn(reason) !== null)
      throw invalid({
        pointer: '/reason',
        value: reason.slice(0, 80).replaceAll('\0', ''),
        message: 'A reason is needed.',
        remedy: `Say why, in 1 to ${REASON_LENGTH_MAX} characters.`,
      })
    if (cascade && valid)
      throw invalid({
        pointer: '/cascade',
        value: 'true',
        message: 'Only invalidity is passed on.',
        remedy: 'Validate what was made from it one by one.',
      })
    await runStanding(this.database, actor, { runId, right: 'write' })
    return this.database.transaction(async (transaction) => {
      const [run] = await transaction.query<{ readonly valid: boolean; readonly state: string }>(LOCK, [runId])
      if (!run) throw new Problem('not-found', `There is no run ${runId}.`)
      const state = RUN_STATES.find((word) => word === run.state)
      if (state === undefined || !isTerminal(state))
        throw new Problem('state-conflict', `The run is ${run.state}: it is judged when it is over.`)
      if (valid && state !== 'COMPLETED')
        throw new Problem('state-conflict', `The run is ${state}: only a run that completed can be valid.`)
      const below = cascade
        ? await transaction.query<{ readonly id: string }>(DESCENDANTS, [runId, actor.userId, actor.role])
        : []
      const wanted = [runId, ...below.map(({ id }) => id)]
      const set = new Set((await transaction.query<{ readonly id: string }>(SET, [wanted, valid])).map(({ id }) => id))
      const changed = wanted.filter((id) => set.has(id))
      if (changed.length > 0) {
        await transaction.query(NOTE, [changed, valid, reason, actor.userId])
        const detail = { valid, reason, ...(cascade && { changed }) }
        await audit(transaction, { actor, action: 'run.validity', object: runId, outcome: 'ok', detail })
      }
      return { valid, changed }
    })
  }

  /** Problem `not-found`. */
  async history(asker: Asker, runId: string): Promise<ListValidityReply> {
    type Row = { seq: number; valid: boolean; reason: string; actor: string; at: Date }
    const { valid, stale } = await runStanding(this.database, asker, { runId, right: 'read' })
    const rows = await this.database.query<Row>(LIST, [runId])
    return { valid, stale, events: rows.map(({ at, ...event }) => ({ ...event, atMs: at.getTime() })) }
  }
}
