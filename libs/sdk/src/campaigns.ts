/** Many runs from one request, and what becomes of runs later: changed, run again, deleted. */
import type { RunState } from '@lucihub/analog'
import type { Http } from './http.ts'
import type { RunResource, RunSubmission } from './resources.ts'
import type { PageOptions } from './tree.ts'

export interface SweepSubmission {
  readonly project?: string
  /** Path below the project, where the dataset of the sweep is made. */
  readonly dataset?: string
  /** Of the dataset; the runs are `<name>_0`, `<name>_1`, … */
  readonly name: string
  readonly mode?: 'product' | 'zip'
  readonly matrix: Readonly<Record<string, readonly unknown[]>>
  /** What all runs have in common. */
  readonly base: Omit<RunSubmission, 'project' | 'dataset' | 'name'>
}

export interface SweepResource {
  readonly id: string
  readonly project: string
  readonly datasetId: string
  readonly path: string
  readonly name: string
  readonly ownerId: string
  readonly mode: 'product' | 'zip'
  readonly matrix: Readonly<Record<string, readonly unknown[]>>
  readonly base: Readonly<Record<string, unknown>>
  readonly size: number
  readonly states: Readonly<Partial<Record<RunState, number>>>
  readonly progress: { readonly fraction: number }
  readonly createdAt: string
  /** Address of its runs. */
  readonly runs: string
}

export type TriggerRule = 'all_success' | 'any_success' | 'all_completed' | 'all_failed' | 'any_failed' | 'always'

export interface WorkflowSubmission {
  readonly title?: string
  readonly project?: string
  readonly steps: readonly {
    readonly name: string
    readonly after?: readonly string[]
    readonly trigger?: TriggerRule
    readonly run: RunSubmission
  }[]
}

export interface WorkflowResource {
  readonly id: string
  readonly title: string
  readonly project: string
  readonly ownerId: string
  readonly createdAt: string
  readonly endedAt: string | null
  readonly steps: readonly {
    readonly name: string
    readonly after: readonly string[]
    readonly trigger: TriggerRule
    readonly state: 'WAITING' | 'SUBMITTED' | 'SKIPPED' | 'FAILED'
    readonly reason: string
    readonly runId: string | null
    readonly runState: RunState | null
  }[]
}

export interface RetentionPolicy {
  /** After the end of a run; 0: for ever. */
  readonly days: number
  readonly keepValid: boolean
}

export interface OwnedRun {
  readonly id: string
  readonly seq: number
  readonly title: string
  readonly state: RunState
  readonly path: string
  readonly ownerId: string
  readonly username: string
  readonly provider: string
  readonly submittedAt: string
  readonly startedAt: string | null
  readonly endedAt: string | null
}

export interface OwnedShard {
  readonly runId: string
  readonly index: number
  readonly state: RunState
  readonly requested: number
  readonly completed: number
  readonly workerId: string
  readonly username: string
  readonly provider: string
  readonly startedAt: string | null
  readonly endedAt: string | null
}

interface OwnedOptions extends PageOptions {
  readonly user?: string
  readonly provider?: string
}

export interface CampaignsClient {
  /** Rejects when one point is refused; then none is accepted. */
  submitSweep(sweep: SweepSubmission): Promise<SweepResource>
  sweep(id: string): Promise<SweepResource>
  sweeps(options?: PageOptions & { project?: string }): Promise<{ sweeps: SweepResource[]; nextCursor: string | null }>
  /** With its runs and its dataset. */
  deleteSweep(id: string, options?: { force?: boolean }): Promise<void>
  submitWorkflow(workflow: WorkflowSubmission): Promise<WorkflowResource>
  workflow(id: string): Promise<WorkflowResource>
  workflows(options?: PageOptions): Promise<{ workflows: WorkflowResource[]; nextCursor: string | null }>
  /** A new run with the same configuration, parameters and input. */
  rerun(runId: string): Promise<RunResource>
  changeRun(runId: string, change: { title?: string; notes?: string; tags?: readonly string[] }): Promise<RunResource>
  /** For good. `force`: also when other runs were made from it; they become invalid. */
  deleteRun(runId: string, options?: { force?: boolean }): Promise<void>
  retention(project: string): Promise<RetentionPolicy>
  setRetention(project: string, policy: RetentionPolicy): Promise<RetentionPolicy>
  /** For administrators. */
  allRuns(options?: OwnedOptions): Promise<{ runs: OwnedRun[]; nextCursor: string | null }>
  allShards(options?: OwnedOptions & { run?: string }): Promise<{ shards: OwnedShard[]; nextCursor: string | null }>
  removeShard(runId: string, index: number): Promise<void>
}

export function campaignsClient({ request, json }: Http): CampaignsClient {
  const at = (resource: string, id: string): string => `/${resource}/${encodeURIComponent(id)}`
  const remove = async (path: string, query = {}): Promise<void> =>
    void (await request(path, { method: 'DELETE', query }))
  return {
    submitSweep: (body) => json('/sweeps', { method: 'POST', body }),
    sweep: (id) => json(at('sweeps', id)),
    sweeps: (options = {}) => json('/sweeps', { query: { ...options } }),
    deleteSweep: (id, options = {}) => remove(at('sweeps', id), options),
    submitWorkflow: (body) => json('/workflows', { method: 'POST', body }),
    workflow: (id) => json(at('workflows', id)),
    workflows: (options = {}) => json('/workflows', { query: { ...options } }),
    rerun: (id) => json(`${at('runs', id)}/rerun`, { method: 'POST' }),
    changeRun: (id, body) => json(at('runs', id), { method: 'PATCH', body }),
    deleteRun: (id, options = {}) => remove(at('runs', id), options),
    retention: (project) => json(`${at('projects', project)}/retention`),
    setRetention: (project, body) => json(`${at('projects', project)}/retention`, { method: 'PUT', body }),
    allRuns: (options = {}) => json('/admin/runs', { query: { ...options } }),
    allShards: (options = {}) => json('/admin/shards', { query: { ...options } }),
    removeShard: (runId, index) => remove(`${at('admin/shards', runId)}/${index}`),
  }
}
