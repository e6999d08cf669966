/** Rows of `file` as messages. */
import { fileOwnerKind, type StoredFile } from '@lucihub/contracts'
import type { FileOwnerKind } from './file-owner.ts'

export const FILE_COLUMNS = `f.id, f.seq, f.owner_kind, f.owner_id, f.name, f.version, f.current, f.size, f.sha256, f.content_type, f.role,
  f.created_by, f.created_at`

export interface FileRow {
  readonly id: string
  readonly seq: number
  readonly owner_kind: FileOwnerKind
  readonly owner_id: string
  readonly name: string
  readonly version: number
  readonly current: boolean
  readonly size: number
  readonly sha256: Buffer
  readonly content_type: string
  readonly role: string
  readonly created_by: string | null
  readonly created_at: Date
}

export function fileToProto(row: FileRow): StoredFile {
  return {
    id: row.id,
    owner: { kind: fileOwnerKind.toProto(row.owner_kind), id: row.owner_id },
    name: row.name,
    version: row.version,
    current: row.current,
    size: row.size,
    sha256: row.sha256,
    contentType: row.content_type,
    role: row.role,
    createdBy: row.created_by ?? '',
    createdAtMs: row.created_at.getTime(),
  }
}
