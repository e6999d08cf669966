/**
 * The journal into Postgres: one batch, one transaction, so that an acknowledged message is always a stored one.
 * Under the row locks of its runs (taken in one order, so batches cannot deadlock) a record is stored once, by
 * its key; only records that were not there before give pages, because COPY knows no ON CONFLICT. The
 * transaction that stores the last missing record of an attempt also seals it.
 */
import { Injectable } from '@nestjs/common'
import { ATTEMPT_OUTCOMES, invariant, type AttemptOutcome, type AttemptState } from '@lucihub/analog'
import type { EndRecord } from '@lucihub/contracts'
import { counter, crashPoint } from '@lucihub/service-kit'
import { Database, sqlState, type Statement, type Transaction } from '../database/database.ts'
import { verdictOf } from '../execution/attempt-policy.ts'
import { settle, type StateEntered } from '../execution/settlement.ts'
import { KINDS, malformed, recordOf, type Chunk, type Entry } from './entry.ts'
import { verify, type StoredChunk } from './manifest.ts'
import { copyPages } from './page-copy.ts'
import { pagesOf } from './page.ts'

/** An attempt that a batch sealed. */
export interface Sealed extends StateEntered {
  readonly lastSeq: number
  readonly end: EndRecord
}

interface LockedAttempt {
  readonly run_id: string
  readonly number: number
  readonly state: AttemptState
  readonly epoch: number
  readonly host: string
  readonly stored_records: number
  readonly last_seq: number | null
  readonly num_channels: number
  readonly max_attempts: number
  readonly accept_gaps: boolean
  readonly cancel_requested: boolean
  readonly timed_out: boolean
  readonly counted: number
}

const LOCK: Statement = {
  name: 'journal-lock',
  text: `SELECT a.run_id, a.number, a.state, a.epoch, a.host, a.stored_records, a.last_seq,
      r.num_channels, r.max_attempts, r.accept_gaps, r.cancel_requested_at IS NOT NULL AS cancel_requested, r.timed_out,
      (SELECT count(*) FROM attempt e WHERE e.run_id = r.id AND e.counted) AS counted
    FROM unnest($1::uuid[], $2::int[]) AS k (run_id, number)
      JOIN run r ON r.id = k.run_id JOIN attempt a ON a.run_id = k.run_id AND a.number = k.number
    ORDER BY r.id, a.number FOR NO KEY UPDATE OF r, a`,
}
const INSERT: Statement = {
  name: 'journal-insert',
  text: `INSERT INTO journal (run_id, attempt, seq, kind, body, first_index, count, checksums)
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::bigint[], $4::smallint[], $5::bytea[], $6::bigint[], $7::int[], $8::bytea[])
    ON CONFLICT DO NOTHING RETURNING run_id, attempt, seq`,
}
const PROGRESS: Statement = {
  name: 'journal-progress',
  text: `UPDATE attempt a SET stored_records = a.stored_records + k.records, stored_samples = a.stored_samples + k.samples,
      last_seq = coalesce(a.last_seq, k.last_seq), encoding = coalesce(k.encoding, a.encoding), progress_at = now()
    FROM unnest($1::uuid[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[]) AS k (run_id, number, records, samples, last_seq, encoding)
    WHERE a.run_id = k.run_id AND a.number = k.number`,
}
const RANGES: Statement = {
  name: 'journal-ranges',
  text: `SELECT first_index, count FROM journal WHERE run_id = $1 AND attempt = $2 AND kind = ${KINDS.chunk} AND seq <> ALL ($3::bigint[])`,
}
/** Chunks in the order of their samples; the other kinds that matter for the seal behind them. */
const WHOLE: Statement = {
  name: 'journal-whole',
  text: `SELECT seq, kind, body, first_index, count, checksums FROM journal
    WHERE run_id = $1 AND attempt = $2 AND kind IN (${KINDS.chunk}, ${KINDS.gap}, ${KINDS.end}, ${KINDS.malformed})
    ORDER BY first_index, seq`,
}

interface WholeRow extends StoredChunk {
  readonly seq: number
  readonly kind: number
  readonly body: Buffer | null
}

const stored = counter('lucihub_journal_records_total', 'Journal records stored')
const samplesStored = counter('lucihub_samples_stored_total', 'Samples stored, over all channels')
export const dropped = counter('lucihub_journal_records_dropped_total', 'Journal records not stored', ['reason'])

const PAGE_TAKEN = '23505'
const OVERLOADS_MAX = 4_096

@Injectable()
export class JournalWriter {
  constructor(private readonly database: Database) {}

  /** Stores what is new in a batch; resolves after the commit with the attempts that it completed. */
  async store(entries: readonly Entry[]): Promise<Sealed[]> {
    try {
      return await this.database.transaction((transaction) =>
        storeBatch(transaction, entries, { compareRanges: false }),
      )
    } catch (error) {
      // A chunk under a new seq whose samples are there already: an executor that contradicts itself. Found out which.
      if (sqlState(error) !== PAGE_TAKEN) throw error
      return this.database.transaction((transaction) => storeBatch(transaction, entries, { compareRanges: true }))
    }
  }
}

interface AttemptBatch {
  readonly attempt: LockedAttempt
  readonly entries: readonly Entry[]
}

async function storeBatch(
  transaction: Transaction,
  entries: readonly Entry[],
  { compareRanges }: { readonly compareRanges: boolean },
): Promise<Sealed[]> {
  const batches = await lockedBatches(transaction, entries)
  const checked: AttemptBatch[] = []
  for (const batch of batches)
    checked.push({
      ...batch,
      entries: withoutOverlap(batch.entries, compareRanges ? await storedRanges(transaction, batch) : []),
    })
  const fresh = await insertFresh(transaction, checked)
  if (fresh.length === 0) return []
  const withPages = fresh
    .map(({ attempt, entries: own }) => ({
      runId: attempt.run_id,
      attempt: attempt.number,
      pages: pagesOf(chunksOf(own)),
    }))
    .filter(({ pages }) => pages.length > 0)
  if (withPages.length > 0) await copyPages(transaction, withPages)
  await transaction.query(PROGRESS, progressColumns(fresh))
  crashPoint('journal-batch-inserted')

  const sealed: Sealed[] = []
  for (const { attempt, entries: own } of fresh) {
    const lastSeq = attempt.last_seq ?? endSeqOf(own)
    if (attempt.state === 'CLAIMED' && lastSeq !== null && attempt.stored_records + own.length === lastSeq + 1)
      sealed.push(await seal(transaction, attempt, lastSeq))
  }
  count(fresh)
  return sealed
}

/** Entries by attempt, locked; those that belong to no attempt that is open for them are dropped. */
async function lockedBatches(transaction: Transaction, entries: readonly Entry[]): Promise<AttemptBatch[]> {
  const byAttempt = new Map<string, Map<number, Entry>>()
  for (const entry of entries) {
    const key = `${entry.runId}/${entry.attempt}`
    const own = byAttempt.get(key) ?? new Map<number, Entry>()
    byAttempt.set(key, own.set(entry.seq, own.get(entry.seq) ?? entry))
  }
  const keys = [...byAttempt.keys()].map((key) => key.split('/'))
  const attempts = await transaction.query<LockedAttempt>(LOCK, [
    keys.map(([run]) => run),
    keys.map(([, number]) => number),
  ])
  return attempts.flatMap((attempt) => {
    const own = [...(byAttempt.get(`${attempt.run_id}/${attempt.number}`)?.values() ?? [])]
    const open = own
      .filter((entry) => isOpenFor(attempt, entry))
      .map((entry) => withChannels(entry, attempt.num_channels))
    return open.length > 0 ? [{ attempt, entries: open }] : []
  })
}

/** A LOST attempt still takes its records, labelled as its own; they never change the run. */
function isOpenFor({ state, epoch, host, last_seq }: LockedAttempt, entry: Entry): boolean {
  const open =
    (state === 'CLAIMED' || state === 'LOST') &&
    entry.epoch === epoch &&
    entry.host === host &&
    (last_seq === null || entry.seq <= last_seq)
  // A duplicate of what was sealed is no loss; anything else is.
  if (!open && !(entry.epoch === epoch && entry.host === host)) dropped.inc({ reason: 'stale' })
  return open
}

function withChannels(entry: Entry, numChannels: number): Entry {
  if (!entry.chunk || entry.chunk.blocks.length === numChannels) return entry
  return malformed(entry, `a chunk of ${entry.chunk.blocks.length} channels instead of ${numChannels}`)
}

/** Chunks that cover samples which another chunk covers become malformed. */
function withoutOverlap(
  entries: readonly Entry[],
  taken: readonly { readonly first_index: number; readonly count: number }[],
): Entry[] {
  let end = 0
  return [...entries].sort(byIndex).map((entry) => {
    if (!entry.chunk) return entry
    const { firstIndex, count: samples } = entry.chunk
    const overlaps =
      firstIndex < end ||
      taken.some((range) => range.first_index < firstIndex + samples && range.first_index + range.count > firstIndex)
    if (overlaps)
      return malformed(entry, `samples ${firstIndex} to ${firstIndex + samples} came under another seq already`)
    end = firstIndex + samples
    return entry
  })
}

function byIndex(a: Entry, b: Entry): number {
  return (a.chunk?.firstIndex ?? -1) - (b.chunk?.firstIndex ?? -1) || a.seq - b.seq
}

async function storedRanges(
  transaction: Transaction,
  { attempt, entries }: AttemptBatch,
): Promise<{ first_index: number; count: number }[]> {
  return transaction.query(RANGES, [attempt.run_id, attempt.number, entries.map((entry) => entry.seq)])
}

/** Keeps the order of the entries; what was stored before is left out. */
async function insertFresh(transaction: Transaction, batches: readonly AttemptBatch[]): Promise<AttemptBatch[]> {
  const all = batches.flatMap((batch) => batch.entries)
  if (all.length === 0) return []
  const inserted = await transaction.query<{ readonly run_id: string; readonly attempt: number; readonly seq: number }>(
    INSERT,
    [
      all.map((entry) => entry.runId),
      all.map((entry) => entry.attempt),
      all.map((entry) => entry.seq),
      all.map((entry) => entry.kind),
      all.map((entry) => entry.body),
      all.map((entry) => entry.chunk?.firstIndex ?? null),
      all.map((entry) => entry.chunk?.count ?? null),
      all.map((entry) => entry.chunk?.checksums ?? null),
    ],
  )
  const keys = new Set(inserted.map(({ run_id, attempt, seq }) => `${run_id}/${attempt}/${seq}`))
  return batches
    .map(({ attempt, entries }) => ({
      attempt,
      entries: entries.filter((entry) => keys.has(`${entry.runId}/${entry.attempt}/${entry.seq}`)),
    }))
    .filter(({ entries }) => entries.length > 0)
}

function progressColumns(fresh: readonly AttemptBatch[]): unknown[] {
  return [
    fresh.map(({ attempt }) => attempt.run_id),
    fresh.map(({ attempt }) => attempt.number),
    fresh.map(({ entries }) => entries.length),
    fresh.map(({ entries }) => chunksOf(entries).reduce((sum, chunk) => sum + chunk.count, 0)),
    fresh.map(({ entries }) => endSeqOf(entries)),
    fresh.map(({ entries }) => chunksOf(entries)[0]?.encoding ?? null),
  ]
}

function chunksOf(entries: readonly Entry[]): Chunk[] {
  return entries.flatMap((entry) => (entry.chunk ? [entry.chunk] : []))
}

function endSeqOf(entries: readonly Entry[]): number | null {
  return entries.find((entry) => entry.kind === KINDS.end)?.seq ?? null
}

/** All records 0..lastSeq are stored: verifies the manifest and settles attempt and run. */
async function seal(transaction: Transaction, attempt: LockedAttempt, lastSeq: number): Promise<Sealed> {
  const rows = await transaction.query<WholeRow>(WHOLE, [attempt.run_id, attempt.number])
  const body = rows.find((row) => row.kind === KINDS.end && row.seq === lastSeq)?.body
  const end = body && recordOf(body).end
  invariant(end, 'the last record of a whole journal is its end')
  const gaps = rows.filter((row) => row.kind === KINDS.gap).length
  const wrong = rows.find((row) => row.kind === KINDS.malformed)
  const { mismatch, digests } = verify(
    rows.filter((row) => row.kind === KINDS.chunk),
    {
      channels: end.channels,
      numChannels: attempt.num_channels,
      holesAllowed: gaps > 0 && attempt.accept_gaps,
    },
  )
  const verdict = verdictOf(
    {
      ...outcomeOf(end),
      started: end.started,
      gaps,
      mismatch: wrong ? `record ${wrong.seq} is ${wrong.body?.toString() ?? 'malformed'}` : mismatch,
    },
    {
      maxAttempts: attempt.max_attempts,
      acceptGaps: attempt.accept_gaps,
      cancelRequested: attempt.cancel_requested,
      timedOut: attempt.timed_out,
      counted: attempt.counted,
      attempt: attempt.number,
    },
  )
  const entered = await settle(transaction, {
    runId: attempt.run_id,
    attempt: attempt.number,
    verdict,
    digests,
    overloads: end.overloads.filter((output) => output < OVERLOADS_MAX),
    finalValues: end.finalValues,
  })
  return { ...entered, lastSeq, end }
}

function outcomeOf({ outcome, reason }: EndRecord): { outcome: AttemptOutcome; reason: string } {
  const known = ATTEMPT_OUTCOMES.find((word) => word === outcome)
  const text = reason.replaceAll('\0', '')
  return known
    ? { outcome: known, reason: text }
    : { outcome: 'device_error', reason: `unknown outcome "${outcome.replaceAll('\0', '')}" ${text}`.trimEnd() }
}

function count(fresh: readonly AttemptBatch[]): void {
  for (const { attempt, entries } of fresh) {
    stored.inc(entries.length)
    samplesStored.inc(attempt.num_channels * chunksOf(entries).reduce((sum, chunk) => sum + chunk.count, 0))
  }
}
