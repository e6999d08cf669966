/**
 * Postgres: one pool, statements prepared by name, transactions that are tried again after a deadlock.
 * TypeORM runs the migrations at the start and is gone afterwards; everything else is plain SQL, because
 * all of it is either hot or a locking protocol, and neither gains from entities.
 * Failures of the world (connection, shutdown, full disk) become Problem `unavailable`, so that callers retry;
 * every other error of a statement is our own mistake and stays what it is.
 */
import { Logger, type OnApplicationShutdown } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import type { CustomTypesConfig, PoolClient } from 'pg'
import { counter } from '@lucihub/service-kit'
import { migrate } from './migrate.ts'

/** A statement with a name: prepared once per connection. */
export interface Statement {
  readonly name: string
  readonly text: string
}

/** What asks statements: the database itself, or one transaction of it. */
export interface Queries {
  query<Row>(statement: Statement, values?: readonly unknown[]): Promise<Row[]>
}

export interface Transaction extends Queries {
  /** For COPY. */
  readonly client: PoolClient
}

/** Also what a test counts: a read of a run must not grow by a statement unnoticed. */
const asked = counter('lucihub_statements_total', 'Statements asked of Postgres, by name', ['name'])

const CONNECTIONS = 12
/** Deadlocks and serialization failures are tried again this often. */
const TRANSACTION_TRIES = 5
const CONNECT_PATIENCE_MS = 60_000
const CONNECT_PAUSE_MS = 250

/** Object id of the type bigint. */
const INT8 = 20

/** 64-bit integers as numbers: all of ours stay below 2^53. */
const types: CustomTypesConfig = {
  getTypeParser: (oid, format) => (oid === INT8 ? Number : pg.types.getTypeParser(oid, format)),
}

export class Database implements Queries, OnApplicationShutdown {
  private constructor(private readonly pool: InstanceType<typeof pg.Pool>) {}

  /** Waits until Postgres answers (up to 60 s), brings the schema up to date and opens the pool. */
  static async open(url: string): Promise<Database> {
    const logger = new Logger('Database')
    const deadline = performance.now() + CONNECT_PATIENCE_MS
    for (;;) {
      try {
        await migrate(url)
        break
      } catch (error) {
        if (!isOutage(error) || performance.now() > deadline) throw error
        logger.warn(`Postgres does not answer yet: ${error instanceof Error ? error.message : String(error)}`)
        await new Promise((resolve) => setTimeout(resolve, CONNECT_PAUSE_MS))
      }
    }
    const pool = new pg.Pool({
      connectionString: url,
      application_name: 'run-store',
      max: CONNECTIONS,
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
      statement_timeout: 30_000,
      lock_timeout: 10_000,
      // A frozen process must not keep rows locked.
      idle_in_transaction_session_timeout: 10_000,
    })
    // An idle connection that the server closed; the pool opens another when it is needed.
    pool.on('error', (error: Error) => logger.warn(`An idle connection was lost: ${error.message}`))
    return new Database(pool)
  }

  async query<Row>({ name, text }: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    asked.inc({ name })
    return asProblem(async () => (await this.pool.query({ name, text, values: [...values], types })).rows as Row[])
  }

  /** Runs `work` in one transaction; again from its beginning after a deadlock. `work` must have no other effects (but counters). */
  async transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return asProblem(async () => {
      for (let tries = 1; ; tries++) {
        try {
          return await this.once(work)
        } catch (error) {
          if (!isConflict(error) || tries >= TRANSACTION_TRIES) throw error
        }
      }
    })
  }

  /**
   * What a query returns, in the binary format of COPY: the only way out of Postgres on which this client library
   * does not turn every byte of samples into two letters. It knows no parameters, so `query` must hold nothing but
   * literals that were checked.
   */
  async copyOut(query: string): Promise<Buffer> {
    return asProblem(async () => {
      const client = await this.pool.connect()
      let broken: Error | undefined
      const onError = (error: Error): void => {
        broken = error
      }
      client.on('error', onError)
      try {
        const pieces: Buffer[] = []
        for await (const piece of client.query(copyTo(`COPY (${query}) TO STDOUT (FORMAT binary)`)))
          pieces.push(piece as Buffer)
        return Buffer.concat(pieces)
      } finally {
        client.off('error', onError)
        client.release(broken)
      }
    })
  }

  async healthy(): Promise<boolean> {
    try {
      await this.query({ name: 'ping', text: 'SELECT 1' })
      return true
    } catch {
      // Not healthy is all that is asked; the failing statements themselves are logged where they matter.
      return false
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end()
  }

  private async once<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const client = await this.pool.connect()
    let broken: Error | undefined
    // A connection that dies between two statements reports it here; the next statement rejects.
    const onError = (error: Error): void => {
      broken = error
    }
    client.on('error', onError)
    try {
      await client.query('BEGIN')
      const query = async <Row>({ name, text }: Statement, values: readonly unknown[] = []): Promise<Row[]> => {
        asked.inc({ name })
        return (await client.query({ name, text, values: [...values], types })).rows as Row[]
      }
      const result = await work({ client, query })
      await client.query('COMMIT')
      return result
    } catch (error) {
      await client.query('ROLLBACK').catch((failure: Error) => {
        broken = failure
      })
      throw error
    } finally {
      client.off('error', onError)
      client.release(broken)
    }
  }
}

/** SQLSTATE of an error of Postgres; empty for others. */
export function sqlState(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

async function asProblem<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof Problem || !isOutage(error)) throw error
    throw new Problem('unavailable', 'The database is not available at the moment.', { cause: error, retryAfterS: 1 })
  }
}

/** Deadlock or serialization failure. */
function isConflict(error: unknown): boolean {
  return ['40001', '40P01'].includes(sqlState(error))
}

/** The world, not the statement: classes 08 connection, 40 conflict, 53 resources, 57 intervention, 55P03 lock timeout, and sockets. */
function isOutage(error: unknown): boolean {
  const state = sqlState(error)
  if (/^(08|40|53|57)...$/.test(state) || state === '55P03' || /^E[A-Z]+$/.test(state)) return true
  return (
    error instanceof Error &&
    /Connection terminated|timeout exceeded when trying to connect|not queryable/.test(error.message)
  )
}
