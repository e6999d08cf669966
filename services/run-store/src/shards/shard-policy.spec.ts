import type { RunState } from '@lucihub/analog'
import { DEFAULT_MERGE, type MergePolicy } from '../runs/division.ts'
import { runStateOf, updated, type RunFrame, type ShardProgress, type ShardWord } from './shard-policy.ts'

const LETTERS: Readonly<Record<string, RunState>> = {
  q: 'QUEUED',
  r: 'RUNNING',
  p: 'PAUSED',
  c: 'COMPLETED',
  f: 'FAILED',
  x: 'CANCELED',
  t: 'TIMED_OUT',
}

function check(letters: string, expected: string, frame: Partial<RunFrame> = {}): void {
  const shards = [...letters].map((letter, index) => ({ index, state: LETTERS[letter] ?? 'CREATED', error: 'e' }))
  const { state, partial } = runStateOf(shards, { state: 'RUNNING', merge: DEFAULT_MERGE, stopped: null, ...frame })
  expect(`${state}${partial ? ' partial' : ''}`).toBe(expected)
}

const merge = (changes: Partial<MergePolicy>): { merge: MergePolicy } => ({ merge: { ...DEFAULT_MERGE, ...changes } })

test.each([
  ['qqq', 'QUEUED'],
  ['qrq', 'RUNNING'],
  ['qcq', 'RUNNING'],
  ['pcq', 'PAUSED'],
  ['prq', 'RUNNING'],
  ['rff', 'RUNNING'],
  ['ccc', 'MERGE_QUEUED'],
  ['cfc', 'MERGE_QUEUED partial'],
  ['fff', 'FAILED partial'],
  ['ttt', 'TIMED_OUT partial'],
  ['xxx', 'CANCELED partial'],
  ['ftx', 'FAILED partial'],
  ['c', 'COMPLETED'],
  ['f', 'FAILED partial'],
])('shards %s make a run that is %s', (letters, expected) => check(letters, expected))

test('a waiting run of which a shard has ended is at work', () => check('cq', 'RUNNING', { state: 'QUEUED' }))

test('a policy decides whether survivors are merged', () => {
  check('ccf', 'FAILED partial', merge({ mode: 'all' }))
  check('ccc', 'MERGE_QUEUED', merge({ mode: 'all' }))
  check('ccf', 'MERGE_QUEUED partial', merge({ mode: 'min_fraction', minFraction: 0.6 }))
  check('cff', 'FAILED partial', merge({ mode: 'min_fraction', minFraction: 0.6 }))
})

test('a run that was stopped never merges, whatever its shards did', () => {
  const stopped = { state: 'CANCELED', reason: 'canceled by its user' } as const
  check('ccx', 'CANCELED partial', { stopped })
  check('ccc', 'CANCELED partial', { stopped, state: 'MERGING' })
  check('ccr', 'RUNNING', { stopped })
})

test('a run that has ended, or is merged, is not moved by its shards', () => {
  check('rrr', 'FAILED', { state: 'FAILED' })
  check('ccc', 'MERGING', { state: 'MERGING' })
})

const SHARD: ShardProgress = {
  index: 0,
  state: 'RUNNING',
  requested: 1_000,
  completed: 400,
  etaS: 9,
  attempt: 1,
  workerId: 'w',
  error: '',
}

function tell(word: ShardWord, shard: Partial<ShardProgress> = {}): unknown {
  const outcome = updated({ ...SHARD, ...shard }, word)
  if (outcome.kind !== 'accepted') return outcome.kind
  const { state, completed, requested, etaS, attempt } = outcome.shard
  return [state, completed, requested, etaS, attempt]
}

test('progress only grows and never exceeds what was asked for', () => {
  expect(tell({ completed: 500, etaS: 5 })).toEqual(['RUNNING', 500, 1_000, 5, 1])
  expect(tell({ completed: 300 })).toEqual(['RUNNING', 400, 1_000, 9, 1])
  expect(tell({ completed: 3_000 })).toEqual(['RUNNING', 1_000, 1_000, 9, 1])
})

test('YP-23 COMPLETED means that all of it is done', () => {
  expect(tell({ state: 'COMPLETED', completed: 500 })).toEqual(['COMPLETED', 1_000, 1_000, null, 1])
  expect(tell({ state: 'COMPLETED', completed: 7 }, { requested: 0, completed: 0 })).toEqual([
    'COMPLETED',
    7,
    7,
    null,
    1,
  ])
})

test('a failed shard keeps its progress and has no estimate', () =>
  expect(tell({ state: 'FAILED', etaS: 3 })).toEqual(['FAILED', 400, 1_000, null, 1]))

test('a shard that waits again starts anew, as another attempt', () =>
  expect(tell({ state: 'QUEUED' })).toEqual(['QUEUED', 0, 1_000, null, 2]))

test('YP-21 what is over absorbs every word, and words about another attempt are ignored', () => {
  for (const state of ['COMPLETED', 'FAILED', 'CANCELED', 'TIMED_OUT'] as const)
    expect(tell({ state: 'RUNNING', completed: 900 }, { state })).toBe('ignored')
  expect(tell({ completed: 900, attempt: 2 })).toBe('ignored')
})

test.each([
  ['QUEUED', 'RUNNING', true],
  ['QUEUED', 'COMPLETED', true],
  ['QUEUED', 'PAUSED', true],
  ['RUNNING', 'PAUSED', true],
  ['PAUSED', 'RUNNING', true],
  ['RUNNING', 'QUEUED', true],
  ['RUNNING', 'CREATED', false],
  ['RUNNING', 'MERGING', false],
  ['QUEUED', 'CREATED', false],
] as const)('YP-20 a shard that is %s may become %s: %s', (from, to, may) =>
  expect(updated({ ...SHARD, state: from }, { state: to }).kind).toBe(may ? 'accepted' : 'refused'),
)
