/** Samples from the store, slice by slice: a reader that takes its time makes the store wait, never this process grow. */
import { BYTES_PER_SAMPLE, invariant, samplesOf, type SampleEncoding } from '@lucihub/analog'
import { sampleEncoding, store, type ChannelInfo } from '@lucihub/contracts'
import type { Bus } from '@lucihub/messaging'

/** The most one reply may hold, samples. */
const SLICE_SAMPLES = 131_072

/** Whose run. */
export interface RunAddress {
  readonly ownerId: string
  /** Of whoever asks. */
  readonly role?: string
  readonly runId: string
}

export interface Slice {
  readonly firstIndex: number
  readonly encoding: SampleEncoding
  /** As they are stored, little-endian. */
  readonly bytes: Uint8Array
  readonly gain: number
  readonly offset: number
}

/** All of `fromIndex` to `toIndex` (exclusive). Throws when the store ends early: an answer is whole or breaks off. */
export async function* slices(
  bus: Bus,
  address: RunAddress & { readonly channel: number; readonly fromIndex: number; readonly toIndex: number },
): AsyncGenerator<Slice> {
  const { toIndex, fromIndex, ...run } = address
  let index = fromIndex
  while (index < toIndex) {
    const maxSamples = Math.min(SLICE_SAMPLES, toIndex - index)
    const reply = await bus.call(store.readSamples, { ...run, firstIndex: index, maxSamples })
    const encoding = reply.samples.length > 0 ? sampleEncoding.fromProto(reply.encoding) : 'f32'
    const count = reply.samples.length / BYTES_PER_SAMPLE[encoding]
    invariant(
      count > 0 && count <= maxSamples && reply.firstIndex === index,
      `samples ${index} to ${toIndex} of channel ${run.channel} are stored`,
    )
    yield { firstIndex: index, encoding, bytes: reply.samples, gain: reply.gain, offset: reply.offset }
    index += count
  }
}

/** Physical values of a slice. Stored float32 with gain 1 and offset 0 is not copied. */
export function physical({ bytes, encoding, gain, offset }: Slice): Float32Array {
  const samples = samplesOf(bytes, encoding)
  if (samples instanceof Float32Array && gain === 1 && offset === 0) return samples
  const values = new Float32Array(samples.length)
  for (let i = 0; i < values.length; i += 1) values[i] = (samples[i] ?? 0) * gain + offset
  return values
}

/** Physical values of one window of one channel, however many slices the store makes of it. */
export async function window(
  bus: Bus,
  address: RunAddress & { readonly channel: number; readonly fromIndex: number; readonly toIndex: number },
): Promise<Float32Array> {
  const parts: Float32Array[] = []
  for await (const slice of slices(bus, address)) parts.push(physical(slice))
  const [only] = parts
  if (only && parts.length === 1) return only
  const whole = new Float32Array(address.toIndex - address.fromIndex)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

export function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

/** The encoding of a channel; null while nothing is stored. */
export function encodingOf({ encoding, samples }: ChannelInfo): SampleEncoding | null {
  return samples > 0 ? sampleEncoding.fromProto(encoding) : null
}
