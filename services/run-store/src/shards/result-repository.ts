/**
 * What workers hand in: channels and their pages, and logs. A page is one row, gzip of its JSON; handed in twice it
 * is the same row. Pages of a shard lie beside those of the run as a whole (shard -1), which the merger makes.
 */
import { createHash } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { isTerminal, Problem, type RunState } from '@lucihub/analog'
import type { LogBlob, ResultChannel, ResultPage } from '@lucihub/contracts'
import { mayReadRun, type Asker } from '../access/rights.ts'
import { Database, type Queries, type Statement, type Transaction } from '../database/database.ts'
import { noSuchRun } from '../runs/run-repository.ts'
import { isUuid } from '../runs/uuid7.ts'
import { lockRun } from './shard-rows.ts'

/** The run as a whole. */
export const WHOLE = -1
const CHANNELS_MAX = 1_000
const PAGES_MAX = 100_000
const LOG_BYTES_MAX = 16 * 1_048_576
/** Leaves room for the envelope below the bus's 1 MiB. */
const REPLY_BYTES_MAX = 786_432

const CHANNELS: Statement = {
  name: 'result-channels',
  text: `SELECT position, name, source_name, unit, metadata FROM channel WHERE run_id = $1 ORDER BY position`,
}
const PUT_CHANNEL: Statement = {
  name: 'put-channel',
  text: `INSERT INTO channel (run_id, position, name, source_name, unit, metadata) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (run_id, position) DO UPDATE SET unit = excluded.unit, metadata = excluded.metadata`,
}
const COUNT_CHANNELS: Statement = {
  name: 'count-channels',
  text: 'UPDATE run SET num_channels = (SELECT count(*) FROM channel WHERE run_id = $1) WHERE id = $1',
}
const PUT_PAGE: Statement = {
  name: 'put-page',
  text: `INSERT INTO result_page (run_id, position, shard, number, name, dimension, shape, kind, encoding, body, sha256)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (run_id, position, shard, number) DO UPDATE SET name = excluded.name, dimension = excluded.dimension,
      shape = excluded.shape, kind = excluded.kind, encoding = excluded.encoding, body = excluded.body, sha256 = excluded.sha256`,
}
const COUNT_PAGES: Statement = {
  name: 'count-pages',
  text: 'SELECT count(*) AS pages FROM result_page WHERE run_id = $1',
}
const MAY_READ: Statement = {
  name: 'results-of',
  text: `SELECT r.id FROM run r WHERE r.id = $3 AND ${mayReadRun('r', { user: '$1', role: '$2' })}`,
}
const PAGES: Statement = {
  name: 'result-pages',
  text: `SELECT position, number, name, dimension, shape, kind, encoding FROM result_page WHERE run_id = $1 AND shard = $2 ORDER BY position, number`,
}
const PAGE: Statement = {
  name: 'result-page',
  text: `SELECT position, number, name, dimension, shape, kind, encoding, body FROM result_page
    WHERE run_id = $1 AND shard = $2 AND position = $3 AND number = $4`,
}
/** gzip members one after the other are one gzip file, so appending reads nothing. */
const APPEND_LOG: Statement = {
  name: 'append-log',
  text: `INSERT INTO log_blob AS l (run_id, shard, attempt, name, lines, body)
    SELECT $1, $2, coalesce(nullif($3::int, 0), (SELECT s.attempt FROM shard s WHERE s.run_id = $1 AND s.index = $2), 1), $4, $5, $6
    ON CONFLICT (run_id, shard, attempt, name) DO UPDATE SET lines = l.lines + excluded.lines, body = l.body || excluded.body
    WHERE length(l.body) + length(excluded.body) <= ${LOG_BYTES_MAX}
    RETURNING lines`,
}
const LOGS: Statement = {
  name: 'read-logs',
  text: `SELECT shard, attempt, name, lines, body FROM log_blob WHERE run_id = $1 ORDER BY shard, attempt, name OFFSET $2 LIMIT 100`,
}
const WORKER_RUN: Statement = { name: 'worker-run', text: `SELECT state, shards_effective FROM run WHERE id = $1` }

export interface ChannelRow {
  readonly position: number
  readonly name: string
  readonly source_name: string
  readonly unit: string
  readonly metadata: object
}

export interface PageRow {
  readonly position: number
  readonly number: number
  readonly name: string
  readonly dimension: number
  readonly shape: readonly number[]
  readonly kind: string
  readonly encoding: string
  readonly body?: Buffer
}

export interface NewLog {
  readonly shard: number
  /** 0: the current one. */
  readonly attempt: number
  readonly name: string
  readonly lines: number
  /** gzip. */
  readonly body: Buffer
}

@Injectable()
export class ResultRepository {
  constructor(private readonly database: Database) {}

  /** Upserts. `shard` WHOLE: of the run. Problems: `not-found`, `state-conflict` for a run that is over, `validation-failed`. */
  async put(runId: string, shard: number, channels: readonly ResultChannel[]): Promise<number> {
    return this.database.transaction(async (transaction) => {
      const run = isUuid(runId) ? await lockRun(transaction, runId) : null
      if (!run) throw noSuchRun(runId)
      if (isTerminal(run.state) || run.state === 'MERGING')
        throw new Problem('state-conflict', `The run is ${run.state}: results are not taken any more.`)
      if (shard >= run.shards_effective) throw new Problem('not-found', `The run has no shard ${shard}.`)
      // Of a run that is not divided its one shard is the whole.
      const at = run.shards_effective === 1 ? WHOLE : shard
      const positions = await putChannels(transaction, runId, channels)
      let pages = 0
      for (const channel of channels)
        for (const page of channel.pages) {
          await putPage(transaction, runId, { ...page, position: positions.get(channel.name) ?? 0, shard: at })
          pages++
        }
      const [counted] = await transaction.query<{ readonly pages: number }>(COUNT_PAGES, [runId])
      if ((counted?.pages ?? 0) > PAGES_MAX)
        throw new Problem('too-large', `A run has at most ${PAGES_MAX} pages of results.`)
      return pages
    })
  }

  /** In declared order, pages without bodies. Problem `not-found`. */
  async list(asker: Asker, runId: string, shard: number): Promise<ResultChannel[]> {
    await this.mayRead(asker, runId)
    const [channels, pages] = await Promise.all([
      this.database.query<ChannelRow>(CHANNELS, [runId]),
      this.database.query<PageRow>(PAGES, [runId, shard]),
    ])
    return channels.map((channel) => ({
      position: channel.position,
      name: channel.name,
      sourceName: channel.source_name,
      unit: channel.unit,
      metadataJson: JSON.stringify(channel.metadata),
      pages: pages.filter(({ position }) => position === channel.position).map(pageToProto),
    }))
  }

  /** Problem `not-found`. */
  async page(
    asker: Asker,
    { runId, shard, position, number }: { runId: string; shard: number; position: number; number: number },
  ): Promise<ResultPage> {
    await this.mayRead(asker, runId)
    const [row] = await this.database.query<PageRow>(PAGE, [runId, shard, position, number])
    if (!row) throw new Problem('not-found', `The channel has no page ${number}.`)
    return pageToProto(row)
  }

  /** Problems: `not-found`, `too-large` for a log that is full. Ends of runs do not close their logs. */
  async appendLog(runId: string, { shard, attempt, name, lines, body }: NewLog): Promise<number> {
    const [run] = isUuid(runId)
      ? await this.database.query<{ readonly state: RunState; readonly shards_effective: number }>(WORKER_RUN, [runId])
      : []
    if (!run) throw noSuchRun(runId)
    if (shard >= run.shards_effective) throw new Problem('not-found', `The run has no shard ${shard}.`)
    const values = [runId, shard, attempt, name, lines, body]
    const [row] = await this.database.query<{ readonly lines: number }>(APPEND_LOG, values)
    if (!row) throw new Problem('too-large', `The log "${name}" of shard ${shard} is full.`)
    return row.lines
  }

  /** As many blobs as fit into one reply, from the offset on. */
  async logs(
    asker: Asker,
    runId: string,
    offset: number,
  ): Promise<{ readonly blobs: readonly LogBlob[]; readonly more: boolean }> {
    await this.mayRead(asker, runId)
    const rows = await this.database.query<LogBlob>(LOGS, [runId, offset])
    let bytes = 0
    const shown = rows.filter((row, at) => at === 0 || (bytes += row.body.length) <= REPLY_BYTES_MAX)
    return { blobs: shown, more: shown.length < rows.length || rows.length === 100 }
  }

  private async mayRead({ userId, role }: Asker, runId: string): Promise<void> {
    const found = isUuid(runId) ? await this.database.query(MAY_READ, [userId, role, runId]) : []
    if (found.length === 0) throw noSuchRun(runId)
  }
}

/** Position of each channel by its name: declared order is the order in which they were first handed in. */
export async function putChannels(
  transaction: Transaction,
  runId: string,
  channels: readonly Pick<ResultChannel, 'name' | 'sourceName' | 'unit' | 'metadataJson'>[],
): Promise<Map<string, number>> {
  const known = await transaction.query<ChannelRow>(CHANNELS, [runId])
  const positions = new Map(known.map((row) => [row.name, row.position]))
  const sources = new Map(known.map((row) => [row.source_name, row.name]))
  for (const { name, sourceName, unit, metadataJson } of channels) {
    const source = sourceName || name
    if ((sources.get(source) ?? name) !== name || (positions.has(name) && sources.get(source) === undefined))
      throw new Problem('validation-failed', 'Two channels share a name or a source.', {
        violations: [
          {
            pointer: '/channels',
            value: name,
            message: `The channel "${name}" and its source "${source}" do not belong together.`,
            remedy: 'Use one name per source.',
          },
        ],
      })
    const position = positions.get(name) ?? positions.size
    if (position >= CHANNELS_MAX) throw new Problem('too-large', `A run has at most ${CHANNELS_MAX} channels.`)
    await transaction.query(PUT_CHANNEL, [runId, position, name, source, unit, metadataJson || '{}'])
    positions.set(name, position)
    sources.set(source, name)
  }
  if (positions.size > known.length) await transaction.query(COUNT_CHANNELS, [runId])
  return positions
}

export async function putPage(
  queries: Queries,
  runId: string,
  page: ResultPage & { readonly position: number; readonly shard: number },
): Promise<void> {
  await queries.query(PUT_PAGE, [
    runId,
    page.position,
    page.shard,
    page.number,
    page.name,
    page.dimension,
    page.shape,
    page.kind || 'json',
    'json+gzip',
    page.body,
    createHash('sha256').update(page.body).digest(),
  ])
}

function pageToProto(row: PageRow): ResultPage {
  const { number, name, dimension, shape, kind, encoding } = row
  return { number, name, dimension, shape, kind, encoding, body: row.body ?? new Uint8Array(0) }
}
