import { frameHead, framesOf, type FrameKind } from './journal-frames.ts'

const CONTENTS: readonly (readonly [FrameKind, string])[] = [
  ['segment', 'whose it is'],
  ['record', 'zero'],
  ['startIntent', ''],
  ['record', 'one'],
  ['record', 'the last one'],
]
const file = Buffer.concat(CONTENTS.flatMap(([kind, text]) => [frameHead(kind, Buffer.from(text)), Buffer.from(text)]))
/** Where each frame ends. */
const ends = framesOf(file).frames.map(({ offset, payload }) => offset + payload.length)

function read(bytes: Buffer): { readonly contents: (readonly [FrameKind, string])[]; readonly end: number } {
  const { frames, end } = framesOf(bytes)
  return { contents: frames.map(({ kind, payload }) => [kind, payload.toString()]), end }
}

test('frames come back as they were written', () => {
  expect(read(file)).toEqual({ contents: CONTENTS, end: file.length })
})

test('a frame without a payload is whole also when its empty array was written before', () => {
  const empty = new Uint8Array()
  void empty.buffer // as writing it to a file does
  expect(framesOf(frameHead('startIntent', empty)).frames).toHaveLength(1)
})

test('cut at any byte, a file is read up to the last whole frame', () => {
  for (let length = 0; length <= file.length; length++) {
    const whole = ends.filter((end) => end <= length).length
    expect(read(file.subarray(0, length))).toEqual({ contents: CONTENTS.slice(0, whole), end: ends[whole - 1] ?? 0 })
  }
})

test('with any bit flipped, a file is read up to the frame before it', () => {
  for (let bit = 0; bit < file.length * 8; bit++) {
    const flipped = Buffer.from(file)
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    const whole = ends.filter((end) => end <= bit >> 3).length
    expect({ bit, ...read(flipped) }).toEqual({ bit, contents: CONTENTS.slice(0, whole), end: ends[whole - 1] ?? 0 })
  }
})
