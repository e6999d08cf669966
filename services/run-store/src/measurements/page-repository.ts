/**
 * Reading pages: slices of samples and stretches of the pyramid, never more of a page than was asked for. Samples come
 * by COPY, byte for byte; pyramids are small, and gain more from a prepared statement.
 */
import { Injectable } from '@nestjs/common'
import { BYTES_PER_SAMPLE, invariant, type SampleEncoding } from '@lucihub/analog'
import { sampleEncoding } from '@lucihub/contracts'
import { copyRowsOf } from '../database/copy-rows.ts'
import { Database, type Statement } from '../database/database.ts'
import { PAGE_SAMPLES, type Level } from '../journal/page.ts'
import { isUuid } from '../runs/uuid7.ts'

export interface Stretch {
  readonly runId: string
  readonly attempt: number
  readonly channels: readonly number[]
  readonly from: number
  /** Exclusive. */
  readonly to: number
}

/** Part of a page. */
export interface SampleSlice {
  readonly channel: number
  readonly firstIndex: number
  readonly encoding: SampleEncoding
  readonly samples: Buffer
}

/** The pyramid entries of a page. */
export interface PyramidSlice {
  readonly channel: number
  readonly firstIndex: number
  readonly count: number
  /** Pairs of minimum and maximum, on the run's grid. */
  readonly entries: Float32Array
}

/** A page never crosses a multiple of PAGE_SAMPLES, so none that reaches `from` starts a page length before it. */
const WHERE = `run_id = $1 AND attempt = $2 AND channel = ANY ($3::smallint[]) AND first_index > $4::bigint - ${PAGE_SAMPLES} AND first_index < $5
  AND first_index + count > $4`

const width = `CASE encoding WHEN ${sampleEncoding.toProto('i16')} THEN ${BYTES_PER_SAMPLE.i16} ELSE ${BYTES_PER_SAMPLE.f32} END`

/** Samples lie uncompressed outside the row: substring fetches only what it returns. */
function samplesQuery({ runId, attempt, channels, from, to }: Stretch): string {
  invariant(isUuid(runId) && [attempt, ...channels, from, to].every(Number.isSafeInteger), 'checked literals')
  return `SELECT channel, greatest(first_index, ${from})::bigint, encoding,
      substring(samples FROM (greatest(first_index, ${from}) - first_index)::int * ${width} + 1
        FOR (least(first_index + count, ${to}) - greatest(first_index, ${from}))::int * ${width})
    FROM page WHERE run_id = '${runId}' AND attempt = ${attempt} AND channel IN (${channels.join()})
      AND first_index > ${from - PAGE_SAMPLES} AND first_index < ${to} AND first_index + count > ${from}
    ORDER BY page.channel, page.first_index`
}

const PYRAMIDS: Readonly<Record<Level, Statement>> = { 64: pyramid(64), 512: pyramid(512) }

function pyramid(level: Level): Statement {
  return {
    name: `page-pyramid-${level}`,
    text: `SELECT channel, first_index, count, level${level} AS entries FROM page WHERE ${WHERE} ORDER BY channel, first_index`,
  }
}

@Injectable()
export class PageRepository {
  constructor(private readonly database: Database) {}

  /** By channel, then index. */
  async samples(stretch: Stretch): Promise<SampleSlice[]> {
    if (stretch.channels.length === 0) return []
    return copyRowsOf(await this.database.copyOut(samplesQuery(stretch))).map(([channel, first, encoding, samples]) => {
      invariant(channel && first && encoding && samples, 'four columns')
      return {
        channel: channel.readInt16BE(),
        firstIndex: Number(first.readBigInt64BE()),
        encoding: encoding.readInt16BE() === sampleEncoding.toProto('i16') ? 'i16' : 'f32',
        samples,
      }
    })
  }

  /** By channel, then index. */
  async pyramid(level: Level, stretch: Stretch): Promise<PyramidSlice[]> {
    const rows = await this.database.query<{ channel: number; first_index: number; count: number; entries: Buffer }>(
      PYRAMIDS[level],
      values(stretch),
    )
    return rows.map((row) => ({
      channel: row.channel,
      firstIndex: row.first_index,
      count: row.count,
      entries: floatsOf(row.entries),
    }))
  }
}

function values({ runId, attempt, channels, from, to }: Stretch): unknown[] {
  return [runId, attempt, channels, from, to]
}

function floatsOf(bytes: Buffer): Float32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : Uint8Array.from(bytes)
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4)
}
