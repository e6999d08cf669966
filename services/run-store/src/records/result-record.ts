/**
 * What a worker says about the outcome of its run: a summary, a payload, and the schemas that the payload fits. A
 * payload that is too big, or no JSON, is a file of the run, and the record points at it: `{"$artifact": "<file>"}`.
 */
import { Injectable } from '@nestjs/common'
import { Problem, type Violation } from '@lucihub/analog'
import { Database, type Statement } from '../database/database.ts'
import { noSuchRun } from '../runs/run-repository.ts'
import { isUuid } from '../runs/uuid7.ts'
import { unstorableIn } from './flatten.ts'

const RESULT_BYTES_MAX = 65_536
const SUMMARY_BYTES_MAX = 16_384

/** A run that is over takes its record once: the worker may have been slower than the end. */
const PUT: Statement = {
  name: 'put-record',
  text: `UPDATE run SET result = result || $2::jsonb, result_schemas = coalesce($3::text[], result_schemas)
    WHERE id = $1 AND parent_id IS NULL AND (ended_at IS NULL OR NOT result ? 'summary') RETURNING result::text AS result`,
}
const SHOW: Statement = {
  name: 'put-record-datapoint',
  text: `UPDATE datapoint SET data = data || jsonb_build_object('result', $2::jsonb) WHERE run_id = $1`,
}
const KNOWN: Statement = { name: 'put-record-known', text: 'SELECT FROM run WHERE id = $1 AND parent_id IS NULL' }
/** By id or by name, of the run or of its datapoint; the current version where only a name is said. */
const FILE: Statement = {
  name: 'put-record-file',
  text: `SELECT f.id, f.name, f.version, f.size, encode(f.sha256, 'hex') AS sha256, f.owner_kind, f.owner_id FROM file f
    WHERE f.owner_id IN ($1::uuid, (SELECT datapoint_id FROM run WHERE id = $1)) AND (f.id::text = $2 OR f.name = $2 AND f.current) LIMIT 1`,
}

interface FileRow {
  readonly id: string
  readonly name: string
  readonly version: number
  readonly size: number
  readonly sha256: string
  readonly owner_kind: string
  readonly owner_id: string
}

@Injectable()
export class ResultRecord {
  constructor(private readonly database: Database) {}

  /** Gives the result as it is now. Problems: `not-found`; `validation-failed`; `too-large`; `state-conflict` when a record is there already. */
  async put(runId: string, resultJson: string): Promise<string> {
    const given = JSON.parse(resultJson) as Record<string, unknown>
    if (!isUuid(runId) || (await this.database.query(KNOWN, [runId])).length === 0) throw noSuchRun(runId)
    check(given, resultJson)
    const payload = await this.withArtifact(runId, given['payload'])
    const result = JSON.stringify({ ...given, ...(payload !== undefined && { payload }) })
    const rows = await this.database.transaction(async (transaction) => {
      const stored = await transaction.query<{ readonly result: string }>(PUT, [
        runId,
        result,
        given['schemas'] ?? null,
      ])
      if (stored[0]) await transaction.query(SHOW, [runId, stored[0].result])
      return stored
    })
    if (!rows[0]) throw new Problem('state-conflict', 'The run is over and has its record.')
    return rows[0].result
  }

  /** A pointer gets everything needed to find the bytes and to check them. */
  private async withArtifact(runId: string, payload: unknown): Promise<unknown> {
    const named =
      typeof payload === 'object' && payload !== null && '$artifact' in payload ? payload.$artifact : undefined
    if (named === undefined) return payload
    const [file] = await this.database.query<FileRow>(FILE, [runId, String(named).replaceAll('\0', '')])
    if (!file)
      throw refusal({
        pointer: '/payload/$artifact',
        value: String(named).slice(0, 80),
        message: 'The run has no such file.',
        remedy: 'Upload the file to the run or its datapoint first.',
      })
    const { id, name, version, size, sha256, owner_kind: kind, owner_id: owner } = file
    const href = `/api/v1/${kind}s/${owner}/files/${encodeURIComponent(name)}?version=${version}`
    return { ...(payload as object), $artifact: id, name, version, size, sha256, href }
  }
}

function check(given: Readonly<Record<string, unknown>>, json: string): void {
  if (Buffer.byteLength(json) > RESULT_BYTES_MAX)
    throw new Problem(
      'too-large',
      `A record has at most ${RESULT_BYTES_MAX} bytes: put the payload into a file and point at it.`,
    )
  const at = unstorableIn(given)
  if (at !== null)
    throw refusal({
      pointer: at,
      value: '',
      message: 'The text cannot be stored.',
      remedy: 'Remove NULs and half characters.',
    })
  if (Buffer.byteLength(JSON.stringify(given['summary'] ?? '')) > SUMMARY_BYTES_MAX)
    throw refusal({
      pointer: '/summary',
      value: '',
      message: 'The summary is too long.',
      remedy: `Use at most ${SUMMARY_BYTES_MAX} bytes; the payload has more room.`,
    })
}

function refusal(violation: Violation): Problem {
  return new Problem('validation-failed', `${violation.message} (${violation.pointer})`, { violations: [violation] })
}
