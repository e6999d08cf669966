/** What workers ask and tell. `claim` is asked with a user's key, everything else with the run key that it gives. */
import type { RunState } from '@lucihub/analog'
import type { Http } from './http.ts'
import type { RunResource, ShardResource } from './resources.ts'

/** A shard that is now this worker's. */
export interface Assignment {
  readonly run: RunResource
  readonly shard: ShardResource
  /** The key for a client that reports on this run. */
  readonly runKey: string
  readonly runKeyExpiresAt: string
}

/** States that a worker may give; QUEUED gives a shard back. */
export type WorkerState = Extract<
  RunState,
  'QUEUED' | 'RUNNING' | 'PAUSED' | 'COMPLETED' | 'FAILED' | 'CANCELED' | 'TIMED_OUT'
>

/** How far a shard is; what is left out stays. */
export interface ShardWord {
  readonly state?: WorkerState
  readonly completed?: number
  /** Only while it is not known. */
  readonly requested?: number
  /** Seconds. */
  readonly etaS?: number | null
  readonly error?: string
  readonly workerId?: string
  /** Words about another attempt are ignored. */
  readonly attempt?: number
}

export interface HandedInPage {
  readonly number: number
  readonly name?: string
  readonly dimension?: number
  readonly kind?: 'samples' | 'mean' | 'std' | 'final' | 'json'
  readonly data?: { readonly name?: string; readonly unit?: string; readonly values: readonly (number | null)[] }
  readonly axisDim1?: HandedInPage['data'] | null
  readonly axisDim2?: HandedInPage['data'] | null
  readonly dimensions?: number
  readonly metadata?: Readonly<Record<string, unknown>>
}

export interface HandedInChannel {
  /** Unique in the run. */
  readonly name: string
  readonly sourceName?: string
  readonly unit?: string
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly pages?: readonly HandedInPage[]
}

export interface WorkerClient {
  /** The next shard that waits; null when none does. Without a pool: of runs that name none. */
  claim(wanted?: { pool?: string; workerId?: string; jobTypes?: readonly string[] }): Promise<Assignment | null>
  /** Ignored is a word about what is over: the worker may stop. */
  tell(
    runId: string,
    shard: number,
    word: ShardWord,
  ): Promise<{ readonly result: 'accepted' | 'ignored'; readonly state: RunState }>
  /** For all shards that are open. `accepted` is false when the run was over. */
  tellRun(
    runId: string,
    word: { state: WorkerState; reason?: string; log?: readonly string[] },
  ): Promise<{ readonly accepted: boolean; readonly state: RunState }>
  /** Channels with pages, of one shard or of the run. At most 1 MiB at once; handed in again they replace themselves. */
  handIn(
    runId: string,
    results: { shard?: number; channels: readonly HandedInChannel[] },
  ): Promise<{ readonly pages: number }>
  /** Appends; answers how many lines the log has. */
  log(
    runId: string,
    log: { shard?: number; attempt?: number; name?: string; lines: readonly string[] },
  ): Promise<{ readonly lines: number }>
}

export function workerClient({ request, json }: Http): WorkerClient {
  const run = (id: string): string => `/worker/runs/${encodeURIComponent(id)}`
  return {
    claim: async (wanted = {}) => {
      const response = await request('/worker/claim', { method: 'POST', body: wanted })
      return response.status === 204 ? null : ((await response.json()) as Assignment)
    },
    tell: (id, shard, body) => json(`${run(id)}/shards/${shard}`, { method: 'PATCH', body }),
    tellRun: (id, body) => json(`${run(id)}/state`, { method: 'POST', body }),
    handIn: (id, body) => json(`${run(id)}/results`, { method: 'PUT', body }),
    log: (id, body) => json(`${run(id)}/logs`, { method: 'POST', body }),
  }
}
