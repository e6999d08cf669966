import { renderDiagnostic } from '@lucihub/analang'
import type { RunResource } from '@lucihub/sdk'
import { define, type Shell } from '../command.ts'
import { EXIT } from '../exit.ts'
import { reportText } from '../show/report.ts'
import { runText } from '../show/run.ts'
import { facts, table } from '../show/table.ts'

/** `lucihub show ID`: everything about a run but its measurements. */
export function showCommand(shell: Shell): void {
  define(shell, {
    name: 'show <id>',
    summary: 'Show a run: its state, its attempts, what the compiler decided.',
    examples: ['show 0199b0a4-7c1e-7000-8000-000000000001', 'show 0199b0a4-7c1e-7000-8000-000000000001 --json'],
    async work({ session, args }) {
      const run = await session.client.run(args[0] ?? '')
      await session.answer(run, text(run))
      return EXIT.ok
    },
  })
}

function text(run: RunResource): string {
  const times = facts([
    ['submitted', run.submittedAt],
    ['started', run.startedAt],
    ['ended', run.endedAt],
    ['cancel', run.cancelRequested ? 'requested' : null],
  ])
  const attempts = table(
    [
      { title: 'ATTEMPT', align: 'right' },
      { title: 'STATE' },
      { title: 'DEVICE' },
      { title: 'OUTCOME' },
      { title: 'REASON' },
    ],
    run.attempts.map((attempt) => [
      String(attempt.number),
      attempt.state,
      attempt.deviceId,
      attempt.outcome ?? '',
      attempt.reason,
    ]),
  )
  const diagnostics = run.diagnostics.map((diagnostic) => renderDiagnostic(run.source ?? '', diagnostic)).join('\n\n')
  const parts = [
    runText(run),
    times,
    run.attempts.length > 0 ? attempts : '',
    run.report ? reportText(run.report) : '',
    diagnostics,
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}
