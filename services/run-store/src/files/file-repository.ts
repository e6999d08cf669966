/** Reading files: lists, versions, parts. */
import { Injectable } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import type { Asker } from '../access/rights.ts'
import { Database, type Statement } from '../database/database.ts'
import { isUuid } from '../runs/uuid7.ts'
import { FileOwners, type FileOwner } from './file-owner.ts'
import { FILE_COLUMNS, type FileRow } from './file-rows.ts'
import { PART_BYTES } from './uploads.ts'

/** In the order in which the current versions came. */
const LIST: Statement = {
  name: 'file-list',
  text: `SELECT ${FILE_COLUMNS} FROM file f WHERE f.owner_kind = $1 AND f.owner_id = $2 AND f.current AND f.seq > $3
    ORDER BY f.seq LIMIT $4`,
}
const VERSIONS: Statement = {
  name: 'file-versions',
  text: `SELECT ${FILE_COLUMNS} FROM file f WHERE f.owner_kind = $1 AND f.owner_id = $2 AND f.name = $3
      AND ($4::bigint = 0 OR f.seq < $4) ORDER BY f.seq DESC LIMIT $5`,
}
const FIND: Statement = {
  name: 'file-find',
  text: `SELECT ${FILE_COLUMNS} FROM file f WHERE f.owner_kind = $1 AND f.owner_id = $2 AND f.name = $3
      AND (f.version = $4 OR ($4 = 0 AND f.current))`,
}
const PART: Statement = {
  name: 'file-part',
  text: `SELECT f.owner_kind, f.owner_id, f.name, f.size, substring(p.bytes FROM ($2::bigint % ${PART_BYTES})::int + 1) AS bytes
    FROM file f JOIN blob b ON b.sha256 = f.sha256
      LEFT JOIN blob_part p ON p.blob_id = b.id AND p.number = $2::bigint / ${PART_BYTES}
    WHERE f.id = $1`,
}

interface PartRow {
  readonly owner_kind: FileOwner['kind']
  readonly owner_id: string
  readonly name: string
  readonly size: number
  readonly bytes: Buffer | null
}

@Injectable()
export class FileRepository {
  constructor(
    private readonly database: Database,
    private readonly owners: FileOwners,
  ) {}

  /** Current versions; one more than asked for, where there are more. */
  async list(
    asker: Asker,
    owner: FileOwner,
    page: { readonly after: number; readonly limit: number },
  ): Promise<FileRow[]> {
    await this.owners.check(asker, owner, 'read')
    return this.database.query<FileRow>(LIST, [owner.kind, owner.id, page.after, page.limit + 1])
  }

  /** All versions of one file, the newest first. Problem `not-found` when there is none. */
  async versions(
    asker: Asker,
    { owner, name }: { readonly owner: FileOwner; readonly name: string },
    page: { readonly before: number; readonly limit: number },
  ): Promise<FileRow[]> {
    await this.owners.check(asker, owner, 'read')
    const rows = await this.database.query<FileRow>(VERSIONS, [owner.kind, owner.id, name, page.before, page.limit + 1])
    if (rows.length === 0 && page.before === 0) throw noFile(name, 0)
    return rows
  }

  /** Version 0 is the current one. Problem `not-found`. */
  async find(
    asker: Asker,
    { owner, name, version }: { readonly owner: FileOwner; readonly name: string; readonly version: number },
  ): Promise<FileRow> {
    await this.owners.check(asker, owner, 'read')
    const values = [owner.kind, owner.id, name.replaceAll('\0', '\u{fffd}'), Math.min(version, 2 ** 31 - 1)]
    const [row] = await this.database.query<FileRow>(FIND, values)
    if (!row) throw noFile(name, version)
    return row
  }

  /** The bytes from an offset to the end of the part it lies in; empty at the end. Problem `not-found`. */
  async part(
    asker: Asker,
    { fileId, offset }: { readonly fileId: string; readonly offset: number },
  ): Promise<Uint8Array> {
    const [row] = isUuid(fileId) ? await this.database.query<PartRow>(PART, [fileId, offset]) : []
    if (!row) throw new Problem('not-found', `There is no file ${fileId.slice(0, 80)}.`)
    await this.owners.check(asker, { kind: row.owner_kind, id: row.owner_id }, 'read')
    return row.bytes ?? new Uint8Array(0)
  }
}

function noFile(name: string, version: number): Problem {
  return new Problem(
    'not-found',
    `There is no ${version === 0 ? 'file' : `version ${version} of a file`} "${name.slice(0, 130)}".`,
  )
}
