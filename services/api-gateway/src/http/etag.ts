import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'

/**
 * Gives the resource an ETag of its content: weak, as it is sent in more than one coding. Undefined, with status 304, when the
 * client has it already.
 */
export function unlessKnown<T extends object>(
  request: FastifyRequest,
  reply: FastifyReply,
  resource: T,
): T | undefined {
  const tag = `"${createHash('sha256').update(JSON.stringify(resource)).digest('base64url').slice(0, 22)}"`
  reply.headers({ etag: `W/${tag}`, 'cache-control': 'private, no-cache' })
  const known = request.headers['if-none-match']?.split(',').map((entry) => entry.trim().replace(/^W\//, ''))
  if (!known?.includes(tag) && !known?.includes('*')) return resource
  reply.code(304)
  return undefined
}
