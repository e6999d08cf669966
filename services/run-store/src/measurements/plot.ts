/**
 * Plots: minimum and maximum per bucket. Buckets that are long enough are made of pyramid entries, which lie on
 * a grid of 64 or 512 samples; so the range is widened to that grid and buckets are whole numbers of entries.
 * What is answered is exact for the range and bucket that the answer names: the minimum of a bucket is the
 * minimum of its samples, no more and no less.
 */
import type { Channel } from '@lucihub/analog'
import type { Level } from '../journal/page.ts'

export interface PlotPlan {
  /** Widened to the grid of the level. */
  readonly from: number
  readonly to: number
  /** Samples per bucket; a multiple of the level. */
  readonly bucket: number
  /** Samples per entry that is read; 1: the samples themselves. */
  readonly level: 1 | Level
}

/**
 * The coarsest level that gives at least half of the points asked for: at most 32 samples are read per point
 * from the samples themselves, 4 entries per point from level 64, and from level 512 what the range needs.
 */
export function planOf({
  from,
  to,
  points,
  end,
}: {
  readonly from: number
  readonly to: number
  readonly points: number
  readonly end: number
}): PlotPlan {
  const ideal = Math.max(1, Math.ceil((to - from) / points))
  const level = ideal > 256 ? 512 : ideal > 32 ? 64 : 1
  const bucket = Math.max(1, Math.ceil(ideal / level)) * level
  return { from: Math.floor(from / level) * level, to: Math.min(end, Math.ceil(to / level) * level), bucket, level }
}

/** Collects one channel's buckets in raw values. */
export class Buckets {
  readonly minimum: Float64Array
  readonly maximum: Float64Array

  constructor(private readonly plan: PlotPlan) {
    const count = Math.ceil((plan.to - plan.from) / plan.bucket)
    this.minimum = new Float64Array(count).fill(Infinity)
    this.maximum = new Float64Array(count).fill(-Infinity)
  }

  addSamples(firstIndex: number, samples: Float32Array | Int16Array): void {
    for (let at = 0; at < samples.length; at++) this.add(firstIndex + at, samples[at] as number, samples[at] as number)
  }

  /** Entries of a page that starts at `firstIndex`; those outside the plan's range are left out. */
  addEntries(firstIndex: number, entries: Float32Array): void {
    const origin = Math.floor(firstIndex / this.plan.level) * this.plan.level
    for (let at = 0; at < entries.length; at += 2)
      this.add(origin + (at / 2) * this.plan.level, entries[at] as number, entries[at + 1] as number)
  }

  /** Physical values as little-endian f32; NaN for a bucket without samples. */
  physical({ gain, offset }: Channel): { readonly minimum: Uint8Array; readonly maximum: Uint8Array } {
    const [low, high] = gain < 0 ? [this.maximum, this.minimum] : [this.minimum, this.maximum]
    const empty = (at: number): boolean => (this.minimum[at] as number) > (this.maximum[at] as number)
    const bytes = (values: Float64Array): Uint8Array =>
      new Uint8Array(Float32Array.from(values, (value, at) => (empty(at) ? NaN : value * gain + offset)).buffer)
    return { minimum: bytes(low), maximum: bytes(high) }
  }

  private add(index: number, min: number, max: number): void {
    if (index < this.plan.from || index >= this.plan.to) return
    const bucket = Math.floor((index - this.plan.from) / this.plan.bucket)
    if (min < (this.minimum[bucket] as number)) this.minimum[bucket] = min
    if (max > (this.maximum[bucket] as number)) this.maximum[bucket] = max
  }
}
