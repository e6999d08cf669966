/**
 * Leases and claims. Time is judged by Postgres alone. The epoch is the fencing token: it rises with every
 * new holder and never falls, because the row stays when the lease ends.
 */
import { ClaimResult, type ClaimReply, type ClaimRequest } from '@lucihub/contracts'
import type { Database, Queries, Statement } from '../database/database.ts'
import type { DeviceRow } from '../devices/device-repository.ts'
import { DEVICE_COLUMNS } from '../devices/device-repository.ts'
import { OFFERED } from '../devices/offered.ts'
import { isUuid } from '../runs/uuid7.ts'
import type { RunEntered } from '../shards/shard-rows.ts'
import { parentOf, type OfParent } from './settlement.ts'

/**
 * Binds unbound devices to the host, renews what its boot holds, takes what has been free for the grace time or what
 * a boot of the same host held that is dead.
 * An unbound device that two hosts ask for at once goes to the first to update its row: the other's update
 * finds it bound, and what is not bound is not leased. A device that scanners do not see any more is not given
 * to anybody, but who holds it keeps it: a scanner that starts again must not end the runs under way. One that is not
 * offered now is kept only to the end of its run, and one that is not approved is taken away: its lease is not renewed.
 */
const LEASE: Statement = {
  name: 'lease',
  text: `WITH wanted AS (
      SELECT d.id, d.executor_host FROM device d
      WHERE (d.executor_host IS NULL OR d.executor_host = $1)
        AND d.approval = 'approved'
        AND ((d.active AND ${OFFERED}) OR EXISTS (SELECT FROM device_lease l
          WHERE l.device_id = d.id AND l.host = $1 AND l.boot_id = $2 AND l.expires > now()
            AND (${OFFERED} OR EXISTS (SELECT FROM attempt a
              WHERE a.device_id = d.id AND a.state IN ('DISPATCHED', 'CLAIMED')))))
        AND ($3::text[] @> ARRAY['*'] OR d.id = ANY ($3) OR d.name = ANY ($3))),
    bound AS (
      UPDATE device d SET executor_host = $1, bound_at = now() FROM wanted w
      WHERE d.id = w.id AND d.executor_host IS NULL RETURNING d.id),
    noted AS (
      INSERT INTO device_change (device_id, change, detail) SELECT id, 'bound', jsonb_build_object('host', $1::text) FROM bound),
    mine AS (
      SELECT id FROM wanted WHERE executor_host = $1 UNION ALL SELECT id FROM bound),
    held AS (
      INSERT INTO device_lease AS l (device_id, epoch, host, boot_id, expires)
      SELECT id, 1, $1, $2, now() + $4 * interval '1 ms' FROM mine ORDER BY id
      ON CONFLICT (device_id) DO UPDATE SET
        epoch = CASE WHEN l.host = $1 AND l.boot_id = $2 AND l.expires > now() THEN l.epoch ELSE l.epoch + 1 END,
        host = $1, boot_id = $2, expires = now() + $4 * interval '1 ms'
      WHERE (l.host = $1 AND l.boot_id = $2 AND l.expires > now()) OR l.expires < now() - $5 * interval '1 ms'
        OR (l.host = $1 AND l.boot_id <> $2 AND l.boot_id = ANY ($6::text[]))
      RETURNING l.device_id, l.epoch)
    SELECT ${DEVICE_COLUMNS}, held.epoch FROM held JOIN device d ON d.id = held.device_id ORDER BY d.id`,
}

/** The same boot whose lease ran out gets the device back only after the grace time, with a new epoch. */
const CANCELS: Statement = {
  name: 'lease-cancels',
  text: `SELECT a.run_id, a.number FROM attempt a JOIN run r ON r.id = a.run_id
    WHERE a.state = 'CLAIMED' AND a.host = $1 AND r.cancel_requested_at IS NOT NULL`,
}

export interface HeldLease extends DeviceRow {
  readonly epoch: number
}

export interface LeaseOffer {
  readonly host: string
  readonly bootId: string
  readonly devices: readonly string[]
  readonly ttlMs: number
  readonly graceMs: number
  /** Boots of the host that it knows to be dead: what they hold is free. */
  readonly deadBoots: readonly string[]
}

export function lease(
  queries: Queries,
  { host, bootId, devices, ttlMs, graceMs, deadBoots }: LeaseOffer,
): Promise<HeldLease[]> {
  return queries.query<HeldLease>(LEASE, [host, bootId, devices, ttlMs, graceMs, deadBoots])
}

export function cancelsOf(
  queries: Queries,
  host: string,
): Promise<{ readonly run_id: string; readonly number: number }[]> {
  return queries.query(CANCELS, [host])
}

const LOCK: Statement = {
  name: 'claim-lock',
  text: `SELECT a.state, a.device_id, a.boot_id, a.epoch, a.device_run_id, r.cancel_requested_at IS NOT NULL AS cancel_requested
    FROM run r JOIN attempt a ON a.run_id = r.id WHERE r.id = $1 AND a.number = $2 FOR NO KEY UPDATE OF r, a`,
}
/** Held in share mode: a takeover waits until the claim is decided. */
const LEASED: Statement = {
  name: 'claim-lease',
  text: `SELECT 1 FROM device_lease l JOIN device d ON d.id = l.device_id AND d.approval = 'approved'
    WHERE l.device_id = $1 AND l.host = $2 AND l.boot_id = $3 AND l.epoch = $4 AND l.expires > now() FOR SHARE OF l`,
}
const CLAIM: Statement = {
  name: 'claim',
  text: `WITH running AS (UPDATE run SET state = 'RUNNING', started_at = coalesce(started_at, now()) WHERE id = $1 RETURNING parent_id)
    UPDATE attempt SET state = 'CLAIMED', host = $3, boot_id = $4, epoch = $5, device_run_id = gen_random_uuid(), claimed_at = now(), progress_at = now()
    WHERE run_id = $1 AND number = $2 RETURNING device_run_id, (SELECT parent_id FROM running) AS parent_id`,
}

interface Claimable {
  readonly state: string
  readonly device_id: string
  readonly boot_id: string | null
  readonly epoch: number
  readonly device_run_id: string | null
  readonly cancel_requested: boolean
}

export interface ClaimDecision extends ClaimReply {
  /** True for the one call that won the attempt; false when it was repeated. */
  readonly fresh: boolean
  /** What became of the run that this one is a shard of. */
  readonly parent: RunEntered | null
}

/** The gate before every physical execution: one compare-and-set under the lease. Asked twice by one boot, it answers the same. */
export async function claim(
  database: Database,
  { runId, attempt, deviceId, host, bootId, epoch }: ClaimRequest,
): Promise<ClaimDecision> {
  if (!isUuid(runId) || attempt > 0x7fffffff) return refused(ClaimResult.CLAIM_RESULT_TAKEN)
  return database.transaction(async (transaction) => {
    const [found] = await transaction.query<Claimable>(LOCK, [runId, attempt])
    if (!found || found.device_id !== deviceId) return refused(ClaimResult.CLAIM_RESULT_TAKEN)
    if (found.state === 'CANCELED') return refused(ClaimResult.CLAIM_RESULT_CANCELED)
    if (found.state === 'CLAIMED' && found.boot_id === bootId && found.epoch === epoch && found.device_run_id)
      return { result: ClaimResult.CLAIM_RESULT_OK, deviceRunId: found.device_run_id, fresh: false, parent: null }
    if (found.state !== 'DISPATCHED') return refused(ClaimResult.CLAIM_RESULT_TAKEN)
    const leased = await transaction.query(LEASED, [deviceId, host, bootId, epoch])
    if (leased.length === 0) return refused(ClaimResult.CLAIM_RESULT_NO_LEASE)
    const rows = await transaction.query<OfParent & { readonly device_run_id: string }>(CLAIM, [
      runId,
      attempt,
      host,
      bootId,
      epoch,
    ])
    const parent = await parentOf(transaction, rows)
    const [won] = rows
    return won
      ? { result: ClaimResult.CLAIM_RESULT_OK, deviceRunId: won.device_run_id, fresh: true, parent }
      : refused(ClaimResult.CLAIM_RESULT_TAKEN)
  })
}

function refused(result: ClaimDecision['result']): ClaimDecision {
  return { result, deviceRunId: '', fresh: false, parent: null }
}
