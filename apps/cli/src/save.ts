/** Writing files: whole or not at all, so that a broken download never passes for a result. */
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { TransportError, type ResultFormat } from '@lucihub/sdk'

/** Writes to `path` by way of a file beside it. */
export async function save(path: string, content: Response | string | Uint8Array): Promise<void> {
  const partial = `${path}.partial`
  try {
    await pipeline(content instanceof Response ? bodyOf(content) : Readable.from([content]), createWriteStream(partial))
    await rename(partial, path)
  } catch (failure) {
    await rm(partial, { force: true })
    throw failure
  }
}

/** The bytes of an answer. A connection that breaks is a TransportError. */
export async function* bodyOf(response: Response): AsyncGenerator<Uint8Array> {
  if (!response.body) return
  const bytes: AsyncIterator<Uint8Array> = Readable.fromWeb(response.body as ReadableStream<Uint8Array>)[
    Symbol.asyncIterator
  ]()
  for (;;) {
    const next = await bytes.next().catch((cause: unknown) => {
      throw new TransportError('the measurements broke off', { cause })
    })
    if (next.done) return
    yield next.value
  }
}

/** The format that a file name asks for. */
export function formatOf(path: string): ResultFormat {
  if (/\.json$/i.test(path)) return 'json'
  return /\.(raw|bin|f32)$/i.test(path) ? 'raw' : 'csv'
}
