import { RUN_VERSION, upcast, type VersionedRow } from './run-version.ts'

const at = (second: number): Date => new Date(Date.UTC(2025, 0, 1, 0, 0, second))
const ROW: VersionedRow = {
  id: 'r',
  schema_version: 1,
  kind: 'simulate',
  job_type: '',
  state: 'FAILED',
  reason: 'why',
  expected_samples: 7,
  requested_work: 0,
  submitted_at: at(0),
  started_at: at(1),
  ended_at: at(2),
  state_changes: [],
}

test('a row of version 1 tells its states from its times', () => {
  expect(upcast(ROW)).toMatchObject({
    job_type: 'simulate',
    requested_work: 7,
    state_changes: [
      { at: '2025-01-01T00:00:00.000Z', state: 'CREATED', reason: '' },
      { at: '2025-01-01T00:00:00.000Z', state: 'QUEUED', reason: '' },
      { at: '2025-01-01T00:00:01.000Z', state: 'RUNNING', reason: '' },
      { at: '2025-01-01T00:00:02.000Z', state: 'FAILED', reason: 'why' },
    ],
  })
})

test("a row of today's version is taken as it is", () => {
  const row = { ...ROW, schema_version: RUN_VERSION }
  expect(upcast(row)).toBe(row)
})

test('a row of a newer version is refused in words, not guessed at', () => {
  expect(() => upcast({ ...ROW, schema_version: 9 })).toThrow(
    'Run r was stored in version 9; this hub reads up to 2. Upgrade it.',
  )
})
