/**
 * A project as a directory: `tables/<table>.jsonl`, one row per line as Postgres itself writes it; `blobs/<sha256>`, the
 * bytes of files; `manifest.json` with size and sha256 of all of them and a digest over the whole. Nothing is held in
 * memory, and all of it is one state of the database. The same project has the same digest wherever it is.
 */
import { createHash } from 'node:crypto'
import { mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Problem } from '@lucihub/analog'
import { MIGRATIONS } from '../database/migrate.ts'
import { ARCHIVE_TABLES, FILES, KEEPS_SEQ, type ArchiveTable } from './archive-tables.ts'
import { inSession, type MaintenanceSession } from './session.ts'

export const ARCHIVE_FORMAT = 'lucihub-archive-1'

export interface ArchivedFile {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
  /** Of a table. */
  readonly rows?: number
}

export interface Manifest {
  readonly format: string
  /** The newest migration of the schema that the rows are of. */
  readonly schema: string
  readonly project: string
  readonly exportedAt: string
  /** Runs that had not ended, and are not in here. */
  readonly leftOut: number
  readonly files: readonly ArchivedFile[]
  /** sha256 over path and sha256 of every file, in order. */
  readonly digest: string
}

/** The newest schema that this program knows. */
export function schemaName(): string {
  return MIGRATIONS.at(-1)?.name ?? ''
}

export function digestOf(files: readonly ArchivedFile[]): string {
  const hash = createHash('sha256')
  for (const { path, sha256 } of files) hash.update(`${path} ${sha256}\n`)
  return hash.digest('hex')
}

/** The directory must not be there yet, or be empty. Problem `not-found` for the project. */
export async function exportArchive(
  url: string,
  { project, dir }: { project: string; dir: string },
): Promise<Manifest> {
  return inSession(url, 'read', async (session) => {
    const id = await projectId(session, project)
    await mkdir(join(dir, 'tables'), { recursive: true })
    await mkdir(join(dir, 'blobs'), { recursive: true })
    const files: ArchivedFile[] = []
    for (const table of ARCHIVE_TABLES) files.push(await exportTable(session, { table, id, dir }))
    const blobs = await session.query<{ readonly id: string; readonly sha256: string }>(
      `SELECT b.id, encode(b.sha256, 'hex') AS sha256 FROM blob b WHERE b.sha256 IN (SELECT t.sha256 FROM file t WHERE ${FILES}) ORDER BY b.sha256`,
      [id],
    )
    for (const blob of blobs) files.push(await exportBlob(session, { ...blob, dir }))
    const [open_] = await session.query<{ readonly count: number }>(
      'SELECT count(*) FROM run WHERE project_id = $1 AND parent_id IS NULL AND ended_at IS NULL',
      [id],
    )
    const manifest: Manifest = {
      format: ARCHIVE_FORMAT,
      schema: schemaName(),
      project,
      exportedAt: new Date().toISOString(),
      leftOut: open_?.count ?? 0,
      files,
      digest: digestOf(files),
    }
    await writeFile(join(dir, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`, { flag: 'wx' })
    return manifest
  })
}

export async function projectId(session: MaintenanceSession, slug: string): Promise<string> {
  const [found] = await session.query<{ readonly id: string }>('SELECT id FROM project WHERE slug = $1', [slug])
  if (!found) throw new Problem('not-found', `There is no project "${slug}".`)
  return found.id
}

/** Writes pieces to a new file and tells what they came to. */
export async function writeHashed(
  { dir, path }: { readonly dir: string; readonly path: string },
  pieces: AsyncIterable<Uint8Array>,
): Promise<ArchivedFile> {
  const hash = createHash('sha256')
  let bytes = 0
  const file = await open(join(dir, path), 'wx')
  try {
    for await (const piece of pieces) {
      hash.update(piece)
      bytes += piece.length
      await file.write(piece)
    }
  } finally {
    await file.close()
  }
  return { path, bytes, sha256: hash.digest('hex') }
}

/** The bytes of a file's content, in order. */
export async function* blobBytes(session: MaintenanceSession, blobId: string): AsyncGenerator<Uint8Array> {
  const parts = 'SELECT bytes FROM blob_part WHERE blob_id = $1 ORDER BY number'
  for await (const { bytes } of session.rows<{ readonly bytes: Buffer }>(parts, [blobId], 1)) yield bytes
}

async function exportTable(
  session: MaintenanceSession,
  { table, id, dir }: { readonly table: ArchiveTable; readonly id: string; readonly dir: string },
): Promise<ArchivedFile> {
  const { name, where, order, instead = `'{}'` } = table
  const bare = KEEPS_SEQ.has(name) ? 'to_jsonb(t)' : `to_jsonb(t) - 'seq'`
  const text = `SELECT ((${bare}) || (${instead})::jsonb)::text AS line FROM ${name} t WHERE ${where} ORDER BY ${order}`
  let rows = 0
  async function* lines(): AsyncGenerator<Uint8Array> {
    for await (const { line } of session.rows<{ readonly line: string }>(text, [id], 20)) {
      rows += 1
      yield Buffer.from(`${line}\n`)
    }
  }
  const written = await writeHashed({ dir, path: `tables/${name}.jsonl` }, lines())
  return { ...written, rows }
}

async function exportBlob(
  session: MaintenanceSession,
  { id, sha256, dir }: { readonly id: string; readonly sha256: string; readonly dir: string },
): Promise<ArchivedFile> {
  const written = await writeHashed({ dir, path: `blobs/${sha256}` }, blobBytes(session, id))
  if (written.sha256 !== sha256)
    throw new Problem('internal', `The content ${sha256} is damaged: lucihub admin fsck says what else is.`)
  return written
}
