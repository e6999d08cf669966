/** What an executor can be told from outside. The only file of this service that reads the environment. */
import { readEnvironment, serviceConfig, type ServiceConfig } from '@lucihub/service-kit'

/** Injects the {@link ExecutorConfig}. */
export const EXECUTOR_CONFIG = Symbol('ExecutorConfig')

export interface ExecutorConfig extends ServiceConfig {
  /** Name of the hardware host: commands, claims and records carry it, and devices are bound to it. */
  readonly host: string
  /** Ids or names of the devices this host may drive; `*` for all that no other host is bound to. */
  readonly devices: readonly string[]
  /** Where the journals of this host's attempts lie until they are settled. One executor at a time uses it. */
  readonly journalDir: string
  /** Bytes that all journals together may have. */
  readonly journalQuota: number
}

const GIB = 1024 ** 3

export function loadConfig(env: NodeJS.ProcessEnv): ExecutorConfig {
  return readEnvironment(env, (read) => ({
    ...serviceConfig(read),
    host: read.text('EXECUTOR_HOST'),
    devices: list(read.text('EXECUTOR_DEVICES', '*')),
    journalDir: read.text('JOURNAL_DIR', 'journal'),
    journalQuota: read.integer('JOURNAL_QUOTA_BYTES', { default: 8 * GIB, min: 1024 ** 2 }),
  }))
}

function list(text: string): readonly string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}
