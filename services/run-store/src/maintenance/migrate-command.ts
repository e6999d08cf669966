/** `run-store migrate …`: the schema's versions, by hand. The service itself migrates up whenever it starts. */
import { invariant } from '@lucihub/analog'
import { MIGRATIONS, underMigrationLock } from '../database/migrate.ts'

export const MIGRATE_ACTIONS = ['status', 'up', 'down', 'stamp'] as const
export type MigrateAction = (typeof MIGRATE_ACTIONS)[number]

export interface MigrationState {
  readonly name: string
  readonly applied: boolean
}

/**
 * status: changes nothing. up: brings the schema to the newest. down: undoes the latest migration. stamp: notes all
 * migrations as done without doing them, for a database whose schema came another way. Gives the state afterwards.
 */
export async function migrateBy(action: MigrateAction, url: string): Promise<readonly MigrationState[]> {
  return underMigrationLock(url, async (source) => {
    if (action === 'up') await source.runMigrations({ transaction: 'all' })
    else if (action === 'down') await source.undoLastMigration({ transaction: 'all' })
    else if (action === 'stamp') await source.runMigrations({ transaction: 'all', fake: true })
    const [{ found } = { found: false }] = await source.query<{ readonly found: boolean }[]>(
      `SELECT to_regclass('migration') IS NOT NULL AS found`,
    )
    const rows = found ? await source.query<{ readonly name: string }[]>('SELECT name FROM migration') : []
    const applied = new Set(rows.map(({ name }) => name))
    return MIGRATIONS.map(({ name }) => ({ name, applied: applied.has(name) }))
  })
}

export function migrationText(states: readonly MigrationState[]): string {
  const width = Math.max(...states.map(({ name }) => name.length))
  const lines = states.map(({ name, applied }) => `${name.padEnd(width)}  ${applied ? 'applied' : 'pending'}`)
  invariant(lines.length > 0, 'there are migrations')
  return lines.join('\n')
}
