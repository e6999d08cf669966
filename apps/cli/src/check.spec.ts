import { checkText } from './check.ts'

test('the table says where a chaotic system parts from its reference', () => {
  const text = checkText([
    { label: 'x', rms: 1.2345e-4, max: 5e-4, horizon: null, rmsBeforeHorizon: 1.2345e-4, verdict: 'agrees' },
    { label: 'z', rms: 0.2, max: 0.9, horizon: 17.25, rmsBeforeHorizon: 0.001, verdict: 'agrees-until-horizon' },
    { label: 'w', rms: 0.2, max: NaN, horizon: 0, rmsBeforeHorizon: 0, verdict: 'differs' },
  ])
  expect(text.split('\n')).toEqual([
    'CHECK  RMS ERROR  LARGEST  BEYOND 1 % FROM  RMS UNTIL THEN  VERDICT',
    'x      0.01234 %   0.05 %      not reached       0.01234 %  agrees',
    'z           20 %     90 %        t = 17.25           0.1 %  agrees until it parts, as chaos does',
    'w           20 %    NaN %            t = 0             0 %  differs',
    'Errors are relative to full scale, against the equations integrated directly.',
  ])
})
