/**
 * A checksum over every durable message as a whole: samples have their own, but an index, a manifest or a log line
 * that was damaged on its way would be believed. What fails is put aside; whoever waits for it has it sent again.
 */
import { crc32 } from 'node:zlib'
import { Problem } from '@lucihub/analog'
import type { HeldMessage } from './held-message.ts'

export const CHECKSUM_HEADER = 'Lh-Crc32'

/** CRC-32 in hexadecimal digits. */
export function checksumOf(bytes: Uint8Array): string {
  return crc32(bytes).toString(16)
}

/** Throws a Problem `invalid-request` for a message that is not what was sent. One without a checksum passes. */
export function refuseDamaged({ raw, bytes, identity }: HeldMessage): void {
  const expected = raw.headers?.get(CHECKSUM_HEADER) ?? ''
  if (expected !== '' && expected !== checksumOf(bytes))
    throw new Problem('invalid-request', `The message ${identity} was damaged on its way.`)
}
