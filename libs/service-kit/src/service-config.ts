import type { EnvironmentReader } from './environment.ts'

/** What every service is told. */
export interface ServiceConfig {
  readonly natsUrl: string
  /** Port of health and metrics; 0 for any free one. */
  readonly healthPort: number
  /** trace, debug, info, warn, error, fatal or silent. */
  readonly logLevel: string
  /** Hardware host token: names the machine in per-host subjects. */
  readonly host?: string
  /** Network interface to listen on, for health and HTTP (default: this machine alone). */
  readonly listenAddress?: string
  /** Where the fault harness lets this process die: see crash-points.ts. */
  readonly crashAt?: string
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** The part of the environment that is the same for all services: NATS_URL, HEALTH_PORT, LOG_LEVEL, LISTEN_ADDRESS. */
export function serviceConfig(environment: EnvironmentReader): ServiceConfig {
  return {
    natsUrl: environment.text('NATS_URL'),
    healthPort: environment.integer('HEALTH_PORT', { default: 0, min: 0, max: 65_535 }),
    logLevel: environment.choice('LOG_LEVEL', LOG_LEVELS, 'info'),
    listenAddress: environment.text('LISTEN_ADDRESS', '127.0.0.1'),
    crashAt: environment.text('LH_CRASH_AT', ''),
  }
}
