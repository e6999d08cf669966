import { verdict, type DeviceReport, type Expectation } from './verdict.ts'

const REPORT: DeviceReport = { done: true, error: null, gaps: 0, overloads: [], halted: null }
const EXPECTED: Expectation = { samples: 100, arrived: 100, acceptGaps: false, haltOnOverload: false }

function check(report: Partial<DeviceReport>, expected: Partial<Expectation>): string {
  const { outcome, reason } = verdict({ ...REPORT, ...report }, { ...EXPECTED, ...expected })
  return reason === '' ? outcome : `${outcome}: ${reason}`
}

test.each<[string, Partial<DeviceReport>, Partial<Expectation>]>([
  ['ok', {}, {}],
  ['ok', {}, { samples: 0, arrived: 0 }],
  ['ok', { overloads: [3] }, {}],
  ['device_error: circuit has no solution', { error: 'circuit has no solution' }, {}],
  ['device_lost: The device stopped reporting before the run was done.', { done: false }, {}],
  ['incomplete: 99 of 100 samples per channel arrived.', {}, { arrived: 99 }],
  ['incomplete: 2 chunks of samples were lost on the way from the device.', { gaps: 2 }, { arrived: 80 }],
  ['ok', { gaps: 2 }, { arrived: 80, acceptGaps: true }],
  ['ok: halted: overload', { overloads: [3] }, { arrived: 10, haltOnOverload: true }],
  ['ok', { overloads: [3] }, { arrived: 100, haltOnOverload: true }],
  ['ok: halted: wall clock: 5 ms have passed', { halted: { kind: 'wallClock', limitMs: 5 } }, { arrived: 10 }],
  [
    'incomplete: 2 chunks of samples were lost on the way from the device.',
    { gaps: 2, halted: { kind: 'wallClock', limitMs: 5 } },
    {},
  ],
  ['incomplete: 10 of 100 samples per channel arrived.', { overloads: [3] }, { arrived: 10 }],
  ['incomplete: 10 of 100 samples per channel arrived.', {}, { arrived: 10, haltOnOverload: true }],
])('%s', (expected, report, expectation) => {
  expect(check(report, expectation)).toBe(expected)
})
