import {
  LUCIDAC,
  PORTABLE_CARRIER,
  lucidacDescription,
  specificationOf,
  type Configuration,
  type DeviceSpecification,
  type MdrOperation,
} from '@lucihub/analog'
import { circuitModel } from './circuit.ts'
import { oscillator, testConfiguration, type TestCircuit } from './conformance.ts'
import { IDEAL } from './imperfections.ts'

/** All outputs of a circuit at its initial state. */
function initialOutputs(configuration: Configuration, specification: DeviceSpecification = LUCIDAC): number[] {
  const model = circuitModel(configuration, specification)
  const outputs = new Float64Array(model.outputCount)
  model.outputs(model.initialState, outputs)
  return [...outputs]
}

/** An MDR block in slot 1, as on a mREDAC. */
const WITH_MDR: DeviceSpecification = {
  ...LUCIDAC,
  carriers: [{ id: PORTABLE_CARRIER, tBlock: false, clusters: [{ index: 0, slots: ['MINT', 'MDR'] }] }],
}

/** Element 0 of the MDR block with S_x = x and S_y = y. */
function mdr(operation: MdrOperation, x: number, y: number): number[] {
  const routes = [
    { from: 15, to: 8, coefficient: x },
    { from: 15, to: 9, coefficient: y },
  ]
  const plain = testConfiguration(PORTABLE_CARRIER, { constant: 1, routes, outputs: [8] })
  const carriers = plain.carriers.map((carrier) => ({
    ...carrier,
    clusters: carrier.clusters.map((cluster) => ({
      ...cluster,
      slots: [cluster.slots[0], { kind: 'MDR', operations: [operation] }] as const,
    })),
  }))
  return initialOutputs({ ...plain, carriers }, WITH_MDR)
}

test.each<[MdrOperation, number, number, number]>([
  ['MULTIPLY', 0.5, -0.4, -0.2],
  ['SQUARE', -0.5, 0.9, 0.25],
  ['DIVIDE', 0.3, -0.6, -0.5],
  ['SQRT', -0.64, 0, 0.8],
  ['SQRT', 0.64, 0, 0],
  ['IDENT', 0.7, 0, -0.7],
  ['DIVIDE', 0.3, 0, 1.4],
  ['DIVIDE', 0, 0, 0],
])('MDR %s of S_x = %p and S_y = %p is %p', (operation, x, y, expected) => {
  expect(mdr(operation, x, y)[8]).toBeCloseTo(expected, 12)
})

test('the second input of an MDR element is always an identity too', () => {
  expect(mdr('SQUARE', 0.1, 0.9)[12]).toBeCloseTo(-0.9, 12)
})

test('identities, products and their products are evaluated in the order of their dependencies', () => {
  // 15 = -0.5, 12 = 0.5 (of 15), 9 = 12 * 15: configured back to front.
  const routes = [
    { from: 12, to: 10, coefficient: 1, lane: 1 },
    { from: 15, to: 8, coefficient: 1, lane: 20 },
    { from: 15, to: 11, coefficient: 0.5, lane: 0 },
  ]
  const outputs = initialOutputs(testConfiguration(PORTABLE_CARRIER, { constant: 1, routes, outputs: [9] }))
  expect(outputs[15]).toBeCloseTo(-0.5, 12)
  expect(outputs[12]).toBeCloseTo(0.5, 12)
  // S_a = v12 = 0.5 and S_b = the constant lane's 0.5.
  expect(outputs[9]).toBeCloseTo(0.25, 12)
})

test('a lane from an element that nothing drives brings nothing', () => {
  const routes = [
    { from: 3, to: 0, coefficient: 1 },
    { from: 12, to: 0, coefficient: 1 },
    { from: 9, to: 8, coefficient: 1 },
  ]
  expect(initialOutputs(testConfiguration(PORTABLE_CARRIER, { routes, outputs: [0] }))).toEqual(new Array(16).fill(0))
})

test('an algebraic loop is solved: an identity that feeds itself', () => {
  // v = -(0.5 v + 0.3)  =>  v = -0.2
  const routes = [
    { from: 12, to: 8, coefficient: 0.5 },
    { from: 15, to: 8, coefficient: 0.3 },
  ]
  const outputs = initialOutputs(testConfiguration(PORTABLE_CARRIER, { constant: 1, routes, outputs: [12] }))
  expect(outputs[12]).toBeCloseTo(-0.2, 9)
})

test('a nonlinear algebraic loop through a multiplier and an identity is solved as a whole', () => {
  // S_8 = v13 and S_9 = v8 / 2 + 0.3, so v8 = S_8 S_9 = -v13^2 and v13 = -S_9 = v13^2 / 2 - 0.3.
  const routes = [
    { from: 13, to: 8, coefficient: 1, lane: 1 },
    { from: 8, to: 9, coefficient: 0.5, lane: 2 },
    { from: 15, to: 9, coefficient: 0.3, lane: 3 },
  ]
  const outputs = initialOutputs(testConfiguration(PORTABLE_CARRIER, { constant: 1, routes, outputs: [8, 13] }))
  const root = 1 - Math.sqrt(1.6)
  expect(outputs[13]).toBeCloseTo(root, 9)
  expect(outputs[8]).toBeCloseTo(-root * root, 9)
})

test('an algebraic loop without a solution is refused with the outputs it joins', () => {
  // v = -(-v + 0.3) has none.
  const routes = [
    { from: 12, to: 8, coefficient: -1 },
    { from: 15, to: 8, coefficient: 0.3 },
  ]
  const configuration = testConfiguration(PORTABLE_CARRIER, { constant: 1, routes, outputs: [12] })
  expect(() => circuitModel(configuration, LUCIDAC, { ...IDEAL, limits: null })).toThrow(
    expect.objectContaining({
      type: 'validation-failed',
      message: 'The circuit has an algebraic loop without a solution.',
      violations: [expect.objectContaining({ pointer: '/carriers', value: '12' })],
    }),
  )
})

test('only integrators in use are states', () => {
  const model = circuitModel(testConfiguration(PORTABLE_CARRIER, oscillator(1)), LUCIDAC)
  expect([model.dimension, [...model.initialState], model.usedOutputs, model.outputCount]).toEqual([
    2,
    [1, 0],
    [0, 1],
    16,
  ])
})

test('outputs are numbered over all clusters and probes come in their own order', () => {
  const three = { index: 0, slots: ['MINT', 'MMUL'] as const }
  const specification: DeviceSpecification = {
    ...LUCIDAC,
    carriers: [
      { id: '04-E9-E5-00-00-07', tBlock: true, clusters: [three, { ...three, index: 1 }, { ...three, index: 2 }] },
    ],
  }
  const integrators = (ic: number) => [{ element: 3, ic, k0: 100, limiter: false }] as const
  const cluster = (index: number, ic: number) =>
    ({ index, constant: null, lanes: [], slots: [{ kind: 'MINT', integrators: integrators(ic) }, null] }) as const
  const model = circuitModel(
    {
      problemTimePerSecond: 0,
      probes: [
        { label: 'a', unit: '' },
        { label: 'b', unit: '' },
      ],
      carriers: [
        {
          carrier: '04-E9-E5-00-00-07',
          clusters: [cluster(0, 0.1), cluster(2, 0.3)],
          adc: [
            { output: 35, gain: 1, offset: 0, probe: 1 },
            { output: 3, gain: 1, offset: 0, probe: 0 },
          ],
        },
      ],
    },
    specification,
  )
  const sampled = new Float64Array(2)
  model.sampled(model.initialState, sampled)
  expect([...sampled]).toEqual([-0.1, -0.3])
  expect(model.outputCount).toBe(48)
})

test('a configuration that does not fit is refused', () => {
  const circuit: TestCircuit = { routes: [{ from: 0, to: 0, coefficient: 2 }], outputs: [0] }
  expect(() => circuitModel(testConfiguration(PORTABLE_CARRIER, circuit), LUCIDAC)).toThrow(
    'The configuration does not fit the device.',
  )
})

test('generated code holds numbers and indices, never text of the user', () => {
  const configuration = testConfiguration(PORTABLE_CARRIER, oscillator(1))
  const hostile = {
    ...configuration,
    probes: configuration.probes.map(() => ({ label: '"); throw 1; ("', unit: '*/' })),
  }
  expect(circuitModel(hostile, LUCIDAC).source).toBe(circuitModel(configuration, LUCIDAC).source)
})

test('a device is read from its own description', () => {
  const specification = specificationOf(lucidacDescription('04-E9-E5-00-00-01'))
  expect(circuitModel(testConfiguration('04-E9-E5-00-00-01', oscillator(1)), specification).dimension).toBe(2)
})
