import { createHash, randomUUID } from 'node:crypto'
import { BlobSweeper } from '../src/files/blob-sweeper.ts'
import { Database } from '../src/database/database.ts'
import { startHub, type Hub } from './hub.ts'

let hub: Hub

beforeAll(async () => {
  hub = await startHub()
})

afterAll(() => hub.close())

test('what no file names goes after an hour, what was never finished after a day, and nothing else', async () => {
  const database = hub.service.app.get(Database)
  const blob = async (age: string, content: string | null): Promise<string> => {
    const id = randomUUID()
    const sha256 = content === null ? null : createHash('sha256').update(content).digest()
    const text = 'INSERT INTO blob (id, sha256, created_at) VALUES ($1, $2, now() - $3::interval)'
    await database.query({ name: 'test-blob', text }, [id, sha256, age])
    const part = `INSERT INTO blob_part (blob_id, number, bytes) VALUES ($1, 0, 'x')`
    await database.query({ name: 'test-part', text: part }, [id])
    return id
  }
  const named = await blob('2 days', 'named')
  const young = await blob('10 minutes', 'young')
  const uploading = await blob('2 hours', null)
  await blob('2 hours', 'forgotten')
  await blob('2 days', null)
  const file = `INSERT INTO file (id, owner_kind, owner_id, name, version, size, sha256, content_type)
    SELECT $1, 'dataset', $1, 'f', 1, 0, sha256, 'text/plain' FROM blob WHERE id = $1`
  await database.query({ name: 'test-file', text: file }, [named])

  await hub.service.app.get(BlobSweeper).sweep()

  const left = await database.query<{ id: string; parts: number }>({
    name: 'test-left',
    text: 'SELECT b.id, count(p.*)::int AS parts FROM blob b LEFT JOIN blob_part p ON p.blob_id = b.id GROUP BY b.id',
  })
  expect(new Map(left.map(({ id, parts }) => [id, parts]))).toEqual(
    new Map([
      [named, 1],
      [young, 1],
      [uploading, 1],
    ]),
  )
  const parts = await database.query({ name: 'test-parts', text: 'SELECT FROM blob_part' })
  expect(parts).toHaveLength(3)
})
