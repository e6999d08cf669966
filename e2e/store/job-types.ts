/** Makes a type of job known, as a recipe for it would. */
import pg from 'pg'
import type { RunningHub } from '../running-hub.ts'

export async function knowJobType({ hub }: RunningHub, jobType: string): Promise<void> {
  const client = new pg.Client({ connectionString: hub.servers.postgres.url })
  await client.connect()
  try {
    const schema = `INSERT INTO parameter_schema (hash, body) VALUES (sha256($1::text::bytea), '{}') ON CONFLICT DO NOTHING`
    await client.query(schema, [jobType])
    const recipe = `INSERT INTO recipe (name, version, job_type, schema_hash) VALUES ($1, 1, $1, sha256($1::text::bytea))`
    await client.query(recipe, [jobType])
  } finally {
    await client.end()
  }
}
