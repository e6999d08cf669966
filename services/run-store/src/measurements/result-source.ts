/** Which attempt a run's data are read from, and what its channels mean. */
import { Injectable } from '@nestjs/common'
import { isTerminal, type Channel, type RunState, type SampleEncoding } from '@lucihub/analog'
import { ConfigurationMessage } from '@lucihub/contracts'
import { Database, type Statement } from '../database/database.ts'
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
}

const SOURCE: Statement = {
  name: 'result-source',
  text: `SELECT r.state, r.sample_rate_hz, r.configuration_hash, c.body AS configuration,
      a.number AS attempt, a.state AS attempt_state, a.encoding, a.stored_samples, a.digests,
      (SELECT p.first_index + p.count FROM page p WHERE p.run_id = a.run_id AND p.attempt = a.number AND p.channel = 0
        ORDER BY p.first_index DESC LIMIT 1) AS end
    FROM run r JOIN configuration c ON c.hash = r.configuration_hash
      LEFT JOIN attempt a ON a.run_id = r.id AND a.number = coalesce(r.winning_attempt, r.attempts)
    WHERE r.owner_id = $1 AND r.id = $2`,
}

const EMPTY = Buffer.alloc(0)

/** Sources of ended runs that are kept in memory: who looks at one looks again. */
const REMEMBERED_MAX = 256

@Injectable()
export class ResultSources {
  /** Of ended runs, which never change; the one looked at longest ago goes first. */
  private readonly remembered = new Map<string, ResultSource>()

  constructor(private readonly database: Database) {}

  /** Problem `not-found` also when the run belongs to somebody else. */
  async of(ownerId: string, runId: string): Promise<ResultSource> {
    const key = `${ownerId}/${runId}`
    const source = this.remembered.get(key) ?? (await this.read(ownerId, runId))
    this.remembered.delete(key)
    if (!isTerminal(source.state)) return source
    this.remembered.set(key, source)
    const [oldest] = this.remembered.keys()
    if (oldest !== undefined && this.remembered.size > REMEMBERED_MAX) this.remembered.delete(oldest)
    return source
  }

  private async read(ownerId: string, runId: string): Promise<ResultSource> {
    const [row] = isUuid(runId) ? await this.database.query<SourceRow>(SOURCE, [ownerId, runId]) : []
    if (!row) throw noSuchRun(runId)
    const configuration = ConfigurationMessage.decode(row.configuration)
    return {
      runId,
      state: row.state,
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

/** One channel per probe; physical = value * gain + offset, as the ADC channel of that probe says. */
export function channelsOf({ probes, carriers }: ConfigurationMessage): Channel[] {
  const adc = carriers.flatMap((carrier) => carrier.adc)
  return probes.map(({ label, unit }, index) => {
    const channel = adc.find(({ probe }) => probe === index)
    return { index, label, unit, gain: channel?.gain ?? 1, offset: channel?.offset ?? 0 }
  })
}
