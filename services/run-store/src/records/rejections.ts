/** Submissions that were refused: kept so that somebody can find out why, of each owner the latest. */
import { Injectable } from '@nestjs/common'
import type { ListRejectedReply } from '@lucihub/contracts'
import type { Asker } from '../access/rights.ts'
import { Database, type Statement } from '../database/database.ts'
import { isUuid } from '../runs/uuid7.ts'

const LIMIT = { max: 100, default: 50 } as const
const LAST = 'ffffffff-ffff-ffff-ffff-ffffffffffff'
const LIST: Statement = {
  name: 'list-rejected',
  text: `SELECT id, at, owner_id AS "ownerId", recipe, body::text AS "bodyJson", violations::text AS "violationsJson" FROM rejected_submission
    WHERE (owner_id = $1 OR $2 = 'admin') AND ($3::text = '' OR recipe = $3) AND id < $4 ORDER BY id DESC LIMIT $5`,
}

@Injectable()
export class Rejections {
  constructor(private readonly database: Database) {}

  /** Newest first: one's own, of administrators everybody's. */
  async list(
    { userId, role }: Asker,
    { recipe, cursor, limit }: { readonly recipe: string; readonly cursor: string; readonly limit: number },
  ): Promise<ListRejectedReply> {
    type Row = { id: string; at: Date; ownerId: string; recipe: string; bodyJson: string; violationsJson: string }
    const size = Math.min(limit || LIMIT.default, LIMIT.max)
    const values = [userId, role, recipe.replaceAll('\0', ''), isUuid(cursor) ? cursor : LAST, size + 1]
    const rows = await this.database.query<Row>(LIST, values)
    const shown = rows.slice(0, size)
    return {
      submissions: shown.map(({ at, ...row }) => ({ ...row, atMs: at.getTime() })),
      nextCursor: rows.length > size ? (shown.at(-1)?.id ?? '') : '',
    }
  }
}
