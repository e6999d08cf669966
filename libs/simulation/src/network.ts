/**
 * A configuration as a network of elements: which sums of which outputs feed what. Lanes, constants and their
 * masking, upscaling and the fixed errors of the machine are resolved here, so that what remains is weights.
 * Outputs are numbered over the whole device: position of the cluster * 16 + clane.
 */
import {
  CLANES,
  CONSTANT_CLANE,
  M_BLOCK_WIDTH,
  PORTABLE_CARRIER,
  UPPER_LANES,
  invariant,
  type CarrierConfiguration,
  type ClusterConfiguration,
  type ClusterSpecification,
  type Configuration,
  type DeviceSpecification,
  type Lane,
  type MBlockConfiguration,
  type MBlockType,
  type MdrOperation,
} from '@lucihub/analog'
import { drawErrors, type ClusterErrors, type Imperfections } from './imperfections.ts'
import { random } from './random.ts'

/** What arrives at one M-block input before the I block's inversion: sum of weight * output, plus a constant. */
export interface Sum {
  readonly terms: readonly { readonly weight: number; readonly output: number }[]
  readonly constant: number
  /** False when no lane leads here: the input is open. */
  readonly driven: boolean
}

interface Placed {
  readonly output: number
}

/** dv/dt = -k0 * x, v(0) = initial. */
export interface IntegratorElement extends Placed {
  readonly kind: 'integrator'
  readonly x: Sum
  readonly k0: number
  readonly initial: number
  readonly limiter: boolean
}

/** product: x*y, square: x*x, quotient: x/y, root: sqrt(-x), negation: -x. */
export type AlgebraicElement = Placed &
  (
    | { readonly kind: 'product' | 'quotient'; readonly x: Sum; readonly y: Sum }
    | { readonly kind: 'square' | 'root' | 'negation'; readonly x: Sum }
  )

export interface Network {
  /** Number of outputs of the device: 16 per cluster. */
  readonly outputs: number
  /** Only elements that are in use. */
  readonly integrators: readonly IntegratorElement[]
  readonly algebraic: readonly AlgebraicElement[]
  /** Outputs sampled, in probe order. */
  readonly probes: readonly number[]
}

/** Position of a carrier's first cluster in the numbering of the whole device. */
export function firstCluster(specification: DeviceSpecification, carrier: number): number {
  return specification.carriers.slice(0, carrier).reduce((sum, { clusters }) => sum + clusters.length, 0)
}

/** Expects a configuration that fits the specification. */
export function networkOf(
  configuration: Configuration,
  specification: DeviceSpecification,
  imperfections: Imperfections,
): Network {
  const source = random(imperfections.seed)
  const integrators: IntegratorElement[] = []
  const algebraic: AlgebraicElement[] = []
  specification.carriers.forEach((carrier, c) => {
    const settings = configuration.carriers.find((one) => carrierPosition(one, specification) === c)
    carrier.clusters.forEach((cluster, position) => {
      const errors = drawErrors(imperfections, source)
      const configured = settings?.clusters.find((one) => one.index === cluster.index)
      if (!configured) return
      const base = (firstCluster(specification, c) + position) * CLANES
      const sums = sumsOf(configured, { base, upscaling: specification.upscaling, errors })
      for (const element of elementsOf(cluster, configured, sums, base)) {
        if (element.kind === 'integrator') integrators.push(element)
        else algebraic.push(element)
      }
    })
  })
  const clusters = firstCluster(specification, specification.carriers.length)
  return { outputs: clusters * CLANES, integrators, algebraic, probes: probesOf(configuration, specification) }
}

/** Where a carrier's settings belong: by id, or, when they are portable, on the only carrier there is. */
function carrierPosition(carrier: CarrierConfiguration, specification: DeviceSpecification): number {
  const position = specification.carriers.findIndex(({ id }) => id === carrier.carrier)
  return position < 0 && carrier.carrier === PORTABLE_CARRIER ? 0 : position
}

/** Numbers of the sampled outputs, in probe order. */
function probesOf(configuration: Configuration, specification: DeviceSpecification): number[] {
  const probes: number[] = []
  for (const carrier of configuration.carriers) {
    const position = carrierPosition(carrier, specification)
    const clusters = specification.carriers[position]?.clusters ?? []
    for (const { output, probe } of carrier.adc) {
      const cluster = clusters.findIndex(({ index }) => index === Math.floor(output / CLANES))
      probes[probe] = (firstCluster(specification, position) + cluster) * CLANES + (output % CLANES)
    }
  }
  return probes
}

function sumsOf(
  cluster: ClusterConfiguration,
  machine: { readonly base: number; readonly upscaling: number; readonly errors: ClusterErrors },
): Sum[] {
  return Array.from({ length: CLANES }, (_, clane) => {
    const lanes = cluster.lanes.filter((lane) => lane.source !== null && lane.sinks.includes(clane))
    const weights = new Map<number, number>()
    let constant = lanes.length > 0 ? (machine.errors.offsets[clane] ?? 0) : 0
    for (const lane of lanes) {
      const gain = (lane.upscaled ? machine.upscaling : 1) * (machine.errors.gains[lane.lane] ?? 1)
      const weight = lane.coefficient * gain
      if (cluster.constant !== null && isMasked(lane)) constant += weight * cluster.constant
      else {
        const output = machine.base + (lane.source ?? 0)
        weights.set(output, (weights.get(output) ?? 0) + weight)
      }
    }
    const terms = [...weights].filter(([, weight]) => weight !== 0).map(([output, weight]) => ({ output, weight }))
    return { terms, constant, driven: lanes.length > 0 }
  })
}

/** While a constant is set it stands in for one clane: another one on each half of the lanes. */
function isMasked(lane: Lane): boolean {
  return lane.source === (lane.lane < UPPER_LANES ? CONSTANT_CLANE.lowLanes : CONSTANT_CLANE.highLanes)
}

function elementsOf(
  cluster: ClusterSpecification,
  configuration: ClusterConfiguration,
  sums: readonly Sum[],
  base: number,
): (IntegratorElement | AlgebraicElement)[] {
  return cluster.slots.flatMap((type, slot) => {
    if (type === null) return []
    const first = slot * M_BLOCK_WIDTH
    const input = (index: number): Sum => {
      const sum = sums[first + index]
      invariant(sum, `clane ${first + index} has a sum`)
      return sum
    }
    return blockElements(type, configuration.slots[slot] ?? null, input, base + first)
  })
}

/** The elements of one block; those that nothing drives and that hold no initial value are left out: they stay at 0. */
function blockElements(
  type: MBlockType,
  settings: MBlockConfiguration | null,
  input: (index: number) => Sum,
  output: number,
): (IntegratorElement | AlgebraicElement)[] {
  const four = [0, 1, 2, 3]
  switch (type) {
    case 'MINT': {
      const configured = settings?.kind === 'MINT' ? settings.integrators : []
      return Array.from({ length: M_BLOCK_WIDTH }, (_, i): IntegratorElement => {
        const { ic, k0, limiter } = configured.find(({ element }) => element === i) ?? {
          ic: 0,
          k0: 10_000,
          limiter: false,
        }
        return { kind: 'integrator', output: output + i, x: input(i), k0, initial: 0 - ic, limiter }
      }).filter(({ x, initial }) => x.driven || initial !== 0)
    }
    case 'MMUL':
      return [
        ...four.map((m): AlgebraicElement => ({
          kind: 'product',
          output: output + m,
          x: input(2 * m),
          y: input(2 * m + 1),
        })),
        ...four.map((n): AlgebraicElement => ({ kind: 'negation', output: output + 4 + n, x: input(n) })),
      ].filter(isDriven)
    case 'MDR': {
      const operations = settings?.kind === 'MDR' ? settings.operations : []
      return [
        ...four.map((m) => mdrElement(operations[m] ?? 'MULTIPLY', output + m, input(2 * m), input(2 * m + 1))),
        ...four.map((m): AlgebraicElement => ({ kind: 'negation', output: output + 4 + m, x: input(2 * m + 1) })),
      ].filter(isDriven)
    }
    default: {
      const unknown: never = type
      throw new Error(`no such M block: ${String(unknown)}`)
    }
  }
}

function mdrElement(operation: MdrOperation, output: number, x: Sum, y: Sum): AlgebraicElement {
  switch (operation) {
    case 'MULTIPLY':
      return { kind: 'product', output, x, y }
    case 'DIVIDE':
      return { kind: 'quotient', output, x, y }
    case 'SQUARE':
      return { kind: 'square', output, x }
    case 'SQRT':
      return { kind: 'root', output, x }
    case 'IDENT':
      return { kind: 'negation', output, x }
    default: {
      const unknown: never = operation
      throw new Error(`no such MDR operation: ${String(unknown)}`)
    }
  }
}

function isDriven(element: AlgebraicElement): boolean {
  return inputsOf(element).some(({ driven }) => driven)
}

/** The sums that an element reads. */
export function inputsOf(element: AlgebraicElement): readonly Sum[] {
  return 'y' in element ? [element.x, element.y] : [element.x]
}
