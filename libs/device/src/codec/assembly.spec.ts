/** Messages put together: in order and out of it, lost, doubled, from several carriers. */
import { samplesOf, type RunEvent } from '@lucihub/analog'
import fc from 'fast-check'
import type { DaqData } from '../wire/messages.ts'
import { ChunkAssembler, REORDERED_CHUNKS_MAX } from './assembly.ts'

function chunk(value: number, probes: readonly number[], count = 2): DaqData {
  const values = Float32Array.from(
    { length: count * probes.length },
    (_, index) => value + (index % probes.length) / 10,
  )
  return {
    data: new Uint8Array(values.buffer),
    type: { kind: 'float_', float_: { bitwidth: 32 } },
    channels: probes.map((probe) => ({ idx: 0, gain: 1, offset: 0, probe })),
    sampleCount: count,
    channelStride: probes.length,
  }
}

/** An event as text: `s<firstIndex>:<first sample of each block>` or `g<from>-<to>`. */
function brief(events: readonly RunEvent[]): string {
  const texts = events.map((event) => {
    if (event.kind === 'gap') return `g${event.fromChunk}-${event.toChunk}`
    if (event.kind !== 'samples') return event.kind
    return `s${event.chunk.firstIndex}:${event.chunk.blocks.map((block) => Number(samplesOf(block, 'f32')[0]?.toFixed(1))).join('/')}`
  })
  return texts.join(' ')
}

test('blocks come in probe order, however the device orders its channels', () => {
  const assembler = new ChunkAssembler([{ carrier: 'A', probes: [2, 0, 1] }])
  expect(brief(assembler.add({ carrier: 'A', number: 0, data: chunk(1, [2, 0, 1]) }))).toBe('s0:1.1/1.2/1')
})

test('a skipped number is waited for as long as messages may be overtaken, then it is a gap, and indices count on', () => {
  const assembler = new ChunkAssembler([{ carrier: 'A', probes: [0] }])
  const add = (number: number) => brief(assembler.add({ carrier: 'A', number, data: chunk(number, [0]) }))
  expect(add(0)).toBe('s0:0')
  expect(add(2)).toBe('')
  expect(add(1)).toBe('s2:1 s4:2')
  for (let number = 5; number < 3 + REORDERED_CHUNKS_MAX; number++) expect(add(number)).toBe('')
  expect(add(3 + REORDERED_CHUNKS_MAX)).toBe('g3-4')
  expect(add(5 + REORDERED_CHUNKS_MAX)).toMatch(/^g4-5 s10:5 s12:6 /)
  expect(add(3)).toBe('')
  expect(add(5 + REORDERED_CHUNKS_MAX)).toBe('')
  expect(assembler.stale).toBe(2)
  expect(brief(assembler.finish())).toBe(`g${4 + REORDERED_CHUNKS_MAX}-${5 + REORDERED_CHUNKS_MAX} s74:37`)
})

test('chunks that were lost before the first are a gap too', () => {
  const assembler = new ChunkAssembler([{ carrier: 'A', probes: [0] }])
  expect(brief(assembler.add({ carrier: 'A', number: 2, data: chunk(1, [0], 5) }))).toBe('')
  expect(brief(assembler.finish())).toBe('g0-2 s10:1')
})

test('what is missing at the end is a gap when it is known how much there was to be', () => {
  const assembler = new ChunkAssembler([{ carrier: 'A', probes: [0] }])
  const add = (number: number, count: number) =>
    brief(assembler.add({ carrier: 'A', number, data: chunk(number, [0], count) }))
  expect(add(0, 10)).toBe('s0:0')
  expect(brief(assembler.finish(31))).toBe('g1-4')
  expect(add(4, 10)).toBe('s0:4')
  expect(add(5, 3)).toBe('s10:5')
  expect(brief(assembler.finish(13))).toBe('')
  expect(brief(new ChunkAssembler([{ carrier: 'A', probes: [0] }]).finish(100))).toBe('g0-1')
  expect(brief(new ChunkAssembler([]).finish(100))).toBe('')
})

test('carriers are joined by chunk number; what one of them passed over is lost', () => {
  const assembler = new ChunkAssembler([
    { carrier: 'A', probes: [1] },
    { carrier: 'B', probes: [0] },
  ])
  const add = (carrier: string, number: number) =>
    brief(
      assembler.add({
        carrier,
        number,
        data: chunk(carrier === 'A' ? 10 + number : 20 + number, [carrier === 'A' ? 1 : 0]),
      }),
    )
  expect(add('A', 0)).toBe('')
  expect(add('A', 1)).toBe('')
  expect(add('B', 0)).toBe('s0:20/10')
  expect(add('B', 2)).toBe('')
  expect(add('A', 2)).toBe('')
  expect(add('A', 3)).toBe('')
  expect(brief(assembler.finish())).toBe('g1-2 s4:22/12 g3-4')
})

test('every chunk is given out or said to be lost, in order and at its place, whatever happens on the way', () => {
  // Each message is lost, doubled or late by up to the bound: what is sent is sorted by when it arrives.
  const journey = fc.record({
    lost: fc.double({ min: 0, max: 1, noNaN: true }),
    late: fc.nat({ max: REORDERED_CHUNKS_MAX }),
    twice: fc.boolean(),
  })
  const carriers = [
    { carrier: 'A', probes: [0] },
    { carrier: 'B', probes: [1] },
  ]
  fc.assert(
    fc.property(
      fc.double({ min: 0.001, max: 0.05, noNaN: true }),
      fc.array(fc.tuple(journey, journey), { minLength: 1, maxLength: 200 }),
      (loss, journeys) => {
        const assembler = new ChunkAssembler(carriers)
        const arrivals = journeys.flatMap((pair, number) =>
          pair.flatMap(({ lost, late, twice }, c) => {
            const one = { carrier: c === 0 ? 'A' : 'B', probe: c, number, at: number + late }
            return lost < loss ? [] : twice ? [one, { ...one, at: number + 2 * late }] : [one]
          }),
        )
        const events = arrivals
          .toSorted((a, b) => a.at - b.at || a.number - b.number)
          .flatMap(({ carrier, probe, number }) => assembler.add({ carrier, number, data: chunk(number, [probe]) }))
        events.push(...assembler.finish(2 * journeys.length))
        // Of a run that was lost whole nobody knows in how many chunks it came.
        if (arrivals.length === 0) return expect(brief(events)).toBe('g0-1')
        let next = 0
        for (const event of events) {
          if (event.kind === 'gap') {
            expect(event.fromChunk).toBe(next)
            next = event.toChunk
          } else if (event.kind === 'samples') {
            expect(event.chunk.firstIndex).toBe(2 * next)
            expect(Math.round(samplesOf(event.chunk.blocks[0] ?? new Uint8Array(), 'f32')[0] ?? NaN)).toBe(next)
            next += 1
          }
        }
        expect(next).toBe(journeys.length)
        const whole = journeys.filter((pair) => pair.every(({ lost }) => lost >= loss)).length
        expect(events.filter(({ kind }) => kind === 'samples')).toHaveLength(whole)
      },
    ),
  )
})

test('a device that sends more than the run has time for is flooding, as one that skips more than that', () => {
  const bounded = () => new ChunkAssembler([{ carrier: 'A', probes: [0] }], 100)
  const assembler = bounded()
  for (let number = 0; number < 50; number++) assembler.add({ carrier: 'A', number, data: chunk(0, [0]) })
  expect(() => assembler.add({ carrier: 'A', number: 50, data: chunk(0, [0]) })).toThrow(
    'More samples came than the run has time for: over 100.',
  )
  expect(() => bounded().add({ carrier: 'A', number: 4_294_967_295, data: chunk(0, [0]) })).toThrow(
    'More samples came than the run has time for: over 100.',
  )
})

test('what waits is bounded in bytes too', () => {
  const assembler = new ChunkAssembler([
    { carrier: 'A', probes: [1] },
    { carrier: 'B', probes: [0] },
  ])
  const large = chunk(0, [1], 60_000)
  for (let number = 0; number < 69; number++) assembler.add({ carrier: 'A', number, data: large })
  expect(() => assembler.add({ carrier: 'A', number: 69, data: large })).toThrow(
    'More than 16777216 bytes of samples wait for what is missing.',
  )
})

test('one carrier far behind the others ends the run, not the memory', () => {
  const assembler = new ChunkAssembler([
    { carrier: 'A', probes: [1] },
    { carrier: 'B', probes: [0] },
  ])
  for (let number = 0; number < 256; number++) assembler.add({ carrier: 'A', number, data: chunk(0, [1]) })
  expect(() => assembler.add({ carrier: 'A', number: 256, data: chunk(0, [1]) })).toThrow(
    'A carrier is 256 chunks behind the others.',
  )
})

test.each<[string, string, DaqData, string]>([
  ['of an unknown carrier', 'X', chunk(0, [0, 1]), '"X" sent samples but has no ADC channel configured.'],
  ['of other probes', 'A', chunk(0, [0, 2]), '"A" sent probes 0, 2 where 0, 1 were configured.'],
  ['of one probe twice', 'A', chunk(0, [0, 0]), '"A" sent probes 0, 0 where 0, 1 were configured.'],
])('samples %s are refused', (_name, carrier, data, message) => {
  const assembler = new ChunkAssembler([{ carrier: 'A', probes: [0, 1] }])
  expect(() => assembler.add({ carrier, number: 0, data })).toThrow(message)
})
