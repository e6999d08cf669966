import type { OidcConfig } from './access/oidc.ts'
import { readEnvironment, serviceConfig, type ServiceConfig } from '@lucihub/service-kit'

export interface GatewayConfig extends ServiceConfig {
  /** 0 = any free port. */
  readonly httpPort: number
  /** Where clients reach the hub, for the OpenAPI document; empty: wherever they found it. */
  readonly publicUrl: string
  /** Requests per second that one API key may make in the long run, and at once after a pause. */
  readonly requestsPerSecond: number
  readonly requestBurst: number
  /** Live streams that this process serves at the same time. */
  readonly streamsMax: number
  /** Time between two signs of life on a live stream, ms. */
  readonly heartbeatMs: number
  /** Whether anybody may make himself an account. */
  readonly openRegistration: boolean
  readonly oidc: OidcConfig
}

export function loadConfig(env: NodeJS.ProcessEnv): GatewayConfig {
  return readEnvironment(env, (environment) => ({
    ...serviceConfig(environment),
    listenAddress: environment.text('HTTP_HOST', environment.text('LISTEN_ADDRESS', '127.0.0.1')),
    httpPort: environment.integer('HTTP_PORT', { default: 8080, min: 0, max: 65_535 }),
    publicUrl: environment.text('PUBLIC_URL', ''),
    requestsPerSecond: environment.integer('REQUESTS_PER_SECOND', { default: 1_000, min: 1 }),
    requestBurst: environment.integer('REQUEST_BURST', { default: 2_000, min: 1 }),
    streamsMax: environment.integer('STREAMS_MAX', { default: 500, min: 1 }),
    heartbeatMs: environment.integer('STREAM_HEARTBEAT_MS', { default: 15_000, min: 100 }),
    openRegistration: environment.choice('REGISTRATION', ['open', 'closed'], 'open') === 'open',
    oidc: {
      issuer: environment.text('OIDC_ISSUER', ''),
      audience: environment.text('OIDC_AUDIENCE', 'lucihub'),
      entitlement: environment.text('OIDC_ENTITLEMENT', ''),
    },
  }))
}
