import { define, type Shell } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { parseCount } from '../../show/duration.ts'
import { table } from '../../show/table.ts'
import { adminGroup } from './group.ts'

interface ListOptions {
  readonly before?: number
  readonly limit?: number
}

/** `lucihub admin audit list|check`. */
export function adminAuditCommands(shell: Shell): void {
  const within = adminGroup(shell, 'audit', 'What was done, by whom.')

  define<ListOptions>(shell, {
    name: 'list',
    within,
    summary: 'List what was done, newest first.',
    examples: ['admin audit list', 'admin audit list --limit 500 --json', 'admin audit list --before 1200'],
    build: (command) =>
      void command
        .option('--before <seq>', 'entries before this one', parseCount)
        .option('--limit <count>', '1 to 500 (default: 100)', parseCount),
    async work({ session, options: { before, limit } }) {
      const entries = await session.client.people.audit({
        ...(before !== undefined && { before }),
        ...(limit !== undefined && { limit }),
      })
      const columns = ['SEQ', 'AT', 'ACTION', 'OUTCOME', 'OBJECT', 'ACTOR', 'DETAIL'].map((title) => ({ title }))
      const rows = entries.map(({ seq, at, action, outcome, object, actor, detail }) => [
        String(seq),
        at,
        action,
        outcome,
        object,
        actor,
        JSON.stringify(detail),
      ])
      await session.answer({ entries }, entries.length > 0 ? table(columns, rows) : 'Nothing was done yet.')
      return EXIT.ok
    },
  })

  define(shell, {
    name: 'check',
    within,
    summary: 'Compute the chain of hashes again; exit code 1 when an entry was changed or removed.',
    examples: ['admin audit check'],
    async work({ session }) {
      const { entries, brokenAt } = await session.client.people.checkAudit()
      const text =
        brokenAt === null
          ? `${entries} entries, and each follows from the one before it.`
          : `Entry ${brokenAt} does not follow from the one before it: it, or one before it, was changed or removed.`
      await session.answer({ entries, brokenAt }, text)
      return brokenAt === null ? EXIT.ok : EXIT.failed
    },
  })
}
