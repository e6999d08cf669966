/** How long a project keeps its runs. Whatever is older goes the way of every deleted run, tombstone and all. */
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common'
import { Problem, RUN_STATES, isTerminal } from '@lucihub/analog'
import type { Actor, RetentionReply } from '@lucihub/contracts'
import { Database, type Statement } from '../database/database.ts'
import { audit } from '../people/audit.ts'
import { only } from '../runs/run-rows.ts'
import { ProjectRepository } from '../tree/project-repository.ts'
import { askerOf } from '../tree/tree-rows.ts'
import { Removal } from './removal.ts'

const SWEEP_MS = 5_000
const BATCH = 50
export const RETENTION_DAYS_MAX = 36_500

const GET: Statement = {
  name: 'retention-get',
  text: `SELECT coalesce((retention->>'days')::int, 0) AS days, coalesce((retention->>'keepValid')::boolean, false) AS "keepValid"
    FROM project WHERE id = $1`,
}
const SET: Statement = { name: 'retention-set', text: 'UPDATE project SET retention = $2 WHERE id = $1' }
/** What something was made from stays as long as that does. */
const EXPIRED: Statement = {
  name: 'retention-expired',
  text: `SELECT r.id FROM project p CROSS JOIN LATERAL (
      SELECT id FROM run r WHERE r.project_id = p.id AND r.parent_id IS NULL
        AND r.state IN (${RUN_STATES.filter(isTerminal)
          .map((state) => `'${state}'`)
          .join(', ')})
        AND r.ended_at < now() - (p.retention->>'days')::int * interval '1 day'
        AND NOT (r.valid AND coalesce((p.retention->>'keepValid')::boolean, false))
        AND NOT EXISTS (SELECT FROM lineage l WHERE l.parent_run_id = r.id)
      ORDER BY r.seq LIMIT ${BATCH}) r
    WHERE (p.retention->>'days')::int > 0 LIMIT ${BATCH}`,
}

@Injectable()
export class Retention implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(Retention.name)
  private timer: NodeJS.Timeout | undefined
  private working = false

  constructor(
    private readonly database: Database,
    private readonly projects: ProjectRepository,
    private readonly removal: Removal,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => void this.sweep(), SWEEP_MS)
    this.timer.unref()
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer)
  }

  /** Problems: `not-found`. */
  async get(actor: Actor | null | undefined, project: string): Promise<RetentionReply> {
    const { id } = await this.projects.find(askerOf(actor), project)
    return only(await this.database.query<RetentionReply>(GET, [id]))
  }

  /** Owners of the project only. Problems: `not-found`, `forbidden`, `invalid-request`. */
  async set(
    actor: Actor | null | undefined,
    { project, days, keepValid }: { readonly project: string; readonly days: number; readonly keepValid: boolean },
  ): Promise<RetentionReply> {
    if (days > RETENTION_DAYS_MAX) throw new Problem('invalid-request', `Use at most ${RETENTION_DAYS_MAX} days.`)
    const { id, slug } = await this.projects.find(askerOf(actor), project, 'own')
    await this.database.transaction(async (transaction) => {
      await transaction.query(SET, [id, JSON.stringify(days === 0 ? {} : { days, keepValid })])
      const deed = { action: 'project.retention', object: slug, outcome: 'ok' as const, detail: { days, keepValid } }
      await audit(transaction, { actor: actor ?? null, ...deed })
    })
    return { days, keepValid: days > 0 && keepValid }
  }

  private async sweep(): Promise<void> {
    if (this.working) return
    this.working = true
    try {
      const expired = await this.database.query<{ readonly id: string }>(EXPIRED)
      if (expired.length > 0) await this.removal.removeExpired(expired.map(({ id }) => id))
    } catch (error) {
      // A replica may have been faster, or a run was made from one of them just now: the next sweep looks again.
      this.logger.warn(`Old runs stay for now: ${String(error)}`)
    } finally {
      this.working = false
    }
  }
}
