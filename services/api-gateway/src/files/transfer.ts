/** Files between an HTTP body and the store: part by part, so that one part at a time is in memory. */
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { Problem, invariant } from '@lucihub/analog'
import { store, type Actor, type CommitUploadReply, type FileOwner, type StoredFile } from '@lucihub/contracts'
import type { Bus } from '@lucihub/messaging'
import type { ByteRange } from './range.ts'

export interface UploadAddress {
  readonly actor: Actor
  readonly owner: FileOwner
  readonly name: string
}

/** Reads the body to its end and makes a version of it. Problems: those of the store; `too-large`. */
export async function receive(
  bus: Bus,
  { actor, owner, name }: UploadAddress,
  { body, contentType }: { readonly body: Readable; readonly contentType: string },
): Promise<CommitUploadReply> {
  const { uploadId, partBytes, maxBytes } = await bus.call(store.beginUpload, { actor, owner, name })
  const hash = createHash('sha256')
  let size = 0
  let number = 0
  for await (const content of parts(body, partBytes)) {
    size += content.length
    if (size > maxBytes) throw new Problem('too-large', `A file may have at most ${maxBytes} bytes.`)
    hash.update(content)
    await bus.call(store.appendUpload, { uploadId, number, content })
    number += 1
  }
  const sha256 = hash.digest()
  return bus.call(store.commitUpload, { actor, uploadId, owner, name, size, sha256, contentType, role: '' })
}

/** The bytes of a file from the store; the range is not empty unless the file is. */
export async function* send(
  bus: Bus,
  actor: Actor,
  { file, range }: { readonly file: StoredFile; readonly range: ByteRange },
): AsyncGenerator<Uint8Array> {
  for (let offset = range.from; offset < range.to;) {
    const { content } = await bus.call(store.readFilePart, { actor, fileId: file.id, offset })
    invariant(content.length > 0, `file ${file.id} has ${file.size} bytes`)
    yield content.subarray(0, range.to - offset)
    offset += content.length
  }
}

/** The body in parts of one length; the last may be shorter. A part is overwritten by the next. */
async function* parts(body: Readable, length: number): AsyncGenerator<Uint8Array> {
  const part = Buffer.allocUnsafe(length)
  let filled = 0
  try {
    // A body that is not read to its end must not be destroyed: its connection carries the answer.
    for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length;) {
        const copied = chunk.copy(part, filled, at)
        filled += copied
        at += copied
        if (filled < length) continue
        yield part
        filled = 0
      }
    }
  } catch (cause) {
    if (cause instanceof Problem || !body.destroyed) throw cause
    throw new Problem('invalid-request', 'The body broke off before its end.', { cause })
  }
  if (filled > 0) yield part.subarray(0, filled)
}
