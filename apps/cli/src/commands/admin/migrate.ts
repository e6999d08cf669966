import { Argument } from 'commander'
import { group, defineLocal, type Shell } from '../../command.ts'

/** `lucihub admin migrate …`: done by the run-store program, since nothing else knows the schema. */
export function adminMigrateCommand(shell: Shell): void {
  defineLocal<{ readonly json?: boolean }>(shell, {
    name: 'migrate',
    within: group(shell.program, 'admin', 'Look after the hub: for its administrators.'),
    summary: 'Show or change the version of the database schema. Needs DATABASE_URL; stop the services before "down".',
    examples: ['admin migrate status', 'admin migrate up', 'admin migrate down', 'admin migrate stamp --json'],
    build: (command) =>
      void command
        .addArgument(
          new Argument('<action>', 'stamp notes all migrations as done without doing them').choices([
            'status',
            'up',
            'down',
            'stamp',
          ]),
        )
        .option('--json', 'print one JSON document instead of text'),
    program: ({ args, options }) => ['migrate', ...args, ...(options.json ? ['--json'] : [])],
  })
}
