/**
 * The audit: who did what to which object, chained. Each row's hash covers the row and the hash before it, so a
 * changed or removed row shows; rows cut off at the end do not, which is why the chain belongs into backups too.
 * Writers take turns under a lock that they hold until their commit: audited deeds are rare, runs are not among
 * them (a run's own row says who submitted it and when).
 */
import type { Actor } from '@lucihub/contracts'
import type { Queries, Statement, Transaction } from '../database/database.ts'
import { only } from '../runs/run-rows.ts'

/** Any number that nothing else in this database locks. */
const LOCK_NUMBER = 4_918_276

/** Of one row: a JSON array, which no two different rows share, behind the hash of the row before. */
const HASH = (row: string): string =>
  `sha256(${row}.previous || convert_to(jsonb_build_array(${row}.seq, (extract(epoch FROM ${row}.at) * 1000000)::bigint, ${row}.actor,
    ${row}.action, ${row}.object, ${row}.outcome, ${row}.detail)::text, 'UTF8'))`

const LOCK: Statement = { name: 'audit-lock', text: 'SELECT pg_advisory_xact_lock($1)' }
const APPEND: Statement = {
  name: 'audit-append',
  text: `WITH row AS (
      SELECT nextval('audit_seq_seq') AS seq, date_trunc('microseconds', clock_timestamp()) AS at, $1::text AS actor, $2::text AS action,
        $3::text AS object, $4::text AS outcome, $5::jsonb AS detail,
        coalesce((SELECT hash FROM audit ORDER BY seq DESC LIMIT 1), '') AS previous)
    INSERT INTO audit (seq, at, actor, action, object, outcome, detail, previous, hash)
    SELECT seq, at, actor, action, object, outcome, detail, previous, ${HASH('row')} FROM row`,
}
const LIST: Statement = {
  name: 'audit-list',
  text: `SELECT seq, at, actor, action, object, outcome, detail FROM audit WHERE $1 = 0 OR seq < $1 ORDER BY seq DESC LIMIT $2`,
}
const VERIFY: Statement = {
  name: 'audit-verify',
  text: `SELECT count(*) AS entries, coalesce(min(seq) FILTER (WHERE broken), 0) AS broken_at
    FROM (SELECT a.seq, a.previous <> lag(a.hash, 1, '') OVER (ORDER BY a.seq) OR a.hash <> ${HASH('a')} AS broken FROM audit a) checked`,
}

export interface Deed {
  /** Null: nobody who is known, as at a failed login. */
  readonly actor: Actor | null
  /** `<noun>.<verb>`, e.g. `user.add`. */
  readonly action: string
  readonly object: string
  readonly outcome: 'ok' | 'denied'
  readonly detail?: Readonly<Record<string, unknown>>
}

export interface AuditRow {
  readonly seq: number
  readonly at: Date
  readonly actor: string
  readonly action: string
  readonly object: string
  readonly outcome: string
  readonly detail: unknown
}

/** As the last thing of a transaction: whoever writes next waits for its end. */
export async function audit(transaction: Transaction, { actor, action, object, outcome, detail }: Deed): Promise<void> {
  await transaction.query(LOCK, [LOCK_NUMBER])
  const more = {
    ...detail,
    ...(actor?.credential && { credential: actor.credential }),
    ...(actor?.address && { address: actor.address }),
  }
  await transaction.query(APPEND, [actor?.userId ?? '', action, object, outcome, JSON.stringify(more)])
}

/** Newest first. `before`: a seq, or 0. */
export function readAudit(
  queries: Queries,
  { before, limit }: { readonly before: number; readonly limit: number },
): Promise<AuditRow[]> {
  return queries.query<AuditRow>(LIST, [before, limit])
}

/** `brokenAt`: seq of the first row that does not follow from the one before it; 0: none. */
export async function verifyAudit(queries: Queries): Promise<{ readonly entries: number; readonly brokenAt: number }> {
  const { entries, broken_at: brokenAt } = only(
    await queries.query<{ readonly entries: number; readonly broken_at: number }>(VERIFY),
  )
  return { entries, brokenAt }
}
