/** The body of `POST /runs` as YAML: from here on a submission as any other, with warnings beside it. */
import { Problem } from '@lucihub/analog'
import type { FastifyRequest } from 'fastify'
import { readTwoDocuments } from './two-documents.ts'

const warnings = new WeakMap<FastifyRequest, readonly string[]>()

/** Problem `unsupported-media-type` on every other route, and those of the file. */
export function yamlSubmission(
  request: FastifyRequest,
  body: Uint8Array,
  environment: Readonly<Record<string, string>>,
): unknown {
  if (request.method !== 'POST' || request.routeOptions.url !== '/api/v1/runs')
    throw new Problem('unsupported-media-type', 'Send the body as application/json.')
  const { recipe } = request.query as { readonly recipe?: unknown }
  const text = utf8(body)
  const read = readTwoDocuments(text, { recipe: typeof recipe === 'string' ? recipe : '', environment })
  warnings.set(request, read.warnings)
  return read.submission
}

/** What people should know about a submission that was accepted, as a header; empty when there is nothing. */
export function warningsOf(request: FastifyRequest): string {
  return (warnings.get(request) ?? []).map((text) => JSON.stringify(text)).join(', ')
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new Problem('invalid-request', 'The body is not UTF-8.', { cause })
  }
}
