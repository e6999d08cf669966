import { Readable } from 'node:stream'

/**
 * A body that is made while it is read. The first piece is made before the answer starts, so that a failure up to
 * there is still a problem document; a later one breaks the connection off, which no client takes for the end.
 */
export async function streamOf(pieces: AsyncGenerator<Uint8Array>): Promise<Readable> {
  const first = await pieces.next()
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      if (first.done) return
      yield first.value
      yield* pieces
    } finally {
      await pieces.return(undefined) // The client left: stop reading from the store.
    }
  }
  return Readable.from(all(), { objectMode: false, highWaterMark: 1 })
}
