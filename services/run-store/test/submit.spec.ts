import { Problem } from '@lucihub/analog'
import { deviceClass, EVERY_RUN, runKind, runState, store } from '@lucihub/contracts'
import { ALICE, announce, configuration, getRun, startHub, submit, submitted, type Hub } from './hub.ts'

const DEVICE = '04-E9-E5-00-00-01'
let hub: Hub

beforeAll(async () => {
  hub = await startHub({ maxQueuedPerOwner: 5 })
  await announce(hub, DEVICE)
})

afterAll(() => hub.close())

async function problemOf(promise: Promise<unknown>): Promise<Problem> {
  return promise.then(
    () => {
      throw new Error('accepted')
    },
    (error: unknown) => Problem.from(error),
  )
}

test('a run is accepted with its defaults filled in and read back as it was asked for', async () => {
  const { run, existing } = await submit(
    hub,
    { icTimeNs: 0, sampleRateHz: 0, maxAttempts: 0, deviceClass: 0, deviceId: `sim-${DEVICE}` },
    { ownerId: 'reader' },
  )
  expect(existing).toBe(false)
  expect(run).toMatchObject({
    ownerId: 'reader',
    state: runState.toProto('QUEUED'),
    expectedSamples: 10,
    attempts: [],
    winningAttempt: 0,
  })
  expect(run?.spec).toMatchObject({
    title: 'decay',
    source: "x' = -x",
    deviceId: DEVICE,
    deviceClass: deviceClass.toProto('SIMULATOR'),
    icTimeNs: 100_000,
    sampleRateHz: 10_000,
    maxAttempts: 2,
  })
  expect(await getRun(hub, run?.id ?? '', 'reader')).toEqual(run)
})

test('one key is one run, however often and by however many it is asked for at once', async () => {
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => submit(hub, {}, { ownerId: 'retrying', idempotencyKey: 'k1' })),
  )
  expect(new Set(answers.map(({ run }) => run?.id)).size).toBe(1)
  expect(answers.filter(({ existing }) => !existing)).toHaveLength(1)

  const recompiled = await submit(
    hub,
    { configuration: configuration(1) },
    { ownerId: 'retrying', idempotencyKey: 'k1' },
  )
  expect([recompiled.existing, recompiled.run?.id]).toEqual([true, answers[0]?.run?.id])

  const problem = await problemOf(submit(hub, { opTimeNs: 2_000_000 }, { ownerId: 'retrying', idempotencyKey: 'k1' }))
  expect([problem.type, problem.message]).toEqual([
    'idempotency-mismatch',
    `The key "k1" stands for run ${answers[0]?.run?.id ?? ''}, which was another request.`,
  ])

  const other = await submit(hub, {}, { ownerId: 'somebody-else', idempotencyKey: 'k1' })
  expect(other.existing).toBe(false)
})

test('everything that is wrong is said at once, with what to do about it', async () => {
  const broken = { ...configuration(2), probes: [{ label: 'x', unit: '' }] }
  const problem = await problemOf(
    submit(hub, {
      opTimeNs: 50,
      icTimeNs: 10_000_000_000,
      sampleRateHz: 31,
      maxAttempts: 6,
      deviceId: 'nobody',
      deviceClass: deviceClass.toProto('REDAC'),
      configuration: broken,
    }),
  )
  expect(problem.type).toBe('validation-failed')
  expect(problem.violations.map(({ pointer }) => pointer)).toEqual(
    expect.arrayContaining(['/deviceClass', '/deviceId', '/opTimeNs', '/icTimeNs', '/sampleRateHz', '/maxAttempts']),
  )
  expect(problem.violations).toContainEqual({
    pointer: '/opTimeNs',
    value: '50',
    message: 'The value is out of bounds.',
    remedy: 'Use a whole number from 100 to 9000000000.',
  })
  const lane = await problemOf(
    submit(hub, { configuration: { ...configuration(2), probes: [{ label: 'x', unit: '' }] } }),
  )
  expect(lane.violations.some(({ pointer }) => pointer.startsWith('/configuration/'))).toBe(true)
})

test('a run may not take more samples than a device can keep', async () => {
  const problem = await problemOf(
    submit(hub, { opTimeNs: 9_000_000_000, sampleRateHz: 500_000, configuration: configuration(9) }),
  )
  expect(problem.violations).toContainEqual({
    pointer: '/sampleRateHz',
    value: '500000',
    message: 'The run would take 40500000 samples.',
    remedy: 'Take at most 36000000 samples over all channels: lower the rate, shorten the op time or remove probes.',
  })
})

test('a compilation is stored completed, with its configuration as its output', async () => {
  const { run } = await submit(
    hub,
    { kind: runKind.toProto('compile'), opTimeNs: 0, deviceClass: deviceClass.toProto('LUCIDAC') },
    { ownerId: 'compiling' },
  )
  const read = await getRun(hub, run?.id ?? '', 'compiling')
  expect(read).toMatchObject({ state: runState.toProto('COMPLETED'), attempts: [] })
  expect(read.endedAtMs).toBeGreaterThan(0)
  expect(read.spec?.configuration?.probes).toMatchObject([
    { label: 'x0', unit: 'V' },
    { label: 'x1', unit: 'V' },
  ])
})

test('a full queue refuses', async () => {
  for (let count = 0; count < 5; count++) await submit(hub, {}, { ownerId: 'greedy' })
  const problem = await problemOf(submit(hub, {}, { ownerId: 'greedy' }))
  expect([problem.type, problem.message, problem.retryAfterS]).toEqual([
    'too-many-requests',
    'You have 5 runs waiting, which is the most that one user may have.',
    10,
  ])
})

test('a foreign run does not exist', async () => {
  const runId = await submitted(hub)
  const ask = { ownerId: 'mallory', runId }
  const place = { ...ask, afterAttempt: 0, afterSeqPlusOne: 0, limit: 0 }
  const plot = { ...ask, channels: [], fromIndex: 0, toIndex: 0, points: 10 }
  const types = await Promise.all(
    [
      hub.bus.call(store.getRun, ask),
      hub.bus.call(store.cancelRun, ask),
      hub.bus.call(store.listChannels, ask),
      hub.bus.call(store.readEvents, place),
      hub.bus.call(store.readPlot, plot),
      hub.bus.call(store.readSamples, { ...ask, channel: 0, firstIndex: 0, maxSamples: 1 }),
      hub.bus.call(store.getRun, { ownerId: ALICE, runId: 'no uuid' }),
    ].map(async (refused) => (await problemOf(refused)).type),
  )
  expect(new Set(types)).toEqual(new Set(['not-found']))
})

test('lists go from the newest to the oldest, page by page, filtered', async () => {
  const ownerId = 'listing'
  const ids: string[] = []
  for (let count = 0; count < 4; count++)
    ids.unshift((await submit(hub, { title: `run ${count}` }, { ownerId })).run?.id ?? '')
  await hub.bus.call(store.cancelRun, { ownerId, runId: ids[1] ?? '' })
  const ask = { ...EVERY_RUN, ownerId, limit: 3 }
  const first = await hub.bus.call(store.listRuns, ask)
  const second = await hub.bus.call(store.listRuns, { ...ask, cursor: first.nextCursor })
  expect([...first.runs, ...second.runs].map(({ id }) => id)).toEqual(ids)
  expect([
    first.runs.length,
    second.nextCursor,
    first.runs[0]?.spec?.source,
    first.runs[0]?.spec?.configuration ?? null,
  ]).toEqual([3, '', '', null])
  const canceled = await hub.bus.call(store.listRuns, { ...ask, states: [runState.toProto('CANCELED')] })
  expect(canceled.runs.map(({ id }) => id)).toEqual([ids[1]])
  expect((await problemOf(hub.bus.call(store.listRuns, { ...ask, cursor: 'x' }))).message).toBe(
    '"x" is not a cursor of this list.',
  )
})
