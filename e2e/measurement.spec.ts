import { jest } from '@jest/globals'
import { solve } from '@lucihub/analang'
import { expectExact } from './oracle.ts'
import { EIGHT_CHANNELS, HARMONIC, runningHub, type RunningHub } from './running-hub.ts'
import pg from 'pg'

jest.setTimeout(60_000)
let running: RunningHub

beforeAll(async () => {
  running = await runningHub()
})
afterAll(() => running?.stop())

test('an equation goes in and its solution comes out, on the device and on the simulator', async () => {
  const { client, complete } = running
  for (const kind of ['run', 'simulate'] as const) {
    const run = await complete({ kind, source: HARMONIC, opTimeNs: 2_000_000, sampleRateHz: 100_000 })
    expect([run.state, run.reason]).toEqual(['COMPLETED', ''])
    const { series } = await read(run.id)
    const dt = (run.report?.problemTimePerSecond ?? NaN) / run.sampleRateHz
    expect(series.get('x')).toHaveLength(200)
    series.get('x')?.forEach((value, k) => expect(value).toBeCloseTo(Math.cos(k * dt), 3))
    series.get('v')?.forEach((value, k) => expect(value).toBeCloseTo(-Math.sin(k * dt), 3))
    await expectExact(client, run)
  }
})

test('the Lorenz attractor agrees with a direct integration of its equations until chaos parts them', async () => {
  const source = `
    let diff[x, t](t) = 10 * (y(t) - x(t));
    let diff[y, t](t) = x(t) * (28 - z(t)) - y(t);
    let diff[z, t](t) = x(t) * y(t) - 8/3 * z(t);
    let x(t: 0) = 1;
    probe x(t); probe z(t);`
  const run = await running.complete({ kind: 'run', source, opTimeNs: 20_000_000, sampleRateHz: 50_000 })
  expect([run.state, run.reason]).toEqual(['COMPLETED', ''])
  const { series } = await read(run.id)
  const dt = (run.report?.problemTimePerSecond ?? NaN) / run.sampleRateHz
  const count = Math.min(Math.floor(5 / dt), run.storedSamples)
  expect(count * dt).toBeGreaterThan(1)
  const reference = solve(source, { problemTime: { t0: 0, dt, count } })
  if (!('values' in reference)) throw new Error('the reference did not compile')
  for (const [channel, label] of reference.labels.entries()) {
    const exact = reference.values[channel] ?? new Float64Array()
    const fullScale = Math.max(...exact.map(Math.abs))
    const worst = Math.max(...exact.map((value, k) => Math.abs(value - (series.get(label)?.[k] ?? NaN))))
    expect(worst / fullScale).toBeLessThan(1e-2)
  }
})

test('8 channels x 500 000 samples/s for 2 s are stored complete, and their plot comes from the pyramid', async () => {
  const { client, hub, complete } = running
  const run = await complete({
    kind: 'run',
    source: EIGHT_CHANNELS,
    opTimeNs: 2_000_000_000,
    sampleRateHz: 500_000,
    maxAttempts: 1,
  })
  expect([run.state, run.reason]).toEqual(['COMPLETED', ''])

  const { channels } = await client.channels(run.id)
  expect(channels.map(({ samples }) => samples)).toEqual(Array(8).fill(1_000_000))
  for (const { digest } of channels) expect(digest).toMatch(/^[0-9a-f]{64}$/)
  await expectExact(client, run)

  const plot = await client.plot(run.id, { points: 2000 })
  expect([64, 512]).toContain(plot.pyramidLevel)
  expect(plot.bucket % plot.pyramidLevel).toBe(0)
  expect(plot.channels).toHaveLength(8)
  const { series } = await read(run.id, ['x0'])
  const [first] = plot.channels
  expect(first?.minimum).toHaveLength(Math.ceil((plot.toIndex - plot.fromIndex) / plot.bucket))
  first?.minimum.forEach((minimum, bucket) => {
    const covered = series.get('x0')?.subarray(bucket * plot.bucket, (bucket + 1) * plot.bucket) ?? []
    const told = [minimum, first.maximum[bucket] ?? null].map((value) => Math.fround(value ?? NaN))
    expect(told).toEqual([least(covered), greatest(covered)])
  })

  const database = new pg.Client(hub.servers.postgres.url)
  await database.connect()
  const { rows } = await database.query('SELECT count(*)::int AS endings FROM run_terminal WHERE run_id = $1', [run.id])
  await database.end()
  expect(rows).toEqual([{ endings: 1 }])
})

test('a slice by channel and time is the same in every format', async () => {
  const { client, complete } = running
  const { id } = await complete({ kind: 'simulate', source: HARMONIC, opTimeNs: 1_000_000, sampleRateHz: 100_000 })
  const range = { channels: ['v'], from: 0.0002, to: 0.0005 }
  const csv = await (await client.results(id, { ...range, format: 'csv' })).text()
  const lines = csv.trim().split(/\r?\n/)
  expect(lines[0]).toBe('t_s,v')
  expect(lines).toHaveLength(31)
  const raw = new Float32Array(await (await client.results(id, { ...range, format: 'raw' })).arrayBuffer())
  expect(lines.slice(1).map((line) => Math.fround(Number(line.split(',')[1])))).toEqual([...raw])
  expect(Number(lines[1]?.split(',')[0])).toBeCloseTo(0.0002, 12)
})

test('the events of a run tell its story in order and end with its terminal state', async () => {
  const { client } = running
  const { run } = await client.submitRun({ kind: 'run', source: HARMONIC, opTimeNs: 300_000_000, sampleRateHz: 10_000 })
  const kinds: string[] = []
  const phases: string[] = []
  let last = ''
  for await (const event of client.events(run.id)) {
    kinds.push(event.kind)
    if (event.kind === 'phase') phases.push(event.phase)
    if (event.kind === 'state') last = event.state
  }
  expect(phases).toEqual(['TAKE_OFF', 'IC', 'OP', 'OP_END', 'DONE'])
  expect(kinds).toContain('samples')
  expect(last).toBe('COMPLETED')
})

test('a running run is canceled within a second and keeps what it had measured', async () => {
  const { client, terminal } = running
  const { run } = await client.submitRun({
    kind: 'run',
    source: HARMONIC,
    opTimeNs: 8_000_000_000,
    sampleRateHz: 10_000,
  })
  for await (const event of client.events(run.id)) if (event.kind === 'samples') break
  const asked = await client.cancel(run.id)
  expect(asked.cancelRequested).toBe(true)
  const canceled = await terminal(run.id, 5_000)
  expect(canceled.state).toBe('CANCELED')
  const { channels } = await client.channels(run.id)
  expect(channels[0]?.samples).toBeGreaterThan(0)
  expect(channels[0]?.samples).toBeLessThan(80_000)
})

async function read(id: string, channels?: string[]): Promise<{ series: Map<string, Float32Array> }> {
  const labels = channels ?? (await running.client.channels(id)).channels.map(({ label }) => label)
  const series = new Map<string, Float32Array>()
  for (const label of labels) {
    const response = await running.client.results(id, { format: 'raw', channels: [label] })
    series.set(label, new Float32Array(await response.arrayBuffer()))
  }
  return { series }
}

function least(values: Iterable<number>): number {
  let found = Infinity
  for (const value of values) found = Math.min(found, value)
  return found
}

function greatest(values: Iterable<number>): number {
  let found = -Infinity
  for (const value of values) found = Math.max(found, value)
  return found
}
