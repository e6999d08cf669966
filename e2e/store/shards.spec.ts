/** Runs in parts on devices: hidden runs of the whole machinery, and one result merged from them. */
import { jest } from '@jest/globals'
import type { ChannelResult, RunResource } from '@lucihub/sdk'
import { until } from '@lucihub/testing'
import { HARMONIC, runningHub, type RunningHub } from '../running-hub.ts'
import { askingOf, type Ask } from './asking.ts'

jest.setTimeout(60_000)
let running: RunningHub
let ask: Ask

beforeAll(async () => {
  running = await runningHub()
  ask = askingOf(running)
})
afterAll(() => running?.stop())

const SIMULATION = { kind: 'simulate', source: HARMONIC, opTimeNs: 10_000_000, sampleRateHz: 100_000 } as const
const values = async (id: string, name: string): Promise<readonly (number | null)[]> => {
  const { pages } = (await ask<ChannelResult>('GET', `/runs/${id}/channels/${name}`)).body
  return pages.flatMap(({ data }) => data?.values ?? [])
}

test('YP-29 a run in three parts on devices becomes one with mean, deviation and plot', async () => {
  const run = await running.complete({ ...SIMULATION, shards: 3, merge: { byChannel: { x: 'mean_std', v: 'concat' } } })
  expect(run).toMatchObject({ state: 'COMPLETED', partial: false, shardsEffective: 3, progress: { fraction: 1 } })
  expect(run.stateChanges.map(({ state }) => state)).toEqual([
    'CREATED',
    'QUEUED',
    'RUNNING',
    'MERGE_QUEUED',
    'MERGING',
    'COMPLETED',
  ])
  expect(run.shards.map(({ state, requested, completed }) => [state, requested, completed])).toEqual(
    Array(3).fill(['COMPLETED', 1_000, 1_000]),
  )
  const list = await running.client.channels(run.id)
  expect(list.channels.map(({ label, samples }) => [label, samples])).toEqual([
    ['x', 1_000],
    ['x.std', 1_000],
    ['v', 3_000],
  ])
  const part = run.shards[0]?.childRunId ?? ''
  const one = await values(part, 'x')
  const mean = await values(run.id, 'x')
  mean.forEach((value, at) => expect(value).toBeCloseTo(one[at] ?? NaN, 5))
  const twice = await values(run.id, 'v')
  expect(twice.slice(0, 1_000)).toEqual(await values(part, 'v'))
  const plot = await running.client.plot(run.id, { points: 10, channels: ['x'] })
  expect(plot.channels[0]?.maximum[0]).toBeCloseTo(Math.max(...one.slice(0, 128).map(Number)), 4)
  const { runs } = await running.client.runs({ limit: 200 })
  expect(runs.map(({ id }) => id)).not.toContain(part)
})

test('LC-05 YP-42 a channel is readable while its run runs, and keeps its bits', async () => {
  const { run } = await running.client.submitRun({ ...SIMULATION, kind: 'run', opTimeNs: 1_500_000_000 })
  let early: readonly (number | null)[] = []
  let first: Buffer = Buffer.alloc(0)
  await until(
    async () => {
      if ((await running.client.run(run.id)).state !== 'RUNNING') return false
      early = await values(run.id, 'x').catch(() => [])
      if (early.length > 0) first = await octets(`/runs/${run.id}/channels/x/pages/0`)
      return first.length > 0
    },
    { timeoutMs: 20_000, what: 'samples while it runs' },
  )
  await running.terminal(run.id)
  const whole = await values(run.id, 'x')
  expect(whole).toHaveLength(150_000)
  expect(whole.slice(0, early.length)).toEqual(early)
  const bytes = await octets(`/runs/${run.id}/channels/x/pages/0`)
  expect(bytes.length).toBeGreaterThanOrEqual(first.length)
  expect(bytes.subarray(0, first.length).equals(first)).toBe(true)
  // The numbers of JSON are the very floats of the bytes.
  const floats = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
  expect(Buffer.from(Float32Array.from(whole.slice(0, floats.length), Number).buffer).equals(bytes)).toBe(true)
})

async function octets(path: string): Promise<Buffer> {
  const headers = { accept: 'application/octet-stream', authorization: `Bearer ${running.hub.apiKey}` }
  const response = await fetch(`${running.hub.url}/api/v1${path}`, { headers })
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/octet-stream'])
  return Buffer.from(await response.arrayBuffer())
}

test('YP-46 LU-31 a run over its timeout is stopped, its device is free again', async () => {
  const { run } = await running.client.submitRun({ ...SIMULATION, kind: 'run', opTimeNs: 9_000_000_000, timeoutS: 1 })
  const ended = await running.terminal(run.id)
  expect(ended).toMatchObject({ state: 'TIMED_OUT', valid: false, reason: 'it ran longer than its timeout' })
  expect(ended.attempts.at(-1)?.state).toBe('CANCELED')
  expect((await running.complete({ ...SIMULATION, kind: 'run' })).state).toBe('COMPLETED')
})

test('YP-46 cancel of a run in parts stops all of them and never merges', async () => {
  const { run } = await running.client.submitRun({ ...SIMULATION, kind: 'run', opTimeNs: 9_000_000_000, shards: 4 })
  await until(async () => (await running.client.run(run.id)).state === 'RUNNING', {
    timeoutMs: 20_000,
    what: 'it to run',
  })
  await running.client.cancel(run.id)
  const ended: RunResource = await running.terminal(run.id)
  expect(ended.state).toBe('CANCELED')
  expect(new Set(ended.shards.map(({ state }) => state))).toEqual(new Set(['CANCELED']))
  expect(ended.stateChanges.map(({ state }) => state)).not.toContain('MERGE_QUEUED')
})

test('LC-01 YP-12 YP-15 a run shows its ten fields; a compilation has no channels', async () => {
  const { run } = await running.client.submitRun({ ...SIMULATION, kind: 'compile' })
  expect(run).toMatchObject({ jobType: 'compile', state: 'COMPLETED', numChannels: 0, inputKind: 'ode' })
  expect(run.input).toEqual({ source: HARMONIC })
  const { body } = await ask('GET', `/runs/${run.id}/input`)
  expect(body).toMatchObject({
    input: { source: HARMONIC },
    configuration: { probes: [{ label: 'x' }, { label: 'v' }] },
  })
  expect(run.path).toMatch(/^admin\/runs\/run-\d+$/)
})

test('YP-44 what is not there is 404 for every part of a run', async () => {
  const id = '00000000-0000-4000-8000-000000000000'
  for (const part of [
    '',
    '/input',
    '/logs',
    '/channels',
    '/results',
    '/configuration',
    '/channels/x',
    '/channels/x/pages/0',
  ])
    expect({ part, status: (await ask('GET', `/runs/${id}${part}`)).status }).toEqual({ part, status: 404 })
})
