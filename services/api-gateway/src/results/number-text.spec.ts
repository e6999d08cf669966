import fc from 'fast-check'
import { TextWriter } from './number-text.ts'

const text = (value: number) => new TextWriter(8).number(value).take().toString()

test.each([
  [0, '0'],
  [-0, '0'],
  [1, '1'],
  [-1, '-1'],
  [0.5, '0.5'],
  [10, '10'],
  [100, '100'],
  [0.1, '0.1'],
  [-0.25, '-0.25'],
  [123.456, '123.456'],
  [1e-3, '0.001'],
  [0.0625, '0.0625'],
  [1000000, '1000000'],
  [999999.94, '999999.94'],
  [16777216, '16777216'],
  [9.999999e-1, '0.9999999'],
  [1e-6, '0.000001'],
  [1.5e-7, '1.5e-7'],
  [3e9, '3000000000'],
  [1e30, '1e+30'],
  [1e-45, '1e-45'],
  [3.4028234663852886e38, '3.4028235e+38'],
])('%p is written as %s', (value, expected) => {
  expect(text(Math.fround(value))).toBe(expected)
})

test('what is not finite has a name, or is what the format says', () => {
  expect([NaN, Infinity, -Infinity].map(text)).toEqual(['NaN', 'Infinity', '-Infinity'])
  expect(new TextWriter().number(NaN, 'null').take().toString()).toBe('null')
})

test('every float32 reads back as itself, and in no more digits than it takes', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const written = text(value)
      expect(Math.fround(Number(written))).toBe(value === 0 ? 0 : value)
      expect(significantDigits(written)).toBeLessThanOrEqual(9)
    }),
    { numRuns: 20_000 },
  )
})

test('values of decimal steps stay short', () => {
  for (let step = -2000; step <= 2000; step += 1) {
    expect(text(Math.fround(step / 1000))).toBe(String(step / 1000))
  }
})

test('a writer grows and begins anew', () => {
  const writer = new TextWriter(4)
  writer.text('a,').number(-1.25).text('ü')
  expect(writer.take().toString()).toBe('a,-1.25ü')
  expect(writer.take().toString()).toBe('')
})

function significantDigits(written: string): number {
  return written.replace(/e.*/, '').replace(/[-.]/g, '').replace(/^0+/, '').replace(/0+$/, '').length
}
