/**
 * Merging runs on devices: the parent gets pages of its own, physical values with pyramids, so that results and plots
 * of it are read like any other's. They are those of its attempt 0. One step is one page of one channel.
 */
import { Injectable } from '@nestjs/common'
import { samplesOf, type Channel } from '@lucihub/analog'
import { ConfigurationMessage } from '@lucihub/contracts'
import type { Queries, Statement, Transaction } from '../database/database.ts'
import { copyPages } from '../journal/page-copy.ts'
import { PAGE_SAMPLES, pagesOf } from '../journal/page.ts'
import { PageRepository } from '../measurements/page-repository.ts'
import { channelsOf } from '../measurements/result-source.ts'
import { DEFAULT_MERGE } from '../runs/division.ts'
import { mergedChannels, type MergedChannel } from './merged-channels.ts'
import type { MergedRun, Step } from './merger.ts'
import { momentsOf } from './reduction.ts'

const CONFIGURATION: Statement = {
  name: 'merge-configuration',
  text: 'SELECT c.body FROM run r JOIN configuration c ON c.hash = r.configuration_hash WHERE r.id = $1',
}
/** Completed shards in their order, with how far their samples reach. */
const PARTS: Statement = {
  name: 'merge-parts',
  text: `SELECT r.id, r.winning_attempt AS attempt, coalesce((SELECT p.first_index + p.count FROM page p
      WHERE p.run_id = r.id AND p.attempt = r.winning_attempt AND p.channel = 0 ORDER BY p.first_index DESC LIMIT 1), 0) AS end
    FROM run r WHERE r.parent_id = $1 AND r.state = 'COMPLETED' AND r.winning_attempt IS NOT NULL ORDER BY r.shard_index`,
}
const REACHED: Statement = {
  name: 'merge-reached',
  text: `SELECT channel, max(first_index + count) AS end FROM page WHERE run_id = $1 AND attempt = 0 GROUP BY channel`,
}

interface Part {
  readonly id: string
  readonly attempt: number
  readonly end: number
}

@Injectable()
export class DeviceMerge {
  constructor(private readonly pages: PageRepository) {}

  async step(transaction: Transaction, run: MergedRun): Promise<Step> {
    const parts = await transaction.query<Part>(PARTS, [run.id])
    const sources = await sourceChannels(transaction, run.id)
    const reached = await transaction.query<{ readonly channel: number; readonly end: number }>(REACHED, [run.id])
    for (const channel of mergedChannels(sources, { ...DEFAULT_MERGE, ...run.merge_policy })) {
      const from = reached.find((row) => row.channel === channel.index)?.end ?? 0
      const end = lengthOf(parts, channel)
      if (from >= end) continue
      const to = Math.min(end, (Math.floor(from / PAGE_SAMPLES) + 1) * PAGE_SAMPLES)
      const source = sources[channel.of]
      if (!source) continue
      const values = await this.values(parts, { channel, source, from, to })
      const block = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
      const chunk = { firstIndex: from, count: to - from, encoding: 'f32' as const, blocks: [block], checksums: NONE }
      const made = pagesOf([chunk]).map((page) => ({ ...page, channel: channel.index }))
      await copyPages(transaction, [{ runId: run.id, attempt: 0, pages: made }])
      return { kind: 'went on' }
    }
    return { kind: 'done' }
  }

  private async values(
    parts: readonly Part[],
    { channel, source, from, to }: { channel: MergedChannel; source: Channel; from: number; to: number },
  ): Promise<Float32Array> {
    if (channel.reduce !== 'concat') {
      const series = await Promise.all(parts.map((part) => this.physical(part, { source, from, to })))
      const moments = momentsOf(series)
      return Float32Array.from(channel.reduce === 'std' ? moments.std : moments.mean)
    }
    const values = new Float32Array(to - from)
    let start = 0
    for (const part of parts) {
      const first = Math.max(from, start)
      const behind = Math.min(to, start + part.end)
      if (first < behind)
        values.set(await this.physical(part, { source, from: first - start, to: behind - start }), first - from)
      start += part.end
    }
    return values
  }

  /** NaN where the shard lost samples. */
  private async physical(
    { id, attempt }: Part,
    { source, from, to }: { source: Channel; from: number; to: number },
  ): Promise<Float32Array> {
    const values = new Float32Array(to - from).fill(NaN)
    for (const slice of await this.pages.samples({ runId: id, attempt, channels: [source.index], from, to }))
      samplesOf(slice.samples, slice.encoding).forEach((value, at) => {
        values[slice.firstIndex - from + at] = value * source.gain + source.offset
      })
    return values
  }
}

const NONE = Buffer.alloc(0)

/** A mean reaches as far as every shard does; a concatenation as far as all of them together. */
function lengthOf(parts: readonly Part[], { reduce }: MergedChannel): number {
  const ends = parts.map(({ end }) => end)
  if (ends.length === 0) return 0
  return reduce === 'concat' ? ends.reduce((sum, end) => sum + end, 0) : Math.min(...ends)
}

async function sourceChannels(queries: Queries, runId: string): Promise<Channel[]> {
  const [row] = await queries.query<{ readonly body: Buffer }>(CONFIGURATION, [runId])
  return row ? channelsOf(ConfigurationMessage.decode(row.body)) : []
}
