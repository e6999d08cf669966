import { Problem } from '@lucihub/analog'
import fc from 'fast-check'
import { encodeFrame, FrameReader, MESSAGE_BYTES_MAX } from './framing.ts'
import { decodeEnvelope } from './messages.ts'

function framesOf(pieces: readonly Uint8Array[]): string[] {
  const reader = new FrameReader()
  return pieces.flatMap((piece) => [...reader.read(piece)].map((frame) => Buffer.from(frame).toString('hex')))
}

function varint(value: bigint): number[] {
  const bytes: number[] = []
  for (; value >= 0x80n; value >>= 7n) bytes.push(Number(value & 0x7fn) | 0x80)
  return [...bytes, Number(value)]
}

const frames = [
  encodeFrame({ generic: { pingCommand: {} } }),
  new Uint8Array([0]),
  encodeFrame({ messageV1: { id: 'a'.repeat(36), errorMessage: { description: 'x'.repeat(300) } } }),
  encodeFrame({ messageV1: { id: 'b', stopRunCommand: {} } }),
]
const stream = Buffer.concat(frames)
const whole = framesOf([stream])

test('a stream holds the frames that were written to it', () => {
  expect(whole).toHaveLength(4)
  expect(whole[0]).toBe('a20603a20600')
  expect(whole[1]).toBe('')
})

test('where the network cuts a stream makes no difference', () => {
  for (let cut = 0; cut <= stream.length; cut++) {
    expect(framesOf([stream.subarray(0, cut), stream.subarray(cut)])).toEqual(whole)
  }
  expect(framesOf([...stream].map((byte) => Uint8Array.of(byte)))).toEqual(whole)
})

test('a frame of the largest size passes, one byte more is refused before it is awaited', () => {
  const largest = Buffer.concat([Uint8Array.from(varint(BigInt(MESSAGE_BYTES_MAX))), new Uint8Array(MESSAGE_BYTES_MAX)])
  expect([...new FrameReader().read(largest)].map(({ length }) => length)).toEqual([MESSAGE_BYTES_MAX])

  const liar = new FrameReader()
  expect(() => [...liar.read(Uint8Array.from(varint(BigInt(MESSAGE_BYTES_MAX + 1))))]).toThrow(
    new Problem('invalid-request', 'A frame announces more than 262084 bytes.'),
  )
  expect(liar.heldBytes).toBeLessThanOrEqual(10)
})

test.each([2n ** 31n, 2n ** 32n, 2n ** 32n + 5n, 2n ** 63n, 2n ** 64n - 1n])(
  'a length of %s is a lie, not a wrapped small number',
  (length) => {
    expect(() => [...new FrameReader().read(Uint8Array.from(varint(length)))]).toThrow(
      'A frame announces more than 262084 bytes.',
    )
  },
)

test('a length may be padded up to ten bytes and no further', () => {
  const padded = [0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]
  expect(framesOf([Uint8Array.from([...padded, 7, 8])])).toEqual(['0708'])
  const endless = Array.from({ length: 10 }, () => 0x80)
  expect(() => framesOf([Uint8Array.from(endless)])).toThrow('The length of a frame takes more than 10 bytes.')
})

test('whatever bytes come, reading ends in frames or in a Problem, and holds one frame at most', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 8 }), (pieces) => {
      const reader = new FrameReader()
      try {
        for (const piece of pieces) for (const frame of reader.read(piece)) decodeEnvelope(frame)
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Problem)
      }
      expect(reader.heldBytes).toBeLessThanOrEqual(MESSAGE_BYTES_MAX)
    }),
    { numRuns: 500 },
  )
})

test('one flipped byte of a real message is read as something or refused with a Problem', () => {
  const payload = Buffer.from(whole[2] ?? '', 'hex')
  for (let at = 0; at < payload.length; at++) {
    const damaged = Uint8Array.from(payload)
    damaged[at] = (damaged[at] ?? 0) ^ 0xff
    try {
      decodeEnvelope(damaged)
    } catch (thrown) {
      expect((thrown as Problem).message).toBe(`These ${payload.length} bytes are not a device protocol Envelope.`)
    }
  }
})

test('a message nested deeper than any device is, is refused', () => {
  let nested = Buffer.alloc(0)
  for (let depth = 0; depth < 5_000; depth++)
    nested = Buffer.concat([Uint8Array.from([0x3a, ...varint(BigInt(nested.length))]), nested])
  const wrap = (tag: number, inner: Uint8Array) =>
    Buffer.concat([Uint8Array.from([...varint(BigInt(tag)), ...varint(BigInt(inner.length))]), inner])
  const bytes = wrap(
    (101 << 3) | 2,
    wrap((301 << 3) | 2, wrap(0x0a, wrap(0x0a, wrap((28 << 3) | 2, wrap(0x0a, nested))))),
  )
  expect(() => decodeEnvelope(bytes)).toThrow(Problem)
})
