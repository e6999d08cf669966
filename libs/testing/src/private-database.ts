/**
 * A fresh database per caller on one Postgres: a database costs 30 ms, a cluster most of a second. The server is
 * the one of `npm test`, else one of this spec file, which stops with its last database.
 */
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { startPostgres } from '@lucihub/servers'
import pg from 'pg'
import { binaries, freshFolder } from './own-servers.ts'

export interface PrivateDatabase {
  readonly url: string
  /** Drops the database, whoever is still connected. */
  drop(): Promise<void>
}

interface SharedServer {
  readonly url: string
  stop(): Promise<void>
}

let shared: Promise<SharedServer> | undefined
let databases = 0

export async function privateDatabase(): Promise<PrivateDatabase> {
  databases++
  shared ??= server()
  const { url } = await shared
  const name = `test_${randomBytes(8).toString('hex')}`
  await administer(url, `CREATE DATABASE ${name}`)
  const own = new URL(url)
  own.pathname = `/${name}`
  return {
    url: own.href,
    async drop() {
      await administer(url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
      databases--
      if (databases > 0) return
      const last = shared
      shared = undefined
      await (await last)?.stop()
    },
  }
}

async function server(): Promise<SharedServer> {
  const given = process.env['LUCIHUB_TEST_DATABASE_URL']
  if (given) return { url: given, stop: async () => {} }
  const dir = freshFolder('postgres')
  const own = await startPostgres({ binaries: await binaries(), dir, durable: false })
  return {
    url: own.url,
    async stop() {
      await own.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
