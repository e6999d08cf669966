import { define, type Shell } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { parseCount } from '../../show/duration.ts'
import { table } from '../../show/table.ts'
import { adminGroup } from './group.ts'

interface ListOptions {
  readonly user?: string
  readonly authProvider?: string
  readonly limit?: number
  readonly cursor?: string
}

/** `lucihub admin runs list|remove`. */
export function adminRunsCommands(shell: Shell): void {
  const within = adminGroup(shell, 'runs', 'Runs of everybody.')

  define<ListOptions>(shell, {
    name: 'list',
    within,
    summary: 'List runs of all users, newest first.',
    examples: [
      'admin runs list',
      'admin runs list --user ada --auth-provider local',
      'admin runs list --limit 10 --json',
    ],
    build: (command) =>
      void command
        .option('--user <name>', 'only of this user')
        .option('--auth-provider <provider>', 'only of users of this provider: local, or an issuer')
        .option('--limit <count>', '1 to 200 (default: 100)', parseCount)
        .option('--cursor <cursor>', 'the page that the page before named'),
    async work({ session, options: { user, authProvider, limit, cursor } }) {
      const page = await session.client.campaigns.allRuns({
        ...(user !== undefined && { user }),
        ...(authProvider !== undefined && { provider: authProvider }),
        ...(limit !== undefined && { limit }),
        ...(cursor !== undefined && { cursor }),
      })
      const columns = ['SEQ', 'RUN', 'STATE', 'USER', 'PROVIDER', 'STARTED', 'ENDED', 'TITLE'].map((title) => ({
        title,
      }))
      const rows = page.runs.map((run) => [
        String(run.seq),
        run.id,
        run.state,
        run.username || run.ownerId,
        run.provider,
        run.startedAt ?? '',
        run.endedAt ?? '',
        run.title,
      ])
      await session.answer(page, rows.length > 0 ? table(columns, rows) : 'No runs.')
      if (page.nextCursor !== null && !session.json) session.note(`More: --cursor ${page.nextCursor}`)
      return EXIT.ok
    },
  })

  define<{ readonly force?: boolean }>(shell, {
    name: 'remove <id>',
    within,
    summary: 'Delete a run for good, with all its results. It has to have ended.',
    examples: ['admin runs remove 019a3b52-7c1e-7d33-8b1f-5d1f0a2c4e60', 'admin runs remove 019a3b52-… --force'],
    build: (command) =>
      void command.option('--force', 'also when other runs were made from it; they are marked invalid'),
    async work({ session, args: [id = ''], options: { force = false } }) {
      await session.client.campaigns.deleteRun(id, { force })
      await session.answer({ removed: id }, `Deleted run ${id}.`)
      return EXIT.ok
    },
  })
}
