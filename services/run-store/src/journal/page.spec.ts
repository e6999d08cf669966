import fc from 'fast-check'
import { samplesOf, type SampleEncoding } from '@lucihub/analog'
import type { Chunk } from './entry.ts'
import { coarser, LEVELS, PAGE_SAMPLES, pagesOf, pyramidOf } from './page.ts'

/** Chunks of one channel whose sample i has the value i. */
function chunks(encoding: SampleEncoding, firstIndex: number, counts: readonly number[]): Chunk[] {
  let next = firstIndex
  return counts.map((count) => {
    const values = Array.from({ length: count }, (_, at) => next + at)
    const samples = encoding === 'f32' ? Float32Array.from(values) : Int16Array.from(values)
    const chunk = {
      firstIndex: next,
      count,
      encoding,
      blocks: [new Uint8Array(samples.buffer)],
      checksums: Buffer.alloc(4),
    }
    next += count
    return chunk
  })
}

test('chunks become pages that keep every sample, join what follows and never cross a page boundary', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<SampleEncoding>('f32', 'i16'),
      fc.integer({ min: 0, max: 20_000 }),
      fc.array(fc.integer({ min: 1, max: 6_000 }), { minLength: 1, maxLength: 6 }),
      (encoding, firstIndex, counts) => {
        const total = counts.reduce((a, b) => a + b)
        const pages = pagesOf(chunks(encoding, firstIndex, counts))
        expect(pages.length).toBe(
          Math.floor((firstIndex + total - 1) / PAGE_SAMPLES) - Math.floor(firstIndex / PAGE_SAMPLES) + 1,
        )
        const values = pages.flatMap((page) => [...samplesOf(page.samples, encoding)])
        expect(values).toEqual([
          ...samplesOf(
            Buffer.concat(chunks(encoding, firstIndex, counts).map(({ blocks }) => blocks[0] ?? Buffer.alloc(0))),
            encoding,
          ),
        ])
      },
    ),
    { numRuns: 30 },
  )
})

test('a hole or another encoding begins another page', () => {
  const pages = pagesOf([...chunks('f32', 0, [10, 10]), ...chunks('f32', 30, [5]), ...chunks('i16', 35, [5])])
  expect(pages.map(({ firstIndex, count, encoding }) => [firstIndex, count, encoding])).toEqual([
    [0, 20, 'f32'],
    [30, 5, 'f32'],
    [35, 5, 'i16'],
  ])
})

test('pyramid entries lie on the grid of the run, whatever a page starts at', () => {
  const samples = Float32Array.from({ length: 130 }, (_, at) => 60 + at)
  expect([...pyramidOf(samples, 60, 64)]).toEqual([60, 63, 64, 127, 128, 189])
  expect([...pyramidOf(Float32Array.of(NaN), 0, 64)]).toEqual([Infinity, -Infinity])
})

test('the coarse level made of the fine one is the one made of the samples', () => {
  const [fine, coarse] = LEVELS
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2_000 }),
      fc.array(fc.float({ noNaN: true }), { minLength: 1, maxLength: 1_500 }),
      (firstIndex, values) => {
        const samples = Float32Array.from(values)
        expect(coarser(pyramidOf(samples, firstIndex, fine), Math.floor(firstIndex / fine), coarse / fine)).toEqual(
          pyramidOf(samples, firstIndex, coarse),
        )
      },
    ),
    { numRuns: 50 },
  )
})
