/**
 * Who may do what, as predicates of SQL, so that a list is filtered where it is read and a right that was taken away
 * counts at once. Everything in a project follows from one row of project_member; a run is also its owner's, wherever
 * it lies. Administrators may do everything.
 */
import { Problem } from '@lucihub/analog'

/** On whose behalf something is asked; `role` is user, operator or admin. */
export interface Asker {
  readonly userId: string
  readonly role: string
}

export const PROJECT_ROLES = ['viewer', 'editor', 'owner'] as const
export type ProjectRole = (typeof PROJECT_ROLES)[number]

/** read: viewers, editors, owners. write: editors, owners. own (members, deletion of the project): owners. */
export type Right = 'read' | 'write' | 'own'

const ROLES_WITH: Readonly<Record<Right, readonly ProjectRole[]>> = {
  read: PROJECT_ROLES,
  write: ['editor', 'owner'],
  own: ['owner'],
}

/** SQL of the two values of an {@link Asker}, usually parameters: `{ user: '$1', role: '$2' }`. The user is text. */
export interface AskerSql {
  readonly user: string
  readonly role: string
}

/** SQL condition: the asker has the right in the project whose id the expression is. */
export function hasRight(right: Right, project: string, { user, role }: AskerSql): string {
  const roles = ROLES_WITH[right].map((word) => `'${word}'`).join(', ')
  return `(${role}::text = 'admin' OR EXISTS (SELECT FROM project_member pm
    WHERE pm.project_id = ${project} AND pm.user_id = ${uuidOf(user)} AND pm.role IN (${roles})))`
}

/** SQL condition: the asker may read the run of this alias: its owner, members of its project, administrators. */
export function mayReadRun(run: string, asker: AskerSql): string {
  return `(${run}.owner_id = ${asker.user}::text OR ${hasRight('read', `${run}.project_id`, asker)})`
}

/** SQL condition: the asker may change the run of this alias: its owner, editors of its project, administrators. */
export function mayWriteRun(run: string, asker: AskerSql): string {
  return `(${run}.owner_id = ${asker.user}::text OR ${hasRight('write', `${run}.project_id`, asker)})`
}

/** What was found out about somebody and a thing. */
export interface Rights {
  readonly may_read: boolean
  readonly may_write: boolean
}

/**
 * The row, if the asker may do this to it. Problems: `not-found` for what is not there or not to be seen, in the same
 * words; `forbidden` for what may be seen but not changed.
 */
export function allowed<Row extends Rights>(row: Row | undefined, right: 'read' | 'write', what: string): Row {
  if (!row?.may_read) throw new Problem('not-found', `There is no ${what}.`)
  if (right === 'write' && !row.may_write)
    throw new Problem('forbidden', `You may read the ${what}, but not change it.`)
  return row
}

/** Owners of runs need not be users (a service, a test): such a text is nobody's id. */
function uuidOf(user: string): string {
  return `CASE WHEN ${user}::text ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN (${user}::text)::uuid END`
}
