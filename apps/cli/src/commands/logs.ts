import { define, type Shell } from '../command.ts'
import { EXIT } from '../exit.ts'
import { printable } from '../show/text.ts'

/** `lucihub logs ID`. */
export function logsCommand(shell: Shell): void {
  define(shell, {
    name: 'logs <id>',
    summary: 'Show what was logged about a run, attempt by attempt.',
    examples: ['logs 0199b0a4-7c1e-7000-8000-000000000001'],
    async work({ session, args }) {
      const log = await session.client.logs(args[0] ?? '')
      const lines = log.lines.map(({ attempt, at, line }) => `${at} [${attempt}] ${printable(line)}`)
      await session.answer(log, lines.length > 0 ? lines.join('\n') : 'Nothing was logged.')
      return EXIT.ok
    },
  })
}
