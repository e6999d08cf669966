/**
 * Deleting runs for good: samples, journals, results and rows go in one transaction. What stays of a run is its
 * tombstone: its place, its hashes, who deleted it and why.
 */
import type { Actor } from '@lucihub/contracts'
import type { Statement, Transaction } from '../database/database.ts'

const OF_OWNER: Statement = {
  name: 'runs-of-owner',
  text: 'SELECT id FROM run WHERE owner_id = $1 ORDER BY seq FOR UPDATE',
}
const TOMBSTONE: Statement = {
  name: 'bury-runs',
  text: `INSERT INTO tombstone (run_id, seq, owner_id, path, hashes, actor, reason)
    SELECT r.id, r.seq, r.owner_id, r.path, jsonb_build_object('spec', encode(r.spec_sha256, 'hex'),
      'configuration', encode(r.configuration_hash, 'hex'),
      'channels', (SELECT encode(a.digests, 'hex') FROM attempt a WHERE a.run_id = r.id AND a.number = r.winning_attempt)), $2, $3
    FROM run r WHERE r.id = ANY ($1::uuid[]) AND r.parent_id IS NULL ON CONFLICT DO NOTHING`,
}
/** Whoever refers comes before what it refers to; the rest follows from the run by ON DELETE CASCADE. */
const ERASE: readonly Statement[] = [
  { name: 'erase-pages', text: 'DELETE FROM page WHERE run_id = ANY ($1::uuid[])' },
  { name: 'erase-journals', text: 'DELETE FROM journal WHERE run_id = ANY ($1::uuid[])' },
  { name: 'erase-lineage', text: 'DELETE FROM lineage WHERE parent_run_id = ANY ($1::uuid[])' },
  { name: 'erase-files', text: `DELETE FROM file WHERE owner_kind = 'run' AND owner_id = ANY ($1::uuid[])` },
  {
    name: 'erase-point-files',
    text: `DELETE FROM file USING datapoint p WHERE file.owner_kind = 'datapoint' AND file.owner_id = p.id AND p.run_id = ANY ($1::uuid[])`,
  },
  { name: 'erase-terminals', text: 'DELETE FROM run_terminal WHERE run_id = ANY ($1::uuid[])' },
  { name: 'erase-attempts', text: 'DELETE FROM attempt WHERE run_id = ANY ($1::uuid[])' },
  { name: 'erase-runs', text: 'DELETE FROM run WHERE id = ANY ($1::uuid[])' },
]
const OWN_PROJECTS: readonly Statement[] = [
  {
    name: 'erase-tree-files',
    text: `DELETE FROM file WHERE owner_id IN (
      SELECT d.id FROM dataset d JOIN project p ON p.id = d.project_id WHERE p.owner_id::text = $1
      UNION ALL SELECT q.id FROM datapoint q JOIN dataset d ON d.id = q.dataset_id JOIN project p ON p.id = d.project_id
        WHERE p.owner_id::text = $1 AND q.run_id IS NULL)`,
  },
  {
    name: 'erase-datapoints',
    text: `DELETE FROM datapoint q USING dataset d, project p
      WHERE q.dataset_id = d.id AND d.project_id = p.id AND p.owner_id::text = $1 AND q.run_id IS NULL`,
  },
  {
    name: 'erase-datasets',
    text: `DELETE FROM dataset d USING project p WHERE d.project_id = p.id AND p.owner_id::text = $1`,
  },
  { name: 'erase-projects', text: `DELETE FROM project WHERE owner_id::text = $1` },
]

/** The caller has locked the runs and seen that they have ended. With their shards. */
export async function eraseRuns(
  transaction: Transaction,
  { runIds, actor, reason }: { readonly runIds: readonly string[]; readonly actor: Actor; readonly reason: string },
): Promise<void> {
  await transaction.query(TOMBSTONE, [runIds, actor.userId, reason])
  for (const statement of ERASE) await transaction.query(statement, [runIds])
}

/** All runs and projects of a user who goes. Gives the number of runs. */
export async function eraseBelongings(
  transaction: Transaction,
  { userId, actor }: { readonly userId: string; readonly actor: Actor },
): Promise<number> {
  const runs = await transaction.query<{ readonly id: string }>(OF_OWNER, [userId])
  await eraseRuns(transaction, { runIds: runs.map(({ id }) => id), actor, reason: 'its user was removed' })
  for (const statement of OWN_PROJECTS) await transaction.query(statement, [userId])
  return runs.length
}
