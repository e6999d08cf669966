/** The live view of fresh samples: minimum and maximum per bucket, in physical units, small enough for every viewer. */
import { samplesOf, type Channel, type SampleEncoding } from '@lucihub/analog'
import type { LiveSamples } from '@lucihub/contracts'

/** Buckets per second of op time and channel. */
export const VIEW_POINTS_PER_SECOND = 1_000
/** Buckets per channel in one frame, for devices that are faster than real time. */
export const FRAME_BUCKETS_MAX = 250

/** A chunk as it came, one block per channel. */
export interface RawChunk {
  readonly seq: number
  readonly firstIndex: number
  readonly count: number
  readonly encoding: SampleEncoding
  readonly blocks: readonly Uint8Array[]
}

/** One view per stretch of consecutive chunks, with the seq of its last chunk. `chunks` in the order of their indices. */
export function decimate(
  chunks: readonly RawChunk[],
  { channels, sampleRateHz }: { readonly channels: readonly Channel[]; readonly sampleRateHz: number },
): { readonly seq: number; readonly samples: LiveSamples }[] {
  return stretchesOf(chunks).flatMap((stretch) => {
    const [head] = stretch
    if (!head) return []
    const count = stretch.reduce((sum, chunk) => sum + chunk.count, 0)
    const bucket = Math.max(Math.ceil(sampleRateHz / VIEW_POINTS_PER_SECOND), Math.ceil(count / FRAME_BUCKETS_MAX))
    const views = channels.map((channel) => bucketsOf(stretch, { channel, count, bucket }))
    return [
      {
        seq: Math.max(...stretch.map((chunk) => chunk.seq)),
        samples: { firstIndex: head.firstIndex, bucket, count, channels: views },
      },
    ]
  })
}

function bucketsOf(
  stretch: readonly RawChunk[],
  { channel, count, bucket }: { channel: Channel; count: number; bucket: number },
): Uint8Array {
  const pairs = new Float32Array(2 * Math.ceil(count / bucket))
  for (let pair = 0; pair < pairs.length; pair += 2) pairs.set([Infinity, -Infinity], pair)
  let index = 0
  for (const { encoding, blocks } of stretch) {
    const values = samplesOf(blocks[channel.index] ?? new Uint8Array(), encoding)
    // Bucket by bucket over raw values: the loop that every sample passes does nothing but compare.
    for (let at = 0; at < values.length;) {
      const pair = 2 * Math.floor((index + at) / bucket)
      const end = Math.min(values.length, (pair / 2 + 1) * bucket - index)
      let min = pairs[pair] as number
      let max = pairs[pair + 1] as number
      for (; at < end; at++) {
        const value = values[at] as number
        if (value < min) min = value
        if (value > max) max = value
      }
      pairs[pair] = min
      pairs[pair + 1] = max
    }
    index += values.length
  }
  return new Uint8Array(physical(pairs, channel).buffer)
}

/** Raw pairs become physical in place; a negative gain turns them round. A bucket without a number stays (Infinity, -Infinity). */
function physical(pairs: Float32Array, { gain, offset }: Channel): Float32Array {
  for (let pair = 0; pair < pairs.length; pair += 2) {
    const [min, max] = [pairs[pair] as number, pairs[pair + 1] as number]
    if (min > max) continue
    pairs[pair] = (gain < 0 ? max : min) * gain + offset
    pairs[pair + 1] = (gain < 0 ? min : max) * gain + offset
  }
  return pairs
}

function stretchesOf(chunks: readonly RawChunk[]): RawChunk[][] {
  const stretches: RawChunk[][] = []
  let last: RawChunk | undefined
  for (const chunk of chunks) {
    if (last && last.firstIndex + last.count === chunk.firstIndex) stretches.at(-1)?.push(chunk)
    else stretches.push([chunk])
    last = chunk
  }
  return stretches
}
