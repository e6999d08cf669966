import { decide, stepViolations, type StepStanding, type TriggerRule } from './trigger-rules.ts'

const standing: Readonly<Record<string, StepStanding>> = {
  ok: { state: 'SUBMITTED', outcome: 'COMPLETED' },
  bad: { state: 'SUBMITTED', outcome: 'FAILED' },
  refused: { state: 'FAILED', outcome: '' },
  skipped: { state: 'SKIPPED', outcome: '' },
  busy: { state: 'SUBMITTED', outcome: 'RUNNING' },
  waiting: { state: 'WAITING', outcome: '' },
}

test.each<[TriggerRule, string, 'start' | 'skip' | 'wait']>([
  ['all_success', '', 'start'],
  ['all_success', 'ok ok', 'start'],
  ['all_success', 'ok busy', 'wait'],
  ['all_success', 'bad waiting', 'skip'],
  ['all_success', 'ok skipped', 'skip'],
  ['any_success', 'bad ok busy', 'start'],
  ['any_success', 'bad busy', 'wait'],
  ['any_success', 'bad skipped', 'skip'],
  ['all_completed', 'ok bad skipped', 'start'],
  ['all_completed', 'ok waiting', 'wait'],
  ['all_failed', 'bad refused', 'start'],
  ['all_failed', 'bad busy', 'wait'],
  ['all_failed', 'bad ok busy', 'skip'],
  ['any_failed', 'refused busy', 'start'],
  ['any_failed', 'ok busy', 'wait'],
  ['any_failed', 'ok skipped', 'skip'],
  ['always', 'waiting', 'start'],
])('%s after "%s": %s', (rule, before, decision) => {
  const steps = before === '' ? [] : before.split(' ').map((word) => standing[word] as StepStanding)
  expect(decide(rule, steps)).toBe(decision)
})

test('everything that is wrong with the steps is said at once', () => {
  const step = (name: string, after: readonly string[] = [], trigger = 'all_success') => ({ name, after, trigger })
  expect(stepViolations([step('a'), step('b', ['a']), step('c', ['a', 'b'], 'any_failed')])).toEqual([])
  const wrong = stepViolations([step('a'), step('a', ['z']), step('b c', [], 'sometimes')])
  expect(wrong.map(({ pointer, message }) => `${pointer}: ${message}`)).toEqual([
    '/steps/1/name: Two steps have this name.',
    '/steps/2/name: This is no name.',
    '/steps/2/trigger: There is no such rule.',
    '/steps/1/after/0: There is no such step.',
  ])
  expect(stepViolations([step('a', ['c']), step('b'), step('c', ['a'])])).toMatchObject([
    { pointer: '/steps', value: 'a, c', message: 'Steps wait for each other in a circle.' },
  ])
})
