/**
 * The conformance suite of AnalogComputer: what every implementation must do, machine or simulation, told as jest
 * tests. Import it into a spec (`@lucihub/simulation/conformance`) and call {@link conformance} with a computer that
 * has a standard LUCIDAC's blocks: integrators in slot 0, multipliers in slot 1.
 */
import {
  Problem,
  deviceIdOf,
  sampleCount,
  samplesOf,
  type AnalogComputer,
  type Configuration,
  type ConstantValue,
  type IntegratorConfiguration,
  type Lane,
  type RunEvent,
  type RunRequest,
} from '@lucihub/analog'

export { signs, type SignsOptions } from './conformance-signs.ts'

export interface ConformanceOptions {
  /** Largest allowed deviation from the exact solution, machine units. Default 1e-3; a real machine needs more. */
  readonly tolerance?: number
}

/** A small circuit on cluster 0, in the order of what it does rather than of blocks. */
export interface TestCircuit {
  readonly constant?: ConstantValue
  /** From output to input, with a coefficient; the lane defaults to the position in the list. */
  readonly routes: readonly TestRoute[]
  readonly integrators?: readonly (Pick<IntegratorConfiguration, 'element'> & Partial<IntegratorConfiguration>)[]
  /** Outputs sampled, in probe order. */
  readonly outputs: readonly number[]
}

export interface TestRoute {
  readonly from: number
  readonly to: number
  readonly coefficient: number
  readonly upscaled?: boolean
  readonly lane?: number
}

/** The configuration of a test circuit on this carrier. */
export function testConfiguration(carrier: string, circuit: TestCircuit): Configuration {
  const lanes = circuit.routes.map(({ from, to, coefficient, upscaled = false, lane }, i): Lane => {
    return { lane: lane ?? i, source: from, coefficient, upscaled, sinks: [to] }
  })
  const integrators = (circuit.integrators ?? []).map((settings): IntegratorConfiguration => {
    return { ic: 0, k0: 10_000, limiter: false, ...settings }
  })
  const slots = [{ kind: 'MINT', integrators }, { kind: 'MMUL' }] as const
  return {
    problemTimePerSecond: 0,
    probes: circuit.outputs.map((output) => ({ label: `output ${output}`, unit: '' })),
    carriers: [
      {
        carrier,
        clusters: [{ index: 0, constant: circuit.constant ?? null, lanes, slots }],
        adc: circuit.outputs.map((output, probe) => ({ output, gain: 1, offset: 0, probe })),
      },
    ],
  }
}

/** A run, collected. */
export interface Recording {
  readonly events: readonly RunEvent[]
  readonly phases: readonly string[]
  /** One array per channel, gap-free from sample 0. */
  readonly channels: readonly Float64Array[]
  readonly final: Float32Array | null
  /** Length of OP as the computer reported it, ns. */
  readonly opTimeNs: number
}

/** Runs and collects; throws when chunks do not follow each other. */
export async function record(
  computer: AnalogComputer,
  request: Partial<RunRequest> = {},
  signal?: AbortSignal,
): Promise<Recording> {
  const events: RunEvent[] = []
  const channels: number[][] = []
  let next = 0
  for await (const event of computer.run({ ...REQUEST, ...request }, signal)) {
    events.push(event)
    if (event.kind === 'gap') throw new Error(`chunks ${event.fromChunk} to ${event.toChunk} were lost`)
    if (event.kind !== 'samples') continue
    const { chunk } = event
    if (chunk.firstIndex !== next) throw new Error(`a chunk starts at ${chunk.firstIndex}, not at ${next}`)
    next += chunk.count
    chunk.blocks.forEach((block, c) => {
      const values = samplesOf(block, chunk.encoding)
      if (values.length !== chunk.count)
        throw new Error(`a block of ${values.length} samples in a chunk of ${chunk.count}`)
      const channel = (channels[c] ??= [])
      for (const value of values) channel.push(value)
    })
  }
  const phases = events.flatMap((event) => (event.kind === 'phase' ? [event] : []))
  const timeOf = (name: string): number => phases.find(({ phase }) => phase === name)?.timeNs ?? NaN
  return {
    events,
    phases: phases.map(({ phase }) => phase),
    channels: channels.map((values) => Float64Array.from(values)),
    final: events.flatMap((event) => (event.kind === 'final' ? [event.values] : []))[0] ?? null,
    opTimeNs: timeOf('OP_END') - timeOf('OP'),
  }
}

const REQUEST: RunRequest = {
  id: 'conformance',
  icTimeNs: 100_000,
  opTimeNs: 1_000_000,
  sampleRateHz: 100_000,
  haltOnOverload: false,
  finalValues: true,
}

/** x'' = -x with x(0) = amplitude on integrators 0 and 1: x is output 0. */
export function oscillator(amplitude: number): TestCircuit {
  return {
    routes: [
      { from: 1, to: 0, coefficient: -1 },
      { from: 0, to: 1, coefficient: 1 },
    ],
    integrators: [{ element: 0, ic: -amplitude }],
    outputs: [0, 1],
  }
}

/** Constant 1 into integrator 0: the output falls by k0 per second and overloads after 1/k0. */
const RAMP: TestCircuit = { constant: 1, routes: [{ from: 15, to: 0, coefficient: 1 }], outputs: [0] }

/** Declares the tests. `make` is called once for each test, `close` of its result once after it. */
export function conformance(
  name: string,
  make: () => Promise<AnalogComputer>,
  { tolerance = 1e-3 }: ConformanceOptions = {},
): void {
  type Use = (computer: AnalogComputer, load: (circuit: TestCircuit) => Promise<void>) => Promise<void>
  const within = async (use: Use): Promise<void> => {
    const computer = await make()
    try {
      const carrier = deviceIdOf(await computer.describe())
      await computer.reset()
      await use(computer, (circuit) => computer.configure(testConfiguration(carrier, circuit)))
    } finally {
      await computer.close()
    }
  }
  const deviation = (values: Float64Array | undefined, expected: (k: number) => number): number =>
    values ? values.reduce((worst, value, k) => Math.max(worst, Math.abs(value - expected(k))), 0) : NaN
  /** A circuit without integrators in play: every sample of every channel has the value expected. */
  const checkConstant = (circuit: TestCircuit, expected: readonly number[]): Promise<void> =>
    within(async (computer, load) => {
      await load(circuit)
      const { channels } = await record(computer)
      expect(channels).toHaveLength(expected.length)
      expected.forEach((value, c) => expect(deviation(channels[c], () => value)).toBeLessThan(tolerance))
    })

  describe(`${name} is an AnalogComputer`, () => {
    test('it describes itself with at least one carrier', () =>
      within(async (computer) => {
        const { carriers } = await computer.describe()
        expect(carriers.map((carrier) => carrier.class)).toContain('CARRIER')
      }))

    test('an oscillator runs at k0 and is sampled at k / rate from the start of OP', () =>
      within(async (computer, load) => {
        await load(oscillator(0.8))
        const { channels, phases } = await record(computer)
        expect(phases).toEqual(['TAKE_OFF', 'IC', 'OP', 'OP_END', 'DONE'])
        expect(channels.map((values) => values.length)).toEqual([100, 100])
        expect(deviation(channels[0], (k) => 0.8 * Math.cos(0.1 * k))).toBeLessThan(tolerance)
        expect(deviation(channels[1], (k) => -0.8 * Math.sin(0.1 * k))).toBeLessThan(tolerance)
      }))

    test('OP lasts as long as asked for', () =>
      within(async (computer, load) => {
        await load(oscillator(0.5))
        expect((await record(computer, { opTimeNs: 730_000 })).opTimeNs).toBe(730_000)
      }))

    test('a run shorter than one sample period takes one sample', () =>
      within(async (computer, load) => {
        await load(oscillator(0.5))
        const { channels } = await record(computer, { opTimeNs: 1_000, sampleRateHz: 1_000 })
        expect(channels.map((values) => values.length)).toEqual([1, 1])
      }))

    test('an integrator starts at minus its initial condition', () =>
      checkConstant(
        {
          routes: [],
          integrators: [
            { element: 2, ic: 0.5 },
            { element: 7, ic: -0.25 },
          ],
          outputs: [2, 7],
        },
        [-0.5, 0.25],
      ))

    test('an integrator falls while its input is positive, a slow one a hundred times slower', () =>
      within(async (computer, load) => {
        await load({
          constant: 0.1,
          routes: [
            { from: 15, to: 0, coefficient: 1 },
            { from: 15, to: 1, coefficient: 1 },
          ],
          integrators: [
            { element: 0, k0: 10_000 },
            { element: 1, k0: 100 },
          ],
          outputs: [0, 1],
        })
        const { channels } = await record(computer, { opTimeNs: 500_000 })
        expect(deviation(channels[0], (k) => -1000 * k * 1e-5)).toBeLessThan(tolerance)
        expect(deviation(channels[1], (k) => -10 * k * 1e-5)).toBeLessThan(tolerance)
      }))

    test('an identity inverts its sum', () =>
      checkConstant(
        {
          constant: 1,
          routes: [
            { from: 15, to: 8, coefficient: 0.56 },
            { from: 15, to: 9, coefficient: -0.3 },
            { from: 15, to: 11, coefficient: 0.5 },
            { from: 15, to: 11, coefficient: -0.2 },
          ],
          outputs: [12, 13, 15],
        },
        [-0.56, 0.3, -0.3],
      ))

    test('a multiplier does not invert', () =>
      checkConstant(
        {
          constant: 1,
          routes: [
            { from: 15, to: 8, coefficient: 0.5 },
            { from: 15, to: 9, coefficient: 0.4 },
            { from: 15, to: 10, coefficient: -0.5 },
            { from: 15, to: 11, coefficient: 0.8 },
            { from: 15, to: 14, coefficient: -1 },
            { from: 15, to: 15, coefficient: -0.9 },
          ],
          outputs: [8, 9, 11],
        },
        [0.2, -0.4, 0.9],
      ))

    test('an upscaled lane has a gain of eight', () =>
      checkConstant(
        {
          constant: 1,
          routes: [
            { from: 15, to: 8, coefficient: 0.05, upscaled: true },
            { from: 15, to: 9, coefficient: 0.05 },
          ],
          outputs: [12, 13],
        },
        [-0.4, -0.05],
      ))

    test.each([1, -1, 0.1, -0.1] as const)(
      'the constant %p arrives as clane 15 below lane 16 and as clane 14 from there on',
      (constant) =>
        checkConstant(
          {
            constant,
            routes: [
              { from: 15, to: 8, coefficient: 0.9, lane: 0 },
              { from: 15, to: 9, coefficient: 0.8, lane: 15 },
              { from: 14, to: 10, coefficient: 0.7, lane: 16 },
              { from: 14, to: 11, coefficient: 0.6, lane: 31 },
            ],
            outputs: [12, 13, 14, 15],
          },
          [0.9, 0.8, 0.7, 0.6].map((coefficient) => -constant * coefficient),
        ),
    )

    test('a constant hides an output only on the half where it stands in for it', () =>
      checkConstant(
        {
          constant: 1,
          // Identity 14 is -0.5 and identity 15 is -0.2; lane 3 still reads the one, lane 20 the other.
          routes: [
            { from: 15, to: 10, coefficient: 0.5, lane: 0 },
            { from: 15, to: 11, coefficient: 0.2, lane: 1 },
            { from: 14, to: 8, coefficient: 1, lane: 3 },
            { from: 15, to: 9, coefficient: 1, lane: 20 },
          ],
          outputs: [12, 13],
        },
        [0.5, 0.2],
      ))

    test('final values cover every output, unused ones at zero', () =>
      within(async (computer, load) => {
        await load(oscillator(0.8))
        const { final } = await record(computer, { opTimeNs: 500_000 })
        const expected = new Array<number>(16).fill(0)
        expected[0] = 0.8 * Math.cos(5)
        expected[1] = -0.8 * Math.sin(5)
        expect(final?.length).toBeGreaterThanOrEqual(16)
        expect(deviation(Float64Array.from(final ?? []).slice(0, 16), (i) => expected[i] ?? NaN)).toBeLessThan(
          tolerance,
        )
      }))

    test('final values come only when asked for, between OP_END and DONE', () =>
      within(async (computer, load) => {
        await load(oscillator(0.8))
        const order = (events: readonly RunEvent[]): string[] =>
          events.map((event) => (event.kind === 'phase' ? event.phase : event.kind)).slice(-3)
        expect(order((await record(computer, { finalValues: true })).events)).toEqual(['OP_END', 'final', 'DONE'])
        expect(order((await record(computer, { finalValues: false })).events)).toEqual(['samples', 'OP_END', 'DONE'])
      }))

    test('halt on overload ends OP when an output passes full scale', () =>
      within(async (computer, load) => {
        await load(RAMP)
        const { channels, opTimeNs, phases } = await record(computer, { haltOnOverload: true, opTimeNs: 10_000_000 })
        expect(phases).toEqual(['TAKE_OFF', 'IC', 'OP', 'OP_END', 'DONE'])
        expect(opTimeNs).toBeGreaterThan(95_000)
        expect(opTimeNs).toBeLessThan(130_000)
        expect(channels[0]?.length).toBe(Math.floor(opTimeNs / 10_000) + 1)
        expect(await computer.overload()).toEqual({ overloaded: true, outputs: [0] })
      }))

    test('without halt an overload is only latched, until a reset', () =>
      within(async (computer, load) => {
        await load(RAMP)
        expect(await computer.overload()).toEqual({ overloaded: false, outputs: [] })
        const { channels, opTimeNs } = await record(computer, { opTimeNs: 300_000 })
        expect([opTimeNs, channels[0]?.length]).toEqual([300_000, sampleCount(300_000, REQUEST.sampleRateHz)])
        expect(await computer.overload()).toEqual({ overloaded: true, outputs: [0] })
        await computer.reset()
        expect(await computer.overload()).toEqual({ overloaded: false, outputs: [] })
      }))

    test('a second run starts afresh', () =>
      within(async (computer, load) => {
        await load(oscillator(0.7))
        await record(computer)
        const { channels } = await record(computer)
        expect(deviation(channels[0], (k) => 0.7 * Math.cos(0.1 * k))).toBeLessThan(tolerance)
      }))

    test('a reset clears the circuit', () =>
      within(async (computer, load) => {
        await load(oscillator(0.7))
        await computer.reset()
        const { channels, final } = await record(computer)
        expect(channels).toEqual([])
        expect(deviation(Float64Array.from(final ?? []), () => 0)).toBeLessThan(tolerance)
      }))

    test('an aborted run ends early', () =>
      within(async (computer, load) => {
        await load(oscillator(0.7))
        const abort = new AbortController()
        let samples = 0
        let last = ''
        const request = { ...REQUEST, opTimeNs: 9_000_000_000, sampleRateHz: 10_000 }
        for await (const event of computer.run(request, abort.signal)) {
          if (event.kind === 'phase') last = event.phase
          if (event.kind !== 'samples') continue
          samples += event.chunk.count
          abort.abort()
        }
        expect(samples).toBeLessThan(80_000)
        expect(['DONE', 'ERROR']).toContain(last)
      }))

    test('a configuration that does not fit is refused with a Problem', () =>
      within(async (_computer, load) => {
        const tooMuch = load({ routes: [{ from: 0, to: 0, coefficient: 1.5 }], outputs: [0] })
        await expect(tooMuch).rejects.toBeInstanceOf(Problem)
      }))
  })
}
