/** Jobs that are done at once, by a worker of the spec itself: what records are made of. */
import type { RecipeDefinition, RunResource, RunSubmission, WorkerRecord } from '@lucihub/sdk'
import { createClient } from '@lucihub/sdk'
import type { RunningHub } from '../running-hub.ts'

export interface Workshop {
  /** A project with the datasets of these paths. */
  project(...datasets: string[]): Promise<string>
  recipe(name: string, definition?: Partial<RecipeDefinition>): Promise<void>
  submit(recipe: string, fields?: Partial<RunSubmission>): Promise<RunResource>
  /** Submits, works, tells the outcome, ends it. */
  done(
    recipe: string,
    fields?: Partial<RunSubmission>,
    outcome?: WorkerRecord & { state?: string },
  ): Promise<RunResource>
  /** What a worker tells about an open run. */
  finish(runId: string, outcome?: WorkerRecord & { state?: string }): Promise<void>
}

export function workshop(running: RunningHub): Workshop {
  const { client, hub } = running
  let projects = 0
  const submit: Workshop['submit'] = async (recipe, fields = {}) =>
    (await client.submitRun({ kind: 'job', recipe, ...fields })).run
  const finish: Workshop['finish'] = async (runId, { state = 'COMPLETED', ...outcome } = {}) => {
    const { token } = await client.people.makeRunKey(runId)
    const worker = createClient({ url: hub.url, apiKey: token })
    if (Object.keys(outcome).length > 0) await worker.records.handIn(runId, outcome)
    const response = await fetch(`${hub.url}/api/v1/worker/runs/${runId}/state`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ state, reason: state === 'FAILED' ? 'exit status 1' : '' }),
    })
    if (!response.ok) throw new Error(await response.text())
  }
  return {
    submit,
    finish,
    async project(...datasets) {
      projects += 1
      const slug = `shop-${projects}`
      await client.tree.createProject({ slug })
      for (const path of datasets) {
        const above = path.split('/').slice(0, -1).join('/')
        const name = path.split('/').at(-1) ?? ''
        const parent =
          above === '' ? { project: slug } : { dataset: (await client.tree.resolve(`${slug}/${above}`)).id }
        await client.tree.createDataset(parent, { name })
      }
      return slug
    },
    async recipe(name, definition = {}) {
      await client.records.putRecipe(name, { jobType: name, parameterSchema: { type: 'object' }, ...definition })
    },
    async done(recipe, fields, outcome) {
      const { id } = await submit(recipe, fields)
      await finish(id, outcome)
      return running.terminal(id)
    },
  }
}
