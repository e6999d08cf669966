/** Lanes that leave their cluster: T block and backplane, case by case. */
import {
  MREDAC,
  REDAC,
  portableCarrier,
  type BackplaneHop,
  type CarrierConfiguration,
  type ClusterConfiguration,
  type Configuration,
  type DeviceSpecification,
  type Hop,
  type Lane,
} from '@lucihub/analog'
import { circuitModel } from './circuit.ts'
import { IDEAL } from './imperfections.ts'

/** Lane 10 of a cluster: its constant, weighted, and what arrives on it summed into the identity at output 12. */
function cluster(index: number, settings: Partial<Lane> & { readonly constant?: 1 | -1 }): ClusterConfiguration {
  const { constant = null, ...lane } = settings
  const lanes = [{ lane: 10, source: null, coefficient: 0, upscaled: false, sinks: [], ...lane }]
  return { index, constant, lanes, slots: [null, { kind: 'MDR', operations: [] }] }
}

const makes = (coefficient: number): Partial<Lane> => ({ source: 15, coefficient })
const SUMS: Partial<Lane> = { sinks: [9] }

interface Switched {
  readonly clusters: readonly ClusterConfiguration[]
  readonly hops?: readonly Hop[]
  readonly backplane?: readonly BackplaneHop[]
}

/** The outputs 12 of all clusters at the start: minus what arrives there. */
function arrivals(device: DeviceSpecification, carriers: readonly Switched[]): number[] {
  const configuration: Configuration = {
    carriers: carriers.map((settings, position): CarrierConfiguration => {
      return { carrier: portableCarrier(position), adc: [], ...settings }
    }),
    probes: [],
    problemTimePerSecond: 0,
  }
  const model = circuitModel(configuration, device, IDEAL)
  const outputs = new Float64Array(model.outputCount)
  model.outputs(model.initialState, outputs)
  return [...outputs].filter((_, output) => output % 16 === 12).map((value) => 0 - value)
}

test('a lane stays in its cluster unless something takes it elsewhere', () => {
  const clusters = [0, 1, 2].map((index) => cluster(index, { constant: 1, ...makes(0.1 * (index + 1)), ...SUMS }))
  expect(arrivals(MREDAC, [{ clusters }])).toEqual([0.1, 0.2, 0.3].map((value) => expect.closeTo(value, 12)))
})

test('a hop brings the C output of the same lane; the lane at the destination upscales it', () => {
  const clusters = [cluster(0, { upscaled: true, ...SUMS }), cluster(2, { constant: 1, ...makes(0.05) })]
  expect(arrivals(MREDAC, [{ clusters, hops: [{ lane: 10, from: 2, to: 0 }] }])).toEqual([
    expect.closeTo(0.4, 12),
    0,
    0,
  ])
})

test('upscaling at the source does nothing to a lane that leaves', () => {
  const clusters = [cluster(0, SUMS), cluster(2, { constant: 1, upscaled: true, ...makes(0.05) })]
  expect(arrivals(MREDAC, [{ clusters, hops: [{ lane: 10, from: 2, to: 0 }] }])).toEqual([
    expect.closeTo(0.05, 12),
    0,
    0,
  ])
})

test('the constant is that of the cluster where the lane starts', () => {
  const clusters = [cluster(0, { constant: 1, ...SUMS }), cluster(1, { constant: -1, ...makes(0.5) })]
  expect(arrivals(MREDAC, [{ clusters, hops: [{ lane: 10, from: 1, to: 0 }] }])).toEqual([
    expect.closeTo(-0.5, 12),
    0,
    0,
  ])
})

test('a lane that another one replaces is not heard', () => {
  const clusters = [cluster(0, { constant: 1, ...makes(0.7), ...SUMS }), cluster(1, { constant: 1, ...makes(0.2) })]
  expect(arrivals(MREDAC, [{ clusters, hops: [{ lane: 10, from: 1, to: 0 }] }])).toEqual([
    expect.closeTo(0.2, 12),
    0,
    0,
  ])
})

test('two lanes can change places', () => {
  const clusters = [
    cluster(0, { constant: 1, ...makes(0.7), ...SUMS }),
    cluster(1, { constant: 1, ...makes(0.2), ...SUMS }),
  ]
  const hops = [
    { lane: 10, from: 0, to: 1 },
    { lane: 10, from: 1, to: 0 },
  ]
  expect(arrivals(MREDAC, [{ clusters, hops }])).toEqual([expect.closeTo(0.2, 12), expect.closeTo(0.7, 12), 0])
})

test('the backplane takes a lane from carrier to carrier', () => {
  const outputs = arrivals(REDAC, [
    {
      clusters: [cluster(1, { constant: 1, ...makes(0.1) })],
      hops: [{ lane: 10, from: 1, to: 'backplane' }],
      backplane: [{ lane: 10, from: 0, to: 2 }],
    },
    { clusters: [cluster(0, SUMS)] },
    { clusters: [cluster(2, { upscaled: true, ...SUMS })], hops: [{ lane: 10, from: 'backplane', to: 2 }] },
  ])
  expect(outputs).toHaveLength(21)
  expect(outputs.map((value) => Math.round(value * 1e9) / 1e9)).toEqual([
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0.8,
    ...Array<number>(12).fill(0),
  ])
})

test('a lane that nobody hands over leaves its sum open', () => {
  const clusters = [cluster(0, { constant: 1, ...makes(0.7), ...SUMS })]
  expect(arrivals(REDAC, [{ clusters, hops: [{ lane: 10, from: 'backplane', to: 0 }] }])).toEqual(
    Array<number>(21).fill(0),
  )
})

test('an integrator follows one in another cluster', () => {
  const [carrier] = MREDAC.carriers
  const integrators = (ic: number) => [{ element: 0, ic, k0: 10_000 as const, limiter: false }]
  const side = (index: number, ic: number, coefficient: number): ClusterConfiguration => ({
    index,
    constant: null,
    lanes: [{ lane: 8, source: 0, coefficient, upscaled: false, sinks: [0] }],
    slots: [{ kind: 'MINT', integrators: integrators(ic) }, null],
  })
  const model = circuitModel(
    {
      carriers: [
        {
          carrier: carrier?.id ?? '',
          clusters: [side(0, -0.5, 1), side(1, 0, -1)],
          adc: [],
          hops: [
            { lane: 8, from: 1, to: 0 },
            { lane: 8, from: 0, to: 1 },
          ],
        },
      ],
      probes: [],
      problemTimePerSecond: 0,
    },
    MREDAC,
  )
  const slope = new Float64Array(2)
  model.rhs(0, Float64Array.of(0.5, 0.25), slope)
  // Each integrator falls by k0 times what the other one hands over.
  expect([...slope]).toEqual([10_000 * 0.25, -10_000 * 0.5])
})
