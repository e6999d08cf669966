/**
 * Bodies that are not parsed but read as they come: those of routes marked with {@link Upload}, whatever type they say.
 * Fastify chooses a parser by content type for all routes alike, so such a request is given a type of our own before it
 * is parsed, whose parser hands the stream on. What the client said is remembered.
 */
import { RouteConfig } from '@nestjs/platform-fastify'
import { Problem, invariant } from '@lucihub/analog'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Readable } from 'node:stream'

/** The longest that an upload may take; Node counts it for every request. */
export const UPLOAD_TIMEOUT_MS = 3_600_000
/** Bodies that are parsed have to arrive within this. */
const BODY_TIMEOUT_MS = 30_000
const STREAMED = 'application/vnd.lucihub.streamed'
const DEFAULT_TYPE = 'application/octet-stream'

const saidTypes = new WeakMap<FastifyRequest, string>()

/** The route reads its body itself, with {@link uploadOf}. */
export const Upload = () => RouteConfig({ upload: true })

/** The body of an upload and the type that the client gave it. Read it, or `resume()` it. */
export function uploadOf(request: FastifyRequest): { readonly body: Readable; readonly contentType: string } {
  const contentType = saidTypes.get(request)
  invariant(contentType !== undefined, 'only routes marked with Upload ask for a stream')
  return { body: request.body as Readable, contentType }
}

/** Before the first route. */
export function streamUploads(server: FastifyInstance): void {
  server.addHook('onRequest', (request, _reply, done) => {
    if (isUpload(request)) {
      saidTypes.set(request, request.raw.headers['content-type'] ?? DEFAULT_TYPE)
      request.raw.headers['content-type'] = STREAMED
    } else if (hasBody(request)) limitTime(request)
    done()
  })
  server.addContentTypeParser(STREAMED, (request, payload, done) => {
    if (isUpload(request)) done(null, payload)
    else done(new Problem('unsupported-media-type', 'Send the body as application/json.'))
  })
}

function isUpload(request: FastifyRequest): boolean {
  // A request without a route has no settings, whatever the types say.
  const config: object | undefined = request.routeOptions.config
  return config !== undefined && 'upload' in config
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function limitTime({ raw }: FastifyRequest): void {
  const timer = setTimeout(() => raw.destroy(), BODY_TIMEOUT_MS)
  const stop = (): void => clearTimeout(timer)
  raw.once('end', stop).once('close', stop)
}
