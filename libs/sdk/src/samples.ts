/** Measurements as typed arrays, out of the raw format: float32 little-endian, channel after channel. */
import { TransportError } from './failure.ts'
import type { ChannelList } from './resources.ts'

export interface SampledChannel {
  readonly index: number
  readonly label: string
  readonly unit: string
  /** Physical values. Sample i is at (firstIndex + i) / sampleRateHz seconds of op time. */
  readonly values: Float32Array
}

export interface Samples {
  readonly firstIndex: number
  readonly sampleRateHz: number
  /** Problem time units per second of op time; 0 when unknown. */
  readonly problemTimePerSecond: number
  readonly channels: readonly SampledChannel[]
}

/** Cuts a raw answer at its channels. The headers say which they are and how many samples each has. */
export async function splitChannels(response: Response, list: ChannelList): Promise<Samples> {
  const indices = (response.headers.get('lucihub-channels') ?? '').split(',').filter(Boolean).map(Number)
  const count = Number(response.headers.get('lucihub-samples'))
  const bytes = await response.arrayBuffer().catch((cause: unknown) => {
    throw new TransportError('the measurements broke off', { cause })
  })
  if (bytes.byteLength !== indices.length * count * 4) {
    throw new TransportError(`expected ${indices.length} channels of ${count} samples, got ${bytes.byteLength} bytes`)
  }
  return {
    firstIndex: Number(response.headers.get('lucihub-first-index')),
    sampleRateHz: list.sampleRateHz,
    problemTimePerSecond: list.problemTimePerSecond,
    channels: indices.map((index, place) => ({
      index,
      label: list.channels[index]?.label ?? String(index),
      unit: list.channels[index]?.unit ?? '',
      values: float32(bytes, place * count * 4, count),
    })),
  }
}

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

function float32(bytes: ArrayBuffer, start: number, count: number): Float32Array {
  if (LITTLE_ENDIAN) return new Float32Array(bytes, start, count)
  const view = new DataView(bytes, start, count * 4)
  return Float32Array.from({ length: count }, (_, i) => view.getFloat32(i * 4, true))
}
