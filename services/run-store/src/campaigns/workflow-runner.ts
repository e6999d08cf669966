/**
 * Brings workflows forward: twice a second it looks at those that are not over, notes what became of their runs and
 * submits the steps whose turn has come. A step's idempotency key is made of its workflow and its name, so that
 * replicas, or a process that died after submitting, make one run of it.
 */
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common'
import { Problem, type RunState } from '@lucihub/analog'
import { RunSpec, store } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { Database, type Statement } from '../database/database.ts'
import { decide, endOf, type StepStanding, type TriggerRule } from './trigger-rules.ts'

const TICK_MS = 500
/** Workflows looked at in one tick. */
const OPEN_MAX = 200

const NOTE_OUTCOMES: Statement = {
  name: 'workflow-note-outcomes',
  text: `UPDATE workflow_step s SET outcome = r.state FROM run r
    WHERE r.id = s.run_id AND s.state = 'SUBMITTED' AND s.outcome = '' AND r.state IN ('COMPLETED', 'FAILED', 'CANCELED', 'TIMED_OUT')`,
}
/** Of a run that was deleted before it was seen to end, nothing is known. */
const NOTE_DELETED: Statement = {
  name: 'workflow-note-deleted',
  text: `UPDATE workflow_step SET outcome = 'CANCELED', reason = 'its run was deleted' WHERE state = 'SUBMITTED' AND outcome = '' AND run_id IS NULL`,
}
const OPEN: Statement = {
  name: 'workflow-open',
  text: `SELECT w.id, w.owner_id, jsonb_agg(jsonb_build_object('name', s.name, 'after', s.after, 'trigger', s.trigger_rule, 'state', s.state,
      'outcome', s.outcome) ORDER BY s.position) AS steps
    FROM (SELECT * FROM workflow WHERE ended_at IS NULL ORDER BY seq LIMIT ${OPEN_MAX}) w JOIN workflow_step s ON s.workflow_id = w.id
    GROUP BY w.id, w.owner_id`,
}
const SUBMISSION: Statement = {
  name: 'workflow-submission',
  text: `SELECT submission->>'spec' AS spec, u.role FROM workflow_step s JOIN workflow w ON w.id = s.workflow_id
      LEFT JOIN app_user u ON u.id::text = w.owner_id
    WHERE s.workflow_id = $1 AND s.name = $2 AND s.state = 'WAITING'`,
}
const ENTER: Statement = {
  name: 'workflow-enter',
  text: `UPDATE workflow_step SET state = $3, reason = $4, run_id = $5 WHERE workflow_id = $1 AND name = $2 AND state = 'WAITING'`,
}
const END: Statement = {
  name: 'workflow-end',
  text: 'UPDATE workflow SET ended_at = now() WHERE id = $1 AND ended_at IS NULL',
}

interface OpenStep extends StepStanding {
  readonly name: string
  readonly after: readonly string[]
  readonly trigger: TriggerRule
  readonly outcome: RunState | ''
}

interface OpenWorkflow {
  readonly id: string
  readonly owner_id: string
  readonly steps: readonly OpenStep[]
}

@Injectable()
export class WorkflowRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(WorkflowRunner.name)
  private timer: NodeJS.Timeout | null = null
  private working: Promise<void> | null = null

  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.working ??= this.tick().finally(() => {
        this.working = null
      })
    }, TICK_MS)
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.timer) clearInterval(this.timer)
    await this.working
  }

  private async tick(): Promise<void> {
    try {
      await this.database.query(NOTE_OUTCOMES)
      await this.database.query(NOTE_DELETED)
      for (const workflow of await this.database.query<OpenWorkflow>(OPEN)) await this.advance(workflow)
    } catch (error) {
      this.logger.warn(`Workflows go on with the next tick: ${String(error)}`)
    }
  }

  private async advance({ id, owner_id, steps }: OpenWorkflow): Promise<void> {
    if (steps.every((step) => endOf(step) !== null)) {
      await this.database.query(END, [id])
      return
    }
    for (const { name, state, trigger, after } of steps) {
      if (state !== 'WAITING') continue
      const decision = decide(
        trigger,
        steps.filter((step) => after.includes(step.name)),
      )
      if (decision === 'start') await this.submit({ workflowId: id, name, ownerId: owner_id })
      else if (decision === 'skip')
        await this.database.query(ENTER, [id, name, 'SKIPPED', `${trigger} cannot come true any more`, null])
    }
  }

  private async submit(step: { workflowId: string; name: string; ownerId: string }): Promise<void> {
    const { workflowId, name, ownerId } = step
    const [kept] = await this.database.query<{ readonly spec: string; readonly role: string | null }>(SUBMISSION, [
      workflowId,
      name,
    ])
    if (!kept) return
    const spec = RunSpec.decode(Buffer.from(kept.spec, 'base64'))
    const idempotencyKey = `workflow:${workflowId}:${name}`
    try {
      const { run } = await this.bus.call(store.submitRun, { ownerId, role: kept.role ?? 'user', idempotencyKey, spec })
      await this.database.query(ENTER, [workflowId, name, 'SUBMITTED', '', run?.id ?? null])
    } catch (failure) {
      const problem = Problem.from(failure)
      if (problem.retryable) throw problem
      const reason = [problem.message, ...problem.violations.map(({ pointer, message }) => `${pointer}: ${message}`)]
      await this.database.query(ENTER, [workflowId, name, 'FAILED', reason.join(' ').slice(0, 1000), null])
    }
  }
}
