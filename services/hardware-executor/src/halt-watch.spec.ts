import type { Configuration, HaltCondition } from '@lucihub/analog'
import { haltWatch, wallClockOf } from './halt-watch.ts'

const RATE = 1000
const configuration: Configuration = {
  carriers: [{ carrier: '0', clusters: [], adc: [{ output: 0, gain: 2, offset: 1, probe: 0 }] }],
  probes: [
    { label: 'x', unit: '' },
    { label: 'y', unit: '' },
  ],
  problemTimePerSecond: 0,
}

/** Index of the chunk at which the conditions are met, and which of them; every chunk has both channels. */
function check(conditions: readonly HaltCondition[], ...chunks: readonly (readonly [number, number[], number[]])[]) {
  const watch = haltWatch(conditions, { configuration, sampleRateHz: RATE })
  for (const [at, [firstIndex, ...channels]] of chunks.entries()) {
    const blocks = channels.map((values) => new Uint8Array(Float32Array.from(values).buffer))
    const met = watch.samples({ firstIndex, count: channels[0]?.length ?? 0, encoding: 'f32', blocks })
    if (met) return `${at}: ${met.kind}`
  }
  return 'none'
}

const level = (value: number, direction: 'rising' | 'falling' | 'either'): HaltCondition => ({
  kind: 'threshold',
  channel: 0,
  level: value,
  direction,
})
const steady: HaltCondition = { kind: 'steadyState', slopeMax: 10, durationNs: 3e6 }

test.each([
  ['a level is physical: 0.5 in the machine is 2', level(2, 'rising'), '0: threshold', [[0, [0, 0.6], [0, 0]]]],
  ['standing beyond the level is no crossing', level(2, 'rising'), 'none', [[0, [0.6, 0.7], [0, 0]]]],
  ['the direction counts', level(2, 'falling'), 'none', [[0, [0, 0.6], [0, 0]]]],
  [
    'a crossing between two chunks is seen',
    level(2, 'either'),
    '1: threshold',
    [
      [0, [0.6], [0]],
      [1, [0.4], [0]],
    ],
  ],
  ['three still intervals in a row', steady, '0: steadyState', [[0, [1, 1, 1, 1], [0, 0, 0, 0]]]],
  ['one channel that moves is enough', steady, 'none', [[0, [1, 1, 1, 1], [0, 0.1, 0.2, 0.3]]]],
  [
    'rest goes on from chunk to chunk',
    steady,
    '1: steadyState',
    [
      [0, [1, 1], [0, 0]],
      [2, [1, 1], [0, 0]],
    ],
  ],
  [
    'a hole between chunks begins anew',
    steady,
    'none',
    [
      [0, [1, 1], [0, 0]],
      [3, [1, 1, 1], [0, 0, 0]],
    ],
  ],
] as [string, HaltCondition, string, [number, number[], number[]][]][])('%s', (_, condition, expected, chunks) => {
  expect(check([condition], ...chunks)).toBe(expected)
})

test('of two conditions that one chunk meets, the one met first counts', () => {
  const chunk: [number, number[], number[]] = [0, [0, 0, 0, 0, 0.6], [0, 0, 0, 0, 0]]
  expect(check([level(2, 'rising'), steady], chunk)).toBe('0: steadyState')
})

test('the shortest limit on the clock is the one that counts', () => {
  expect(
    wallClockOf([{ kind: 'wallClock', limitMs: 9 }, { kind: 'overload' }, { kind: 'wallClock', limitMs: 5 }]),
  ).toEqual({
    kind: 'wallClock',
    limitMs: 5,
  })
  expect(wallClockOf([{ kind: 'overload' }])).toBeUndefined()
})
