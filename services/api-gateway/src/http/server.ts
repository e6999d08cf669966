/** The HTTP server: its bounds, its parsers, the headers on every answer, the trace id of every request. */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { Problem } from '@lucihub/analog'
import { histogram } from '@lucihub/service-kit'
import type { FastifyInstance } from 'fastify'
import { parseJson } from './json-text.ts'
import { MethodTable } from './method-table.ts'
import { PROBLEM_CONTENT_TYPE, problemDocument } from './problem-answer.ts'
import { UPLOAD_TIMEOUT_MS, streamUploads } from './upload-body.ts'

export const BODY_BYTES_MAX = 1_048_576

/** Bounds that keep one client from holding what others need. Times in ms. */
const HTTP_LIMITS = {
  headersTimeout: 10_000,
  /** Of uploads; other bodies have less, see upload-body.ts. */
  requestTimeout: UPLOAD_TIMEOUT_MS,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 16_384,
  maxHeadersCount: 64,
  /** Longest path segment, e.g. a device name. */
  maxParamLength: 200,
} as const

const duration = histogram(
  'lucihub_http_request_duration_seconds',
  'Time from a request to the end of its answer, streams included',
  ['method', 'route', 'status'] as const,
)

/** A Fastify adapter with our limits, before any route. */
export function httpAdapter(): FastifyAdapter {
  const {
    headersTimeout,
    connectionsCheckingInterval,
    maxHeaderSize,
    requestTimeout,
    keepAliveTimeout,
    maxParamLength,
  } = HTTP_LIMITS
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout,
    keepAliveTimeout,
    routerOptions: { maxParamLength },
    exposeHeadRoutes: false,
    genReqId: (request: IncomingMessage) => traceIdOf(request),
    clientErrorHandler: answerUnparsedRequest,
    frameworkErrors: (_error: Error, request: { readonly id: string }, reply: { readonly raw: ServerResponse }) =>
      answerBadPath(reply.raw, request.id),
    forceCloseConnections: true,
    http: { headersTimeout, connectionsCheckingInterval, maxHeaderSize },
  })
  const server = adapter.getInstance<FastifyInstance>()
  server.server.maxHeadersCount = HTTP_LIMITS.maxHeadersCount
  MethodTable.of(server)
  streamUploads(server)
  adapter.useBodyParser('application/json', false, { bodyLimit: BODY_BYTES_MAX }, (_request, body, done) => {
    try {
      done(null, body.length === 0 ? undefined : parseJson(body as Buffer))
    } catch (failure) {
      done(failure as Error)
    }
  })
  adapter.useBodyParser('application/octet-stream', false, { bodyLimit: BODY_BYTES_MAX }, (_request, body, done) =>
    done(null, body),
  )
  server.addHook('onRequest', (request, reply, done) => {
    reply.headers(securityHeaders(request.url))
    done()
  })
  server.addHook('onResponse', (request, reply, done) => {
    const labels = {
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: String(reply.statusCode),
    }
    duration.observe(labels, reply.elapsedTime / 1000)
    done()
  })
  return adapter
}

/** The caller's W3C trace id where there is one, so that a request can be followed across systems. */
function traceIdOf({ headers }: { headers: IncomingMessage['headers'] }): string {
  const [, given] =
    /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(String(headers['traceparent'])) ?? []
  return given ?? randomBytes(16).toString('hex')
}

function securityHeaders(url: string): Record<string, string> {
  const page = url.startsWith('/api/docs')
  return {
    'content-security-policy': page
      ? "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; object-src 'none'"
      : "default-src 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  }
}

/** What Node's parser refuses never becomes a request: the answer is written to the socket by hand. */
function answerUnparsedRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const status = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400
  const reason = { 400: 'Bad Request', 408: 'Request Timeout', 431: 'Request Header Fields Too Large' }[status]
  const body = unroutedDocument(`This is not a well-formed HTTP request: ${reason}.`, status)
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: ${PROBLEM_CONTENT_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}

/** A path that cannot be decoded has no route and reaches no filter. */
function answerBadPath(response: ServerResponse, traceId: string): void {
  response.writeHead(400, { 'content-type': PROBLEM_CONTENT_TYPE })
  response.end(unroutedDocument('The path is not a valid URL path.', 400, traceId))
}

function unroutedDocument(detail: string, status: number, traceId = randomBytes(16).toString('hex')): string {
  return JSON.stringify({
    ...problemDocument(new Problem('invalid-request', detail), { instance: '', traceId }),
    status,
  })
}
