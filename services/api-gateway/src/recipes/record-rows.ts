/** Rows of the table of a recipe, as JSON and as CSV. */
import type { RecipeRecord } from '@lucihub/contracts'
import { csvCell } from '../results/csv.ts'
import { instant, jsonObject } from '../runs/run-resource.ts'
import type { RecordResource } from './recipes.schema.ts'

export function recordResource(record: RecipeRecord, columns: readonly string[]): RecordResource {
  const values = jsonObject(record.valuesJson)
  const { summary = null, payload = null, schemas = [] } = jsonObject(record.resultJson)
  return {
    runId: record.runId,
    seq: record.seq,
    submittedAt: instant(record.submittedAtMs),
    endedAt: record.endedAtMs === 0 ? null : instant(record.endedAtMs),
    recipeVersion: record.recipeVersion || null,
    generalConfigId: record.generalConfigId || null,
    execConfigId: record.execConfigId || null,
    path: record.path,
    runNo: record.runNo || null,
    values: Object.fromEntries(columns.map((column) => [column, values[column] ?? null])),
    result: { status: record.state, summary, payload, schemas: schemas as string[] },
    valid: record.valid,
    stale: record.stale,
  }
}

const FRAME = ['id', 'timestamp', 'gen_cfg_id', 'exec_cfg_id'] as const
const RESULT = ['result.task_status', 'result.summary', 'result.payload', 'result.impl_schemas', 'valid_flag'] as const

/** A parameter that is called as a column of ours gets "param." before its name. */
export function recordsCsv({
  columns,
  records,
}: {
  readonly columns: readonly string[]
  readonly records: readonly RecordResource[]
}): string {
  const taken = new Set<string>([...FRAME, ...RESULT])
  const header = [...FRAME, ...columns.map((name) => (taken.has(name) ? `param.${name}` : name)), ...RESULT]
  const rows = records.map(({ runId, submittedAt, generalConfigId, execConfigId, values, result, valid }) => [
    runId,
    submittedAt,
    generalConfigId,
    execConfigId,
    ...columns.map((column) => values[column]),
    result.status,
    summaryText(result.summary),
    result.payload,
    result.schemas.join(';'),
    valid,
  ])
  return [header, ...rows].map((row) => row.map((value) => cell(value)).join(',')).join('\r\n') + '\r\n'
}

/** An object as "k: v;k: v". */
function summaryText(summary: unknown): unknown {
  if (typeof summary !== 'object' || summary === null) return summary
  return Object.entries(summary)
    .map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(';')
}

/** A number is one, also a negative one; a text is never a formula. */
function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return csvCell(typeof value === 'string' ? value : JSON.stringify(value))
}
