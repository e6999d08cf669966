/** Ten thousand circuits that nobody thought of: each is refused with its reasons, or runs to an end and stays finite. */
import {
  LUCIDAC,
  MREDAC,
  PORTABLE_CARRIER,
  Problem,
  portableCarrier,
  samplesOf,
  type CarrierConfiguration,
  type ClusterConfiguration,
  type Configuration,
  type DeviceSpecification,
  type IntegratorConfiguration,
  type Lane,
  type MBlockConfiguration,
  type MBlockType,
  type MdrOperation,
} from '@lucihub/analog'
import { circuitModel } from './circuit.ts'
import { IDEAL, REALISTIC, SATURATION } from './imperfections.ts'
import { operate } from './operation.ts'
import { random, type Random } from './random.ts'

const CIRCUITS = 10_000
const OPERATIONS: readonly MdrOperation[] = ['MULTIPLY', 'SQUARE', 'DIVIDE', 'SQRT', 'IDENT']

const integer = (source: Random, below: number): number => Math.floor(source.uniform() * below)
const some = <T>(source: Random, most: number, make: () => T): T[] =>
  Array.from({ length: integer(source, most + 1) }, make)

/** Mostly a value that fits; now and then one that does not. */
function number(source: Random, sound: () => number): number {
  if (source.uniform() > 0.002) return sound()
  const odd = [NaN, Infinity, -Infinity, -1, 0.5, 1e308, 5e-324, 2 ** 31, 99, -0]
  return odd[integer(source, odd.length)] ?? 0
}

function clusterOf(source: Random, index: number, types: readonly (MBlockType | null)[]): ClusterConfiguration {
  const numbers = Array.from({ length: 32 }, (_, lane) => lane).filter(() => source.uniform() < 0.2)
  const lanes = numbers.map((lane): Lane => ({
    lane: number(source, () => lane),
    source: number(source, () => integer(source, 16)),
    coefficient: number(source, () => (source.uniform() < 0.3 ? 1 : 2 * source.uniform() - 1)),
    upscaled: source.uniform() < 0.2,
    sinks: [number(source, () => integer(source, 16))],
  }))
  const block = (type: MBlockType | null | undefined): MBlockConfiguration | null => {
    if (type === 'MMUL') return { kind: 'MMUL' }
    if (type === 'MDR')
      return { kind: 'MDR', operations: some(source, 4, () => OPERATIONS[integer(source, 5)] ?? 'IDENT') }
    if (type !== 'MINT') return null
    const integrators = Array.from({ length: 8 }, (_, element): IntegratorConfiguration => ({
      element,
      ic: number(source, () => 2 * source.uniform() - 1),
      k0: source.uniform() < 0.2 ? 100 : 10_000,
      limiter: source.uniform() < 0.1,
    }))
    return { kind: 'MINT', integrators: integrators.filter(() => source.uniform() < 0.25) }
  }
  return { index, constant: source.uniform() < 0.5 ? 1 : null, lanes, slots: [block(types[0]), block(types[1])] }
}

function configurationOf(source: Random, device: DeviceSpecification): Configuration {
  const [carrier] = device.carriers
  if (!carrier) throw new Error('a device has a carrier')
  const clusters = carrier.clusters.map(({ index, slots }) => clusterOf(source, index, slots))
  const outputs = [...new Set(some(source, 8, () => integer(source, 16 * clusters.length)))]
  const settings: CarrierConfiguration = {
    carrier: carrier.id === portableCarrier(0) ? PORTABLE_CARRIER : carrier.id,
    clusters,
    adc: outputs.map((output, probe) => ({ output: number(source, () => output), gain: 1, offset: 0, probe })),
    ...(carrier.tBlock && {
      hops: some(source, 6, () => ({
        lane: number(source, () => 8 + integer(source, 24)),
        from: integer(source, 3),
        to: integer(source, 3),
      })),
    }),
  }
  return {
    carriers: [settings],
    probes: outputs.map((output) => ({ label: String(output), unit: '' })),
    problemTimePerSecond: 1,
  }
}

function endOf(configuration: Configuration, device: DeviceSpecification, seed: number): string {
  const imperfections = seed % 3 === 0 ? { ...REALISTIC, seed } : IDEAL
  let model
  try {
    model = circuitModel(configuration, device, imperfections)
  } catch (error) {
    if (error instanceof Problem && error.type === 'validation-failed') return error.message
    throw error
  }
  const operation = operate(model, {
    opTime: 1e-4,
    sampleRate: 100_000,
    sampleCount: 10,
    chunkSamples: 6,
    haltOnOverload: seed % 2 === 0,
    convert: null,
    overloads: new Uint8Array(model.outputCount),
    tolerances: { maxSteps: 50 },
  })
  let next = operation.next()
  for (; !next.done; next = operation.next()) {
    for (const block of next.value.chunk?.blocks ?? []) {
      const values = samplesOf(block, 'f32')
      // An output never passes its saturation; a loop that loses its solution on the way ends the run instead.
      if (next.value.t < 1e-4 && values.some((value) => Math.abs(value) > SATURATION + 1e-6))
        throw new Error('out of bounds')
    }
  }
  return next.value.halted?.kind ?? next.value.status
}

test('ten thousand circuits are refused with their reasons or run to an end', () => {
  const ends = new Map<string, number>()
  for (let seed = 0; seed < CIRCUITS; seed++) {
    const source = random(seed)
    const device = seed % 50 === 0 ? MREDAC : LUCIDAC
    const configuration = configurationOf(source, device)
    try {
      const end = endOf(configuration, device, seed)
      ends.set(end, (ends.get(end) ?? 0) + 1)
    } catch (cause) {
      throw new Error(`seed ${seed}: ${String(cause)}`, { cause })
    }
  }
  expect([...ends.values()].reduce((sum, count) => sum + count, 0)).toBe(CIRCUITS)
  // Most run: a fuzz that is only refused tests the gate, not the house.
  expect(ends.get('ok')).toBeGreaterThan(CIRCUITS / 3)
  expect(ends.get('overload')).toBeGreaterThan(0)
  expect(ends.get('The configuration does not fit the device.')).toBeGreaterThan(0)
}, 120_000)
