/** What may be said about a run after it was accepted: its title, notes and tags. */
import { Injectable } from '@nestjs/common'
import { Problem, RUN_LIMITS, type Violation } from '@lucihub/analog'
import type { ChangeRunRequest } from '@lucihub/contracts'
import { allowed, mayReadRun, mayWriteRun, type Rights } from '../access/rights.ts'
import { Database, type Statement } from '../database/database.ts'
import { noSuchRun } from '../runs/run-repository.ts'
import { isUuid } from '../runs/uuid7.ts'
import { askerOf } from '../tree/tree-rows.ts'

const ASKER = { user: '$2', role: '$3' }
const LOOK: Statement = {
  name: 'change-run-look',
  text: `SELECT ${mayReadRun('r', ASKER)} AS may_read, ${mayWriteRun('r', ASKER)} AS may_write FROM run r WHERE r.id = $1`,
}
const CHANGE: Statement = {
  name: 'change-run',
  text: `UPDATE run SET title = coalesce($2, title), notes = coalesce($3, notes), tags = coalesce($4::text[], tags) WHERE id = $1`,
}

@Injectable()
export class RunChanges {
  constructor(private readonly database: Database) {}

  /** Problems: `not-found`, `forbidden`, `validation-failed`. */
  async change({ actor, runId, title, notes, tags }: ChangeRunRequest): Promise<void> {
    const { userId, role } = askerOf(actor)
    if (!isUuid(runId)) throw noSuchRun(runId)
    const [row] = await this.database.query<Rights>(LOOK, [runId, userId, role])
    allowed(row, 'write', `run ${runId}`)
    const wanted = tags?.tags ?? null
    const violations = violationsOf({ title: title ?? '', notes: notes ?? '', tags: wanted ?? [] })
    if (violations.length > 0)
      throw new Problem('validation-failed', 'The run cannot be changed like that.', { violations })
    await this.database.query(CHANGE, [runId, title ?? null, notes ?? null, wanted])
  }
}

function violationsOf({ title, notes, tags }: { title: string; notes: string; tags: readonly string[] }): Violation[] {
  const violations: Violation[] = []
  const report = (pointer: string, value: string, message: string, remedy: string): void => {
    violations.push({ pointer, value: value.slice(0, 80), message, remedy })
  }
  for (const [pointer, text, max] of [
    ['/title', title, RUN_LIMITS.titleLength.max],
    ['/notes', notes, RUN_LIMITS.notesLength.max],
  ] as const) {
    if (Buffer.byteLength(text) > max) report(pointer, text, 'The text is too long.', `Use at most ${max} bytes.`)
    if (text.includes('\0')) report(pointer, 'U+0000', 'The text contains a NUL character.', 'Remove it.')
  }
  if (tags.length > RUN_LIMITS.tags.max)
    report('/tags', String(tags.length), 'There are too many tags.', `Use at most ${RUN_LIMITS.tags.max}.`)
  tags.forEach((tag, at) => {
    if (tag === '' || tag.length > RUN_LIMITS.tags.length || tag.includes(',') || tag.includes('\0'))
      report(`/tags/${at}`, tag, 'This is no tag.', `Use 1 to ${RUN_LIMITS.tags.length} characters, no comma.`)
  })
  return violations
}
