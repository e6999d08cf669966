/** Which attempt a run's data are read from, and what its channels mean. */
import { Injectable } from '@nestjs/common'
import { isTerminal, type Channel, type RunState, type SampleEncoding } from '@lucihub/analog'
import { ConfigurationMessage } from '@lucihub/contracts'
import { Database, type Statement } from '../database/database.ts'
import { mayReadRun, type Asker } from '../access/rights.ts'
import { DEFAULT_MERGE, type MergePolicy } from '../runs/division.ts'
import { mergedChannels } from '../shards/merged-channels.ts'
import { noSuchRun } from '../runs/run-repository.ts'
import { isUuid } from '../runs/uuid7.ts'

/** The attempt that won, or the latest while none has. */
export interface ResultSource {
  readonly runId: string
  readonly state: RunState
  /** 0 when there was none yet. */
  readonly attempt: number
  /** True when nothing will be added any more. */
  readonly sealed: boolean
  readonly sampleRateHz: number
  readonly problemTimePerSecond: number
  readonly channels: readonly Channel[]
  readonly encoding: SampleEncoding
  /** Per channel, stored so far. */
  readonly samples: number
  /** Index behind the last sample stored; more than `samples` where gaps were accepted or chunks are still on their way. */
  readonly end: number
  /** 32 bytes per channel; empty until sealed. */
  readonly digests: Buffer
  readonly engine: 'hub' | 'worker'
  /** Of a run in parts: samples of each merged channel; null for others. */
  readonly merged: readonly number[] | null
}

interface SourceRow {
  readonly state: RunState
  readonly sample_rate_hz: number
  readonly configuration_hash: Buffer
  readonly configuration: Buffer
  readonly attempt: number | null
  readonly attempt_state: string | null
  readonly encoding: SampleEncoding | null
  readonly stored_samples: number | null
  readonly end: number | null
  readonly digests: Buffer | null
  readonly engine: 'hub' | 'worker'
  readonly divided: boolean
  readonly merge_policy: Partial<MergePolicy>
  /** Samples of each merged channel. */
  readonly merged: Readonly<Record<string, number>> | null
}

const SOURCE: Statement = {
  name: 'result-source',
  text: `SELECT r.state, r.sample_rate_hz, r.configuration_hash, c.body AS configuration,
      a.number AS attempt, a.state AS attempt_state, a.encoding, a.stored_samples, a.digests,
      (SELECT p.first_index + p.count FROM page p WHERE p.run_id = a.run_id AND p.attempt = a.number AND p.channel = 0
        ORDER BY p.first_index DESC LIMIT 1) AS end,
      r.engine, r.shards_effective > 1 AS divided, r.merge_policy,
      CASE WHEN r.shards_effective > 1 THEN (SELECT jsonb_object_agg(e.channel, e.end) FROM (
        SELECT p.channel, max(p.first_index + p.count) AS end FROM page p WHERE p.run_id = r.id AND p.attempt = 0 GROUP BY p.channel) e) END AS merged
    FROM run r JOIN configuration c ON c.hash = r.configuration_hash
      LEFT JOIN attempt a ON a.run_id = r.id AND a.number = coalesce(r.winning_attempt, r.attempts)
    WHERE r.id = $2 AND ${mayReadRun('r', { user: '$1', role: '$3' })}`,
}

const EMPTY = Buffer.alloc(0)

/** Sources of ended runs that are kept in memory: who looks at one looks again. */
const REMEMBERED_MAX = 256
/** As long as a right that was taken away may still count. */
const REMEMBERED_MS = 5_000

@Injectable()
export class ResultSources {
  /** Of ended runs, which never change; the one looked at longest ago goes first. */
  private readonly remembered = new Map<string, { readonly source: ResultSource; readonly until: number }>()

  constructor(private readonly database: Database) {}

  /** Problem `not-found` also when the run belongs to somebody else. */
  async of({ userId, role }: Asker, runId: string): Promise<ResultSource> {
    const key = `${userId}/${role}/${runId}`
    const known = this.remembered.get(key)
    if (known && known.until > performance.now()) return known.source
    const source = await this.read({ userId, role }, runId)
    this.remembered.delete(key)
    if (!isTerminal(source.state)) return source
    this.remembered.set(key, { source, until: performance.now() + REMEMBERED_MS })
    const [oldest] = this.remembered.keys()
    if (oldest !== undefined && this.remembered.size > REMEMBERED_MAX) this.remembered.delete(oldest)
    return source
  }

  private async read({ userId, role }: Asker, runId: string): Promise<ResultSource> {
    const [row] = isUuid(runId) ? await this.database.query<SourceRow>(SOURCE, [userId, runId, role]) : []
    if (!row) throw noSuchRun(runId)
    if (row.divided && row.engine === 'hub') return mergedSource(runId, row)
    const configuration = ConfigurationMessage.decode(row.configuration)
    return {
      runId,
      state: row.state,
      engine: row.engine,
      merged: null,
      attempt: row.attempt ?? 0,
      sealed: row.attempt_state !== 'DISPATCHED' && row.attempt_state !== 'CLAIMED',
      sampleRateHz: row.sample_rate_hz,
      problemTimePerSecond: configuration.problemTimePerSecond,
      channels: channelsOf(configuration),
      encoding: row.encoding ?? 'f32',
      samples: row.stored_samples ?? 0,
      end: row.end ?? 0,
      digests: row.digests ?? EMPTY,
    }
  }
}

/** The merged pages are those of attempt 0; while there is none yet, a run in parts has channels without samples. */
function mergedSource(runId: string, row: SourceRow): ResultSource {
  const configuration = ConfigurationMessage.decode(row.configuration)
  const channels = mergedChannels(channelsOf(configuration), { ...DEFAULT_MERGE, ...row.merge_policy })
  const merged = channels.map(({ index }) => row.merged?.[index] ?? 0)
  return {
    runId,
    state: row.state,
    engine: row.engine,
    merged,
    attempt: 0,
    sealed: isTerminal(row.state),
    sampleRateHz: row.sample_rate_hz,
    problemTimePerSecond: configuration.problemTimePerSecond,
    channels: channels.map(({ index, label, unit, gain, offset }) => ({ index, label, unit, gain, offset })),
    encoding: 'f32',
    samples: Math.max(0, ...merged),
    end: Math.max(0, ...merged),
    digests: EMPTY,
  }
}

/** One channel per probe; physical = value * gain + offset, as the ADC channel of that probe says. */
export function channelsOf({ probes, carriers }: ConfigurationMessage): Channel[] {
  const adc = carriers.flatMap((carrier) => carrier.adc)
  return probes.map(({ label, unit }, index) => {
    const channel = adc.find(({ probe }) => probe === index)
    return { index, label, unit, gain: channel?.gain ?? 1, offset: channel?.offset ?? 0 }
  })
}
