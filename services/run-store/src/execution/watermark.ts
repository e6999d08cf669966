/** How far the journal of an attempt is stored, and what of it is missing. */
import type { WatermarkReply } from '@lucihub/contracts'
import type { Queries, Statement } from '../database/database.ts'
import { isUuid } from '../runs/uuid7.ts'

const MISSING_MAX = 256
/** Far more than an attempt can have: bounds one look at the journal. */
const LOOK_MAX = 65_536
/** The stored watermark is moved up when it lies this far behind. */
const ADVANCE_STEP = 512

const LOOK: Statement = {
  name: 'watermark',
  text: `SELECT a.state, a.contiguous, a.stored_records, a.last_seq, r.cancel_requested_at IS NOT NULL AS cancel_requested,
      ARRAY(SELECT s FROM generate_series(a.contiguous, least($4::bigint, a.contiguous + ${LOOK_MAX}) - 1) s
        WHERE NOT EXISTS (SELECT FROM journal j WHERE j.run_id = a.run_id AND j.attempt = a.number AND j.seq = s)
        ORDER BY s LIMIT ${MISSING_MAX})::text[] AS missing
    FROM attempt a JOIN run r ON r.id = a.run_id WHERE a.run_id = $1 AND a.number = $2 AND a.host = $3`,
}
const ADVANCE: Statement = {
  name: 'watermark-advance',
  text: 'UPDATE attempt SET contiguous = greatest(contiguous, $3) WHERE run_id = $1 AND number = $2',
}

interface Look {
  readonly state: string
  readonly contiguous: number
  readonly stored_records: number
  readonly last_seq: number | null
  readonly cancel_requested: boolean
  readonly missing: readonly string[]
}

export interface WatermarkQuestion {
  readonly runId: string
  readonly attempt: number
  readonly host: string
  /** Highest seq published, plus one. */
  readonly published: number
}

/**
 * An attempt that this host never had is settled for it: nothing of it is needed. One that was given up as lost
 * still takes its records, as its own; it is settled when all of them are stored.
 */
export async function watermark(
  queries: Queries,
  { runId, attempt, host, published }: WatermarkQuestion,
): Promise<WatermarkReply> {
  const settled = { contiguous: published, missing: [], settled: true, cancelRequested: false, givenUp: false }
  if (!isUuid(runId) || attempt > 0x7fffffff || !Number.isSafeInteger(published)) return settled
  const [look] = await queries.query<Look>(LOOK, [runId, attempt, host, published])
  if (!look) return settled
  const givenUp = look.state === 'LOST'
  const open = look.state === 'DISPATCHED' || look.state === 'CLAIMED'
  const whole = look.last_seq !== null && look.stored_records === look.last_seq + 1
  if (!open && (!givenUp || whole)) return { ...settled, cancelRequested: look.cancel_requested, givenUp }
  const missing = look.missing.map(Number)
  const contiguous = missing[0] ?? Math.max(look.contiguous, Math.min(published, look.contiguous + LOOK_MAX))
  if (contiguous - look.contiguous >= ADVANCE_STEP) await queries.query(ADVANCE, [runId, attempt, contiguous])
  return { contiguous, missing, settled: false, cancelRequested: look.cancel_requested, givenUp }
}
