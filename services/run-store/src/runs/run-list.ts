/** Lists of runs: filters, order and pages as one statement that names only what was asked for. */
import { Problem, RUN_KINDS, RUN_STATES } from '@lucihub/analog'
import { runKind, runState, type ListRunsRequest } from '@lucihub/contracts'
import { mayReadRun } from '../access/rights.ts'
import type { Statement } from '../database/database.ts'
import { RUN_COLUMNS } from './run-rows.ts'

export const LIST_LIMIT = { max: 200, default: 50 } as const
const PAGE_MAX = 1_000_000

/** What lists can be ordered by: its column, and where runs without a value go. */
const ORDERS = {
  '': 'r.seq',
  submitted_at: 'r.seq',
  started_at: 'r.started_at',
  ended_at: 'r.ended_at',
  title: 'r.title',
} as const
export const ORDER_WORDS = Object.keys(ORDERS).filter((word) => word !== '')

export interface ListPlan {
  readonly list: Statement
  /** Null where pages are not counted. */
  readonly count: Statement | null
  readonly values: readonly unknown[]
  readonly limit: number
}

/** Problems: `invalid-request` for a cursor, an order or a page that does not exist. */
export function listPlan(request: ListRunsRequest): ListPlan {
  const limit = Math.min(request.limit || LIST_LIMIT.default, LIST_LIMIT.max)
  const order = ORDERS[request.orderBy as keyof typeof ORDERS] as string | undefined
  if (order === undefined)
    throw new Problem('invalid-request', `Runs are ordered by ${ORDER_WORDS.join(', ')}, not "${request.orderBy}".`)
  if (request.page > PAGE_MAX) throw new Problem('invalid-request', `There are at most ${PAGE_MAX} pages.`)
  const values: unknown[] = [request.ownerId, request.role || 'user']
  const asker = { user: '$1', role: '$2' }
  const next = (value: unknown): string => `$${values.push(value)}`
  const states = RUN_STATES.filter((state) => request.states.includes(runState.toProto(state)))
  const kinds = RUN_KINDS.filter((kind) => request.kinds.includes(runKind.toProto(kind)))
  const text = (value: string): string => value.replaceAll('\0', '')
  const conditions = [
    'r.parent_id IS NULL',
    // Without a project only the caller's own: what others share is found where it lies.
    request.project === '' ? 'r.owner_id = $1 AND $2::text IS NOT NULL' : mayReadRun('r', asker),
  ]
  const filter = (wanted: boolean, condition: () => string): void => {
    if (wanted) conditions.push(condition())
  }
  filter(
    request.project !== '',
    () => `r.project_id = (SELECT id FROM project WHERE slug = ${next(text(request.project))})`,
  )
  filter(request.dataset !== '', () => {
    const below = next(`${text(request.dataset).replace(/[\\%_]/g, '\\$&')}/%`)
    return request.project === ''
      ? `substr(r.path, strpos(r.path, '/') + 1) LIKE ${below}`
      : `r.path LIKE ${next(text(request.project))}::text || '/' || ${below}::text`
  })
  filter(states.length > 0, () => `r.state = ANY (${next(states)}::text[])`)
  filter(kinds.length > 0, () => `r.kind = ANY (${next(kinds)}::text[])`)
  filter(request.deviceId !== '', () => {
    const device = next(text(request.deviceId))
    return `(r.device_id = ${device} OR EXISTS (SELECT FROM attempt a WHERE a.run_id = r.id AND a.device_id = ${device}))`
  })
  filter(request.recipe !== '', () => `r.recipe = ${next(text(request.recipe))}`)
  filter(request.jobType !== '', () => `r.job_type = ${next(text(request.jobType))}`)
  filter(request.runNo > 0, () => `r.run_no = ${next(request.runNo)}`)
  filter(typeof request.valid === 'boolean', () => `r.valid = ${next(request.valid)}`)
  filter(request.schema !== '', () => `r.result_schemas @> ARRAY[${next(text(request.schema))}::text]`)
  filter(request.tags.length > 0, () => `r.tags @> ${next(request.tags.map(text))}::text[]`)
  filter(request.pool !== '', () => `r.pool_id = (SELECT id FROM pool WHERE name = ${next(text(request.pool))})`)
  filter(request.engine !== '', () => `r.engine = ${next(text(request.engine))}`)
  filter(request.sweepId !== '', () => `r.sweep_id::text = ${next(text(request.sweepId))}`)
  filter(request.text !== '', () => {
    const words = next(`%${text(request.text).replace(/[\\%_]/g, '\\$&')}%`)
    return `(r.title ILIKE ${words} OR r.notes ILIKE ${words} OR r.path ILIKE ${words} OR array_to_string(r.tags, ' ') ILIKE ${words})`
  })
  const counted = `FROM run r WHERE ${conditions.join('\n      AND ')}`
  const countValues = values.length
  if (request.cursor !== '') {
    if (order !== 'r.seq') throw new Problem('invalid-request', 'Other orders than that of submission go by pages.')
    conditions.push(`r.seq ${request.ascending ? '>' : '<'} ${next(seqOf(request.cursor))}`)
  }
  const direction = request.ascending ? 'ASC' : 'DESC'
  const by = order === 'r.seq' ? `r.seq ${direction}` : `${order} ${direction} NULLS LAST, r.seq ${direction}`
  const paging = request.page > 0 ? `LIMIT ${limit} OFFSET ${(request.page - 1) * limit}` : `LIMIT ${limit + 1}`
  const list = `SELECT ${RUN_COLUMNS} FROM run r WHERE ${conditions.join('\n      AND ')}\n    ORDER BY ${by} ${paging}`
  return {
    list: unnamed(list),
    count: request.page > 0 ? unnamed(`SELECT count(*) AS total ${counted}`) : null,
    values: request.page > 0 ? values.slice(0, countValues) : values,
    limit,
  }
}

/** Not prepared: there are too many forms to keep each in every connection. */
function unnamed(text: string): Statement {
  return { name: '', text }
}

function seqOf(cursor: string): number {
  if (!/^[1-9][0-9]{0,15}$/.test(cursor))
    throw new Problem('invalid-request', `"${cursor.slice(0, 40)}" is not a cursor of this list.`)
  return Number(cursor)
}
