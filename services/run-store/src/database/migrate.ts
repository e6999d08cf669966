/** Brings the schema up to date. Replicas that start together take turns under an advisory lock. */
import 'reflect-metadata'
import pg from 'pg'
import { DataSource, type EntitySchema } from 'typeorm'
import type { TableRow } from './entities.ts'
import { Execution1764000000000 } from './schema/execution.ts'
import { DeviceApproval1763900000000 } from './schema/device-approval.ts'
import { InitialSchema1763700000000 } from './schema/initial.ts'
import { ProjectsAndRecords1763800000000 } from './schema/projects-and-records.ts'

/** Any number that nothing else in this database locks. */
const MIGRATION_LOCK = 4_918_273

/** In order; classes instead of file patterns, so that a bundle holds them. */
export const MIGRATIONS = [
  InitialSchema1763700000000,
  ProjectsAndRecords1763800000000,
  DeviceApproval1763900000000,
  Execution1764000000000,
]

/** A TypeORM data source that knows the migrations, and entities where they are asked for. Destroy it after use. */
export function migrationSource(url: string, entities: readonly EntitySchema<TableRow>[] = []): DataSource {
  return new DataSource({
    type: 'postgres',
    driver: pg,
    url,
    entities: [...entities],
    migrations: MIGRATIONS,
    migrationsTableName: 'migration',
  })
}

/** Brings the schema to the newest version. */
export async function migrate(url: string): Promise<void> {
  await underMigrationLock(url, (source) => source.runMigrations({ transaction: 'all' }))
}

/** Work on the schema that nobody else does at the same time. */
export async function underMigrationLock<T>(url: string, work: (source: DataSource) => Promise<T>): Promise<T> {
  const guard = new pg.Client({ connectionString: url, application_name: 'run-store migration' })
  await guard.connect()
  try {
    await guard.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK])
    const source = await migrationSource(url).initialize()
    try {
      return await work(source)
    } finally {
      await source.destroy()
    }
  } finally {
    // Closing the session releases the lock.
    await guard.end()
  }
}
