import { Problem } from '@lucihub/analog'
import fc from 'fast-check'
import { LineReader } from './line-reader.ts'

function linesOf(pieces: readonly Uint8Array[], bytesMax = 64): string[] {
  const reader = new LineReader(bytesMax)
  const lines: string[] = []
  // A line is valid until the next is asked for.
  for (const piece of pieces) for (const line of reader.read(piece)) lines.push(Buffer.from(line).toString())
  return lines
}

test('where the network cuts a stream makes no difference', () => {
  const stream = Buffer.from('one\r\n\nthree\nlast without an end')
  for (let cut = 0; cut <= stream.length; cut++)
    expect(linesOf([stream.subarray(0, cut), stream.subarray(cut)])).toEqual(['one', '', 'three'])
  expect(linesOf([...stream].map((byte) => Uint8Array.of(byte)))).toEqual(['one', '', 'three'])
})

test('a line of the largest size passes, one byte more is refused before it is held', () => {
  expect(linesOf([Buffer.from(`${'x'.repeat(64)}\n`)])).toEqual(['x'.repeat(64)])
  const reader = new LineReader(64)
  expect(() => [...reader.read(Buffer.alloc(65, 'x'))]).toThrow(
    new Problem('invalid-request', 'A line is longer than 64 bytes.'),
  )
  expect(reader.heldBytes).toBe(0)
})

test('whatever bytes come, reading ends in lines or in a Problem, and holds one line at most', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 8 }), (pieces) => {
      const reader = new LineReader(128)
      try {
        for (const piece of pieces) for (const line of reader.read(piece)) expect(line.length).toBeLessThanOrEqual(128)
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Problem)
      }
      expect(reader.heldBytes).toBeLessThanOrEqual(128)
    }),
  )
})
