import { sampleCount, samplesOf } from './samples.ts'

test('a run takes at least one sample and never a fraction of one', () => {
  expect(sampleCount(100, 32)).toBe(1)
  expect(sampleCount(1_000_000_000, 500_000)).toBe(500_000)
  expect(sampleCount(1_500, 1_000_000)).toBe(1)
})

test('a block is read as it lies, and copied only when it is not aligned', () => {
  const bytes = new Uint8Array(new Float32Array([0.5, -1]).buffer)
  expect([...samplesOf(bytes, 'f32')]).toEqual([0.5, -1])
  expect(samplesOf(bytes, 'f32').buffer).toBe(bytes.buffer)

  const shifted = new Uint8Array(9)
  shifted.set(bytes, 1)
  expect([...samplesOf(shifted.subarray(1), 'f32')]).toEqual([0.5, -1])
})
