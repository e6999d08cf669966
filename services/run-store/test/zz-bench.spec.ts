import { store, runState } from '@lucihub/contracts'
import { chunksOf, endOf, FakeExecutor, journalOf, wave, type Content } from './fake-executor.ts'
import { announce, inState, startHub, submitted, type Hub, ALICE } from './hub.ts'
jest_timeout()
function jest_timeout(): void {}
let hub: Hub
let executor: FakeExecutor
const DEVICES = ['04-E9-E5-00-00-01','04-E9-E5-00-00-02','04-E9-E5-00-00-03','04-E9-E5-00-00-04']
beforeAll(async () => {
  hub = await startHub({ maxQueuedPerOwner: 10000 })
  executor = await FakeExecutor.connect({ url: hub.nats.url, host: 'bench-1' })
  await announce(hub, ...DEVICES)
  await executor.lease('*')
})
afterAll(async () => { await executor.close(); await hub.close() })

test('tiny', async () => {
  const small = journalOf([wave(100, 0), wave(100, 1)], 100)
  const epochs = new Map((await executor.lease('*')).leases.map((l) => [l.device?.id, l.epoch]))
  const handled = new Set<string>()
  let done = 0
  const pump = async (): Promise<void> => {
    for (;;) {
      const c = executor.commands.find((x) => !handled.has(x.runId))
      if (!c) return
      handled.add(c.runId)
      executor.commands.splice(executor.commands.indexOf(c), 1)
      const epoch = epochs.get(c.deviceId) ?? 0
      const { result } = await executor.claim(c, epoch)
      if (result !== 1) console.log('refused', result)
      void executor.publishAll({ runId: c.runId, attempt: c.attempt, deviceId: c.deviceId, epoch, deviceRunId: '' }, small)
      done++
    }
  }
  const timer = setInterval(() => void pump(), 1)
  // latency one at a time
  const lat: number[] = []
  for (let i = 0; i < 60; i++) {
    const t = performance.now()
    const id = await submitted(hub)
    for (;;) {
      const { run } = await hub.bus.call(store.getRun, { ownerId: ALICE, runId: id })
      if (run?.state === runState.toProto('COMPLETED')) break
    }
    lat.push(performance.now() - t)
  }
  lat.sort((a, b) => a - b)
  console.log('latency p50', lat[30], 'p95', lat[57])
  const t = performance.now()
  const N = 600
  const ids = await Promise.all(Array.from({ length: N }, () => submitted(hub)))
  console.log('submitted', N, (performance.now() - t).toFixed(0), 'ms')
  for (;;) {
    const { devices } = await hub.bus.call(store.listDevices, { activeOnly: true })
    if (devices[0]?.queueLength === 0) break
    await new Promise((r) => setTimeout(r, 20))
  }
  await inState(hub, ids.at(-1) ?? '', 'COMPLETED')
  console.log('tiny runs/s', (N / ((performance.now() - t) / 1000)).toFixed(0), done)
  clearInterval(timer)
}, 120000)

test('big', async () => {
  const channels = Array.from({ length: 8 }, (_, i) => wave(500_000, i))
  const runId = await submitted(hub, { opTimeNs: 1_000_000_000, sampleRateHz: 500_000, deviceId: DEVICES[0] ?? '' }, 8)
  const claimed = await executor.take(runId, DEVICES[0] ?? '')
  const journal: Content[] = chunksOf(channels, 4096)
  const end = endOf(journal, 8)
  const t = performance.now()
  const t0 = process.cpuUsage()
  await executor.publishAll(claimed, [...journal, end])
  console.log('published', (performance.now() - t).toFixed(0))
  await inState(hub, runId, 'COMPLETED')
  const s = (performance.now() - t) / 1000
  console.log('Msamples/s', (4 / s).toFixed(1), 'cpu', process.cpuUsage(t0))
  for (const points of [2000, 2000, 2000]) {
    const p = performance.now()
    const plot = await hub.bus.call(store.readPlot, { ownerId: ALICE, runId, channels: [], fromIndex: 0, toIndex: 0, points })
    console.log('plot 8ch', plot.pyramidLevel, plot.bucket, (performance.now() - p).toFixed(1), 'ms')
  }
  const p = performance.now()
  let at = 0
  for (;;) {
    const r = await hub.bus.call(store.readSamples, { ownerId: ALICE, runId, channel: 0, firstIndex: at, maxSamples: 0 })
    if (r.samples.length === 0) break
    at += r.samples.length / 4
  }
  console.log('read', at, (performance.now() - p).toFixed(1), 'ms')
}, 120000)
