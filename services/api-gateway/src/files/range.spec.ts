import { rangeOf } from './range.ts'

test.each<[header: string | undefined, expected: [number, number] | null]>([
  [undefined, null],
  ['bytes=0-0', [0, 1]],
  ['bytes=2-', [2, 10]],
  ['bytes=-3', [7, 10]],
  ['bytes=-30', [0, 10]],
  ['bytes=5-99', [5, 10]],
  ['bytes=5-4', null],
  ['bytes=-', null],
  ['bytes=0-1,4-5', null],
  ['lines=1-2', null],
])('%s of ten bytes', (header, expected) => {
  expect(rangeOf(header, 10)).toEqual(expected && { from: expected[0], to: expected[1] })
})

test.each(['bytes=10-', 'bytes=-0', 'bytes=99-100'])('%s of ten bytes is nothing', (header) => {
  expect(() => rangeOf(header, 10)).toThrow(`The content has 10 bytes; "${header}" has none of them.`)
})
