/** What a compiler can be told from outside. The only file of this service that reads the environment. */
import { fileURLToPath } from 'node:url'
import { readEnvironment, serviceConfig, type ServiceConfig } from '@lucihub/service-kit'

/** Injects the {@link CompilerConfig}. */
export const COMPILER_CONFIG = Symbol('CompilerConfig')

export interface CompilerConfig extends ServiceConfig {
  /** Programs compiled at the same time, each in a thread of its own. */
  readonly workers: number
  /** Longest time that one program may take, ms. */
  readonly compileTimeoutMs: number
  /** The bundle of `worker.ts`. */
  readonly workerFile: string
}

export function loadConfig(env: NodeJS.ProcessEnv): CompilerConfig {
  return readEnvironment(env, (read) => ({
    ...serviceConfig(read),
    workers: read.integer('COMPILER_WORKERS', { default: 2, min: 1, max: 64 }),
    compileTimeoutMs: read.integer('COMPILER_TIMEOUT_MS', { default: 10_000, min: 100, max: 60_000 }),
    // A service is bundled into one file; the build puts the worker's bundle beside it.
    workerFile: read.text('COMPILER_WORKER_FILE', fileURLToPath(new URL('compiler-worker.mjs', import.meta.url))),
  }))
}
