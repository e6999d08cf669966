/** Everything this process is told from outside. Times in ms. */
import { readEnvironment, serviceConfig, type ServiceConfig } from '@lucihub/service-kit'

export interface RunStoreConfig extends ServiceConfig {
  readonly databaseUrl: string
  readonly redisUrl: string
  /** Where the first API key is written, readable by its owner alone; empty: nowhere. */
  readonly firstKeyFile: string
  /** Key of the keyed hashes of API keys; empty: made once and kept in the database. */
  readonly keyPepper: string
  /** How long a lease holds without renewal. */
  readonly leaseTtlMs: number
  /** How long after its end nobody else gets it. */
  readonly leaseGraceMs: number
  /** Silence after which a claimed attempt is given up. */
  readonly lostAfterMs: number
  /** A command that nobody claimed is published again after this. */
  readonly dispatchRetryMs: number
  readonly maxQueuedPerOwner: number
  /** Silence of a worker after which its shard has failed. */
  readonly workerStallMs: number
}

/** Throws one Error that lists every variable with a wrong or missing value. */
export function loadConfig(env: NodeJS.ProcessEnv): RunStoreConfig {
  return readEnvironment(env, (read) => ({
    ...serviceConfig(read),
    databaseUrl: read.text('DATABASE_URL'),
    redisUrl: read.text('REDIS_URL', 'redis://127.0.0.1:6379'),
    firstKeyFile: read.text('FIRST_KEY_FILE', ''),
    keyPepper: read.text('KEY_PEPPER', ''),
    leaseTtlMs: read.integer('LEASE_TTL_MS', { default: 10_000, min: 100, max: 600_000 }),
    leaseGraceMs: read.integer('LEASE_GRACE_MS', { default: 5_000, min: 0, max: 600_000 }),
    lostAfterMs: read.integer('LOST_AFTER_MS', { default: 60_000, min: 100, max: 3_600_000 }),
    dispatchRetryMs: read.integer('DISPATCH_RETRY_MS', { default: 5_000, min: 50, max: 600_000 }),
    maxQueuedPerOwner: read.integer('MAX_QUEUED_PER_OWNER', { default: 10_000, min: 1, max: 1_000_000 }),
    workerStallMs: read.integer('WORKER_STALL_MS', { default: 300_000, min: 100, max: 86_400_000 }),
  }))
}

/** Injection token of the configuration. */
export const CONFIG = Symbol('RunStoreConfig')
