import { privateDatabase, type PrivateDatabase } from '@lucihub/testing'
import { ENTITIES } from '../src/database/entities.ts'
import { migrate, migrationSource } from '../src/database/migrate.ts'

let database: PrivateDatabase

beforeAll(async () => {
  database = await privateDatabase()
})

afterAll(() => database.drop())

test('the migrations lead up, down to nothing, and up to the same again', async () => {
  const source = await migrationSource(database.url).initialize()
  const columns = (): Promise<unknown[]> =>
    source.query(`SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
      WHERE table_schema = 'public' AND table_name <> 'migration' ORDER BY 1, 2`)
  await source.runMigrations()
  const up = await columns()
  expect(up.length).toBeGreaterThan(50)
  for (let undone = 0; undone < source.migrations.length; undone++) await source.undoLastMigration()
  expect(await columns()).toEqual([])
  await source.runMigrations()
  expect(await columns()).toEqual(up)
  await source.destroy()
})

test('replicas that start together migrate once', async () => {
  await Promise.all([migrate(database.url), migrate(database.url), migrate(database.url)])
  const source = await migrationSource(database.url).initialize()
  expect(await source.query('SELECT count(*)::int AS n FROM migration')).toEqual([{ n: source.migrations.length }])
  await source.destroy()
})

test('entities and schema are the same', async () => {
  const source = await migrationSource(database.url, ENTITIES).initialize()
  await source.runMigrations()
  const rows = await source.query<Record<'table' | 'column', string>[]>(COLUMNS)
  const described = source.entityMetadatas.flatMap(({ tableName, columns }) =>
    columns.map((column) => ({
      table: tableName,
      column: column.databaseName,
      type: `${String(column.type)}${column.isArray ? '[]' : ''}`,
      nullable: column.isNullable,
      key: column.isPrimary,
    })),
  )
  await source.destroy()
  const sorted = (columns: readonly { table: string; column: string }[]) =>
    columns.map((column) => JSON.stringify(column)).sort()
  expect(sorted(described)).toEqual(sorted(rows))
})

/** Of every table but that of the migrations, in the words of the entities. */
const COLUMNS = `SELECT c.relname AS table, a.attname AS column,
    replace(replace(replace(replace(format_type(a.atttypid, a.atttypmod), 'timestamp with time zone', 'timestamptz'),
      'time without time zone', 'time'), 'double precision', 'float8'), 'integer', 'int') AS type,
    NOT a.attnotnull AS nullable,
    EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey)) AS key
  FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
  WHERE s.nspname = 'public' AND c.relkind = 'r' AND c.relname <> 'migration' AND a.attnum > 0 AND NOT a.attisdropped`
