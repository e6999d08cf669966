import { define, type Shell } from '../command.ts'
import { exitCodeOfState } from '../exit.ts'
import { follow, stillRunning } from '../follow.ts'
import { parseDuration } from '../show/duration.ts'
import { runText } from '../show/run.ts'

interface Options {
  readonly timeout?: number
}

/** `lucihub wait ID`: the exit code tells how the run ended. */
export function waitCommand(shell: Shell): void {
  define<Options>(shell, {
    name: 'wait <id>',
    summary: 'Wait until a run has ended; the exit code tells how.',
    examples: ['wait 0199b0a4-7c1e-7000-8000-000000000001', 'wait 0199b0a4-7c1e-7000-8000-000000000001 --timeout 60s'],
    build: (command) =>
      void command.option('--timeout <duration>', 'give up after this long, with exit code 124', parseDuration),
    async work({ session, args, options: { timeout } }) {
      const run = await session.client.run(args[0] ?? '')
      const followed = await follow(session, run, timeout === undefined ? null : timeout / 1e6)
      if (followed.kind !== 'ended') return stillRunning(session, run.id, followed.kind)
      await session.answer(followed.run, runText(followed.run))
      return exitCodeOfState(followed.run.state)
    },
  })
}
