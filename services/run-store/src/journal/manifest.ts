/**
 * Do the stored chunks amount to what the end record says? The digest of a channel is sha256 over the CRC-32
 * of its blocks in the order of their indices. Every block was checked against its CRC before it was stored,
 * so a digest that differs cannot be mended by sending anything again: the manifest is about other data.
 * Walking the chunks in order is also the proof that no two overlap; an exclusion constraint on ranges would
 * say the same at several times the cost of the insert.
 */
import { createHash } from 'node:crypto'
import type { ChannelManifest } from '@lucihub/contracts'

export interface StoredChunk {
  readonly first_index: number
  readonly count: number
  readonly checksums: Buffer
}

export interface Expectation {
  readonly channels: readonly ChannelManifest[]
  readonly numChannels: number
  /** Gaps were reported and are accepted: indices may have holes. */
  readonly holesAllowed: boolean
}

export interface Verification {
  /** Empty when everything agrees. */
  readonly mismatch: string
  /** 32 bytes per channel. */
  readonly digests: Buffer
}

/** `chunks` in the order of their first index. */
export function verify(
  chunks: readonly StoredChunk[],
  { channels, numChannels, holesAllowed }: Expectation,
): Verification {
  const hashes = Array.from({ length: numChannels }, () => createHash('sha256'))
  let next = 0
  let samples = 0
  let mismatch = ''
  for (const { first_index, count, checksums } of chunks) {
    if (first_index < next) mismatch ||= `samples ${first_index} to ${next} were stored twice`
    if (first_index > next && !holesAllowed) mismatch ||= `samples ${next} to ${first_index} are missing`
    next = first_index + count
    samples += count
    hashes.forEach((hash, channel) => hash.update(checksums.subarray(channel * 4, channel * 4 + 4)))
  }
  const digests = hashes.map((hash) => hash.digest())
  if (channels.length !== numChannels)
    mismatch ||= `the manifest has ${channels.length} channels instead of ${numChannels}`
  channels.forEach((manifest, channel) => {
    if (manifest.samples !== samples)
      mismatch ||= `channel ${channel} has ${samples} samples stored of ${manifest.samples}`
    else if (!digests[channel]?.equals(manifest.digest))
      mismatch ||= `channel ${channel} has another digest than its manifest`
  })
  return { mismatch, digests: Buffer.concat(digests) }
}
