/**
 * Uploads: parts are written as they come, under an id of their own, and get their address, the sha256 of the whole,
 * when all are there. Content that is there already is kept once: the parts that came again are dropped.
 */
import { Injectable } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import type { Asker } from '../access/rights.ts'
import { Database, type Statement, type Transaction } from '../database/database.ts'
import { only } from '../runs/run-rows.ts'
import { isUuid, uuid7 } from '../runs/uuid7.ts'
import { checkName, invalid } from '../tree/names.ts'
import { FileOwners, type FileOwner } from './file-owner.ts'
import { FILE_COLUMNS, type FileRow } from './file-rows.ts'

/** Half a MiB: a part and its envelope fit the bus. */
export const PART_BYTES = 524_288
export const FILE_BYTES_MAX = 2_147_483_648
const SHA256_BYTES = 32
const ROLES = ['user', 'payload', 'input', 'log', 'calibration']
/** What may stand in a header: a type, a subtype, parameters. */
const CONTENT_TYPE = /^[\w!#$&^.+-]{1,100}\/[\w!#$&^.+-]{1,100}(?:; ?[\w-]{1,40}=[\w!#$&^.+-]{1,100}){0,4}$/

const BEGIN: Statement = { name: 'upload-begin', text: 'INSERT INTO blob (id) VALUES ($1)' }
const APPEND: Statement = {
  name: 'upload-append',
  text: `INSERT INTO blob_part (blob_id, number, bytes) SELECT id, $2, $3 FROM blob WHERE id = $1 AND sha256 IS NULL
    ON CONFLICT (blob_id, number) DO UPDATE SET bytes = excluded.bytes RETURNING number`,
}
/** Names of content and of files as locks: two classes, always taken in this order. */
const LOCK: Statement = { name: 'upload-lock', text: 'SELECT pg_advisory_xact_lock(hashtextextended($1, 0))' }
const PARTS: Statement = {
  name: 'upload-parts',
  text: `SELECT count(*) AS parts, coalesce(sum(octet_length(bytes)), 0)::bigint AS size, coalesce(max(number), -1) + 1 AS beyond,
      coalesce(bool_and(octet_length(bytes) = ${PART_BYTES}) FILTER (WHERE number <> (SELECT max(number) FROM blob_part WHERE blob_id = $1)), true) AS even
    FROM blob_part WHERE blob_id = $1`,
}
const ADDRESS: Statement = {
  name: 'upload-address',
  text: `UPDATE blob SET sha256 = $2, size = $3 WHERE id = $1 AND sha256 IS NULL AND NOT EXISTS (SELECT FROM blob WHERE sha256 = $2) RETURNING id`,
}
const DROP: Statement = { name: 'upload-drop', text: 'DELETE FROM blob WHERE id = $1 AND sha256 IS NULL RETURNING id' }
const CURRENT: Statement = {
  name: 'upload-current',
  text: `SELECT ${FILE_COLUMNS} FROM file f WHERE f.owner_kind = $1 AND f.owner_id = $2 AND f.name = $3 AND f.current`,
}
const SUPERSEDE: Statement = { name: 'upload-supersede', text: 'UPDATE file SET current = false WHERE id = $1' }
const INSERT: Statement = {
  name: 'upload-insert',
  text: `INSERT INTO file AS f (id, owner_kind, owner_id, name, version, size, sha256, content_type, role, created_by)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, (SELECT u.id FROM app_user u WHERE u.id::text = $10)) RETURNING ${FILE_COLUMNS}`,
}

export interface NewFile {
  readonly owner: FileOwner
  readonly name: string
  readonly size: number
  readonly sha256: Uint8Array
  readonly contentType: string
  /** Empty: `user`. */
  readonly role: string
}

interface PartsRow {
  readonly parts: number
  readonly size: number
  readonly beyond: number
  readonly even: boolean
}

@Injectable()
export class Uploads {
  constructor(
    private readonly database: Database,
    private readonly owners: FileOwners,
  ) {}

  /** The id to append parts under. Problems: `not-found`, `forbidden`, `validation-failed` for the name. */
  async begin(asker: Asker, { owner, name }: Pick<NewFile, 'owner' | 'name'>): Promise<string> {
    checkName(name)
    await this.owners.check(asker, owner, 'write')
    const uploadId = uuid7(Date.now())
    await this.database.query(BEGIN, [uploadId])
    return uploadId
  }

  /** Problems: `invalid-request` for a part that cannot be; `not-found` when there is no such upload (any more). */
  async append(
    uploadId: string,
    { number, content }: { readonly number: number; readonly content: Uint8Array },
  ): Promise<void> {
    if (content.length === 0 || content.length > PART_BYTES || number >= FILE_BYTES_MAX / PART_BYTES)
      throw new Problem('invalid-request', `Part ${number} of ${content.length} bytes is none of a file.`)
    const stored = isUuid(uploadId) ? await this.database.query(APPEND, [uploadId, number, content]) : []
    if (stored.length === 0) throw noUpload(uploadId)
  }

  /**
   * Makes the parts a version of a file. The same content and type as the current version is that version (`existing`).
   * Problems as for {@link begin} and {@link append}; `invalid-request` when parts are missing.
   */
  async commit(
    asker: Asker,
    uploadId: string,
    file: NewFile,
  ): Promise<{ readonly file: FileRow; readonly existing: boolean }> {
    check(file)
    if (!isUuid(uploadId)) throw noUpload(uploadId)
    await this.owners.check(asker, file.owner, 'write')
    return this.database.transaction(async (transaction) => {
      await address(transaction, uploadId, file)
      await this.owners.hold(transaction, file.owner)
      await transaction.query(LOCK, [`file ${file.owner.kind} ${file.owner.id} ${file.name}`])
      const { kind, id } = file.owner
      const [current] = await transaction.query<FileRow>(CURRENT, [kind, id, file.name])
      const role = file.role || 'user'
      if (current && isSame(current, { ...file, role })) return { file: current, existing: true }
      if (current) await transaction.query(SUPERSEDE, [current.id])
      const version = (current?.version ?? 0) + 1
      const { name, size, contentType } = file
      const sha256 = Buffer.from(file.sha256)
      const values = [uuid7(Date.now()), kind, id, name, version, size, sha256, contentType, role, asker.userId]
      return { file: only(await transaction.query<FileRow>(INSERT, values)), existing: false }
    })
  }
}

function check({ name, sha256, contentType, role }: NewFile): void {
  checkName(name)
  if (sha256.length !== SHA256_BYTES) throw new Problem('invalid-request', 'A sha256 has 32 bytes.')
  if (role !== '' && !ROLES.includes(role)) throw new Problem('invalid-request', `"${role}" is no role of a file.`)
  if (!CONTENT_TYPE.test(contentType))
    throw invalid({
      pointer: '/contentType',
      value: contentType.slice(0, 80),
      message: 'This is not a media type.',
      remedy: 'Send one such as "text/csv; charset=utf-8".',
    })
}

/** Gives the parts their address, or drops them where the content is there already. */
async function address(transaction: Transaction, uploadId: string, { sha256, size }: NewFile): Promise<void> {
  const hash = Buffer.from(sha256)
  await transaction.query(LOCK, [`blob ${hash.toString('hex')}`])
  const found = only(await transaction.query<PartsRow>(PARTS, [uploadId]))
  if (found.size !== size || found.parts !== found.beyond || !found.even)
    throw new Problem('invalid-request', `The parts of the upload have ${found.size} of ${size} bytes.`)
  const addressed = await transaction.query(ADDRESS, [uploadId, hash, size])
  if (addressed.length === 0 && (await transaction.query(DROP, [uploadId])).length === 0) throw noUpload(uploadId)
}

function isSame(current: FileRow, { sha256, contentType, role }: NewFile): boolean {
  return current.sha256.equals(sha256) && current.content_type === contentType && current.role === role
}

function noUpload(uploadId: string): Problem {
  return new Problem('not-found', `There is no upload ${uploadId.slice(0, 80)}.`)
}
