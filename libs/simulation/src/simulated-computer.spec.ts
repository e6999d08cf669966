import { lucidacDescription, Problem, type RunEvent } from '@lucihub/analog'
import { conformance, oscillator, record, testConfiguration } from './conformance.ts'
import {
  IDEAL,
  OVERLOAD,
  REALISTIC,
  SimulatedComputer,
  fastPace,
  realTimePace,
  type Imperfections,
  type SimulatedComputerOptions,
} from './index.ts'

const MAC = '04-E9-E5-00-00-01'
/** A thousand samples. */
const LONG = { opTimeNs: 10_000_000, sampleRateHz: 100_000 }
const pace = fastPace(() => new Promise((resolve) => setImmediate(resolve)))

function computer(options: Partial<SimulatedComputerOptions> = {}): SimulatedComputer {
  return new SimulatedComputer({ description: lucidacDescription(MAC), pace, ...options })
}

conformance('SimulatedComputer', async () => computer(), { tolerance: 1e-5 })
conformance("SimulatedComputer with a real machine's errors", async () => computer({ imperfections: REALISTIC }), {
  tolerance: 2e-2,
})

test('an overload is located to a fraction of the sample period', async () => {
  const machine = computer()
  await machine.configure(
    testConfiguration(MAC, { constant: 1, routes: [{ from: 15, to: 0, coefficient: 1 }], outputs: [0] }),
  )
  const { opTimeNs, events } = await record(machine, { haltOnOverload: true })
  expect(opTimeNs).toBe(100_200)
  expect(events.at(-1)).toEqual({ kind: 'phase', phase: 'DONE', timeNs: 200_200, reason: 'overload' })
})

test('a circuit that starts in overload halts at once, with one sample', async () => {
  const machine = computer()
  const routes = [
    { from: 15, to: 8, coefficient: 1 },
    { from: 15, to: 8, coefficient: 1 },
  ]
  await machine.configure(testConfiguration(MAC, { constant: 1, routes, outputs: [12] }))
  const { opTimeNs, channels } = await record(machine, { haltOnOverload: true })
  expect([opTimeNs, channels[0]?.length]).toEqual([0, 1])
})

async function noisy(seed: number): Promise<readonly Float64Array[]> {
  const machine = computer({ imperfections: { ...REALISTIC, seed } })
  await machine.configure(testConfiguration(MAC, oscillator(0.8)))
  return (await record(machine)).channels
}

test('the same seed gives the same noise and errors, another seed others', async () => {
  expect(await noisy(7)).toEqual(await noisy(7))
  expect(await noisy(7)).not.toEqual(await noisy(8))
})

test('a run is repeated to the bit on the same machine', async () => {
  const machine = computer({ imperfections: REALISTIC })
  await machine.configure(testConfiguration(MAC, oscillator(0.8)))
  const { channels, final } = await record(machine)
  const again = await record(machine)
  expect([again.channels, again.final]).toEqual([channels, final])
})

/** Root of the mean square. */
const spread = (values: readonly number[]): number => Math.hypot(...values) / Math.sqrt(values.length)

/** What identities make of the constant through 32 lanes in 8 machines, each less than 0.5 by its error. */
async function deviations(imperfections: Partial<Imperfections>): Promise<number[]> {
  const found: number[] = []
  for (let seed = 1; seed <= 8; seed++) {
    const machine = computer({ imperfections: { ...IDEAL, ...imperfections, seed } })
    for (let first = 0; first < 16; first += 4) {
      const routes = [0, 1, 2, 3].map((i) => ({ from: 15, to: 8 + i, coefficient: 0.5, lane: first + i }))
      await machine.configure(testConfiguration(MAC, { constant: 1, routes, outputs: [12, 13, 14, 15] }))
      const { channels } = await record(machine, { opTimeNs: 10_000 })
      found.push(...channels.map((values) => (values[0] ?? NaN) + 0.5))
    }
  }
  return found
}

test('gains and offsets are off by as much as they are said to be, each lane and each summer by its own', async () => {
  expect(spread(await deviations({}))).toBe(0)
  const gains = await deviations({ gainError: 0.01 })
  expect(new Set(gains).size).toBe(128)
  expect(Math.abs(spread(gains) / 0.005 - 1)).toBeLessThan(0.25)
  const offsets = await deviations({ offset: 0.01 })
  // Four summers in each machine, whatever the lane.
  expect(new Set(offsets).size).toBe(32)
  expect(Math.abs(spread(offsets) / 0.01 - 1)).toBeLessThan(0.4)
})

test('noise is of the converter: it has its spread, no mean, and leaves the circuit alone', async () => {
  const machine = computer({ imperfections: { ...IDEAL, noise: 0.01 } })
  const ideal = computer()
  for (const one of [machine, ideal]) await one.configure(testConfiguration(MAC, oscillator(0.8)))
  const [read, exact] = [await record(machine, LONG), await record(ideal, LONG)]
  const noise = Array.from(read.channels[0] ?? [], (value, k) => value - (exact.channels[0]?.[k] ?? NaN))
  expect(noise).toHaveLength(1000)
  expect(Math.abs(spread(noise) / 0.01 - 1)).toBeLessThan(0.1)
  expect(Math.abs(noise.reduce((sum, value) => sum + value, 0) / noise.length)).toBeLessThan(2e-3)
  expect(read.opTimeNs).toBe(exact.opTimeNs)
})

test('in IC the elements that do not integrate follow those that do', async () => {
  const machine = computer()
  const routes = [
    { from: 0, to: 8, coefficient: 1 },
    { from: 0, to: 9, coefficient: 0.5 },
  ]
  await machine.configure(
    testConfiguration(MAC, { routes, integrators: [{ element: 0, ic: 0.6 }], outputs: [0, 8, 12] }),
  )
  const { channels } = await record(machine)
  const expected = [-0.6, 0.18, 0.6]
  channels.forEach((values, c) => expect(values[0]).toBeCloseTo(expected[c] ?? NaN, 6))
})

test('final values are those of the instant at which an overload ended OP, all outputs of it', async () => {
  const machine = computer()
  const routes = [
    { from: 15, to: 0, coefficient: 1 },
    { from: 0, to: 8, coefficient: 0.5 },
  ]
  await machine.configure(testConfiguration(MAC, { constant: 1, routes, outputs: [0] }))
  const { final } = await record(machine, { haltOnOverload: true })
  expect(final).toHaveLength(16)
  expect(final?.[0]).toBeCloseTo(-OVERLOAD, 5)
  expect(final?.[12]).toBeCloseTo(OVERLOAD / 2, 5)
  expect((await machine.overload()).outputs).toEqual([0])
})

test('a 14-bit converter reads multiples of its step and clips at full scale', async () => {
  const machine = computer({ imperfections: { ...IDEAL, adcBits: 14 } })
  const routes = [
    { from: 15, to: 8, coefficient: 0.5 },
    { from: 15, to: 9, coefficient: 1, upscaled: true },
  ]
  await machine.configure(testConfiguration(MAC, { constant: 1, routes, outputs: [12, 13] }))
  const { channels, final } = await record(machine)
  const code = (1.25 - (channels[0]?.[0] ?? NaN)) / (2.5 / 16_383)
  expect(Math.abs(code - Math.round(code))).toBeLessThan(1e-3)
  expect(channels[0]?.[0]).toBeCloseTo(-0.5, 3)
  expect(channels[1]?.[0]).toBe(-1.25)
  // Final values are read by the same converter.
  expect([final?.[12], final?.[13]]).toEqual([channels[0]?.[0], -1.25])
})

test('chunks hold 4096 samples, or 50 ms of slow ones, and less at the end', async () => {
  const counts = async (sampleRateHz: number, opTimeNs: number): Promise<number[]> => {
    const machine = computer()
    await machine.configure(testConfiguration(MAC, oscillator(0.8)))
    const { events } = await record(machine, { sampleRateHz, opTimeNs })
    return events.flatMap((event) => (event.kind === 'samples' ? [event.chunk.count] : []))
  }
  expect(await counts(500_000, 20_000_000)).toEqual([4096, 4096, 1808])
  expect(await counts(1_000, 120_000_000)).toEqual([50, 50, 20])
})

test('a circuit that runs away without saturation ends with ERROR and the op time it reached', async () => {
  const machine = computer({ imperfections: { ...IDEAL, limits: null } })
  // x' = x * x through multiplier 0, from 1: a pole after 100 us.
  const routes = [
    { from: 0, to: 8, coefficient: 1 },
    { from: 0, to: 9, coefficient: 1 },
    { from: 8, to: 0, coefficient: -1 },
  ]
  await machine.configure(testConfiguration(MAC, { routes, integrators: [{ element: 0, ic: -1 }], outputs: [0] }))
  const { events } = await record(machine)
  expect(events.at(-1)).toMatchObject({
    phase: 'ERROR',
    reason: 'The circuit has no finite solution after 0.1000 ms of op time.',
  })
})

test('the same circuit on saturating amplifiers goes on', async () => {
  const machine = computer()
  const routes = [
    { from: 0, to: 8, coefficient: 1 },
    { from: 0, to: 9, coefficient: 1 },
    { from: 8, to: 0, coefficient: -1 },
  ]
  await machine.configure(testConfiguration(MAC, { routes, integrators: [{ element: 0, ic: -1 }], outputs: [0] }))
  const { phases, final } = await record(machine)
  expect(phases.at(-1)).toBe('DONE')
  expect(final?.[0]).toBeCloseTo(1.4, 5)
})

test('a limiter holds an integrator at full scale without overload, and lets it go', async () => {
  const machine = computer()
  // Integrator 1 makes -sin; integrator 0 integrates 3.2 times it, runs into the limit and comes back.
  await machine.configure(
    testConfiguration(MAC, {
      routes: [
        { from: 2, to: 1, coefficient: -1 },
        { from: 1, to: 2, coefficient: 1 },
        { from: 2, to: 0, coefficient: 0.4, upscaled: true },
      ],
      integrators: [
        { element: 0, limiter: true },
        { element: 1, ic: -0.9 },
      ],
      outputs: [0],
    }),
  )
  const { channels } = await record(machine, { opTimeNs: 1_000_000 })
  const values = channels[0] ?? new Float64Array()
  expect(Math.max(...values)).toBe(1)
  expect(values.filter((value) => value === 1).length).toBeGreaterThan(5)
  expect(Math.min(...values)).toBeLessThan(0)
  expect((await machine.overload()).outputs).not.toContain(0)
})

test('a run in real time waits for its samples on the clock it is given', async () => {
  const sleeps: number[] = []
  let nowMs = 5_000
  const clock = {
    nowMs: () => nowMs,
    sleep: async (ms: number) => {
      sleeps.push(ms)
      nowMs += ms
    },
  }
  const machine = computer({ pace: realTimePace(clock) })
  await machine.configure(testConfiguration(MAC, oscillator(0.5)))
  const { phases } = await record(machine, { icTimeNs: 10_000_000, opTimeNs: 200_000_000, sampleRateHz: 100 })
  expect(phases.at(-1)).toBe('DONE')
  expect(nowMs).toBeCloseTo(5_210, 6)
  expect(Math.max(...sleeps)).toBeLessThanOrEqual(50.000001)
})

test('one run at a time', async () => {
  const machine = computer()
  await machine.configure(testConfiguration(MAC, oscillator(0.5)))
  const first: AsyncGenerator<RunEvent> = machine.run({
    id: 'a',
    icTimeNs: 1000,
    opTimeNs: 1000,
    sampleRateHz: 1000,
    haltOnOverload: false,
    finalValues: false,
  })
  await first.next()
  await expect(record(machine)).rejects.toThrow('The computer is in the middle of a run.')
  await expect(machine.reset()).rejects.toBeInstanceOf(Problem)
  await first.return(undefined)
  expect((await record(machine)).phases.at(-1)).toBe('DONE')
})

test('a request out of bounds is refused with every bound it breaks', async () => {
  const run = record(computer(), { opTimeNs: 10_000_000_000, sampleRateHz: 1, id: 'x'.repeat(39) })
  await expect(run).rejects.toMatchObject({
    type: 'validation-failed',
    violations: [
      { pointer: '/opTimeNs', value: '10000000000', message: 'is out of range', remedy: 'use 100..9000000000' },
      { pointer: '/sampleRateHz', value: '1', message: 'is out of range', remedy: 'use 32..500000' },
      { pointer: '/id', value: 'x'.repeat(39), message: 'is too long', remedy: 'use at most 38 characters' },
    ],
  })
})

test.each([
  [10_000, 100_000, 0.8],
  [10_000, 5_000, 0.8 * (1 - Math.exp(-1))],
  [100, 100_000, 0.8 * (1 - Math.exp(-0.2))],
  [100, 10_000_000, 0.8],
] as const)('an integrator with k0 = %p is charged in %p ns of IC to %p', async (k0, icTimeNs, expected) => {
  const circuit = {
    routes: [{ from: 0, to: 0, coefficient: 0 }],
    integrators: [{ element: 0, ic: -0.8, k0 }],
    outputs: [0],
  }
  for (const [imperfections, value] of [
    [{ ...IDEAL, charging: REALISTIC.charging }, expected],
    [IDEAL, 0.8],
  ] as const) {
    const machine = computer({ imperfections })
    await machine.configure(testConfiguration(MAC, circuit))
    expect((await record(machine, { icTimeNs })).channels[0]?.[0]).toBeCloseTo(value, 6)
  }
})
