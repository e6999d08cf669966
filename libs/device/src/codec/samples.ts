/**
 * Samples on the wire are sample-major and interleaved, ours are one block per channel. Both directions run
 * over typed arrays; nothing here makes an object of a sample. The host must be little-endian.
 */
import { Problem, invariant, samplesOf, type SampleChunk, type SampleEncoding } from '@lucihub/analog'
import { anabrid, type DaqData } from '../wire/messages.ts'

type Numbers = Float32Array | Float64Array | Int16Array | Int32Array | Uint16Array | Uint32Array
type NumbersType = {
  new (buffer: ArrayBufferLike, offset: number, length: number): Numbers
  readonly BYTES_PER_ELEMENT: number
}

/** The values of one data message, not yet split into channels. */
interface Interleaved {
  readonly values: Numbers
  readonly count: number
  readonly stride: number
}

/** One block per channel of the message, in its order, and how they are encoded. */
export interface DecodedSamples {
  readonly count: number
  readonly encoding: SampleEncoding
  readonly blocks: readonly Uint8Array[]
}

/**
 * Splits a message into blocks of its first `channels` channels. int16 stays i16; every other type becomes
 * f32, which is exact for uint16 and float32 and rounds float64 and 32-bit integers.
 * Throws a Problem `invalid-request` when the message contradicts itself.
 */
export function decodeSamples(data: DaqData, channels: number): DecodedSamples {
  const { values, count, stride } = interleaved(data)
  if (channels > stride) throw contradiction(`${channels} channels do not fit a stride of ${stride}`)
  const encoding = values instanceof Int16Array ? 'i16' : 'f32'
  const blocks = Array.from({ length: channels }, (_, channel) => {
    const block = encoding === 'i16' ? new Int16Array(count) : new Float32Array(count)
    for (let s = 0, at = channel; s < count; s++, at += stride) block[s] = values[at] ?? 0
    return new Uint8Array(block.buffer)
  })
  return { count, encoding, blocks }
}

/** The one vector of a run's final values, in machine units; integers are raw ADC codes and get their channel's gain and offset. */
export function decodeFinalValues(data: DaqData): Float32Array {
  const { values, count, stride } = interleaved(data)
  if (count === 0) return new Float32Array(0)
  const raw = !(values instanceof Float32Array || values instanceof Float64Array)
  return Float32Array.from({ length: stride }, (_, index) => {
    const value = values[index] ?? 0
    const channel = raw ? data.channels[index] : undefined
    return channel ? value * channel.gain + channel.offset : value
  })
}

function interleaved(data: DaqData): Interleaved {
  const count = data.sampleCount
  const stride = data.channelStride > 0 ? data.channelStride : Math.max(1, data.channels.length)
  if (count === 0) return { values: new Float32Array(0), count, stride }
  const type = numbersType(data, data.data.byteLength / (count * stride))
  const bytes = count * stride * type.BYTES_PER_ELEMENT
  if (bytes > data.data.byteLength) {
    throw contradiction(
      `${count} samples at a stride of ${stride} need ${bytes} bytes, there are ${data.data.byteLength}`,
    )
  }
  const aligned = data.data.byteOffset % type.BYTES_PER_ELEMENT === 0 ? data.data : Uint8Array.from(data.data)
  return { values: new type(aligned.buffer, aligned.byteOffset, count * stride), count, stride }
}

/** By the bit width where the message gives it in bits, else by the room that each value has. */
function numbersType({ type }: DaqData, bytesEach: number): NumbersType {
  const width = (bits: number, allowed: readonly number[]) => (allowed.includes(bits) ? bits : bytesEach * 8)
  if (type?.float_) {
    const bits = width(type.float_.bitwidth, [32, 64])
    if (bits === 32) return Float32Array
    if (bits === 64) return Float64Array
  }
  if (type?.integer) {
    const bits = width(type.integer.bitwidth, [16, 32])
    const signed = type.integer.signess === anabrid.DataType.Integer.Signess.SIGNED
    if (bits === 16) return signed ? Int16Array : Uint16Array
    if (bits === 32) return signed ? Int32Array : Uint32Array
  }
  throw contradiction('their type is unknown')
}

function contradiction(detail: string): Problem {
  return new Problem('invalid-request', `A data message has impossible samples: ${detail}.`)
}

/** A range of samples of some channels of a chunk. */
export interface SampleRange {
  readonly chunk: SampleChunk
  /** Blocks to take, in the order of the message. */
  readonly channels: readonly number[]
  /** First sample within the chunk. */
  readonly from: number
  readonly count: number
}

/** Interleaves a range of a chunk for the wire: float32 or int16, as the chunk has it. */
export function encodeSamples({ chunk, channels, from, count }: SampleRange): anabrid.DaqData.$Properties {
  const stride = channels.length
  const values = chunk.encoding === 'i16' ? new Int16Array(count * stride) : new Float32Array(count * stride)
  channels.forEach((channel, position) => {
    const block = chunk.blocks[channel]
    invariant(block, `a chunk of ${chunk.blocks.length} blocks has no channel ${channel}`)
    const source = samplesOf(block, chunk.encoding)
    for (let s = 0, at = position; s < count; s++, at += stride) values[at] = source[from + s] ?? 0
  })
  return {
    data: new Uint8Array(values.buffer),
    type: chunk.encoding === 'i16' ? { integer: { bitwidth: 16 } } : { float_: { bitwidth: 32 } },
    sampleCount: count,
    channelStride: stride,
  }
}

/** One vector of values as a data message. */
export function encodeValues(values: Float32Array): anabrid.DaqData.$Properties {
  return {
    data: new Uint8Array(values.slice().buffer),
    type: { float_: { bitwidth: 32 } },
    sampleCount: 1,
    channelStride: values.length,
  }
}
