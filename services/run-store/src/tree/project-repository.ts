/** Projects and their members. */
import { Injectable } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import type { ProjectMember } from '@lucihub/contracts'
import { allowed, hasRight, PROJECT_ROLES, type Asker, type Right, type Rights } from '../access/rights.ts'
import { Database, type Statement } from '../database/database.ts'
import { only } from '../runs/run-rows.ts'
import { isUuid, uuid7 } from '../runs/uuid7.ts'
import { checkName, invalid } from './names.ts'
import { ASKER, PROJECT_COLUMNS, rightsIn, type ProjectRow } from './tree-rows.ts'

const TITLE_LENGTH_MAX = 200
const NAMES_MAX = 1000

const INSERT: Statement = {
  name: 'project-insert',
  text: `WITH made AS (
      INSERT INTO project (id, slug, title, owner_id, data) SELECT $3, $4, $5, u.id, $6 FROM app_user u WHERE u.id = $1::text::uuid
      ON CONFLICT (slug) DO NOTHING RETURNING id),
    owner AS (INSERT INTO project_member (project_id, user_id, role) SELECT made.id, $1::text::uuid, 'owner' FROM made)
    SELECT id, $2::text AS role FROM made`,
}
const LIST: Statement = {
  name: 'project-list',
  text: `SELECT ${PROJECT_COLUMNS} FROM project p WHERE p.seq > $3 AND ${hasRight('read', 'p.id', ASKER)} ORDER BY p.seq LIMIT $4`,
}
const FIND: Statement = {
  name: 'project-find',
  text: `SELECT ${PROJECT_COLUMNS}, ${rightsIn('p.id')}, ${hasRight('own', 'p.id', ASKER)} AS may_own
    FROM project p WHERE p.slug = $3 OR p.id = $4::uuid ORDER BY p.slug = $3 DESC LIMIT 1`,
}
const DATASET_NAMES: Statement = {
  name: 'project-dataset-names',
  text: `SELECT name FROM dataset WHERE project_id = $1 AND parent_id IS NULL ORDER BY seq LIMIT ${NAMES_MAX}`,
}
const MEMBERS: Statement = {
  name: 'project-members',
  text: `SELECT m.user_id AS "userId", u.username, m.role FROM project_member m JOIN app_user u ON u.id = m.user_id
    WHERE m.project_id = $1 ORDER BY u.username, u.id`,
}
const LOCK: Statement = { name: 'project-lock', text: 'SELECT FROM project WHERE id = $1 FOR UPDATE' }
const USER: Statement = {
  name: 'project-user',
  text: `SELECT id FROM app_user WHERE id = $2::uuid OR username = $1 ORDER BY id = $2::uuid DESC NULLS LAST, provider = 'local' DESC LIMIT 1`,
}
const PUT_MEMBER: Statement = {
  name: 'project-put-member',
  text: `INSERT INTO project_member (project_id, user_id, role) VALUES ($1, $2, $3)
    ON CONFLICT (project_id, user_id) DO UPDATE SET role = $3`,
}
const DROP_MEMBER: Statement = {
  name: 'project-drop-member',
  text: 'DELETE FROM project_member WHERE project_id = $1 AND user_id = $2',
}
const OWNERS: Statement = {
  name: 'project-owners',
  text: `SELECT count(*) AS owners FROM project_member WHERE project_id = $1 AND role = 'owner'`,
}

export type KnownProject = ProjectRow & Rights & { readonly may_own: boolean }

@Injectable()
export class ProjectRepository {
  constructor(private readonly database: Database) {}

  /** Problems: `validation-failed` for the slug or title, `state-conflict` when the slug is taken. */
  async create(
    asker: Asker,
    { slug, title, data }: { readonly slug: string; readonly title: string; readonly data: string },
  ): Promise<KnownProject> {
    checkName(slug, '/slug')
    if ([...title].length > TITLE_LENGTH_MAX || title.includes('\0'))
      throw invalid({
        pointer: '/title',
        value: title.slice(0, 40),
        message: 'This is not a title.',
        remedy: `Use at most ${TITLE_LENGTH_MAX} characters, and no NUL.`,
      })
    if (!isUuid(asker.userId)) throw new Problem('forbidden', 'Only users have projects.')
    const id = uuid7(Date.now())
    const [made] = await this.database.query(INSERT, [asker.userId, asker.role, id, slug, title, data])
    if (!made) throw new Problem('state-conflict', `There is a project "${slug}" already.`)
    return this.find(asker, id)
  }

  /** In the order they were made; one more than asked for, where there are more. */
  async list(
    asker: Asker,
    { after, limit }: { readonly after: number; readonly limit: number },
  ): Promise<ProjectRow[]> {
    return this.database.query<ProjectRow>(LIST, [asker.userId, asker.role, after, limit + 1])
  }

  /** By slug or id. Problems: `not-found`, `forbidden`. */
  async find(asker: Asker, project: string, right: Right = 'read'): Promise<KnownProject> {
    const slug = project.replaceAll('\0', '')
    const [row] = await this.database.query<KnownProject>(FIND, [
      asker.userId,
      asker.role,
      slug,
      isUuid(slug) ? slug : null,
    ])
    const what = `project "${project.slice(0, 80)}"`
    const found = allowed(row, right === 'read' ? 'read' : 'write', what)
    if (right === 'own' && !found.may_own) throw new Problem('forbidden', `Only owners of the ${what} may do that.`)
    return found
  }

  async datasetNames(projectId: string): Promise<string[]> {
    const rows = await this.database.query<{ readonly name: string }>(DATASET_NAMES, [projectId])
    return rows.map(({ name }) => name)
  }

  async members(projectId: string): Promise<ProjectMember[]> {
    return this.database.query<ProjectMember>(MEMBERS, [projectId])
  }

  /**
   * Gives a user a role, or takes the user out (empty role). Problems: `validation-failed` for the role, `not-found` for
   * the user, `state-conflict` when no owner would be left.
   */
  async setMember(projectId: string, { user, role }: { readonly user: string; readonly role: string }): Promise<void> {
    if (role !== '' && !PROJECT_ROLES.some((word) => word === role))
      throw invalid({
        pointer: '/role',
        value: role.slice(0, 80),
        message: 'There is no such role.',
        remedy: `Use ${PROJECT_ROLES.join(', ')}.`,
      })
    await this.database.transaction(async (transaction) => {
      await transaction.query(LOCK, [projectId])
      const name = user.replaceAll('\0', '')
      const [found] = await transaction.query<{ readonly id: string }>(USER, [name, isUuid(name) ? name : null])
      if (!found) throw new Problem('not-found', `There is no user "${user.slice(0, 80)}".`)
      await (role === ''
        ? transaction.query(DROP_MEMBER, [projectId, found.id])
        : transaction.query(PUT_MEMBER, [projectId, found.id, role]))
      const { owners } = only(await transaction.query<{ readonly owners: number }>(OWNERS, [projectId]))
      if (owners === 0) throw new Problem('state-conflict', 'A project needs an owner: make somebody else one first.')
    })
  }
}
