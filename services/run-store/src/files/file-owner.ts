/** What files belong to, and who may read or write them there. */
import { Injectable } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import { fileOwnerKind, type FileOwner as FileOwnerMessage } from '@lucihub/contracts'
import { allowed, mayReadRun, mayWriteRun, type Asker, type Rights } from '../access/rights.ts'
import { Database, type Queries, type Statement } from '../database/database.ts'
import { isUuid } from '../runs/uuid7.ts'
import { ASKER, rightsIn } from '../tree/tree-rows.ts'

export type FileOwnerKind = 'dataset' | 'datapoint' | 'run'

export interface FileOwner {
  readonly kind: FileOwnerKind
  readonly id: string
}

const RIGHTS: Readonly<Record<FileOwnerKind, Statement>> = {
  dataset: {
    name: 'file-rights-dataset',
    text: `SELECT ${rightsIn('d.project_id')} FROM dataset d WHERE d.id = $3`,
  },
  datapoint: {
    name: 'file-rights-datapoint',
    text: `SELECT ${rightsIn('d.project_id')} FROM datapoint t JOIN dataset d ON d.id = t.dataset_id WHERE t.id = $3`,
  },
  run: {
    name: 'file-rights-run',
    text: `SELECT ${mayReadRun('r', ASKER)} AS may_read, ${mayWriteRun('r', ASKER)} AS may_write FROM run r WHERE r.id = $3`,
  },
}
const HOLD: Readonly<Record<FileOwnerKind, Statement>> = {
  dataset: hold('dataset'),
  datapoint: hold('datapoint'),
  run: hold('run'),
}

function hold(table: FileOwnerKind): Statement {
  return { name: `file-hold-${table}`, text: `SELECT FROM ${table} WHERE id = $1 FOR KEY SHARE` }
}

@Injectable()
export class FileOwners {
  constructor(private readonly database: Database) {}

  /** Problems: `not-found`, `forbidden`. */
  async check(asker: Asker, { kind, id }: FileOwner, right: 'read' | 'write'): Promise<void> {
    const values = [asker.userId, asker.role, id]
    const [row] = isUuid(id) ? await this.database.query<Rights>(RIGHTS[kind], values) : []
    allowed(row, right, `${kind} ${id.slice(0, 80)}`)
  }

  /** Keeps the owner from being deleted until the transaction ends; no reference in the database does. */
  async hold(queries: Queries, { kind, id }: FileOwner): Promise<void> {
    const rows = await queries.query(HOLD[kind], [id])
    if (rows.length === 0) throw new Problem('not-found', `There is no ${kind} ${id} any more.`)
  }
}

/** Problem `invalid-request` when none is named. */
export function ownerOf(owner: FileOwnerMessage | null | undefined): FileOwner {
  if (!owner || owner.kind === 0)
    throw new Problem('invalid-request', 'A file belongs to a dataset, a datapoint or a run.')
  return { kind: fileOwnerKind.fromProto(owner.kind), id: owner.id }
}
