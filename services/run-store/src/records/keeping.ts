/** What is stored beside a run that has parameters: their leaves for filters and tables, and the runs they came from. */
import type { Queries, Statement } from '../database/database.ts'
import type { RunRecord } from '../runs/insertion.ts'
import { flatten } from './flatten.ts'

const INDEX: Statement = {
  name: 'keep-parameter-index',
  text: `INSERT INTO parameter_index (run_id, path, num, txt, bool, json)
    SELECT $1, k.path, k.num, k.txt, k.bool, k.json::jsonb
    FROM unnest($2::text[], $3::float8[], $4::text[], $5::boolean[], $6::text[]) AS k (path, num, txt, bool, json)`,
}
const LINEAGE: Statement = {
  name: 'keep-lineage',
  text: `INSERT INTO lineage (child_run_id, parent_run_id, via)
    SELECT $1, k.parent, k.via FROM unnest($2::uuid[], $3::text[]) AS k (parent, via) ON CONFLICT DO NOTHING`,
}
/** The namespaces of a datapoint's data that only the hub writes. */
const SHOW: Statement = {
  name: 'keep-datapoint-params',
  text: `UPDATE datapoint SET data = data || jsonb_build_object('params', $2::jsonb) WHERE run_id = $1`,
}

/** True for a run that {@link keepRecord} has something to store for. */
export function hasMore({ parameters, lineage }: RunRecord): boolean {
  return lineage.length > 0 || Object.keys(parameters).length > 0
}

export async function keepRecord(queries: Queries, runId: string, { parameters, lineage }: RunRecord): Promise<void> {
  if (await keepIndex(queries, runId, parameters)) await queries.query(SHOW, [runId, JSON.stringify(parameters)])
  if (lineage.length > 0)
    await queries.query(LINEAGE, [runId, lineage.map((parent) => parent.runId), lineage.map(({ via }) => via)])
}

/** The leaves of the parameters of a run that has none in the index yet. False when there are none. */
export async function keepIndex(
  queries: Queries,
  runId: string,
  parameters: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const leaves = [...flatten(parameters)]
  if (leaves.length === 0) return false
  const of = (kind: string): unknown[] => leaves.map(([, leaf]) => (leaf.kind === kind ? leaf.value : null))
  const json = leaves.map(([, { kind, value }]) => (kind === 'json' ? JSON.stringify(value) : null))
  const paths = leaves.map(([path]) => path)
  await queries.query(INDEX, [runId, paths, of('number'), of('text'), of('bool'), json])
  return true
}
