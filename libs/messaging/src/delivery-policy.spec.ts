import { Problem, PROBLEM_TYPES } from '@lucihub/analog'
import { causeOf, decide, MAX_UNKNOWN_FAILURES, type Cause } from './delivery-policy.ts'

const coded = (code: string): Error => Object.assign(new Error('it failed'), { code })

test.each<[string, unknown, Cause]>([
  ['a refused connection', coded('ECONNREFUSED'), 'transient'],
  ['a full disk', coded('ENOSPC'), 'transient'],
  ['SQL: connection failure', coded('08006'), 'transient'],
  ['SQL: deadlock', coded('40P01'), 'transient'],
  ['SQL: disk full', coded('53100'), 'transient'],
  ['SQL: cannot connect now', coded('57P03'), 'transient'],
  ['SQL: not null violated', coded('23502'), 'poison'],
  ['SQL: value out of range', coded('22003'), 'poison'],
  ['SQL: syntax error, our own mistake', coded('42601'), 'unknown'],
  [
    'a query error around its driver error',
    Object.assign(new Error('query failed'), { driverError: coded('57P01') }),
    'transient',
  ],
  ['an error with a cause', new Error('outer', { cause: coded('ECONNRESET') }), 'transient'],
  ['several addresses refused', new AggregateError([coded('ECONNREFUSED')], ''), 'transient'],
  ['a connection that ended without a code', new Error('Connection terminated unexpectedly'), 'transient'],
  ['an invariant', new Error('invariant broken: x'), 'unknown'],
  ['a thrown text', 'oops', 'unknown'],
  ['an internal problem of somebody else', new Problem('internal', 'An unexpected error was logged.'), 'unknown'],
  ['an internal problem around a lost database', Problem.from(coded('ECONNREFUSED')), 'transient'],
])('%s is %s', (_, thrown, cause) => {
  expect(causeOf(thrown)).toBe(cause)
})

test.each(PROBLEM_TYPES.filter((type) => type !== 'internal'))(
  'a problem %s is retried exactly when it is retryable',
  (type) => {
    const problem = new Problem(type, 'detail')
    expect(causeOf(problem)).toBe(problem.retryable ? 'transient' : 'poison')
  },
)

test('the world is waited for, for ever, every 5 s in the end', () => {
  const delays = [1, 2, 3, 6, 7, 1_000].map((deliveries) => decide(coded('ECONNREFUSED'), deliveries))
  expect(delays).toEqual([100, 200, 400, 3_200, 5_000, 5_000].map((afterMs) => ({ kind: 'retry', afterMs })))
})

test('poison is put aside at once', () => {
  expect(decide(new Problem('state-conflict', 'digests differ'), 1)).toEqual({
    kind: 'dead-letter',
    reason: 'state-conflict: digests differ',
  })
})

test('an unknown failure gets twenty tries', () => {
  expect(decide(new TypeError('x is not a function'), MAX_UNKNOWN_FAILURES - 1)).toEqual({
    kind: 'retry',
    afterMs: 5_000,
  })
  expect(decide(new TypeError('x is not a function'), MAX_UNKNOWN_FAILURES)).toEqual({
    kind: 'dead-letter',
    reason: 'TypeError: x is not a function',
  })
})
