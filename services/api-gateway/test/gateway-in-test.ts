/** The real gateway on a private NATS, with an answerer behind it and a client before it. */
import { formatApiKey } from '@lucihub/contracts'
import { start, type RunningService } from '@lucihub/service-kit'
import { privateNats, type PrivateServer } from '@lucihub/testing'
import { apiGateway } from '../src/gateway.ts'
import type { GatewayConfig } from '../src/config.ts'
import { Shelf, answer } from './answerer.ts'
import { createClient, type Client } from './client.ts'

const ALL_SCOPES = ['runs:read', 'runs:write', 'runs:cancel', 'devices:read', 'compile:write', 'export:read']

export interface GatewayInTest {
  readonly url: string
  readonly shelf: Shelf
  readonly nats: PrivateServer
  readonly gateway: RunningService
  readonly answerer: RunningService
  /** A new key of a user. */
  key(options?: { userId?: string; scopes?: readonly string[] }): string
  client(options?: { userId?: string; scopes?: readonly string[] }): Client
  /** A request with a good key; `path` from the root. */
  ask(path: string, init?: RequestInit): Promise<Response>
  close(): Promise<void>
}

export async function gatewayInTest(overrides: Partial<GatewayConfig> = {}): Promise<GatewayInTest> {
  const nats = await privateNats()
  const shelf = new Shelf()
  const answerer = await answer(shelf, nats.url)
  const config: GatewayConfig = {
    natsUrl: nats.url,
    healthPort: 0,
    logLevel: 'silent',
    httpPort: 0,
    publicUrl: '',
    requestsPerSecond: 10_000,
    requestBurst: 10_000,
    streamsMax: 20,
    heartbeatMs: 200,
    openRegistration: true,
    oidc: { issuer: '', audience: 'lucihub', entitlement: '' },
    ...overrides,
  }
  const gateway = await start(apiGateway(config))
  const url = gateway.httpUrl ?? ''

  let keys = 0
  const key: GatewayInTest['key'] = ({ userId = 'ada', scopes = ALL_SCOPES } = {}) => {
    keys += 1
    const parts = { keyId: String(keys).padStart(12, '0'), secret: String(keys).padStart(43, 'S') }
    shelf.keys.set(parts.keyId, { secret: parts.secret, userId, scopes })
    return formatApiKey(parts)
  }
  const apiKey = key()
  return {
    url,
    shelf,
    nats,
    gateway,
    answerer,
    key,
    client: (options) => createClient({ url, apiKey: options ? key(options) : apiKey }),
    ask: (path, init = {}) =>
      fetch(`${url}${path}`, { ...init, headers: { authorization: `Bearer ${apiKey}`, ...init.headers } }),
    close: async () => {
      await gateway.close()
      await answerer.close()
      await nats.stop()
    },
  }
}

/** The problem document of an answer, checked to be one. */
export async function problemOf(response: Response): Promise<Record<string, unknown>> {
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
  const document = (await response.json()) as Record<string, unknown>
  expect(document['status']).toBe(response.status)
  expect(document['traceId']).toMatch(/^[0-9a-f]{32}$/)
  return document
}

export const jsonBody = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
