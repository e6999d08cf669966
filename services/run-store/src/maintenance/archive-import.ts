/**
 * An archive back into a database, all or nothing: first every file is compared with the manifest, then the rows go in,
 * in one transaction. Users, pools and configurations that are here already stand for those of the archive; everything
 * else must be new.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Problem } from '@lucihub/analog'
import { sqlState } from '../database/database.ts'
import { PART_BYTES } from '../files/uploads.ts'
import { uuid7 } from '../runs/uuid7.ts'
import { checkName } from '../tree/names.ts'
import { ARCHIVE_FORMAT, digestOf, schemaName, type Manifest } from './archive-export.ts'
import { ARCHIVE_TABLES, HAS_PATH, KEEPS_SEQ, type ArchiveTable } from './archive-tables.ts'
import { inSession, type MaintenanceSession } from './session.ts'

/** Rows are inserted together up to this many characters of JSON. */
const BATCH_LENGTH = 1_000_000

export interface Imported {
  readonly project: string
  readonly rows: number
  readonly blobs: number
  readonly digest: string
}

/** `as`: another name for the project. Problems: `validation-failed` for a damaged archive, `state-conflict` for what is here already. */
export async function importArchive(url: string, { dir, as }: { dir: string; as: string | null }): Promise<Imported> {
  const manifest = await readManifest(dir)
  await verify(dir, manifest)
  const project = as === null ? manifest.project : checkName(as, '/as')
  return inSession(url, 'write', async (session) => {
    const taken = await session.query('SELECT FROM project WHERE slug = $1', [project])
    if (taken.length > 0)
      throw new Problem('state-conflict', `There is a project "${project}" already: import it under another name.`)
    const blobs = manifest.files.filter(({ path }) => path.startsWith('blobs/'))
    for (const { path, sha256, bytes } of blobs) await importBlob(session, { file: join(dir, path), sha256, bytes })
    const known = new Map<string, string>()
    let rows = 0
    for (const table of ARCHIVE_TABLES) {
      const renamed = project === manifest.project ? null : { from: manifest.project, to: project }
      rows += await importTable(session, { table, dir, known, renamed }).catch((error: unknown) => {
        if (sqlState(error) !== '23505') throw error
        throw new Problem('state-conflict', `Rows of ${table.name} are in this hub already: ${String(error)}`, {
          cause: error,
        })
      })
    }
    return { project, rows, blobs: blobs.length, digest: manifest.digest }
  })
}

async function readManifest(dir: string): Promise<Manifest> {
  const manifest = await readFile(join(dir, 'manifest.json'), 'utf8')
    .then((text) => JSON.parse(text) as Manifest)
    .catch((cause: unknown) => {
      throw new Problem('validation-failed', `${dir} has no manifest.json that can be read.`, { cause })
    })
  if (manifest.format !== ARCHIVE_FORMAT)
    throw new Problem('validation-failed', `${dir} is no archive of the format ${ARCHIVE_FORMAT}.`)
  if (manifest.schema !== schemaName())
    throw new Problem('validation-failed', `The archive is of schema ${manifest.schema}, this hub of ${schemaName()}.`)
  if (digestOf(manifest.files) !== manifest.digest)
    throw new Problem('validation-failed', 'The manifest was changed: its digest is another one.')
  return manifest
}

async function verify(dir: string, { files }: Manifest): Promise<void> {
  const expected = new Set(ARCHIVE_TABLES.map(({ name }) => `tables/${name}.jsonl`))
  for (const { path, sha256, bytes } of files) {
    if (!expected.has(path) && path !== `blobs/${sha256}`)
      throw new Problem('validation-failed', `An archive has no file "${path.slice(0, 200)}".`)
    const hash = createHash('sha256')
    let found = 0
    try {
      for await (const piece of createReadStream(join(dir, path))) {
        hash.update(piece as Buffer)
        found += (piece as Buffer).length
      }
    } catch (cause) {
      throw new Problem('validation-failed', `${path} cannot be read.`, { cause })
    }
    if (found !== bytes || hash.digest('hex') !== sha256)
      throw new Problem('validation-failed', `${path} is not what the manifest says: it was changed or damaged.`)
  }
  for (const path of expected)
    if (!files.some((file) => file.path === path)) throw new Problem('validation-failed', `${path} is missing.`)
}

/** Content that is here already is the same content. */
async function importBlob(
  session: MaintenanceSession,
  { file, sha256, bytes }: { readonly file: string; readonly sha256: string; readonly bytes: number },
): Promise<void> {
  const [made] = await session.query<{ readonly id: string }>(
    `INSERT INTO blob (id, sha256, size) VALUES ($1, decode($2, 'hex'), $3) ON CONFLICT (sha256) DO NOTHING RETURNING id`,
    [uuid7(Date.now()), sha256, bytes],
  )
  if (!made) return
  let number = 0
  let pending = Buffer.alloc(0)
  const put = async (part: Buffer): Promise<void> => {
    await session.query('INSERT INTO blob_part (blob_id, number, bytes) VALUES ($1, $2, $3)', [made.id, number++, part])
  }
  for await (const piece of createReadStream(file, { highWaterMark: PART_BYTES })) {
    pending = Buffer.concat([pending, piece as Buffer])
    for (; pending.length >= PART_BYTES; pending = pending.subarray(PART_BYTES))
      await put(pending.subarray(0, PART_BYTES))
  }
  if (pending.length > 0) await put(pending)
}

interface TableImport {
  readonly table: ArchiveTable
  readonly dir: string
  /** Ids of the archive that others stand for here. */
  readonly known: Map<string, string>
  readonly renamed: { readonly from: string; readonly to: string } | null
}

async function importTable(session: MaintenanceSession, job: TableImport): Promise<number> {
  const lines = createInterface({ input: createReadStream(join(job.dir, 'tables', `${job.table.name}.jsonl`)) })
  let batch: string[] = []
  let length = 0
  let rows = 0
  const flush = async (): Promise<void> => {
    if (batch.length > 0) await insert(session, job, `[${batch.join(',')}]`)
    rows += batch.length
    batch = []
    length = 0
  }
  for await (const line of lines) {
    const mapped = withIds(line, job.known)
    if (job.table.sameAs && (await standIn(session, job, mapped))) continue
    batch.push(mapped)
    length += mapped.length
    if (length > BATCH_LENGTH) await flush()
  }
  await flush()
  return rows
}

/** True when a row that is here already stands for this one. */
async function standIn(
  session: MaintenanceSession,
  { table: { name, sameAs = [] }, known }: TableImport,
  line: string,
): Promise<boolean> {
  const same = sameAs.map((column) => `t.${column} = given.${column}`).join(' AND ')
  const [row] = await session.query<{ readonly here: string; readonly there: string }>(
    `SELECT t.id AS here, given.id AS there FROM jsonb_populate_record(NULL::${name}, $1::jsonb) given JOIN ${name} t ON ${same}`,
    [line],
  )
  if (!row) return false
  if (row.here !== row.there) known.set(row.there, row.here)
  return true
}

async function insert(
  session: MaintenanceSession,
  { table: { name, shared = false }, renamed }: TableImport,
  rows: string,
): Promise<void> {
  const columns = await columnsOf(session, name)
  const list = columns.map((column) => `"${column}"`).join(', ')
  const values: unknown[] = [rows]
  let row = 'given.row'
  if (renamed && (HAS_PATH.has(name) || name === 'project')) {
    values.push(renamed.to, renamed.from.length + 1)
    row =
      name === 'project'
        ? `given.row || jsonb_build_object('slug', $2::text || left('', $3::int))`
        : `given.row || jsonb_build_object('path', $2::text || substr(given.row->>'path', $3::int))`
  }
  await session.query(
    `INSERT INTO ${name} (${list}) SELECT ${columns.map((column) => `one."${column}"`).join(', ')}
      FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY given (row, place)
        CROSS JOIN LATERAL jsonb_populate_record(NULL::${name}, ${row}) one
      ORDER BY given.place ${shared ? 'ON CONFLICT DO NOTHING' : ''}`,
    values,
  )
  // What the trigger made of the insert is the history of the import; the run brought its own.
  if (name === 'run')
    await session.query(
      `UPDATE run SET state_changes = given.row->'state_changes', valid = (given.row->>'valid')::boolean
        FROM jsonb_array_elements($1::jsonb) given (row) WHERE run.id = (given.row->>'id')::uuid`,
      [rows],
    )
}

async function columnsOf(session: MaintenanceSession, name: string): Promise<string[]> {
  const columns = await session.query<{ readonly name: string }>(
    `SELECT attname AS name FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [name],
  )
  return columns.map((column) => column.name).filter((column) => column !== 'seq' || KEEPS_SEQ.has(name))
}

/** Ids are unique wherever they stand, so replacing their text replaces every reference. */
function withIds(line: string, known: ReadonlyMap<string, string>): string {
  if (known.size === 0) return line
  return line.replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) => known.get(id) ?? id)
}
