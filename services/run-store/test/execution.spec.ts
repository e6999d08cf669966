import { randomUUID } from 'node:crypto'
import { attemptState, broadcasts, ClaimResult, haltToProto, store, type CancelNudge } from '@lucihub/contracts'
import { until } from '@lucihub/testing'
import { chunksOf, endOf, FakeExecutor, journalOf, wave, type End } from './fake-executor.ts'
import { ALICE, announce, eventually, getRun, inState, startHub, submit, submitted, type Hub } from './hub.ts'

const DEVICES = ['04-E9-E5-00-00-01', '04-E9-E5-00-00-02'] as const
const [FIRST, SECOND] = DEVICES
const QUICK = { leaseTtlMs: 400, leaseGraceMs: 100, lostAfterMs: 300, dispatchRetryMs: 100 }

describe('while leases hold', () => {
  let hub: Hub
  let executor: FakeExecutor

  beforeAll(async () => {
    hub = await startHub({ dispatchRetryMs: 150 })
    executor = await FakeExecutor.connect({ url: hub.nats.url, host: 'bench-1' })
    await announce(hub, FIRST)
    await executor.epochOf(FIRST)
  })

  afterAll(async () => {
    await executor.close()
    await hub.close()
  })

  async function finish(runId: string, attempt = 1, end: End = {}): Promise<void> {
    await executor.publishAll(
      await executor.take(runId, FIRST, attempt),
      journalOf([wave(10, 0), wave(10, 1)], 10, end),
    )
  }

  test('a claim that is repeated gets the same answer; another boot, epoch or device is refused', async () => {
    const runId = await submitted(hub)
    const claimed = await executor.take(runId, FIRST)
    const command = await executor.command(runId)
    expect(await executor.claim(command, claimed.epoch)).toMatchObject({
      result: ClaimResult.CLAIM_RESULT_OK,
      deviceRunId: claimed.deviceRunId,
    })
    const own = executor.bootId
    executor.bootId = randomUUID()
    expect(await executor.claim(command, claimed.epoch)).toMatchObject({
      result: ClaimResult.CLAIM_RESULT_TAKEN,
      deviceRunId: '',
    })
    executor.bootId = own
    expect((await executor.claim(command, claimed.epoch + 1)).result).toBe(ClaimResult.CLAIM_RESULT_TAKEN)
    expect((await executor.claim({ ...command, deviceId: SECOND }, claimed.epoch)).result).toBe(
      ClaimResult.CLAIM_RESULT_TAKEN,
    )
    await executor.publishAll(claimed, journalOf([wave(10, 0), wave(10, 1)], 10))
    await inState(hub, runId, 'COMPLETED')
    expect((await executor.claim(command, claimed.epoch)).result).toBe(ClaimResult.CLAIM_RESULT_TAKEN)
  })

  test('a claim without the lease is refused', async () => {
    const runId = await submitted(hub)
    const command = await executor.command(runId)
    const epoch = await executor.epochOf(FIRST)
    expect((await executor.claim(command, epoch + 1)).result).toBe(ClaimResult.CLAIM_RESULT_NO_LEASE)
    await finish(runId)
    await inState(hub, runId, 'COMPLETED')
  })

  test('nobody speaks for another host', async () => {
    const call = executor.bus.call(store.lease, {
      host: 'bench-9',
      bootId: executor.bootId,
      devices: ['*'],
      deadBoots: [],
    })
    await expect(call).rejects.toThrow('The host "bench-1" may not speak for "bench-9".')
  })

  test('a command that nobody claims is published again, and means the same attempt', async () => {
    const runId = await submitted(hub)
    await until(() => executor.commands.filter((command) => command.runId === runId).length >= 3, {
      what: 'the command comes three times',
    })
    expect(
      new Set(executor.commands.filter((command) => command.runId === runId).map(({ attempt }) => attempt)),
    ).toEqual(new Set([1]))
    expect((await executor.command(runId)).spec?.configuration?.probes).toHaveLength(2)
    await finish(runId)
    await inState(hub, runId, 'COMPLETED')
  })

  test('a device has one live attempt, and owners take turns', async () => {
    const mine = [await submitted(hub), await submitted(hub), await submitted(hub)]
    const theirs = (await submit(hub, {}, { ownerId: 'user-bob' })).run?.id ?? ''
    const order: string[] = []
    const seen = new Set<string>()
    while (order.length < 4) {
      const next = await eventually(
        () => executor.commands.find(({ runId }) => [...mine, theirs].includes(runId) && !seen.has(runId)),
        'the next run comes',
      )
      expect(
        executor.commands.filter(
          ({ runId }) => [...mine, theirs].includes(runId) && !seen.has(runId) && runId !== next.runId,
        ),
      ).toEqual([])
      seen.add(next.runId)
      order.push(next.runId)
      const claimed = await executor.take(next.runId, FIRST)
      await executor.publishAll(claimed, journalOf([wave(10, 0), wave(10, 1)], 10))
    }
    expect(order).toEqual([mine[0], theirs, mine[1], mine[2]])
    for (const runId of mine) await inState(hub, runId, 'COMPLETED')
  })

  test('a failed attempt is repeated, and the last one fails the run', async () => {
    const runId = await submitted(hub, { maxAttempts: 2 })
    await finish(runId, 1, { outcome: 'device_error', reason: 'the first time' })
    await finish(runId, 2, { outcome: 'device_error', reason: 'overload' })
    const run = await inState(hub, runId, 'FAILED')
    expect([run.reason, run.winningAttempt]).toEqual(['attempt 2 ended device_error: overload', 0])
    expect(run.attempts).toMatchObject([
      { number: 1, outcome: 'device_error', reason: 'the first time' },
      { number: 2, outcome: 'device_error' },
    ])
  })

  test('halt conditions travel with the command, and a run that one of them ended is completed with that as its reason', async () => {
    const halt = [haltToProto({ kind: 'threshold', channel: 1, level: 0.25, direction: 'falling' })]
    const runId = await submitted(hub, { halt })
    const claimed = await executor.take(runId, FIRST)
    expect((await executor.command(runId)).spec?.halt).toMatchObject(halt)
    const reason = 'halted: threshold: channel 1 fell to 0.25'
    const journal = chunksOf([new Float32Array(7), new Float32Array(7)], 4)
    await executor.publishAll(claimed, [...journal, endOf(journal, 2, { reason })])
    expect(await inState(hub, runId, 'COMPLETED')).toMatchObject({
      reason,
      storedSamples: 7,
      expectedSamples: 100,
      spec: { halt },
    })
    const refused = submit(hub, {
      halt: [haltToProto({ kind: 'threshold', channel: 2, level: 0, direction: 'rising' })],
    })
    await expect(refused).rejects.toMatchObject({
      type: 'validation-failed',
      violations: [{ pointer: '/halt/0/channel' }],
    })
  })

  test('an attempt that never reached the device does not count', async () => {
    const runId = await submitted(hub, { maxAttempts: 1 })
    const claimed = await executor.take(runId, FIRST)
    await executor.publish(claimed, 0, {
      end: { ...(endOf([], 2, { outcome: 'lease_lost', started: false }).end ?? never()) },
    })
    await finish(runId, 2)
    const run = await inState(hub, runId, 'COMPLETED')
    expect(run.attempts.map(({ state }) => attemptState.fromProto(state))).toEqual(['ABORTED', 'ENDED'])
    expect(run.winningAttempt).toBe(2)
  })

  test('cancel while it waits is at once, and again is refused with the state', async () => {
    const blocking = await submitted(hub)
    await executor.command(blocking)
    const runId = await submitted(hub)
    expect((await cancel(runId)).attempts).toEqual([])
    await inState(hub, runId, 'CANCELED')
    await expect(cancel(runId)).rejects.toThrow('The run is CANCELED and cannot be canceled any more.')
    await finish(blocking)
    await inState(hub, blocking, 'COMPLETED')
    await expect(cancel(blocking)).rejects.toThrow('The run is COMPLETED and cannot be canceled any more.')
  })

  test('cancel before the claim is at once, and the claim hears of it', async () => {
    const runId = await submitted(hub)
    const command = await executor.command(runId)
    await cancel(runId)
    await inState(hub, runId, 'CANCELED')
    expect((await executor.claim(command, await executor.epochOf(FIRST))).result).toBe(
      ClaimResult.CLAIM_RESULT_CANCELED,
    )
  })

  test('cancel while it runs is asked of its executor in three ways, and ends when that has ended', async () => {
    const nudges: CancelNudge[] = []
    const unsubscribe = executor.bus.subscribe(broadcasts.cancelNudge, { address: ['bench-1'] }, (nudge) =>
      nudges.push(nudge),
    )
    await executor.bus.connection.nats.flush()
    const runId = await submitted(hub)
    const claimed = await executor.take(runId, FIRST)
    expect(await cancel(runId)).toMatchObject({ cancelRequested: true })
    await until(() => nudges.some((nudge) => nudge.runId === runId && nudge.attempt === 1), { what: 'the nudge comes' })
    expect((await executor.lease(FIRST)).cancels).toMatchObject([{ runId, attempt: 1 }])
    expect(await executor.watermark(claimed, 0)).toMatchObject({ cancelRequested: true, settled: false })
    await executor.publishAll(claimed, journalOf([wave(10, 0), wave(10, 1)], 10, { outcome: 'canceled' }))
    const run = await inState(hub, runId, 'CANCELED')
    expect(run.attempts.map(({ state }) => attemptState.fromProto(state))).toEqual(['CANCELED'])
    expect(run.storedSamples).toBe(10)
    unsubscribe()
  })

  test('a completion that was faster than the request to cancel it wins', async () => {
    const runId = await submitted(hub)
    const claimed = await executor.take(runId, FIRST)
    await cancel(runId)
    await executor.publishAll(claimed, journalOf([wave(10, 0), wave(10, 1)], 10))
    expect(await inState(hub, runId, 'COMPLETED')).toMatchObject({ cancelRequested: true })
  })

  test('a device that scanners see no more stays with its holder, gets no new run, and goes to nobody else', async () => {
    await announce(hub)
    const runId = await submitted(hub)
    expect((await executor.lease('*')).leases.map(({ device }) => device?.id)).toEqual([FIRST])
    const own = executor.bootId
    executor.bootId = randomUUID()
    expect((await executor.lease('*')).leases).toEqual([])
    executor.bootId = own
    expect((await getRun(hub, runId)).attempts).toEqual([])
    await announce(hub, FIRST)
    await finish(runId)
    await inState(hub, runId, 'COMPLETED')
  })

  async function cancel(runId: string): ReturnType<typeof getRun> {
    const { run } = await hub.bus.call(store.cancelRun, { ownerId: ALICE, runId })
    return run ?? never()
  }
})

describe('when leases end', () => {
  let hub: Hub
  let executor: FakeExecutor
  let other: FakeExecutor

  beforeAll(async () => {
    hub = await startHub(QUICK)
    executor = await FakeExecutor.connect({ url: hub.nats.url, host: 'bench-1' })
    other = await FakeExecutor.connect({ url: hub.nats.url, host: 'bench-2' })
    await announce(hub, FIRST, SECOND)
  })

  afterAll(async () => {
    await Promise.all([executor.close(), other.close()])
    await hub.close()
  })

  test('a device belongs to one host; a new boot of it waits, and gets a higher epoch', async () => {
    const epoch = await executor.epochOf(FIRST)
    expect((await other.lease('*')).leases.map(({ device }) => device?.id)).toEqual([SECOND])
    expect((await executor.lease('*')).leases.map((lease) => [lease.device?.id, lease.epoch, lease.ttlMs])).toEqual([
      [FIRST, epoch, 400],
    ])
    executor.bootId = randomUUID()
    expect((await executor.lease(`sim-${FIRST}`)).leases).toEqual([])
    expect(await executor.epochOf(FIRST)).toBe(epoch + 1)
    expect((await other.lease(FIRST)).leases).toEqual([])
    const { devices } = await hub.bus.call(store.listDevices, { activeOnly: false })
    expect(devices.map(({ device, executorHost }) => [device?.id, executorHost])).toEqual([
      [FIRST, 'bench-1'],
      [SECOND, 'bench-2'],
    ])
  })

  test('a new boot takes at once what a dead boot of its own host held, and nothing of another host', async () => {
    const epoch = await executor.epochOf(FIRST)
    await other.epochOf(SECOND)
    const dead = executor.bootId
    executor.bootId = randomUUID()
    // Not waited for: while the old lease lasts, only the word of its death frees the device.
    executor.deadBoots = [dead, other.bootId]
    const { leases } = await executor.lease('*')
    expect(leases.map(({ device, epoch: given }) => [device?.id, given])).toEqual([[FIRST, epoch + 1]])
    executor.deadBoots = []
  })

  test('a run whose executor is silent is lost, tried again, and fails after the last attempt', async () => {
    const runId = await submitted(hub, { deviceId: FIRST, maxAttempts: 2 })
    const claimed = await executor.take(runId, FIRST)
    const journal = journalOf([wave(10, 0), wave(10, 1)], 10)
    await executor.publish(claimed, 0, journal[0] ?? {})
    await until(async () => (await getRun(hub, runId)).attempts[0]?.state === attemptState.toProto('LOST'), {
      what: 'attempt 1 is lost',
    })
    // Given up, but what is missing of its journal is still wanted.
    expect(await executor.watermark(claimed, 1)).toMatchObject({ contiguous: 1, settled: false, givenUp: true })

    const again = await executor.take(runId, FIRST, 2)
    expect(again.epoch).toBeGreaterThan(claimed.epoch)
    // Late words of the lost attempt are kept as its own and change nothing.
    await executor.publishAll(claimed, journal)
    const run = await inState(hub, runId, 'FAILED')
    expect(run.attempts.map(({ state }) => attemptState.fromProto(state))).toEqual(['LOST', 'LOST'])
    expect(run.reason).toMatch(/^attempt 2 ended lost: (no word from its executor|its device has a new holder)$/)
    const story = await hub.bus.call(store.readEvents, {
      ownerId: ALICE,
      runId,
      afterAttempt: 0,
      afterSeqPlusOne: 0,
      limit: 0,
    })
    expect(story.events.filter(({ attempt, end }) => attempt === 1 && end)).toHaveLength(1)
    expect(await executor.watermark(claimed, journal.length)).toMatchObject({ settled: true, givenUp: true })
  })

  test('a run that waits for any device leaves one whose host is gone', async () => {
    await executor.epochOf(FIRST)
    const runId = await submitted(hub)
    await executor.command(runId)
    const keepAlive = setInterval(() => void other.lease(SECOND).catch(() => undefined), 100)
    const command = await other.command(runId, 2)
    clearInterval(keepAlive)
    expect(command.deviceId).toBe(SECOND)
    expect((await getRun(hub, runId)).attempts[0]).toMatchObject({
      state: attemptState.toProto('ABORTED'),
      reason: 'nobody claimed it',
    })
  })
})

function never(): never {
  throw new Error('not there')
}
