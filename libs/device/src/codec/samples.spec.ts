import { samplesOf, type RunEvent } from '@lucihub/analog'
import fc from 'fast-check'
import { anabrid, type DaqData } from '../wire/messages.ts'
import { ChunkAssembler } from './assembly.ts'
import { decodeFinalValues, decodeSamples, encodeSamples, encodeValues } from './samples.ts'

type View = Float32Array | Float64Array | Int16Array | Int32Array | Uint16Array | Uint32Array

function message(fields: anabrid.DaqData.$Properties): DaqData {
  return anabrid.DaqData.decode(anabrid.DaqData.encode(fields).finish()) as DaqData
}

function raw(values: View, fields: Omit<anabrid.DaqData.$Properties, 'data'>): DaqData {
  return message({ data: new Uint8Array(values.buffer), ...fields })
}

function channelsOf(data: DaqData, channels: number): number[][] {
  const { blocks, encoding } = decodeSamples(data, channels)
  return blocks.map((block) => [...samplesOf(block, encoding)])
}

const UNSIGNED = anabrid.DataType.Integer.Signess.UNSIGNED
const shape = { sampleCount: 2, channelStride: 2 }

test.each<[string, View, anabrid.DataType.$Properties, string]>([
  ['float32', new Float32Array([1, 2, 3, 4]), { float_: { bitwidth: 32 } }, 'f32'],
  ['float64', new Float64Array([1, 2, 3, 4]), { float_: { bitwidth: 64 } }, 'f32'],
  ['int16', new Int16Array([1, 2, 3, 4]), { integer: { bitwidth: 16 } }, 'i16'],
  ['int32', new Int32Array([1, 2, 3, 4]), { integer: { bitwidth: 32 } }, 'f32'],
  ['uint16', new Uint16Array([1, 2, 3, 4]), { integer: { bitwidth: 16, signess: UNSIGNED } }, 'f32'],
  ['uint32', new Uint32Array([1, 2, 3, 4]), { integer: { bitwidth: 32, signess: UNSIGNED } }, 'f32'],
  ['float32 of untold width', new Float32Array([1, 2, 3, 4]), { float_: {} }, 'f32'],
  ['float64 of untold width', new Float64Array([1, 2, 3, 4]), { float_: {} }, 'f32'],
])('%s samples are split into channels', (_name, values, type, encoding) => {
  const data = raw(values, { ...shape, type })
  expect(channelsOf(data, 2)).toEqual([
    [1, 3],
    [2, 4],
  ])
  expect(decodeSamples(data, 2).encoding).toBe(encoding)
})

test('a stride wider than the channels is skipped over', () => {
  const data = raw(new Float32Array([1, 2, 3, 99, 4, 5, 6, 99]), {
    sampleCount: 2,
    channelStride: 4,
    type: { float_: { bitwidth: 32 } },
  })
  expect(channelsOf(data, 3)).toEqual([
    [1, 4],
    [2, 5],
    [3, 6],
  ])
})

test.each<[string, anabrid.DaqData.$Properties, number, string]>([
  [
    'fewer bytes than samples',
    { data: new Uint8Array(8), sampleCount: 4_000_000_000, channelStride: 1, type: { float_: { bitwidth: 32 } } },
    1,
    '4000000000 samples at a stride of 1 need 16000000000 bytes, there are 8',
  ],
  ['no type', { data: new Uint8Array(8), sampleCount: 2, channelStride: 1 }, 1, 'their type is unknown'],
  [
    'more channels than its stride',
    { data: new Uint8Array(8), sampleCount: 2, channelStride: 1, type: { float_: { bitwidth: 32 } } },
    2,
    '2 channels do not fit a stride of 1',
  ],
])('a message with %s is refused', (_name, fields, channels, detail) => {
  expect(() => decodeSamples(message(fields), channels)).toThrow(`A data message has impossible samples: ${detail}.`)
})

test('any range of any chunk comes back from the wire', () => {
  const block = fc.array(fc.float({ noNaN: true }), { minLength: 6, maxLength: 6 })
  fc.assert(
    fc.property(fc.array(block, { minLength: 1, maxLength: 8 }), fc.nat({ max: 5 }), (values, from) => {
      const blocks = values.map((samples) => new Uint8Array(new Float32Array(samples).buffer))
      const chunk = { firstIndex: 0, count: 6, encoding: 'f32' as const, blocks }
      const channels = [...values.keys()]
      const data = message(encodeSamples({ chunk, channels, from, count: 6 - from }))
      expect(channelsOf(data, channels.length)).toEqual(values.map((samples) => samples.slice(from)))
    }),
  )
})

test('16-bit chunks stay 16-bit on the wire', () => {
  const blocks = [new Int16Array([-32768, 1]), new Int16Array([7, 32767])].map(({ buffer }) => new Uint8Array(buffer))
  const data = message(
    encodeSamples({ chunk: { firstIndex: 0, count: 2, encoding: 'i16', blocks }, channels: [1, 0], from: 0, count: 2 }),
  )
  expect(decodeSamples(data, 2).encoding).toBe('i16')
  expect(channelsOf(data, 2)).toEqual([
    [7, 32767],
    [-32768, 1],
  ])
})

test('final values are machine units: raw integers get their gain and offset', () => {
  expect([...decodeFinalValues(message(encodeValues(new Float32Array([0.5, -1]))))]).toEqual([0.5, -1])
  const codes = raw(new Uint16Array([0, 16383]), {
    sampleCount: 1,
    channelStride: 2,
    type: { integer: { bitwidth: 16, signess: UNSIGNED } },
    channels: [
      { gain: -2.5 / 16383, offset: 1.25 },
      { gain: -2.5 / 16383, offset: 1.25 },
    ],
  })
  expect([...decodeFinalValues(codes)]).toEqual([1.25, -1.25])
})

function chunk(value: number, probes: readonly number[], count = 2): DaqData {
  const values = Float32Array.from(
    { length: count * probes.length },
    (_, index) => value + (index % probes.length) / 10,
  )
  return raw(values, {
    sampleCount: count,
    channelStride: probes.length,
    type: { float_: { bitwidth: 32 } },
    channels: probes.map((probe) => ({ probe })),
  })
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

test('a skipped number is a gap at once, and indices count on as if it had come', () => {
  const assembler = new ChunkAssembler([{ carrier: 'A', probes: [0] }])
  const add = (number: number) => brief(assembler.add({ carrier: 'A', number, data: chunk(number, [0]) }))
  expect(add(0)).toBe('s0:0')
  expect(add(3)).toBe('g1-3 s6:3')
  expect(add(4)).toBe('s8:4')
  expect(add(4)).toBe('')
  expect(add(1)).toBe('')
  expect(assembler.stale).toBe(2)
  expect(brief(assembler.finish())).toBe('')
  expect(add(4_294_967_295)).toBe('g5-4294967295 s8589934590:4294967296')
})

test('chunks that were lost before the first are a gap too', () => {
  const assembler = new ChunkAssembler([{ carrier: 'A', probes: [0] }])
  expect(brief(assembler.add({ carrier: 'A', number: 2, data: chunk(1, [0], 5) }))).toBe('g0-2 s10:1')
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
  expect(add('B', 2)).toBe('g1-2')
  expect(add('A', 2)).toBe('s4:22/12')
  expect(add('A', 3)).toBe('')
  expect(brief(assembler.finish())).toBe('g3-4')
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
