/** Workflows: runs that start when others end. Each step's specification is kept until its turn comes. */
import { Injectable } from '@nestjs/common'
import { Problem, type RunState } from '@lucihub/analog'
import { RunSpec, runState, type CreateWorkflowRequest, type Workflow, type WorkflowStep } from '@lucihub/contracts'
import { allowed, hasRight, type Asker, type Rights } from '../access/rights.ts'
import { Database, type Statement } from '../database/database.ts'
import { isUuid, uuid7 } from '../runs/uuid7.ts'
import { Places } from '../tree/places.ts'
import { ASKER, rightsIn } from '../tree/tree-rows.ts'
import { stepViolations } from './trigger-rules.ts'

export const WORKFLOW_STEPS_MAX = 50

const STEPS = `(SELECT jsonb_agg(jsonb_build_object('name', s.name, 'after', s.after, 'trigger', s.trigger_rule, 'state', s.state,
    'reason', s.reason, 'runId', coalesce(s.run_id::text, ''), 'runState', coalesce(r.state, s.outcome)) ORDER BY s.position)
  FROM workflow_step s LEFT JOIN run r ON r.id = s.run_id WHERE s.workflow_id = w.id) AS steps`
const COLUMNS = `w.id, w.seq, w.title, w.owner_id, w.created_at, w.ended_at, p.slug, ${STEPS}`
const FIND: Statement = {
  name: 'workflow-find',
  text: `SELECT ${COLUMNS}, ${rightsIn('w.project_id')} FROM workflow w JOIN project p ON p.id = w.project_id WHERE w.id = $3`,
}
const LIST: Statement = {
  name: 'workflow-list',
  text: `SELECT ${COLUMNS} FROM workflow w JOIN project p ON p.id = w.project_id
    WHERE ${hasRight('read', 'w.project_id', ASKER)} AND ($3 = 0 OR w.seq < $3) ORDER BY w.seq DESC LIMIT $4`,
}
const INSERT: Statement = {
  name: 'workflow-insert',
  text: 'INSERT INTO workflow (id, project_id, owner_id, title) VALUES ($1, $2, $3, $4)',
}
const INSERT_STEP: Statement = {
  name: 'workflow-insert-step',
  text: `INSERT INTO workflow_step (workflow_id, position, name, after, trigger_rule, submission, state)
    VALUES ($1, $2, $3, $4, $5, $6, 'WAITING')`,
}

interface WorkflowRow {
  readonly id: string
  readonly seq: number
  readonly title: string
  readonly owner_id: string
  readonly created_at: Date
  readonly ended_at: Date | null
  readonly slug: string
  readonly steps: readonly (Omit<WorkflowStep, 'runState'> & { readonly runState: RunState | '' })[]
}

@Injectable()
export class WorkflowRepository {
  constructor(
    private readonly database: Database,
    private readonly places: Places,
  ) {}

  /** Problems: `validation-failed` with everything that is wrong with the steps; those of the project. */
  async create(asker: Asker, { title, project, steps }: CreateWorkflowRequest): Promise<Workflow> {
    if (steps.length < 1 || steps.length > WORKFLOW_STEPS_MAX)
      throw new Problem('invalid-request', `A workflow has 1 to ${WORKFLOW_STEPS_MAX} steps.`)
    const violations = stepViolations(steps)
    if (violations.length > 0)
      throw new Problem('validation-failed', `The workflow has ${violations.length} faults.`, { violations })
    const place = await this.places.placeOf(asker, { project, dataset: '', name: '', runNo: 0 })
    if (!place) throw new Problem('validation-failed', 'You have no project of your own: name one.')
    const slug = place.path.split('/')[0] ?? ''
    const id = uuid7(Date.now())
    await this.database.transaction(async (transaction) => {
      await transaction.query(INSERT, [id, place.projectId, asker.userId, title])
      for (const [position, { name, after, trigger, spec }] of steps.entries()) {
        if (!spec) throw new Problem('invalid-request', `Step "${name}" has no run.`)
        const given = spec.place ?? { project: '', dataset: '', name: '', runNo: 0 }
        const placed = { ...spec, place: { ...given, project: given.project || slug } }
        const submission = JSON.stringify({ spec: Buffer.from(RunSpec.encode(placed)).toString('base64') })
        await transaction.query(INSERT_STEP, [id, position, name, after, trigger, submission])
      }
    })
    return this.get(asker, id)
  }

  /** Problem `not-found`. */
  async get(asker: Asker, id: string): Promise<Workflow> {
    const values = [asker.userId, asker.role, id]
    const [row] = isUuid(id) ? await this.database.query<WorkflowRow & Rights>(FIND, values) : []
    return workflowToProto(allowed(row, 'read', `workflow ${id.slice(0, 80)}`))
  }

  /** Newest first; one more than asked for, where there are more. */
  async list(
    asker: Asker,
    { before, limit }: { readonly before: number; readonly limit: number },
  ): Promise<Workflow[]> {
    const rows = await this.database.query<WorkflowRow>(LIST, [asker.userId, asker.role, before, limit + 1])
    return rows.map(workflowToProto)
  }
}

function workflowToProto(row: WorkflowRow): Workflow {
  return {
    id: row.id,
    seq: row.seq,
    title: row.title,
    project: row.slug,
    ownerId: row.owner_id,
    createdAtMs: row.created_at.getTime(),
    endedAtMs: row.ended_at?.getTime() ?? 0,
    steps: row.steps.map(({ runState: state, ...step }) => ({
      ...step,
      runState: state === '' ? 0 : runState.toProto(state),
    })),
  }
}
