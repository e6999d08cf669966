import { define, type Shell } from '../command.ts'
import { EXIT } from '../exit.ts'

/** `lucihub cancel ID`: exit code 4 when the run is over. */
export function cancelCommand(shell: Shell): void {
  define(shell, {
    name: 'cancel <id>',
    summary: 'Ask for a run to be stopped.',
    examples: ['cancel 0199b0a4-7c1e-7000-8000-000000000001'],
    async work({ session, args }) {
      const run = await session.client.cancel(args[0] ?? '')
      await session.answer(
        run,
        run.state === 'CANCELED' ? `Run ${run.id} is canceled.` : `Run ${run.id} is being stopped.`,
      )
      return EXIT.ok
    },
  })
}
