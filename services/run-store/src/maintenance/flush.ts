/** `run-store flush`: what Redis still holds of runs that are over and stored. Live views of other runs stay. */
import { createClient } from 'redis'
import { RUN_KEYS, runOfKey } from '../view/hot-view-cache.ts'
import { inSession } from './session.ts'

export interface Flushed {
  readonly kept: number
  readonly dropped: number
}

export async function flush({ databaseUrl, redisUrl }: { databaseUrl: string; redisUrl: string }): Promise<Flushed> {
  const client = createClient({ url: redisUrl, socket: { connectTimeout: 2_000, reconnectStrategy: false } })
  client.on('error', () => {
    // The command that fails says it.
  })
  await client.connect()
  try {
    const keys: string[] = []
    for await (const found of client.scanIterator({ MATCH: RUN_KEYS, COUNT: 1000 })) keys.push(...found)
    const runs = [...new Set(keys.map(runOfKey))]
    const open = await inSession(databaseUrl, 'read', (session) =>
      session.query<{ readonly id: string }>(
        'SELECT id::text AS id FROM run WHERE id::text = ANY ($1::text[]) AND ended_at IS NULL',
        [runs],
      ),
    )
    const live = new Set(open.map(({ id }) => id))
    const over = keys.filter((key) => !live.has(runOfKey(key)))
    if (over.length > 0) await client.del(over)
    return { kept: keys.length - over.length, dropped: over.length }
  } finally {
    client.destroy()
  }
}
