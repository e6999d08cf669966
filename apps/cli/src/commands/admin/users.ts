import { Problem } from '@lucihub/analog'
import type { Client, Provider, Role, UserResource } from '@lucihub/sdk'
import { Option } from 'commander'
import { define, type Shell } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { table } from '../../show/table.ts'
import { adminGroup } from './group.ts'

interface Named {
  readonly provider: Provider
}

interface ListOptions {
  readonly provider?: Provider
}

interface AddOptions {
  readonly password: string
  readonly role: Role
  readonly displayName: string
}

interface UpdateOptions extends Named {
  readonly password?: string
  readonly role?: Role
  readonly disable?: boolean
  readonly enable?: boolean
}

interface RemoveOptions extends Named {
  readonly reassign?: string
  readonly withRuns?: boolean
}

const PROVIDERS = ['local', 'oidc']
const ROLES = ['user', 'operator', 'admin']

/** `lucihub admin users list|add|update|remove`. */
export function adminUsersCommands(shell: Shell): void {
  const within = adminGroup(shell, 'users', 'Users of the hub.')
  const providerOption = (): Option =>
    new Option('--provider <provider>', 'where the user logs in').choices(PROVIDERS).default('local')

  define<ListOptions>(shell, {
    name: 'list',
    within,
    summary: 'List all users.',
    examples: ['admin users list', 'admin users list --provider oidc --json'],
    build: (command) =>
      void command.addOption(new Option('--provider <provider>', 'only those who log in there').choices(PROVIDERS)),
    async work({ session, options }) {
      const users = await allUsers(session.client, options.provider)
      const columns = ['LOGIN', 'AUTH PROVIDER', 'ROLE', 'STATE', 'SINCE'].map((title) => ({ title }))
      const rows = users.map((user) => [
        user.username,
        user.provider,
        user.role,
        user.disabled ? 'locked' : 'active',
        user.createdAt,
      ])
      await session.answer({ users }, `${users.length} users\n\n${table(columns, rows)}`)
      return EXIT.ok
    },
  })

  define<AddOptions>(shell, {
    name: 'add <name>',
    within,
    summary: 'Add a local user.',
    examples: ['admin users add ada --password "a long one"', 'admin users add ops --password "…" --role operator'],
    build: (command) =>
      void command
        .requiredOption('--password <password>', '8 to 200 characters')
        .option('--display-name <name>', 'how people call him', '')
        .addOption(new Option('--role <role>', 'what he may do').choices(ROLES).default('user')),
    async work({ session, args, options: { password, role, displayName } }) {
      const user = await session.client.people.addUser({ username: args[0] ?? '', password, role, displayName })
      await session.answer(user, `Added ${user.username} (${user.role}, id ${user.id}).`)
      return EXIT.ok
    },
  })

  define<UpdateOptions>(shell, {
    name: 'update <name>',
    within,
    summary: 'Change the password or the role of a user, or lock him out.',
    examples: [
      'admin users update ada --password "another one"',
      'admin users update ada --role operator',
      'admin users update gollum --disable',
    ],
    build: (command) =>
      void command
        .option('--password <password>', '8 to 200 characters; ends his sessions')
        .addOption(new Option('--role <role>', 'what he may do').choices(ROLES))
        .option('--disable', 'lock him out; he keeps everything')
        .addOption(new Option('--enable', 'let him in again').conflicts('disable'))
        .addOption(providerOption()),
    async work({ session, args, options }) {
      const { password, role, disable, enable, provider } = options
      const change = {
        ...(password !== undefined && { password }),
        ...(role !== undefined && { role }),
        ...(disable && { disabled: true }),
        ...(enable && { disabled: false }),
      }
      if (Object.keys(change).length === 0)
        session.usage('Say what to change: --password, --role, --disable or --enable.')
      const { id } = await userNamed(session.client, args[0] ?? '', provider)
      const user = await session.client.people.changeUser(id, change)
      await session.answer(user, `Changed ${user.username}: ${user.role}, ${user.disabled ? 'locked' : 'active'}.`)
      return EXIT.ok
    },
  })

  define<RemoveOptions>(shell, {
    name: 'remove <name>',
    within,
    summary: 'Remove a user. One who has runs or projects goes only with them, or when somebody gets them.',
    examples: ['admin users remove ada --reassign bob', 'admin users remove gollum --with-runs'],
    build: (command) =>
      void command
        .addOption(providerOption())
        .option('--reassign <name>', 'the local user who gets his runs and projects')
        .addOption(new Option('--with-runs', 'delete his runs and projects too').conflicts('reassign')),
    async work({ session, args, options: { provider, reassign, withRuns } }) {
      const { id, username } = await userNamed(session.client, args[0] ?? '', provider)
      const heir = reassign === undefined ? null : await userNamed(session.client, reassign, 'local')
      await session.client.people.removeUser(id, {
        withRuns: withRuns ?? false,
        ...(heir && { reassignTo: heir.id }),
      })
      await session.answer({ removed: username, reassignedTo: heir?.username ?? null }, `Removed ${username}.`)
      return EXIT.ok
    },
  })
}

/** Every page of them. */
export async function allUsers(client: Client, provider?: Provider): Promise<UserResource[]> {
  const users: UserResource[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const page = await client.people.users({ limit: 200, ...(provider && { provider }), ...(cursor && { cursor }) })
    users.push(...page.users)
    cursor = page.nextCursor
  }
  return users
}

/** Problem `not-found`. */
export async function userNamed(client: Client, name: string, provider: Provider): Promise<UserResource> {
  const user = (await allUsers(client, provider)).find(({ username }) => username === name)
  if (!user) throw new Problem('not-found', `There is no ${provider} user "${name}". See: lucihub admin users list`)
  return user
}
