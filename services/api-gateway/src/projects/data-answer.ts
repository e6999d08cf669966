/** Data as an HTTP resource: the object itself, its version in a header. */
import type { DataReply } from '@lucihub/contracts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { unlessKnown } from '../http/etag.ts'

export type Data = Readonly<Record<string, unknown>>

export function dataAnswer(request: FastifyRequest, reply: FastifyReply, { dataJson, dataVersion }: DataReply) {
  reply.header('lucihub-data-version', String(dataVersion))
  const data = dataOf(dataJson)
  const unknown = unlessKnown(request, reply, data)
  if (request.method === 'GET') return unknown
  reply.code(200) // Only a reader may have it already.
  return data
}

/** Null where the store left it out. */
export function dataOf(json: string): Data {
  return JSON.parse(json) as Data
}

/** As it travels on the bus; empty for none. */
export function jsonOf(value: unknown): string {
  return value === undefined || value === null ? '' : JSON.stringify(value)
}
