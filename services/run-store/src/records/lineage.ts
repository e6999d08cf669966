/**
 * What runs were made from and what was made from them. Staleness is never stored: it follows from the validity of the
 * runs above, and goes when they are valid again.
 */
import { Injectable } from '@nestjs/common'
import type { GetLineageReply, LineageEntry } from '@lucihub/contracts'
import { allowed, mayReadRun, mayWriteRun, type Asker, type Rights } from '../access/rights.ts'
import { Database, type Queries, type Statement } from '../database/database.ts'
import { staleSql } from '../runs/run-rows.ts'
import { isUuid } from '../runs/uuid7.ts'

/** More of either kind are not told. */
const TOLD_MAX = 1_000
const ASKER = { user: '$2', role: '$3' }

const ENTRY = `r.id AS "runId", r.seq, r.path, r.recipe, r.state, r.valid, ${staleSql('r')} AS stale`
const RUN: Statement = {
  name: 'lineage-run',
  text: `SELECT ${ENTRY}, ${mayReadRun('r', ASKER)} AS may_read, ${mayWriteRun('r', ASKER)} AS may_write FROM run r WHERE r.id = $1`,
}

/** `next` is the side of a link that leads on. Each run is told once, at its shortest distance. */
function walk(name: string, from: 'child_run_id' | 'parent_run_id', next: 'child_run_id' | 'parent_run_id'): Statement {
  return {
    name,
    text: `WITH RECURSIVE reached AS (
        SELECT ${next} AS id, 1 AS distance FROM lineage WHERE ${from} = $1
        UNION SELECT l.${next}, w.distance + 1 FROM lineage l JOIN reached w ON l.${from} = w.id WHERE w.distance < 100)
      SELECT ${ENTRY}, near.distance,
        coalesce((SELECT array_agg(l.via ORDER BY l.via) FROM lineage l WHERE l.${from} = $1 AND l.${next} = r.id), '{}') AS via
      FROM (SELECT id, min(distance) AS distance FROM reached GROUP BY id) near JOIN run r ON r.id = near.id
      WHERE ${mayReadRun('r', ASKER)} ORDER BY near.distance, r.seq LIMIT ${TOLD_MAX + 1}`,
  }
}
const ANCESTORS = walk('lineage-ancestors', 'child_run_id', 'parent_run_id')
const DESCENDANTS = walk('lineage-descendants', 'parent_run_id', 'child_run_id')

export type RunStanding = Omit<LineageEntry, 'distance' | 'via'> & Rights

/** The run and the rights of the asker. Problems: `not-found`; `forbidden` for what may only be read. */
export async function runStanding(
  queries: Queries,
  { userId, role }: Asker,
  { runId, right }: { readonly runId: string; readonly right: 'read' | 'write' },
): Promise<RunStanding> {
  const [row] = isUuid(runId) ? await queries.query<RunStanding>(RUN, [runId, userId, role]) : []
  return allowed(row, right, `run ${runId.slice(0, 80)}`)
}

@Injectable()
export class Lineage {
  constructor(private readonly database: Database) {}

  /** What the asker may not read is left out. Problem `not-found`. */
  async of(asker: Asker, runId: string): Promise<GetLineageReply> {
    const {
      may_read: _read,
      may_write: _write,
      ...run
    } = await runStanding(this.database, asker, { runId, right: 'read' })
    const values = [runId, asker.userId, asker.role]
    const [ancestors, descendants] = await Promise.all([
      this.database.query<LineageEntry>(ANCESTORS, values),
      this.database.query<LineageEntry>(DESCENDANTS, values),
    ])
    return {
      run: { ...run, distance: 0, via: [] },
      ancestors: ancestors.slice(0, TOLD_MAX),
      descendants: descendants.slice(0, TOLD_MAX),
      truncated: Math.max(ancestors.length, descendants.length) > TOLD_MAX,
    }
  }
}
