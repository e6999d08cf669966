import { samplesOf } from '@lucihub/analog'
import fc from 'fast-check'
import { anabrid, type DaqData } from '../wire/messages.ts'
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
