/**
 * Pages: consecutive samples of one channel in one row, with their pyramid. Chunks that follow each other in a
 * batch are joined; a page never crosses a multiple of 16 384, so that a reader knows how far back to look.
 * The pyramid holds minimum and maximum (f32, raw values) of every 64 and every 512 samples, on a grid that
 * starts at sample 0 of the run, not of the page: entry k covers samples k*64 to k*64+63, as far as the page has
 * them. So the entries of neighbouring pages can be merged, and a plot on that grid is exact.
 */
import { BYTES_PER_SAMPLE, samplesOf, type SampleEncoding } from '@lucihub/analog'
import type { Chunk } from './entry.ts'

export const PAGE_SAMPLES = 16_384
export const LEVELS = [64, 512] as const
export type Level = (typeof LEVELS)[number]

export interface Page {
  readonly channel: number
  readonly firstIndex: number
  readonly count: number
  readonly encoding: SampleEncoding
  readonly samples: Buffer
  readonly level64: Float32Array
  readonly level512: Float32Array
}

/** The pages of chunks that are sorted by first index and do not overlap. */
export function pagesOf(chunks: readonly Chunk[]): Page[] {
  return spansOf(chunks).flatMap((span) => {
    const [head] = span
    if (!head) return []
    const end = head.firstIndex + span.reduce((sum, chunk) => sum + chunk.count, 0)
    const pages: Page[] = []
    for (let from = head.firstIndex; from < end;) {
      const to = Math.min(end, (Math.floor(from / PAGE_SAMPLES) + 1) * PAGE_SAMPLES)
      for (let channel = 0; channel < head.blocks.length; channel++)
        pages.push(pageOf(span, { channel, from, to, encoding: head.encoding }))
      from = to
    }
    return pages
  })
}

/** Pairs of minimum and maximum per `level` samples on the run's grid. Entries without a number are (Infinity, -Infinity). */
export function pyramidOf(samples: Float32Array | Int16Array, firstIndex: number, level: number): Float32Array {
  const origin = Math.floor(firstIndex / level)
  const entries = new Float32Array(2 * (Math.floor((firstIndex + samples.length - 1) / level) - origin + 1))
  let at = 0
  for (let entry = 0; entry < entries.length; entry += 2) {
    const end = Math.min(samples.length, (origin + entry / 2 + 1) * level - firstIndex)
    let min = Infinity
    let max = -Infinity
    for (; at < end; at++) {
      const value = samples[at] as number
      if (value < min) min = value
      if (value > max) max = value
    }
    entries[entry] = min
    entries[entry + 1] = max
  }
  return entries
}

/** A coarser pyramid out of a finer one whose first entry has the number `origin`. */
export function coarser(fine: Float32Array, origin: number, factor: number): Float32Array {
  const first = Math.floor(origin / factor)
  const entries = new Float32Array(2 * (Math.floor((origin + fine.length / 2 - 1) / factor) - first + 1))
  for (let entry = 0; entry < entries.length; entry += 2) {
    entries[entry] = Infinity
    entries[entry + 1] = -Infinity
  }
  for (let entry = 0; entry < fine.length; entry += 2) {
    const target = 2 * (Math.floor((origin + entry / 2) / factor) - first)
    entries[target] = Math.min(entries[target] as number, fine[entry] as number)
    entries[target + 1] = Math.max(entries[target + 1] as number, fine[entry + 1] as number)
  }
  return entries
}

function pageOf(
  span: readonly Chunk[],
  { channel, from, to, encoding }: { channel: number; from: number; to: number; encoding: SampleEncoding },
): Page {
  const samples = samplesFrom(span, { channel, from, to, encoding })
  const level64 = pyramidOf(samplesOf(samples, encoding), from, LEVELS[0])
  const level512 = coarser(level64, Math.floor(from / LEVELS[0]), LEVELS[1] / LEVELS[0])
  return { channel, firstIndex: from, count: to - from, encoding, samples, level64, level512 }
}

/** A view where one chunk has them all, which is the rule; else a copy. */
function samplesFrom(
  span: readonly Chunk[],
  { channel, from, to, encoding }: { channel: number; from: number; to: number; encoding: SampleEncoding },
): Buffer {
  const width = BYTES_PER_SAMPLE[encoding]
  const within = (chunk: Chunk, start: number, end: number): Uint8Array =>
    blockOf(chunk, channel).subarray((start - chunk.firstIndex) * width, (end - chunk.firstIndex) * width)
  const whole = span.find(({ firstIndex, count }) => firstIndex <= from && firstIndex + count >= to)
  if (whole) {
    const { buffer, byteOffset, byteLength } = within(whole, from, to)
    return Buffer.from(buffer, byteOffset, byteLength)
  }
  const samples = Buffer.allocUnsafe((to - from) * width)
  for (const chunk of span) {
    const start = Math.max(from, chunk.firstIndex)
    const end = Math.min(to, chunk.firstIndex + chunk.count)
    if (start < end) samples.set(within(chunk, start, end), (start - from) * width)
  }
  return samples
}

function blockOf(chunk: Chunk, channel: number): Uint8Array {
  const block = chunk.blocks[channel]
  if (!block) throw new RangeError(`a chunk without channel ${channel}`)
  return block
}

/** Longest sequences of chunks that follow each other without a hole in one encoding. */
function spansOf(chunks: readonly Chunk[]): Chunk[][] {
  const spans: Chunk[][] = []
  let last: Chunk | undefined
  for (const chunk of chunks) {
    const follows = last && last.firstIndex + last.count === chunk.firstIndex && last.encoding === chunk.encoding
    if (follows) spans.at(-1)?.push(chunk)
    else spans.push([chunk])
    last = chunk
  }
  return spans
}
