import { connect } from '@nats-io/transport-node'
import { jetstreamManager } from '@nats-io/jetstream'
import pg from 'pg'
import { createClient } from 'redis'
import { privateDatabase, privateNats, privateRedis } from './index.ts'

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

test('two private databases do not see each other, and a dropped one is gone', async () => {
  const one = await privateDatabase()
  const other = await privateDatabase()
  await query(one.url, 'CREATE TABLE only_here (n integer)')
  const tables = await query(other.url, "SELECT tablename FROM pg_tables WHERE tablename = 'only_here'")
  expect(tables).toEqual([])
  await one.drop()
  await expect(query(one.url, 'SELECT 1')).rejects.toThrow(/database "test_[0-9a-f]{16}" does not exist/)
  await other.drop()
})

test('a private NATS keeps a stream over a kill and a restart on the same port', async () => {
  const nats = await privateNats({ syncAlways: true })
  const before = await connect({ servers: nats.url, reconnect: false })
  const manager = await jetstreamManager(before)
  await manager.streams.add({ name: 'KEPT', subjects: ['kept.>'] })
  await manager.jetstream().publish('kept.one', 'payload')
  await nats.kill()
  await before.closed()
  await nats.restart()
  const after = await connect({ servers: nats.url })
  const info = await (await jetstreamManager(after)).streams.info('KEPT')
  expect(info.state.messages).toBe(1)
  await after.close()
  await nats.stop()
})

test('a private Redis is empty after a restart, because it is a cache', async () => {
  const redis = await privateRedis()
  const read = async (): Promise<string | null> => {
    const client = createClient({ url: redis.url })
    await client.connect()
    const value = await client.get('key')
    await client.set('key', 'value')
    client.destroy()
    return value
  }
  expect(await read()).toBeNull()
  expect(await read()).toBe('value')
  await redis.restart()
  expect(await read()).toBeNull()
  await redis.stop()
})
