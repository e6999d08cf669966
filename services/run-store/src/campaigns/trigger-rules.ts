/** When a step of a workflow starts, from what became of the steps it comes after. Pure. */
import { isTerminal, type RunState, type Violation } from '@lucihub/analog'

export const TRIGGER_RULES = [
  'all_success',
  'any_success',
  'all_completed',
  'all_failed',
  'any_failed',
  'always',
] as const
export type TriggerRule = (typeof TRIGGER_RULES)[number]

/** What is known of a step. `outcome`: state of its run; empty before there is one. */
export interface StepStanding {
  readonly state: 'WAITING' | 'SUBMITTED' | 'SKIPPED' | 'FAILED'
  readonly outcome: RunState | ''
}

type End = 'success' | 'failure' | 'skipped'

/** Null while it is not over. A step that was skipped is over, and neither a success nor a failure. */
export function endOf({ state, outcome }: StepStanding): End | null {
  if (state === 'SKIPPED') return 'skipped'
  if (state === 'FAILED') return 'failure'
  if (state === 'WAITING' || outcome === '' || !isTerminal(outcome)) return null
  return outcome === 'COMPLETED' ? 'success' : 'failure'
}

/** `any_…` decide as soon as they can, `always` waits for nothing, the others wait for all that come before. */
export function decide(rule: TriggerRule, before: readonly StepStanding[]): 'start' | 'skip' | 'wait' {
  if (rule === 'always' || before.length === 0) return 'start'
  const ends = before.map(endOf)
  const over = ends.every((end) => end !== null)
  switch (rule) {
    case 'all_success':
      if (ends.some((end) => end === 'failure' || end === 'skipped')) return 'skip'
      return over ? 'start' : 'wait'
    case 'all_failed':
      if (ends.some((end) => end === 'success' || end === 'skipped')) return 'skip'
      return over ? 'start' : 'wait'
    case 'all_completed':
      return over ? 'start' : 'wait'
    case 'any_success':
    case 'any_failed':
      if (ends.includes(rule === 'any_success' ? 'success' : 'failure')) return 'start'
      return over ? 'skip' : 'wait'
  }
}

export interface NamedStep {
  readonly name: string
  readonly after: readonly string[]
  readonly trigger: string
}

/** What is wrong with the steps of a workflow: names, references, rules, circles; everything at once. */
export function stepViolations(steps: readonly NamedStep[]): Violation[] {
  const violations: Violation[] = []
  const report = (pointer: string, value: string, message: string, remedy: string): void => {
    violations.push({ pointer, value: value.slice(0, 80), message, remedy })
  }
  const names = new Set<string>()
  for (const [at, { name, trigger }] of steps.entries()) {
    if (!/^[A-Za-z0-9._-]{1,64}$/.test(name))
      report(`/steps/${at}/name`, name, 'This is no name.', 'Use 1 to 64 letters, digits, ".", "_" or "-".')
    if (names.has(name)) report(`/steps/${at}/name`, name, 'Two steps have this name.', 'Rename one.')
    names.add(name)
    if (!TRIGGER_RULES.some((rule) => rule === trigger))
      report(`/steps/${at}/trigger`, trigger, 'There is no such rule.', `Use ${TRIGGER_RULES.join(', ')}.`)
  }
  for (const [at, { after }] of steps.entries())
    after.forEach((name, place) => {
      if (!names.has(name))
        report(`/steps/${at}/after/${place}`, name, 'There is no such step.', 'Name a step of this workflow.')
    })
  const circle = violations.length === 0 ? circleIn(steps) : null
  if (circle)
    report(
      '/steps',
      circle.join(', '),
      'Steps wait for each other in a circle.',
      'Take one of them out of `after` of another.',
    )
  return violations
}

/** Steps that can never start because they wait for each other; null when there are none. */
function circleIn(steps: readonly NamedStep[]): string[] | null {
  const done = new Set<string>()
  for (let more = true; more;) {
    more = false
    for (const { name, after } of steps)
      if (!done.has(name) && after.every((before) => done.has(before))) {
        done.add(name)
        more = true
      }
  }
  const stuck = steps.map(({ name }) => name).filter((name) => !done.has(name))
  return stuck.length > 0 ? stuck : null
}
