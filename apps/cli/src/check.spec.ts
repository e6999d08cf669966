import { checkText, deviation } from './check.ts'

const SCALE = { fullScale: 2, t0: 1, dt: 0.5 }

test('errors are relative to full scale', () => {
  const result = deviation([0, 0.01, 0, -0.01], [0, 0, 0, 0], SCALE)
  expect(result.max).toBeCloseTo(0.005, 12)
  expect(result.rms).toBeCloseTo(0.005 / Math.SQRT2, 12)
  expect(result.horizon).toBeNull()
  expect(result.rmsBeforeHorizon).toBe(result.rms)
})

test('the horizon is the problem time of the first sample beyond one per cent', () => {
  const result = deviation([0.002, 0.002, 0.1, 0], [0, 0, 0, 0], SCALE)
  expect(result.horizon).toBe(2)
  expect(result.rmsBeforeHorizon).toBeCloseTo(0.001, 12)
})

test('a sample that is no number is an error without bound, wherever it stands', () => {
  expect(deviation([NaN, 0], [0, 0], SCALE)).toMatchObject({ max: NaN, horizon: 1, rmsBeforeHorizon: 0 })
})

test('the table says where a chaotic system parts from its reference', () => {
  const text = checkText([
    { label: 'x', rms: 1.2345e-4, max: 5e-4, horizon: null, rmsBeforeHorizon: 1.2345e-4 },
    { label: 'z', rms: 0.2, max: 0.9, horizon: 17.25, rmsBeforeHorizon: 0.001 },
  ])
  expect(text.split('\n')).toEqual([
    'CHECK  RMS ERROR  LARGEST  BEYOND 1 % FROM  RMS UNTIL THEN',
    'x      0.01234 %   0.05 %      not reached       0.01234 %',
    'z           20 %     90 %        t = 17.25           0.1 %',
    'Errors are relative to full scale, against the equations integrated directly.',
  ])
})
