import { define, type Shell } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { parseCount } from '../../show/duration.ts'
import { table } from '../../show/table.ts'
import { adminGroup } from './group.ts'

interface ListOptions {
  readonly user?: string
  readonly authProvider?: string
  readonly run?: string
  readonly limit?: number
  readonly cursor?: string
}

/** `lucihub admin shards list|remove`. */
export function adminShardsCommands(shell: Shell): void {
  const within = adminGroup(shell, 'shards', 'Parts of runs, of everybody.')

  define<ListOptions>(shell, {
    name: 'list',
    within,
    summary: 'List shards, by run and index.',
    examples: ['admin shards list', 'admin shards list --user ada', 'admin shards list --run 019a3b52-… --json'],
    build: (command) =>
      void command
        .option('--user <name>', 'only of this user')
        .option('--auth-provider <provider>', 'only of users of this provider: local, or an issuer')
        .option('--run <id>', 'only of this run')
        .option('--limit <count>', '1 to 200 (default: 100)', parseCount)
        .option('--cursor <cursor>', 'the page that the page before named'),
    async work({ session, options: { user, authProvider, run, limit, cursor } }) {
      const page = await session.client.campaigns.allShards({
        ...(user !== undefined && { user }),
        ...(authProvider !== undefined && { provider: authProvider }),
        ...(run !== undefined && { run }),
        ...(limit !== undefined && { limit }),
        ...(cursor !== undefined && { cursor }),
      })
      const columns = ['RUN', 'SHARD', 'STATE', 'USER', 'REQUESTED', 'COMPLETED', 'WORKER'].map((title) => ({ title }))
      const rows = page.shards.map((shard) => [
        shard.runId,
        String(shard.index),
        shard.state,
        shard.username,
        String(shard.requested),
        String(shard.completed),
        shard.workerId,
      ])
      await session.answer(page, rows.length > 0 ? table(columns, rows) : 'No shards.')
      if (page.nextCursor !== null && !session.json) session.note(`More: --cursor ${page.nextCursor}`)
      return EXIT.ok
    },
  })

  define(shell, {
    name: 'remove <run> <index>',
    within,
    summary: 'Remove one shard of a run that has ended, with its own results. All others stay.',
    examples: ['admin shards remove 019a3b52-7c1e-7d33-8b1f-5d1f0a2c4e60 2'],
    async work({ session, args: [run = '', index = ''] }) {
      if (!/^\d{1,7}$/.test(index)) session.usage(`'${index}' is no index of a shard.`)
      await session.client.campaigns.removeShard(run, Number(index))
      await session.answer({ removed: { run, index: Number(index) } }, `Removed shard ${index} of run ${run}.`)
      return EXIT.ok
    },
  })
}
