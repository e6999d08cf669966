/** Progress of many shards: what workers may tell while people look at the run. Submits without a worker beside it. */
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Hub } from '../tools/hub.mjs'
import { clientOf } from './hub-access.ts'
import { ms, percentile, row, type Section } from './report.ts'

const SHARDS = 32
/** Of each shard. */
const WORDS_PER_S = 100
const DURATION_S = 60
const READ_EVERY_MS = 50
const SUBMITS = 200
const JOB_TYPE = 'bench-progress'

export async function measure(hub: Hub): Promise<Section> {
  const client = clientOf(hub)
  await client.records.putRecipe(JOB_TYPE, { jobType: JOB_TYPE, parameterSchema: { type: 'object' } })
  const job = (shards: number) =>
    client.submitRun({ kind: 'job', recipe: JOB_TYPE, shards, requestedWork: shards * WORDS_PER_S * DURATION_S })

  const accepted: number[] = []
  for (let i = 0; i < SUBMITS; i++) {
    const begun = performance.now()
    const { run } = await job(1)
    accepted.push(performance.now() - begun)
    await client.cancel(run.id)
  }

  const { id } = (await job(SHARDS)).run
  const tell = await workersAt(hub, id)
  const end = performance.now() + DURATION_S * 1000
  const readings: number[] = []
  const [begun, before] = [performance.now(), await statements(hub)]
  const told = Promise.all(Array.from({ length: SHARDS }, (_, index) => tellUntil(tell, { index, end })))
  while (performance.now() < end) {
    const asked = performance.now()
    await client.run(id)
    readings.push(performance.now() - asked)
    await sleep(READ_EVERY_MS)
  }
  const last = await told
  const seconds = (performance.now() - begun) / 1000
  const after = await statements(hub)
  const { shards } = await client.run(id)
  const exact = shards.filter(({ index, completed }) => completed === last[index]).length
  await client.cancel(id)
  const words = last.reduce((sum, completed) => sum + completed, 0)
  return {
    title: `Progress of ${SHARDS} shards for ${DURATION_S} s`,
    rows: [
      row('words of workers taken', `${(words / seconds).toFixed(0)}/s`, { goal: `${SHARDS * WORDS_PER_S}/s` }),
      row('reading the run meanwhile, p50', ms(percentile(readings, 0.5))),
      row('reading the run meanwhile, p99', ms(percentile(readings, 0.99)), { goal: '< 200 ms' }),
      row('writes of its progress to Postgres', `${((after - before) / seconds).toFixed(2)}/s`, { goal: '<= 1/s' }),
      row('shards whose last value is exact', `${exact}`, { goal: `${SHARDS}` }),
      row('submit without a worker, p95', ms(percentile(accepted, 0.95)), { goal: '< 500 ms' }),
    ],
  }
}

/** Tells how far a shard is. Plain requests, as the client shares its processors with the hub it measures. */
type Tell = (index: number, completed: number) => Promise<void>

/** A worker for each shard of the run, with the run key that it got with it. */
async function workersAt(hub: Hub, runId: string): Promise<Tell> {
  const client = clientOf(hub)
  const keys: string[] = []
  for (let index = 0; index < SHARDS; index++) {
    const taken = await client.worker.claim({ jobTypes: [JOB_TYPE], workerId: 'bench' })
    if (taken?.run.id !== runId) throw new Error(`another run was claimed: ${taken?.run.id ?? 'none'}`)
    keys[taken.shard.index] = taken.runKey
  }
  const agent = new Agent({ keepAlive: true, maxSockets: SHARDS })
  return (index, completed) =>
    new Promise((resolve, reject) => {
      const address = `${hub.url}/api/v1/worker/runs/${runId}/shards/${index}`
      const headers = { authorization: `Bearer ${keys[index] ?? ''}`, 'content-type': 'application/json' }
      const asked = request(address, { method: 'PATCH', agent, headers }, (response) => {
        response.resume().on('end', () => {
          if (response.statusCode === 202) resolve()
          else reject(new Error(`a word was answered with ${response.statusCode}`))
        })
      })
      asked.on('error', reject).end(JSON.stringify({ completed }))
    })
}

/** One word after the other, at the pace or as fast as they are taken. The last one that was. */
async function tellUntil(
  tell: Tell,
  { index, end }: { readonly index: number; readonly end: number },
): Promise<number> {
  const begun = performance.now()
  for (let completed = 1; ; completed++) {
    await tell(index, completed)
    const due = begun + (completed * 1000) / WORDS_PER_S
    const now = performance.now()
    if (now >= end) return completed
    if (due > now) await sleep(due - now)
  }
}

async function statements({ processes }: Hub): Promise<number> {
  const address = processes['run-store']?.healthUrl
  if (!address) throw new Error('the run-store has no metrics')
  const metrics = await (await fetch(new URL('/metrics', address))).text()
  return Number(/^lucihub_statements_total\{name="progress-flush"\} (\d+)/m.exec(metrics)?.[1] ?? 0)
}
