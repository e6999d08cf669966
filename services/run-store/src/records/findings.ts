/**
 * The newest value of something: of the runs that match, the one with the greatest number (never a time, of which two
 * may be alike). In a lineage of datasets the nearest dataset that has any counts first; data flows down, never up.
 */
import { Injectable } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import { mayReadRun, type Asker } from '../access/rights.ts'
import { Database, type Statement } from '../database/database.ts'
import { isUuid } from '../runs/uuid7.ts'
import { stepsOf } from './flatten.ts'
import type { Scope, Source } from './recipe.ts'

export interface Found {
  readonly value: unknown
  readonly runId: string
  readonly seq: number
  readonly valid: boolean
  readonly path: string
  readonly endedAt: Date
}

/** Where somebody stands who looks for a value. */
export interface Standpoint {
  readonly projectId: string
  /** Null: in no dataset, so that no lineage has anything. */
  readonly datasetId: string | null
  readonly runNo: number
  /** Empty: no device is named. */
  readonly deviceId: string
}

const value = (run: string, inResult: string, steps: string): string =>
  `(CASE WHEN ${inResult}::boolean THEN ${run}.result ELSE ${run}.parameters END #> ${steps}::text[])`
const MATCHES = `r.parent_id IS NULL AND r.ended_at IS NOT NULL AND r.project_id = $1
      AND ($4::text = '' OR r.recipe = $4) AND ($5::text = '' OR r.result_schemas @> ARRAY[$5::text])
      AND (r.valid OR $6::boolean) AND (NOT r.partial OR r.state <> 'COMPLETED' OR $7::boolean)
      AND ($8::int = 0 OR r.ended_at >= now() - make_interval(secs => $8))
      AND ($9::text = '' OR r.device_id = $9 OR EXISTS (
        SELECT FROM attempt a WHERE a.run_id = r.id AND a.number = r.winning_attempt AND a.device_id = $9))
      AND jsonb_typeof(${value('r', '$2', '$3')}) <> 'null'`
const SHOWN = `r.id AS "runId", r.seq, r.valid, r.path, r.ended_at AS "endedAt", ${value('r', '$2', '$3')} AS value`

const IN_LINEAGE: Statement = {
  name: 'find-in-lineage',
  text: `SELECT ${SHOWN} FROM dataset here CROSS JOIN LATERAL unnest(here.ancestors) WITH ORDINALITY AS up (id, depth)
      JOIN datapoint t ON t.dataset_id = up.id JOIN run r ON r.id = t.run_id
    WHERE here.id = $10 AND ${MATCHES} ORDER BY up.depth DESC, r.seq DESC LIMIT 1`,
}
const IN_SESSION: Statement = {
  name: 'find-in-session',
  text: `SELECT ${SHOWN} FROM run r WHERE r.run_no = $10 AND ${MATCHES} ORDER BY r.seq DESC LIMIT 1`,
}
const IN_PROJECT: Statement = {
  name: 'find-in-project',
  text: `SELECT ${SHOWN} FROM run r WHERE ${MATCHES} ORDER BY r.seq DESC LIMIT 1`,
}
const BY_REFERENCE: Statement = {
  name: 'find-by-reference',
  text: `SELECT r.id AS "runId", r.seq, r.valid, r.path, coalesce(r.ended_at, r.submitted_at) AS "endedAt", ${value('r', '$4', '$5')} AS value
    FROM run r WHERE ${mayReadRun('r', { user: '$1', role: '$2' })} AND (r.id::text = $3 OR r.path = $3) LIMIT 1`,
}
const VISIBLE: Statement = {
  name: 'find-visible',
  text: `SELECT r.id FROM run r WHERE r.id = $3 AND ${mayReadRun('r', { user: '$1', role: '$2' })}`,
}
const DATASET: Statement = {
  name: 'find-dataset',
  text: 'SELECT id FROM dataset WHERE project_id = $1 AND path = $2',
}

@Injectable()
export class Findings {
  constructor(private readonly database: Database) {}

  /** Null when nothing matches. The caller has seen to it that the asker may read the project. */
  async latest(source: Source & { readonly scope: Scope }, from: Standpoint): Promise<Found | null> {
    if (source.sameDevice && from.deviceId === '') return null
    const { inResult, steps } = placeOf(source.param)
    const values = [
      from.projectId,
      inResult,
      steps,
      source.recipe ?? '',
      source.schema ?? '',
      source.validOnly === false,
      source.allowPartial ?? false,
      Math.min(source.maxAgeS ?? 0, 0x7fffffff),
      source.sameDevice ? from.deviceId : '',
    ]
    const find = async (statement: Statement, more: readonly unknown[]): Promise<Found | null> =>
      (await this.database.query<Found>(statement, [...values, ...more]))[0] ?? null
    switch (source.scope) {
      case 'dataset-lineage':
        return from.datasetId === null ? null : find(IN_LINEAGE, [from.datasetId])
      case 'session':
        return find(IN_SESSION, [from.runNo])
      case 'project':
        return find(IN_PROJECT, [])
    }
  }

  /** What `run:<id>#<path>` or `<path of a run>#<path>` means; null when there is no such value that the asker may see. */
  async byReference({ userId, role }: Asker, reference: string): Promise<Found | null> {
    const [address = '', param = ''] = reference.split('#', 2)
    const run = address.replace(/^run:/, '')
    if (run === '' || run.includes('\0') || stepsOf(param) === null) return null
    const { inResult, steps } = placeOf(param)
    const [found] = await this.database.query<Found>(BY_REFERENCE, [userId, role, run, inResult, steps])
    return found && found.value !== null ? found : null
  }

  /** True for a run that the asker may read. */
  async sees({ userId, role }: Asker, runId: string): Promise<boolean> {
    return isUuid(runId) && (await this.database.query(VISIBLE, [userId, role, runId])).length > 0
  }

  /** Problem `not-found`. */
  async dataset(projectId: string, path: string): Promise<string> {
    const values = [projectId, path.replaceAll('\0', '')]
    const [row] = await this.database.query<{ readonly id: string }>(DATASET, values)
    if (!row) throw new Problem('not-found', `There is no dataset ${path.slice(0, 80)}.`)
    return row.id
  }
}

/** `result.payload.x` leads into the result, everything else into the parameters. */
function placeOf(param: string): { readonly inResult: boolean; readonly steps: readonly string[] } {
  const steps = stepsOf(param) ?? []
  return steps[0] === 'result' && steps.length > 1
    ? { inResult: true, steps: steps.slice(1) }
    : { inResult: false, steps }
}
