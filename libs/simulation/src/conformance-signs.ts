/**
 * Signs and scales case by case, on the blocks that a machine has: what a compiler relies on when it turns an
 * equation into lanes. Each case is one cluster, or one lane's way to another. Declared by {@link signs} as jest
 * tests beside the suite of `conformance.ts`, for machines of any kind.
 */
import {
  CLANES,
  samplesOf,
  type AnalogComputer,
  type BackplaneHop,
  type CarrierConfiguration,
  type ClusterConfiguration,
  type DeviceSpecification,
  type Hop,
  type Lane,
  type MBlockConfiguration,
  type MdrOperation,
  type RunRequest,
} from '@lucihub/analog'

export interface SignsOptions {
  /** What the machine is, so that only what it has is asked for; the carriers' ids are its own. */
  readonly device: DeviceSpecification
  /** Largest allowed deviation from the exact solution, machine units. Default 1e-3. */
  readonly tolerance?: number
}

const REQUEST: RunRequest = {
  id: 'signs',
  // Slow integrators are charged only after 10 ms.
  icTimeNs: 10_000_000,
  opTimeNs: 500_000,
  sampleRateHz: 100_000,
  haltOnOverload: false,
  finalValues: true,
}
const FIRST = 8

type Route = Partial<Lane> & { readonly to?: number }
interface Settings {
  readonly cluster?: number
  readonly constant?: 1 | -1
  readonly routes: readonly Route[]
  readonly integrator?: { readonly ic: number; readonly k0: 100 | 10_000 }
  readonly operation?: MdrOperation
}

/** Declares the tests. `make` is called once for each, `close` of its result once after it. */
export function signs(name: string, make: () => Promise<AnalogComputer>, options: SignsOptions): void {
  const { device, tolerance = 1e-3 } = options
  const [carrier] = device.carriers
  const slot1 = carrier?.clusters[0]?.slots[1] ?? null
  /** The input of the first identity: the first of the block, or the second of an MDR element. */
  const identityInput = slot1 === 'MDR' ? FIRST + 1 : FIRST
  const IDENTITY = FIRST + 4

  const cluster = ({ cluster: index = 0, constant, routes, integrator, operation }: Settings): ClusterConfiguration => {
    const slots: [MBlockConfiguration | null, MBlockConfiguration | null] = [
      { kind: 'MINT', integrators: integrator ? [{ element: 0, limiter: false, ...integrator }] : [] },
      slot1 === 'MDR' ? { kind: 'MDR', operations: operation ? [operation] : [] } : { kind: 'MMUL' },
    ]
    const lanes = routes.map(({ to, ...lane }, position): Lane => {
      return {
        lane: position,
        source: null,
        coefficient: 0,
        upscaled: false,
        sinks: to === undefined ? [] : [to],
        ...lane,
      }
    })
    return { index, constant: constant ?? null, lanes, slots }
  }

  /** Runs and returns all samples of the probe, and the final values. */
  const measured = async (carriers: readonly CarrierConfiguration[]) => {
    const computer = await make()
    try {
      await computer.reset()
      await computer.configure({ carriers, probes: [{ label: 'x', unit: '' }], problemTimePerSecond: 0 })
      const samples: number[] = []
      let final = new Float32Array(0)
      for await (const event of computer.run(REQUEST)) {
        if (event.kind === 'final') final = Float32Array.from(event.values)
        if (event.kind === 'samples')
          samples.push(...samplesOf(event.chunk.blocks[0] ?? new Uint8Array(), event.chunk.encoding))
      }
      return { samples, final }
    } finally {
      await computer.close()
    }
  }
  const one = (settings: Settings, output: number, probe = { gain: 1, offset: 0 }): CarrierConfiguration => ({
    carrier: carrier?.id ?? '',
    clusters: [cluster(settings)],
    adc: [{ output, probe: 0, ...probe }],
  })
  const check = async (carriers: readonly CarrierConfiguration[], expected: (k: number) => number) => {
    const { samples } = await measured(carriers)
    expect(samples).toHaveLength(50)
    expect(Math.max(...samples.map((value, k) => Math.abs(value - expected(k))))).toBeLessThan(tolerance)
  }
  const constantly = (settings: Settings, output: number, expected: number) =>
    check([one({ constant: 1, ...settings }, output)], () => expected)

  describe(`${name} has the hardware's signs and scales`, () => {
    test.each([0.25, 1])('a loop of coefficients %p is a sine of that frequency', (omega) => {
      const routes = [
        { source: 1, to: 0, coefficient: -omega },
        { source: 0, to: 1, coefficient: omega },
      ]
      return check([one({ routes, integrator: { ic: -0.8, k0: 10_000 } }, 0)], (k) => 0.8 * Math.cos(omega * 0.1 * k))
    })

    test.each([100, 10_000] as const)('k0 = %p is the slope of a full input', (k0) =>
      check(
        [one({ constant: 1, routes: [{ source: 15, to: 0, coefficient: 0.1 }], integrator: { ic: 0.2, k0 } }, 0)],
        (k) => -0.2 - k0 * 0.1 * k * 1e-5,
      ),
    )

    test.each([
      [0.5, -0.5],
      [-0.7, 0.7],
    ])('a constant weighted with %p arrives at an identity as %p', (coefficient, expected) =>
      constantly({ routes: [{ source: 15, to: identityInput, coefficient }] }, IDENTITY, expected),
    )

    test.each([
      [0.5, 0.4, 0.2],
      [-0.5, 0.4, -0.2],
      [-0.5, -0.4, 0.2],
    ])('%p times %p is %p', (x, y, expected) => {
      const routes = [
        { source: 15, to: FIRST, coefficient: x },
        { source: 15, to: FIRST + 1, coefficient: y },
      ]
      return constantly({ routes, operation: 'MULTIPLY' }, FIRST, expected)
    })

    test(`an upscaled lane has a gain of ${device.upscaling}`, () =>
      constantly(
        { routes: [{ source: 15, to: identityInput, coefficient: 0.05, upscaled: true }] },
        IDENTITY,
        -0.05 * device.upscaling,
      ))

    test('gain and offset of a probe are the reader’s to apply: samples stay in machine units', () =>
      check(
        [
          one({ constant: 1, routes: [{ source: 15, to: identityInput, coefficient: 0.3 }] }, IDENTITY, {
            gain: 5,
            offset: -2,
          }),
        ],
        () => -0.3,
      ))

    test('final values are those of the last instant, for all outputs of all carriers', async () => {
      const clusters = device.carriers.reduce((sum, { clusters: all }) => sum + all.length, 0)
      const { final } = await measured([
        one({ constant: 1, routes: [{ source: 15, to: 0, coefficient: 0.1 }], integrator: { ic: 0, k0: 10_000 } }, 0),
      ])
      expect(final).toHaveLength(clusters * CLANES)
      expect(Math.abs((final[0] ?? NaN) + 0.5)).toBeLessThan(tolerance)
    })

    if (slot1 === 'MDR') {
      test.each<[MdrOperation, number, number, number]>([
        ['SQRT', -0.25, 0, 0.5],
        ['DIVIDE', 0.2, 0.8, 0.25],
        ['DIVIDE', -0.2, 0.8, -0.25],
        ['SQUARE', -0.6, 0, 0.36],
        ['IDENT', 0.6, 0, -0.6],
      ])('%s of S_x = %p and S_y = %p is %p', (operation, x, y, expected) => {
        const routes = [
          { source: 15, to: FIRST, coefficient: x },
          { source: 15, to: FIRST + 1, coefficient: y },
        ]
        return constantly({ routes, operation }, FIRST, expected)
      })
    }

    if (carrier?.tBlock) {
      test('a lane that the T block takes to another cluster brings its source there, and is upscaled there', () => {
        const from = cluster({ cluster: 2, constant: 1, routes: [{ lane: 10, source: 15, coefficient: 0.05 }] })
        const to = cluster({ routes: [{ lane: 10, to: identityInput, upscaled: true }] })
        const hops: Hop[] = [{ lane: 10, from: 2, to: 0 }]
        const adc = [{ output: IDENTITY, gain: 1, offset: 0, probe: 0 }]
        return check([{ carrier: carrier.id, clusters: [to, from], hops, adc }], () => -0.05 * device.upscaling)
      })
    }

    const second = device.carriers[1]
    if (carrier && second && device.backplanes.length > 0) {
      test('a lane that the backplane takes to another carrier brings its source there', () => {
        const from = cluster({ cluster: 1, constant: 1, routes: [{ lane: 12, source: 15, coefficient: -0.4 }] })
        const to = cluster({ cluster: 2, routes: [{ lane: 12, to: identityInput }] })
        const backplane: BackplaneHop[] = [{ lane: 12, from: 0, to: 1 }]
        return check(
          [
            {
              carrier: carrier.id,
              clusters: [from],
              adc: [],
              hops: [{ lane: 12, from: 1, to: 'backplane' }],
              backplane,
            },
            {
              carrier: second.id,
              clusters: [to],
              hops: [{ lane: 12, from: 'backplane', to: 2 }],
              adc: [{ output: 2 * CLANES + IDENTITY, gain: 1, offset: 0, probe: 0 }],
            },
          ],
          () => 0.4,
        )
      })
    }
  })
}
