import type { ApiKeyResource } from '@lucihub/sdk'
import { define, type Shell } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { parseList } from '../../options.ts'
import { parseCount } from '../../show/duration.ts'
import { table } from '../../show/table.ts'
import { adminGroup } from './group.ts'
import { userNamed } from './users.ts'

interface ListOptions {
  readonly user?: string
}

interface CreateOptions {
  readonly scopes: readonly string[]
  readonly days: number
}

const DEFAULT_DAYS = 90

/** `lucihub admin keys list|create|revoke`. */
export function adminKeysCommands(shell: Shell): void {
  const within = adminGroup(shell, 'keys', 'API keys: for programs that ask the hub.')

  define<ListOptions>(shell, {
    name: 'list',
    within,
    summary: 'List your keys, or those of a local user.',
    examples: ['admin keys list', 'admin keys list --user ada --json'],
    build: (command) => void command.option('--user <name>', 'whose keys'),
    async work({ session, options }) {
      const holder = options.user === undefined ? null : await userNamed(session.client, options.user, 'local')
      const keys = await session.client.people.keys(holder ? { user: holder.id } : {})
      const columns = ['KEY', 'NAME', 'STATE', 'EXPIRES', 'LAST USED', 'SCOPES'].map((title) => ({ title }))
      const rows = keys.map((key) => [
        key.keyId,
        key.name,
        stateOf(key),
        key.expiresAt ?? 'never',
        key.lastUsedAt ?? 'never',
        key.scopes.join(' '),
      ])
      await session.answer({ keys }, keys.length > 0 ? table(columns, rows) : 'No keys.')
      return EXIT.ok
    },
  })

  define<CreateOptions>(shell, {
    name: 'create <name>',
    within,
    summary: 'Make a key. It is shown once.',
    examples: [
      'admin keys create notebook --scopes runs:read,runs:write',
      'admin keys create ci --scopes runs:write --days 7',
    ],
    build: (command) =>
      void command
        .requiredOption('--scopes <scopes>', 'what it may do, comma-separated', parseList)
        .option('--days <days>', 'how long it holds', parseCount, DEFAULT_DAYS),
    async work({ session, args, options: { scopes, days } }) {
      const made = await session.client.people.makeKey({ name: args[0] ?? '', scopes, ttlDays: days })
      await session.answer(
        made,
        `${made.text}\n\nThis is the only time it is shown. It holds until ${made.key.expiresAt}.`,
      )
      return EXIT.ok
    },
  })

  define(shell, {
    name: 'revoke <key>',
    within,
    summary: 'Revoke a key by its public part. It stops working within five seconds.',
    examples: ['admin keys revoke 4fGh81LmQz0a'],
    async work({ session, args }) {
      const key = await session.client.people.revokeKey(args[0] ?? '')
      await session.answer(key, `Revoked ${key.keyId} (${key.name}).`)
      return EXIT.ok
    },
  })
}

function stateOf({ revokedAt, expiresAt }: ApiKeyResource): string {
  if (revokedAt !== null) return 'revoked'
  return expiresAt !== null && Date.parse(expiresAt) <= Date.now() ? 'expired' : 'valid'
}
