/** What an executor can be told from outside. The only file of this service that reads the environment. */
import { readEnvironment, serviceConfig, type ServiceConfig } from '@lucihub/service-kit'

/** Injects the {@link ExecutorConfig}. */
export const EXECUTOR_CONFIG = Symbol('ExecutorConfig')

export interface ExecutorConfig extends ServiceConfig {
  /** Name of the hardware host: commands, claims and records carry it, and devices are bound to it. */
  readonly host: string
  /** Ids or names of the devices this host may drive; `*` for all that no other host is bound to. */
  readonly devices: readonly string[]
}

export function loadConfig(env: NodeJS.ProcessEnv): ExecutorConfig {
  return readEnvironment(env, (read) => ({
    ...serviceConfig(read),
    host: read.text('EXECUTOR_HOST'),
    devices: list(read.text('EXECUTOR_DEVICES', '*')),
  }))
}

function list(text: string): readonly string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}
