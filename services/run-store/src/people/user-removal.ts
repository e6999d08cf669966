/** Taking a user away, and what becomes of what he made. */
import { Problem } from '@lucihub/analog'
import type { Actor } from '@lucihub/contracts'
import type { Database, Statement, Transaction } from '../database/database.ts'
import { only } from '../runs/run-rows.ts'
import { audit } from './audit.ts'
import { keepAnAdmin, userRow } from './user-repository.ts'

const OWNED: Statement = {
  name: 'owned-by-user',
  text: `SELECT (SELECT count(*) FROM run WHERE owner_id = $1::text AND parent_id IS NULL) AS runs,
    (SELECT count(*) FROM run WHERE owner_id = $1::text AND state NOT IN ('COMPLETED', 'FAILED', 'CANCELED', 'TIMED_OUT')) AS live,
    (SELECT count(*) FROM project WHERE owner_id::text = $1 AND home_of IS DISTINCT FROM owner_id) AS projects`,
}
/** Everything that names the user as its owner or maker, in one statement. */
const REASSIGN: Statement = {
  name: 'reassign-user',
  text: `WITH runs AS (UPDATE run SET owner_id = $2::text WHERE owner_id = $1::text RETURNING id),
    sweeps AS (UPDATE sweep SET owner_id = $2::text WHERE owner_id = $1::text),
    workflows AS (UPDATE workflow SET owner_id = $2::text WHERE owner_id = $1::text),
    members AS (INSERT INTO project_member (project_id, user_id, role) SELECT id, $2::uuid, 'owner' FROM project WHERE owner_id = $1::uuid
      ON CONFLICT (project_id, user_id) DO UPDATE SET role = 'owner'),
    projects AS (UPDATE project SET owner_id = $2::uuid, home_of = NULL WHERE owner_id = $1::uuid),
    datasets AS (UPDATE dataset SET created_by = $2::uuid WHERE created_by = $1::uuid),
    datapoints AS (UPDATE datapoint SET created_by = $2::uuid WHERE created_by = $1::uuid),
    files AS (UPDATE file SET created_by = $2::uuid WHERE created_by = $1::uuid),
    recipes AS (UPDATE recipe SET created_by = $2::uuid WHERE created_by = $1::uuid)
    SELECT count(*) AS runs FROM runs`,
}
const REMOVE: readonly Statement[] = [
  { name: 'remove-user-memberships', text: 'DELETE FROM project_member WHERE user_id = $1' },
  { name: 'remove-user-keys', text: 'DELETE FROM api_key WHERE user_id = $1' },
  { name: 'remove-user-turn', text: 'DELETE FROM owner_turn WHERE owner_id = $1::text' },
  { name: 'remove-user', text: 'DELETE FROM app_user WHERE id = $1' },
]

export interface Removal {
  readonly userId: string
  /** Id of the user who gets everything; empty: nobody. */
  readonly reassignTo: string
  readonly withRuns: boolean
}

/** How the runs and projects of a user are deleted; the rules for that are those of deleting a run. */
export type EraseBelongings = (
  transaction: Transaction,
  owner: { readonly userId: string; readonly actor: Actor },
) => Promise<number>

/** Problems: `not-found`; `state-conflict` while runs are under way, or when there is something and nobody gets it. */
export async function removeUser(
  database: Database,
  actor: Actor,
  { userId, reassignTo, withRuns, erase }: Removal & { readonly erase: EraseBelongings },
): Promise<{ readonly runs: number }> {
  return database.transaction(async (transaction) => {
    const user = await userRow(transaction, userId)
    await keepAnAdmin(transaction, userId)
    const { runs, live, projects } = only(
      await transaction.query<{ readonly runs: number; readonly live: number; readonly projects: number }>(OWNED, [
        userId,
      ]),
    )
    if (reassignTo === '' && !withRuns && runs + projects > 0)
      throw new Problem(
        'state-conflict',
        `${user.username} has ${runs} runs and ${projects} projects. Give them to somebody (reassign) or delete them too (with runs).`,
      )
    if (reassignTo !== '') {
      const heir = await userRow(transaction, reassignTo)
      if (heir.id === user.id) throw new Problem('state-conflict', 'A user cannot inherit from himself.')
      await transaction.query(REASSIGN, [userId, reassignTo])
    } else {
      if (live > 0)
        throw new Problem('state-conflict', `${user.username} has ${live} runs that have not ended. Cancel them first.`)
      await erase(transaction, { userId, actor })
    }
    for (const statement of REMOVE) await transaction.query(statement, [userId])
    await audit(transaction, {
      actor,
      action: 'user.remove',
      object: userId,
      outcome: 'ok',
      detail: { username: user.username, runs, reassignTo },
    })
    return { runs }
  })
}
