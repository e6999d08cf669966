import { lucidacDescription, Problem, type HaltCondition, type RunRequest } from '@lucihub/analog'
import { oscillator, record, testConfiguration } from './conformance.ts'
import { SimulatedComputer, type SimulatedComputerOptions } from './index.ts'

const MAC = '04-E9-E5-00-00-01'
const K0 = 10_000

async function halted(
  circuit: Parameters<typeof testConfiguration>[1],
  haltConditions: readonly HaltCondition[],
  { request = {}, options = {} }: { request?: Partial<RunRequest>; options?: Partial<SimulatedComputerOptions> } = {},
) {
  const machine = new SimulatedComputer({ description: lucidacDescription(MAC), ...options })
  await machine.configure(testConfiguration(MAC, circuit))
  const recording = await record(machine, { opTimeNs: 2_000_000, sampleRateHz: 100_000, haltConditions, ...request })
  const last = recording.events.at(-1)
  return {
    ...recording,
    machine,
    reason: last?.kind === 'phase' ? `${last.phase} ${last.reason}` : '',
    opTime: recording.opTimeNs / 1e9,
  }
}

/** x' = -x from 1: x = exp(-k0 t). */
const decay = { routes: [{ from: 0, to: 0, coefficient: 1 }], integrators: [{ element: 0, ic: -1 }], outputs: [0] }

test.each([
  ['falling', 0.25, Math.log(4) / K0],
  ['either', 0.25, Math.log(4) / K0],
] as const)('a decay that is %s past a level halts there', async (direction, level, at) => {
  const { reason, opTime, channels, final } = await halted(decay, [{ kind: 'threshold', channel: 0, level, direction }])
  expect(reason).toBe(`DONE threshold: channel 0 ${direction === 'falling' ? 'fell to' : 'crossed'} 0.25`)
  // Phases are told in whole ns.
  expect(Math.abs(opTime - at)).toBeLessThan(2e-9)
  expect(final?.[0]).toBeCloseTo(0.25, 6)
  expect(channels[0]?.length).toBe(Math.floor(at * 100_000) + 1)
})

test('a level that is passed the other way is not met', async () => {
  const { reason, opTime } = await halted(decay, [{ kind: 'threshold', channel: 0, level: 0.25, direction: 'rising' }])
  expect([reason, opTime]).toEqual(['DONE ', 0.002])
})

test('levels are physical: gain and offset of the channel count', async () => {
  const machine = new SimulatedComputer({ description: lucidacDescription(MAC) })
  const configuration = testConfiguration(MAC, decay)
  const carriers = configuration.carriers.map((carrier) => ({
    ...carrier,
    adc: carrier.adc.map((channel) => ({ ...channel, gain: 20, offset: 5 })),
  }))
  await machine.configure({ ...configuration, carriers })
  const { opTimeNs } = await record(machine, {
    opTimeNs: 2_000_000,
    haltConditions: [{ kind: 'threshold', channel: 0, level: 10, direction: 'falling' }],
  })
  expect(Math.abs(opTimeNs / 1e9 - Math.log(4) / K0)).toBeLessThan(2e-9)
})

test('the second pass of an oscillation is not the first', async () => {
  const rising: HaltCondition = { kind: 'threshold', channel: 0, level: 0, direction: 'rising' }
  const falling: HaltCondition = { ...rising, direction: 'falling' }
  const [up, down] = [await halted(oscillator(0.5), [rising]), await halted(oscillator(0.5), [falling])]
  expect(Math.abs(Math.abs(up.opTime - down.opTime) * K0 - Math.PI)).toBeLessThan(1e-4)
  const either = await halted(oscillator(0.5), [{ ...rising, direction: 'either' }])
  expect(either.opTime).toBe(Math.min(up.opTime, down.opTime))
})

test('a decay is steady once its slope stays below the bound for the time asked for', async () => {
  const { reason, opTime } = await halted(decay, [{ kind: 'steadyState', slopeMax: 100, durationNs: 50_000 }])
  expect(reason).toBe('DONE steady state: no slope above 100 1/s for 50000 ns')
  // |x'| = k0 exp(-k0 t) falls to 100 at ln(100) / k0.
  expect(Math.abs(opTime - (Math.log(100) / K0 + 50e-6))).toBeLessThan(2e-9)
})

test('what swings is never steady, and what never moves is so after the time', async () => {
  const steady: HaltCondition = { kind: 'steadyState', slopeMax: 10, durationNs: 10_000 }
  expect((await halted(oscillator(0.5), [steady])).reason).toBe('DONE ')
  const resting = await halted({ ...decay, integrators: [] }, [steady])
  expect(resting.opTime).toBe(10e-6)
})

test('the condition that is met first gives the reason', async () => {
  const conditions: HaltCondition[] = [
    { kind: 'steadyState', slopeMax: 100, durationNs: 0 },
    { kind: 'threshold', channel: 0, level: 0.5, direction: 'falling' },
    { kind: 'threshold', channel: 0, level: 0.75, direction: 'falling' },
  ]
  expect((await halted(decay, conditions)).reason).toBe('DONE threshold: channel 0 fell to 0.75')
})

/** x' = 1 from 0: at full scale after 1 / k0. */
const ramp = { constant: 1 as const, routes: [{ from: 15, to: 0, coefficient: -1 }], outputs: [0] }

test('overload is a condition like others, and what is met before it leaves no flag', async () => {
  const overload = await halted(ramp, [{ kind: 'overload' }])
  expect([overload.reason, overload.opTime]).toEqual(['DONE overload', 100_200e-9])
  const before = await halted(ramp, [
    { kind: 'overload' },
    { kind: 'threshold', channel: 0, level: 0.99, direction: 'rising' },
  ])
  expect(before.reason).toBe('DONE threshold: channel 0 rose to 0.99')
  expect((await before.machine.overload()).outputs).toEqual([])
})

test('a wall clock that runs out ends a run that computes for long', async () => {
  let nowMs = 0
  const { reason, phases, opTime } = await halted(oscillator(0.5), [{ kind: 'wallClock', limitMs: 5 }], {
    request: { opTimeNs: 1_000_000_000 },
    options: { nowMs: () => nowMs++ },
  })
  expect(reason).toBe('DONE wall clock: 5 ms have passed')
  expect(phases.slice(-2)).toEqual(['OP_END', 'DONE'])
  expect(opTime).toBeLessThan(1)
})

test('conditions that cannot be met are refused before the run', async () => {
  await expect(halted(decay, [{ kind: 'threshold', channel: 1, level: 0, direction: 'either' }])).rejects.toMatchObject(
    { violations: [{ pointer: '/haltConditions/0/channel', value: '1', remedy: 'use 0..0' }] },
  )
  await expect(halted(decay, [{ kind: 'wallClock', limitMs: 5 }])).rejects.toEqual(
    new Problem('validation-failed', 'This computer has no clock to watch.'),
  )
})
