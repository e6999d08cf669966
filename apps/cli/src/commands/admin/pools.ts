import type { PoolResource, Provider } from '@lucihub/sdk'
import { Option } from 'commander'
import { define, type Shell } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { table } from '../../show/table.ts'
import { adminGroup } from './group.ts'

interface AddOptions {
  readonly kind: PoolResource['kind']
  readonly requiresProvider?: Provider
}

/** `lucihub admin pools list|add`. */
export function adminPoolsCommands(shell: Shell): void {
  const within = adminGroup(shell, 'pools', 'Pools: named groups of workers or devices.')

  define(shell, {
    name: 'list',
    within,
    summary: 'List all pools.',
    examples: ['admin pools list', 'admin pools list --json'],
    async work({ session }) {
      const pools = await session.client.people.pools()
      const columns = ['NAME', 'KIND', 'POLICY', 'ID'].map((title) => ({ title }))
      const rows = pools.map(({ name, kind, policy, id }) => [name, kind, policyText(policy), id])
      await session.answer({ pools }, pools.length > 0 ? table(columns, rows) : 'No pools.')
      return EXIT.ok
    },
  })

  define<AddOptions>(shell, {
    name: 'add <name>',
    within,
    summary: 'Add a pool.',
    examples: ['admin pools add cluster-a', 'admin pools add lab --kind device --requires-provider oidc'],
    build: (command) =>
      void command
        .addOption(new Option('--kind <kind>', 'what is in it').choices(['worker', 'device']).default('worker'))
        .addOption(
          new Option('--requires-provider <provider>', 'only for users who log in there').choices(['local', 'oidc']),
        ),
    async work({ session, args, options: { kind, requiresProvider } }) {
      const policy = requiresProvider === undefined ? {} : { requires_provider: requiresProvider }
      const pool = await session.client.people.addPool({ name: args[0] ?? '', kind, policy })
      await session.answer(pool, `Added the pool ${pool.name} (${pool.kind}).`)
      return EXIT.ok
    },
  })
}

function policyText({ requires_provider: provider }: PoolResource['policy']): string {
  return provider === undefined ? 'anybody' : `only ${provider} users`
}
