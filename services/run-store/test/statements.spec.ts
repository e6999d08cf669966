/** What reading costs in statements: few, and as many for fifty runs as for one. */
import { EVERY_RUN, runKind, store } from '@lucihub/contracts'
import { register, type Counter } from 'prom-client'
import { ALICE, startHub, submit, type Hub } from './hub.ts'

let hub: Hub
const RUNS = 60

beforeAll(async () => {
  // Nothing of the store's own may ask in between: ticks wait for longer than this spec takes.
  hub = await startHub({ dispatchRetryMs: 600_000 })
  const compile = { kind: runKind.toProto('compile') }
  await Promise.all(Array.from({ length: RUNS }, () => submit(hub, compile)))
})
afterAll(() => hub.close())

/** Statements of runs that were asked during some work, by name. */
async function statementsOf(work: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = await counts()
  await work()
  const after = await counts()
  const grown = [...after].map(([name, count]) => [name, count - (before.get(name) ?? 0)] as const)
  return Object.fromEntries(grown.filter(([name, count]) => count > 0 && !OF_THE_CLOCK.test(name)))
}

/** What the reconciler and the health check ask, whoever reads. */
const OF_THE_CLOCK = /^(ping|dispatch|reap|stall|sweep|purge|lost|due|timeout|merge-next|retention|overdue|unpurged)/

async function counts(): Promise<ReadonlyMap<string, number>> {
  const metric = register.getSingleMetric('lucihub_statements_total') as Counter<'name'>
  const { values } = await metric.get()
  return new Map(values.map(({ labels, value }) => [String(labels.name), value]))
}

test('LC-14 one run is read with at most two statements', async () => {
  const { runs } = await hub.bus.call(store.listRuns, { ...EVERY_RUN, ownerId: ALICE, limit: 1 })
  const runId = runs[0]?.id ?? ''
  const asked = await statementsOf(() => hub.bus.call(store.getRun, { ownerId: ALICE, role: 'user', runId }))
  expect(total(asked)).toBeLessThanOrEqual(2)
  expect(asked).toHaveProperty(['run-by-id'])
})

test('LC-14 a page of fifty runs is read with at most two statements', async () => {
  const asked = await statementsOf(async () => {
    const { runs } = await hub.bus.call(store.listRuns, { ...EVERY_RUN, ownerId: ALICE, limit: 50 })
    expect(runs).toHaveLength(50)
  })
  expect(total(asked)).toBeGreaterThan(0)
  expect(total(asked)).toBeLessThanOrEqual(2)
})

function total(asked: Record<string, number>): number {
  return Object.values(asked).reduce((sum, count) => sum + count, 0)
}
