import { privateDatabase, type PrivateDatabase } from '@lucihub/testing'
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
