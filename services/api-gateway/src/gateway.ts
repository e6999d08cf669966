import type { Service } from '@lucihub/service-kit'
import type { GatewayConfig } from './config.ts'
import { GatewayModule } from './gateway.module.ts'
import { serveOpenApi } from './http/openapi.ts'
import { httpAdapter } from './http/server.ts'

/** The api-gateway as a service, to be given to `start`. */
export function apiGateway(config: GatewayConfig): Service {
  return {
    name: 'api-gateway',
    config,
    module: (bus) => GatewayModule.of(bus, config),
    http: {
      adapter: httpAdapter({ substitutions: config.substitutions }),
      port: config.httpPort,
      prepare: (app) => Promise.resolve(serveOpenApi(app, config)),
    },
  }
}
