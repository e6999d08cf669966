/**
 * Answers of JSON and CSV in gzip, for clients that take it. Numbers as text shrink to a third or less; samples as
 * bytes hardly do and files are sent as they lie, so those pass. A body that is streamed is compressed as a stream:
 * one small window per answer, made only as fast as the client reads. Level 1, as the network is seldom slower.
 */
import { Readable, pipeline } from 'node:stream'
import { promisify } from 'node:util'
import { constants, createGzip, gzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { takesCoding } from './accept.ts'

const MEDIA = /^(application\/(problem\+)?json|text\/csv)(;|$)/
/** Below, it would save no packet. */
const WORTH_BYTES = 1_400
const OPTIONS = { level: constants.Z_BEST_SPEED }
const compress = promisify(gzip)

export function compressAnswers(server: FastifyInstance): void {
  server.addHook('onSend', async (request, reply, payload: unknown) => {
    if (!isCompressible(reply)) return payload
    const whole = typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : null
    if (whole ? Buffer.byteLength(whole) < WORTH_BYTES : !(payload instanceof Readable)) return payload
    vary(reply)
    if (!takesCoding(request.headers['accept-encoding'], 'gzip')) return payload
    reply.removeHeader('content-length').header('content-encoding', 'gzip')
    if (whole) return compress(whole, OPTIONS)
    // Either end takes the other down, so a body that breaks off is never taken for a whole one.
    return pipeline(payload as Readable, createGzip(OPTIONS), () => {})
  })
}

/** Whatever can be asked for in ranges is a file: its bytes and their tag stay as they are. */
function isCompressible(reply: FastifyReply): boolean {
  const type = reply.getHeader('content-type')
  return (
    typeof type === 'string' &&
    MEDIA.test(type) &&
    !reply.hasHeader('accept-ranges') &&
    !reply.hasHeader('content-encoding')
  )
}

function vary(reply: FastifyReply): void {
  const names = String(reply.getHeader('vary') ?? '')
  reply.header('vary', names === '' ? 'accept-encoding' : `${names}, accept-encoding`)
}
