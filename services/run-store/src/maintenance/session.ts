/** A database session for maintenance: one client, one transaction, statements without a time limit. */
import pg from 'pg'

export interface MaintenanceSession {
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>
  /** Reads a long result piece by piece. */
  rows<Row>(text: string, values: readonly unknown[], atOnce: number): AsyncGenerator<Row>
}

/** 64-bit integers as numbers. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => (oid === 20 ? Number : pg.types.getTypeParser(oid, format)),
}

/**
 * Runs `work` in one transaction. Readers see one state of the database however long they take, and cannot write:
 * the session itself is read-only, not only what it is meant to do.
 */
export async function inSession<T>(
  url: string,
  mode: 'read' | 'write',
  work: (session: MaintenanceSession) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'run-store maintenance', types })
  await client.connect()
  let cursors = 0
  const query = async <Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> =>
    (await client.query({ text, values: [...values] })).rows as Row[]
  async function* rows<Row>(text: string, values: readonly unknown[], atOnce: number): AsyncGenerator<Row> {
    const name = `maintenance_${cursors++}`
    await query(`DECLARE ${name} CURSOR FOR ${text}`, values)
    for (let piece = await query<Row>(`FETCH ${atOnce} FROM ${name}`); piece.length > 0;) {
      yield* piece
      piece = await query<Row>(`FETCH ${atOnce} FROM ${name}`)
    }
    await query(`CLOSE ${name}`)
  }
  try {
    if (mode === 'read') {
      await query('SET default_transaction_read_only = on')
      await query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    } else await query('BEGIN')
    const result = await work({ query, rows })
    await query(mode === 'read' ? 'ROLLBACK' : 'COMMIT')
    return result
  } finally {
    await client.end()
  }
}
