/**
 * Where a run's datapoint goes. Without a place: the dataset `runs` of its owner's own project, made at first use; its
 * ids are remembered here, so that a submit is still one statement. A dataset that was deleted meanwhile shows as a
 * broken foreign key of the insert, and is then looked up again.
 */
import { Injectable } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import type { RunPlace } from '@lucihub/contracts'
import { allowed, hasRight, type Asker, type Rights } from '../access/rights.ts'
import { Database, sqlState, type Queries, type Statement } from '../database/database.ts'
import { isUuid, uuid7 } from '../runs/uuid7.ts'
import { checkName, invalid, RUNS_DATASET, safeName, segmentsOf } from './names.ts'

/** Where to insert a datapoint. */
export interface Place {
  readonly projectId: string
  readonly datasetId: string
  /** Of the dataset; the run's is this, "/" and the datapoint's name. */
  readonly path: string
  /** Of the datapoint; empty: make one of the run's number, see {@link runName}. */
  readonly name: string
  readonly runNo: number
}

type Home = Pick<Place, 'projectId' | 'datasetId' | 'path'>

const ASKER = { user: '$1', role: '$2' }
/** Owners whose default dataset is remembered. */
const HOMES_MAX = 10_000
/** Other slugs that are tried when somebody else's project has the user's name. */
const SLUG_TRIES = 100

const HOME: Statement = {
  name: 'place-home',
  text: `SELECT p.id AS "projectId", d.id AS "datasetId", d.path FROM project p
      JOIN dataset d ON d.project_id = p.id AND d.parent_id IS NULL AND d.name = '${RUNS_DATASET}'
    WHERE p.home_of = $1`,
}
const USERNAME: Statement = { name: 'place-username', text: 'SELECT username FROM app_user WHERE id = $1 FOR SHARE' }
const OWN_PROJECT: Statement = { name: 'place-own-project', text: 'SELECT id, slug FROM project WHERE home_of = $1' }
const INSERT_PROJECT: Statement = {
  name: 'place-insert-project',
  text: `WITH made AS (
      INSERT INTO project (id, slug, title, owner_id, home_of) VALUES ($1, $2, $3, $4, $4) ON CONFLICT DO NOTHING RETURNING id, slug),
    owner AS (INSERT INTO project_member (project_id, user_id, role) SELECT made.id, $4, 'owner' FROM made)
    SELECT id, slug FROM made`,
}
const INSERT_DATASET: Statement = {
  name: 'place-insert-dataset',
  text: `INSERT INTO dataset (id, project_id, name, path, ancestors, created_by)
    VALUES ($1, $2, '${RUNS_DATASET}', $3, ARRAY[$1::uuid], $4) ON CONFLICT DO NOTHING`,
}
const NAMED: Statement = {
  name: 'place-named',
  text: `SELECT p.id AS "projectId", d.id AS "datasetId", d.path, ${hasRight('read', 'p.id', ASKER)} AS may_read,
      ${hasRight('write', 'p.id', ASKER)} AS may_write
    FROM project p LEFT JOIN dataset d ON d.project_id = p.id AND d.path = $4 WHERE p.slug = $3`,
}

/** The name of a datapoint that its run did not name, as SQL over the run's number. */
export function runName(seq: string): string {
  return `'run-' || ${seq}`
}

@Injectable()
export class Places {
  private readonly homes = new Map<string, Home>()

  constructor(private readonly database: Database) {}

  /**
   * Inserts a run and its datapoint at its place: `insert` gets the place, or null where the owner is no user of this
   * hub and has no project. It may be called twice. Problems: `not-found` and `forbidden` for the project,
   * `validation-failed` for the dataset and the name, `state-conflict` when a datapoint has the name.
   */
  async settle<T>(asker: Asker, wanted: RunPlace | null, insert: (place: Place | null) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      const place = await this.placeOf(asker, wanted)
      try {
        return await insert(place)
      } catch (error) {
        if (isGone(error) && tries === 1) this.homes.delete(asker.userId)
        else if (isBroken(error, '23505', 'datapoint_dataset_id_name_key')) throw nameTaken(place, error)
        else throw error
      }
    }
  }

  /** Where a run of this asker goes. Problems as {@link settle}, but for names that are taken. */
  async placeOf(asker: Asker, wanted: RunPlace | null): Promise<Place | null> {
    const name = wanted?.name ? checkName(wanted.name, '/name') : ''
    const runNo = wanted?.runNo ?? 0
    const dataset = wanted?.dataset || RUNS_DATASET
    if (wanted?.project) return { ...(await this.named(asker, wanted.project, dataset)), name, runNo }
    const home = await this.home(asker.userId)
    if (!home) return null
    if (segmentsOf(dataset).join('/') === RUNS_DATASET) return { ...home, name, runNo }
    return { ...(await this.named(asker, home.path.split('/')[0] ?? '', dataset)), name, runNo }
  }

  private async home(userId: string): Promise<Home | null> {
    const known = this.homes.get(userId)
    if (known) return known
    if (!isUuid(userId)) return null
    const find = async (): Promise<Home | undefined> => (await this.database.query<Home>(HOME, [userId]))[0]
    const found = (await find()) ?? ((await this.makeHome(userId)) ? await find() : undefined)
    if (!found) return null
    if (this.homes.size >= HOMES_MAX) this.homes.clear()
    this.homes.set(userId, found)
    return found
  }

  /** False when there is no such user. */
  private async makeHome(userId: string): Promise<boolean> {
    return this.database.transaction(async (transaction) => {
      const [user] = await transaction.query<{ readonly username: string }>(USERNAME, [userId])
      if (!user) return false
      const project = await ownProject(transaction, { userId, username: user.username })
      await makeRunsDataset(transaction, { project, userId })
      return true
    })
  }

  private async named(asker: Asker, slug: string, dataset: string): Promise<Home> {
    const path = [slug, ...segmentsOf(dataset)].join('/')
    const values = [asker.userId, asker.role, slug, path]
    const find = async () => {
      const [row] = await this.database.query<Rights & { projectId: string; datasetId: string | null; path: string }>(
        NAMED,
        values,
      )
      return allowed(row, 'write', `project "${slug.slice(0, 80)}"`)
    }
    let found = await find()
    if (found.datasetId === null && path === `${slug}/${RUNS_DATASET}`) {
      await makeRunsDataset(this.database, { project: { id: found.projectId, slug }, userId: asker.userId })
      found = await find()
    }
    const { projectId, datasetId } = found
    if (datasetId === null)
      throw invalid({
        pointer: '/dataset',
        value: dataset.slice(0, 80),
        message: `There is no such dataset in project "${slug}".`,
        remedy: 'Create it first, or name another one.',
      })
    return { projectId, datasetId, path }
  }
}

/** The slug is the user's name; with a number where another project has it already. */
async function ownProject(
  queries: Queries,
  { userId, username }: { readonly userId: string; readonly username: string },
): Promise<{ readonly id: string; readonly slug: string }> {
  const slug = safeName(username)
  for (let tries = 1; tries <= SLUG_TRIES; tries++) {
    const [own] = await queries.query<{ id: string; slug: string }>(OWN_PROJECT, [userId])
    if (own) return own
    const free = tries === 1 ? slug : `${slug}-${tries}`
    const [made] = await queries.query<{ id: string; slug: string }>(INSERT_PROJECT, [
      uuid7(Date.now()),
      free,
      `Runs of ${username}`,
      userId,
    ])
    if (made) return made
  }
  throw new Problem('state-conflict', `${SLUG_TRIES} projects are called like you; name a project for your run.`)
}

async function makeRunsDataset(
  queries: Queries,
  { project, userId }: { readonly project: { readonly id: string; readonly slug: string }; readonly userId: string },
): Promise<void> {
  await queries.query(INSERT_DATASET, [
    uuid7(Date.now()),
    project.id,
    `${project.slug}/${RUNS_DATASET}`,
    isUuid(userId) ? userId : null,
  ])
}

function nameTaken(place: Place | null, cause: unknown): Problem {
  return new Problem('state-conflict', `There is a datapoint ${place?.path ?? ''}/${place?.name ?? ''} already.`, {
    cause,
  })
}

/** The dataset, or its whole project, was deleted since it was looked up. */
function isGone(error: unknown): boolean {
  return isBroken(error, '23503', 'datapoint_dataset_id_fkey') || isBroken(error, '23503', 'run_project_id_fkey')
}

/** True when an insert broke this constraint. */
export function isBroken(error: unknown, state: '23503' | '23505', constraint: string): boolean {
  return sqlState(error) === state && error instanceof Error && 'constraint' in error && error.constraint === constraint
}
