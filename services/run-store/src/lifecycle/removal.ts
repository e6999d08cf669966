/**
 * Deleting runs and parts of runs. Only what has ended goes, and only what nothing was made from, unless it is forced:
 * then everything that was made from it, however far down, is marked invalid. The runs stay locked until all their rows
 * are gone, so nobody refers to one meanwhile.
 */
import { Injectable, Logger } from '@nestjs/common'
import { Problem, isTerminal, type RunState } from '@lucihub/analog'
import { feeds, type Actor, type Sweep } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { allowed, mayReadRun, mayWriteRun, type Rights } from '../access/rights.ts'
import { Database, sqlState, type Statement, type Transaction } from '../database/database.ts'
import { audit } from '../people/audit.ts'
import { eraseRuns } from '../runs/erasure.ts'
import { noSuchRun } from '../runs/run-repository.ts'
import { isUuid } from '../runs/uuid7.ts'
import { askerOf } from '../tree/tree-rows.ts'

const ASKER = { user: '$2', role: '$3' }
const LOCK: Statement = {
  name: 'remove-lock',
  text: `SELECT r.id, r.state, r.parent_id, r.path, ${mayReadRun('r', ASKER)} AS may_read, ${mayWriteRun('r', ASKER)} AS may_write
    FROM run r WHERE r.id = ANY ($1::uuid[]) ORDER BY r.seq FOR UPDATE OF r`,
}
const LOCK_CHILDREN: Statement = {
  name: 'remove-lock-children',
  text: 'SELECT id FROM run WHERE parent_id = ANY ($1::uuid[]) ORDER BY seq FOR UPDATE',
}
const MADE_FROM: Statement = {
  name: 'remove-made-from',
  text: `SELECT DISTINCT l.child_run_id AS id FROM lineage l
    WHERE l.parent_run_id = ANY ($1::uuid[]) AND l.child_run_id <> ALL ($1::uuid[]) LIMIT 5`,
}
const INVALIDATE: Statement = {
  name: 'remove-invalidate',
  text: `WITH RECURSIVE below AS (
      SELECT child_run_id AS id FROM lineage WHERE parent_run_id = ANY ($1::uuid[])
      UNION SELECT l.child_run_id FROM lineage l JOIN below b ON l.parent_run_id = b.id),
    marked AS (UPDATE run SET valid = false WHERE id IN (SELECT id FROM below) AND id <> ALL ($1::uuid[]) AND valid RETURNING id)
    INSERT INTO validity_event (run_id, valid, reason, actor) SELECT id, false, $2, $3 FROM marked RETURNING run_id AS id`,
}
const IN_STREAMS: Statement = {
  name: 'remove-in-streams',
  text: `SELECT DISTINCT a.run_id, a.host, a.device_id FROM attempt a JOIN run_terminal t ON t.run_id = a.run_id
    WHERE a.run_id = ANY ($1::uuid[]) AND a.epoch > 0 AND NOT t.purged`,
}
const OF_SWEEP: Statement = {
  name: 'remove-runs-of-sweep',
  text: 'SELECT id FROM run WHERE sweep_id = $1 AND parent_id IS NULL ORDER BY seq',
}
const DELETE_SWEEP: Statement = { name: 'remove-sweep', text: 'DELETE FROM sweep WHERE id = $1' }
const DELETE_SWEEP_FILES: Statement = {
  name: 'remove-sweep-files',
  text: `DELETE FROM file WHERE owner_kind = 'dataset' AND owner_id = $1`,
}
const DELETE_SWEEP_DATASET: Statement = { name: 'remove-sweep-dataset', text: 'DELETE FROM dataset WHERE id = $1' }
const TAKE_SHARD: Statement = {
  name: 'remove-shard',
  text: 'DELETE FROM shard WHERE run_id = $1 AND index = $2 RETURNING child_run_id',
}
const SHARD_PAGES: Statement = {
  name: 'remove-shard-pages',
  text: 'DELETE FROM result_page WHERE run_id = $1 AND shard = $2 RETURNING number',
}
const SHARD_LOGS: Statement = {
  name: 'remove-shard-logs',
  text: 'DELETE FROM log_blob WHERE run_id = $1 AND shard = $2',
}

interface LockedRun extends Rights {
  readonly id: string
  readonly state: RunState
  readonly parent_id: string | null
  readonly path: string
}

interface Wanted {
  readonly runIds: readonly string[]
  readonly force: boolean
  readonly reason: string
}

interface InStream {
  readonly run_id: string
  readonly host: string
  readonly device_id: string
}

@Injectable()
export class Removal {
  private readonly logger = new Logger(Removal.name)

  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
  ) {}

  /** Gives the runs that became invalid. Problems: `not-found`, `forbidden`, `state-conflict`. */
  async removeRun(
    actor: Actor | null | undefined,
    runId: string,
    { force }: { readonly force: boolean },
  ): Promise<string[]> {
    if (!isUuid(runId)) throw noSuchRun(runId)
    return this.remove(actor, { runIds: [runId], force, reason: 'deleted' })
  }

  /** For those who are nobody's: what retention deletes. */
  async removeExpired(runIds: readonly string[]): Promise<void> {
    const hub: Actor = { userId: 'retention', role: 'admin', credential: '', address: '' }
    await this.remove(hub, { runIds, force: false, reason: 'retention' })
  }

  /** All runs of a sweep, the sweep and its dataset; all or nothing. Gives the number of runs. */
  async removeSweep(
    actor: Actor | null | undefined,
    sweep: Sweep,
    { force }: { readonly force: boolean },
  ): Promise<number> {
    const runs = await this.database.query<{ readonly id: string }>(OF_SWEEP, [sweep.id])
    const runIds = runs.map(({ id }) => id)
    await this.remove(actor, { runIds, force, reason: `sweep ${sweep.name} deleted` }, async (transaction) => {
      await transaction.query(DELETE_SWEEP, [sweep.id])
      await transaction.query(DELETE_SWEEP_FILES, [sweep.datasetId])
      await transaction.query(DELETE_SWEEP_DATASET, [sweep.datasetId]).catch((error: unknown) => {
        if (sqlState(error) !== '23503') throw error
        throw new Problem('state-conflict', `Something else lies in ${sweep.path}: delete that first.`, {
          cause: error,
        })
      })
    })
    return runIds.length
  }

  /** One part of a run that has ended, with its results; the others and what was merged stay. Gives the pages that went. */
  async removeShard(
    actor: Actor | null | undefined,
    { runId, index }: { readonly runId: string; readonly index: number },
  ): Promise<number> {
    if (!isUuid(runId)) throw noSuchRun(runId)
    return this.database.transaction(async (transaction) => {
      const [run] = await this.locked(transaction, actor, [runId])
      if (!run) throw noSuchRun(runId)
      if (!isTerminal(run.state))
        throw new Problem('state-conflict', `The run is ${run.state}; its shards stay until it has ended.`)
      const [taken] = await transaction.query<{ readonly child_run_id: string | null }>(TAKE_SHARD, [runId, index])
      if (!taken)
        throw new Problem(
          'not-found',
          `Run ${runId} has no shard ${index} of its own; a run that is not divided goes as a whole.`,
        )
      const pages = await transaction.query(SHARD_PAGES, [runId, index])
      await transaction.query(SHARD_LOGS, [runId, index])
      if (taken.child_run_id)
        await eraseRuns(transaction, { runIds: [taken.child_run_id], actor: actorOf(actor), reason: 'shard removed' })
      const deed = { action: 'shard.remove', object: `${runId}/${index}`, outcome: 'ok' as const }
      await audit(transaction, { actor: actorOf(actor), ...deed })
      return pages.length
    })
  }

  private async remove(
    actor: Actor | null | undefined,
    { runIds, force, reason }: Wanted,
    then: (transaction: Transaction) => Promise<void> = () => Promise.resolve(),
  ): Promise<string[]> {
    const { invalidated, inStreams } = await this.database.transaction(async (transaction) => {
      const runs = await this.locked(transaction, actor, runIds)
      for (const { id, state, parent_id: parent } of runs) {
        if (parent) throw new Problem('state-conflict', `Run ${id} is a shard of run ${parent}: remove the shard.`)
        if (!isTerminal(state))
          throw new Problem(
            'state-conflict',
            `Run ${id} is ${state}; only what has ended can be deleted. Cancel it first.`,
          )
      }
      const ids = runs.map(({ id }) => id)
      const children = await transaction.query<{ readonly id: string }>(LOCK_CHILDREN, [ids])
      const all = [...ids, ...children.map(({ id }) => id)]
      const madeFrom = await transaction.query<{ readonly id: string }>(MADE_FROM, [ids])
      if (madeFrom.length > 0 && !force)
        throw new Problem(
          'state-conflict',
          `Run ${madeFrom.map(({ id }) => id).join(', ')} was made from it. With force it is deleted all the same, and what was made from it becomes invalid.`,
        )
      const why = `made from ${ids.join(', ').slice(0, 200)}, which was deleted`
      const invalid =
        madeFrom.length > 0
          ? await transaction.query<{ readonly id: string }>(INVALIDATE, [ids, why, actorOf(actor).userId])
          : []
      const inStreams = await transaction.query<InStream>(IN_STREAMS, [all])
      await eraseRuns(transaction, { runIds: all, actor: actorOf(actor), reason })
      await then(transaction)
      const detail = { runs: ids.length, reason, paths: runs.slice(0, 20).map(({ path }) => path) }
      const deed = { action: 'run.delete', object: ids[0] ?? '', outcome: 'ok' as const, detail }
      if (ids.length > 0) await audit(transaction, { actor: actorOf(actor), ...deed })
      return { invalidated: invalid.map(({ id }) => id), inStreams }
    })
    // What is still in the stream is nobody's now; a purge that fails leaves it to the stream's own limits.
    for (const { run_id, host, device_id } of inStreams)
      await this.bus
        .purge(feeds.journal, [host, device_id, run_id])
        .catch((error: unknown) => this.logger.warn(`Records of run ${run_id} stay in the stream: ${String(error)}`))
    return invalidated
  }

  private async locked(
    transaction: Transaction,
    actor: Actor | null | undefined,
    runIds: readonly string[],
  ): Promise<LockedRun[]> {
    const { userId, role } = askerOf(actor)
    const runs = await transaction.query<LockedRun>(LOCK, [runIds, userId, role])
    for (const id of runIds)
      allowed(
        runs.find((run) => run.id === id.toLowerCase()),
        'write',
        `run ${id}`,
      )
    return runs
  }
}

function actorOf(actor: Actor | null | undefined): Actor {
  return actor ?? { userId: '', role: '', credential: '', address: '' }
}
