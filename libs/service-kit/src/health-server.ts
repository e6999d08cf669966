/** GET /health/live, /health/ready and /metrics on a port of its own, away from the users' routes. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { register } from 'prom-client'
import type { Health } from './health.ts'

export interface HealthServer {
  readonly port: number
  close(): Promise<void>
}

export interface HealthServerOptions {
  readonly port: number
  readonly address: string
  readonly health: Health
  /** False from the moment the service starts to stop. */
  open(): boolean
}

export async function serveHealth(options: HealthServerOptions): Promise<HealthServer> {
  const server = createServer((request, response) => {
    answer(request, options).then(
      (reply) => send(response, reply),
      (error: unknown) => send(response, { status: 500, type: 'text/plain', body: String(error) }),
    )
  })
  server.listen(options.port, options.address)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

interface Reply {
  readonly status: number
  readonly type: string
  readonly body: string
}

async function answer({ method, url }: IncomingMessage, { health, open }: HealthServerOptions): Promise<Reply> {
  if (method !== 'GET' && method !== 'HEAD') return json(405, { error: 'use GET' })
  switch (url) {
    case '/health/live':
      return json(200, { live: true })
    case '/health/ready': {
      const { ready, checks } = await health.readiness()
      return json(ready && open() ? 200 : 503, { ready: ready && open(), checks })
    }
    case '/metrics':
      return { status: 200, type: register.contentType, body: await register.metrics() }
    default:
      return json(404, { error: 'there are /health/live, /health/ready and /metrics' })
  }
}

function json(status: number, body: unknown): Reply {
  return { status, type: 'application/json', body: JSON.stringify(body) }
}

function send(response: ServerResponse, { status, type, body }: Reply): void {
  response.writeHead(status, { 'content-type': type }).end(body)
}
