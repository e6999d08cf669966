import { PROBLEMS, PROBLEM_TYPES, Problem, invariant } from './problem.ts'

test('every problem has an HTTP status of an error and a title', () => {
  for (const type of PROBLEM_TYPES) {
    expect(PROBLEMS[type].status).toBeGreaterThanOrEqual(400)
    expect(PROBLEMS[type].title).toMatch(/^[A-Z].*[^.]$/)
  }
})

test('an unknown error becomes `internal`: its text is kept as the cause and not shown', () => {
  const thrown = new TypeError('secret path /etc/hub')
  const problem = Problem.from(thrown)
  expect(problem.type).toBe('internal')
  expect(problem.message).not.toContain('secret')
  expect(problem.cause).toBe(thrown)
})

test('a problem passes the funnel as it is', () => {
  const problem = new Problem('not-found', 'There is no run 7.')
  expect(Problem.from(problem)).toBe(problem)
})

test('a broken invariant names what the code ruled out', () => {
  expect(() => invariant(1 > 2, 'one is more than two')).toThrow('invariant broken: one is more than two')
})
