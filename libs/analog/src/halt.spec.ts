import { crosses, haltReason, haltViolations, type CrossingDirection, type HaltCondition } from './halt.ts'

describe('a threshold', () => {
  const cases: readonly [before: number, after: number, ...met: CrossingDirection[]][] = [
    [0, 1, 'rising', 'either'],
    [0, 0.5, 'rising', 'either'],
    [0.5, 1],
    [1, 0, 'falling', 'either'],
    [1, 0.5, 'falling', 'either'],
    [0.5, 0],
    [0, 0.4],
    [1, 0.6],
    [NaN, 1],
  ]
  it.each(cases)('from %d to %d is passed when %s %s', (before, after, ...met) => {
    for (const direction of ['rising', 'falling', 'either'] as const)
      expect(crosses({ before, after }, { level: 0.5, direction })).toBe(met.includes(direction))
  })
})

it.each<[HaltCondition, string]>([
  [{ kind: 'overload' }, 'overload'],
  [{ kind: 'threshold', channel: 2, level: -0.5, direction: 'rising' }, 'threshold: channel 2 rose to -0.5'],
  [{ kind: 'threshold', channel: 2, level: 4, direction: 'falling' }, 'threshold: channel 2 fell to 4'],
  [{ kind: 'threshold', channel: 0, level: 4, direction: 'either' }, 'threshold: channel 0 crossed 4'],
  [{ kind: 'steadyState', slopeMax: 0.1, durationNs: 1e6 }, 'steady state: no slope above 0.1 1/s for 1000000 ns'],
  [{ kind: 'wallClock', limitMs: 2500 }, 'wall clock: 2500 ms have passed'],
])('%j has its reason', (condition, reason) => {
  expect(haltReason(condition)).toBe(reason)
})

it('names every condition that cannot be met', () => {
  const violations = haltViolations(
    [
      { kind: 'overload' },
      { kind: 'threshold', channel: 2, level: Infinity, direction: 'rising' },
      { kind: 'steadyState', slopeMax: 0, durationNs: -1 },
      { kind: 'wallClock', limitMs: NaN },
      { kind: 'threshold', channel: 1, level: 0, direction: 'either' },
    ],
    2,
  )
  expect(violations.map(({ pointer, value, remedy }) => `${pointer}: ${value}, ${remedy}`)).toEqual([
    '/haltConditions/1/channel: 2, use 0..1',
    '/haltConditions/1/level: Infinity, use a finite number',
    '/haltConditions/2/slopeMax: 0, use a number above 0',
    '/haltConditions/2/durationNs: -1, use a number from 0 on',
    '/haltConditions/3/limitMs: NaN, use a number above 0',
  ])
})
