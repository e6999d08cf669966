/**
 * Samples as bytes. A block holds consecutive samples of one channel, little-endian, as the device gave
 * them; physical = value * gain + offset. Nothing on the way makes an object of a sample.
 */

/** f32: IEEE single precision. i16: signed 16 bit. */
export const SAMPLE_ENCODINGS = ['f32', 'i16'] as const
export type SampleEncoding = (typeof SAMPLE_ENCODINGS)[number]

export const BYTES_PER_SAMPLE: Readonly<Record<SampleEncoding, number>> = { f32: 4, i16: 2 }

/** Consecutive samples of all channels of a run. */
export interface SampleChunk {
  /** Index of the first sample since the start of OP. */
  readonly firstIndex: number
  /** Samples per channel. */
  readonly count: number
  readonly encoding: SampleEncoding
  /** One block per channel, in channel order, each `count * BYTES_PER_SAMPLE[encoding]` bytes. */
  readonly blocks: readonly Uint8Array[]
}

/** A channel of a run: one probe, sampled. */
export interface Channel {
  readonly index: number
  readonly label: string
  readonly unit: string
  readonly gain: number
  readonly offset: number
}

/** Number of samples per channel that a run of this length takes: max(1, floor(opTime * rate)). */
export function sampleCount(opTimeNs: number, sampleRateHz: number): number {
  return Math.max(1, Math.floor((opTimeNs * sampleRateHz) / 1e9))
}

/** A typed view of a block, copied only when its bytes are not aligned. The host must be little-endian. */
export function samplesOf(block: Uint8Array, encoding: SampleEncoding): Float32Array | Int16Array {
  const width = BYTES_PER_SAMPLE[encoding]
  const aligned = block.byteOffset % width === 0 ? block : new Uint8Array(block)
  const count = aligned.byteLength / width
  return encoding === 'f32'
    ? new Float32Array(aligned.buffer, aligned.byteOffset, count)
    : new Int16Array(aligned.buffer, aligned.byteOffset, count)
}
