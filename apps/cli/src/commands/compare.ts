import { define, type Shell } from '../command.ts'
import { EXIT } from '../exit.ts'
import { parseShare } from '../options.ts'
import { comparisonText } from '../show/comparison.ts'

interface Options {
  readonly tolerance?: number
}

/** `lucihub compare A B`: the exit code tells whether they agree. */
export function compareCommand(shell: Shell): void {
  define<Options>(shell, {
    name: 'compare <run> <with>',
    summary: 'Compare two runs of one configuration; the exit code tells whether they agree.',
    examples: [
      'compare 0199b0a4-7c1e-7000-8000-000000000001 0199b0a4-7c1e-7000-8000-000000000002',
      'compare 0199b0a4-7c1e-7000-8000-000000000001 0199b0a4-7c1e-7000-8000-000000000002 --tolerance 0.5% --json',
    ],
    build: (command) =>
      void command.option(
        '--tolerance <share>',
        'largest difference that counts as agreement, of full scale (default: 1%)',
        parseShare,
      ),
    async work({ session, args: [run = '', other = ''], options: { tolerance } }) {
      const comparison = await session.client.comparison(run, {
        with: other,
        ...(tolerance !== undefined && { tolerance }),
      })
      await session.answer(comparison, comparisonText(comparison))
      return comparison.verdict === 'differs' ? EXIT.failed : EXIT.ok
    },
  })
}
