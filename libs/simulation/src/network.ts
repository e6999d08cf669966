/**
 * A configuration as a network of elements: which sums of which outputs feed what. Lanes and their hops between
 * clusters, constants and their masking, upscaling and the fixed errors of the machine are resolved here, so that what remains is weights.
 * Outputs are numbered over the whole device: position of the cluster * 16 + clane.
 */
import {
  CLANES,
  CONSTANT_CLANE,
  FIRST_PORT_LANE,
  M_BLOCK_WIDTH,
  UPPER_LANES,
  carrierPosition,
  invariant,
  laneOrigins,
  type ClusterConfiguration,
  type ClusterPlace,
  type ClusterSpecification,
  type Configuration,
  type DeviceSpecification,
  type Lane,
  type MBlockConfiguration,
  type MBlockType,
  type MdrOperation,
  type PortInput,
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
  /** Signals from outside. */
  readonly inputs: readonly InputElement[]
  /** Outputs sampled, in probe order. */
  readonly probes: readonly number[]
}

/** What comes in at a port; its output is numbered behind those of the device. */
export interface InputElement extends Placed, PortInput {
  /** Position of the carrier in the specification. */
  readonly carrier: number
}

/** Position of a carrier's first cluster in the numbering of the whole device. */
export function firstCluster(specification: DeviceSpecification, carrier: number): number {
  return specification.carriers.slice(0, carrier).reduce((sum, { clusters }) => sum + clusters.length, 0)
}

/** One cluster of the device: its settings, its fixed errors and where its outputs begin. */
interface ClusterState {
  readonly place: ClusterPlace
  readonly specification: ClusterSpecification
  /** Null where the configuration leaves it alone. */
  readonly settings: ClusterConfiguration | null
  readonly errors: ClusterErrors
  readonly base: number
}

/** What an I block finds on a lane: the cluster whose U and C blocks made it. */
type Arrival = (lane: number, sink: ClusterPlace) => ClusterState | InputElement | undefined

/** Expects a configuration that fits the specification. */
export function networkOf(
  configuration: Configuration,
  specification: DeviceSpecification,
  imperfections: Imperfections,
): Network {
  const source = random(imperfections.seed)
  const clusters = specification.carriers.flatMap((carrier, c) => {
    const configured = configuration.carriers.find((one) => carrierPosition(one.carrier, specification) === c)
    return carrier.clusters.map((cluster, position): ClusterState => ({
      place: { carrier: c, cluster: cluster.index },
      specification: cluster,
      settings: configured?.clusters.find((one) => one.index === cluster.index) ?? null,
      errors: drawErrors(imperfections, source),
      base: (firstCluster(specification, c) + position) * CLANES,
    }))
  })
  const origins = laneOrigins(configuration, specification)
  const inputs = inputsFrom(configuration, specification, clusters.length * CLANES)
  const arrival: Arrival = (lane, sink) => {
    const input = inputs.find(({ carrier, port }) => carrier === sink.carrier && FIRST_PORT_LANE + port === lane)
    if (input) return input
    const origin = origins(lane, sink)
    return clusters.find(({ place }) => place.carrier === origin?.carrier && place.cluster === origin.cluster)
  }
  const elements = withoutSilence(
    clusters.flatMap((cluster) =>
      cluster.settings
        ? elementsOf(cluster, cluster.settings, sumsOf(cluster.settings, { cluster, arrival, specification }))
        : [],
    ),
    inputs,
  )
  return {
    outputs: clusters.length * CLANES,
    integrators: elements.filter((element) => element.kind === 'integrator'),
    algebraic: elements.filter((element) => element.kind !== 'integrator'),
    inputs,
    probes: probesOf(configuration, specification),
  }
}

/** Outputs without an element stay at 0, so nothing comes of the lanes that start there. */
function withoutSilence(
  elements: readonly (IntegratorElement | AlgebraicElement)[],
  inputs: readonly InputElement[],
): (IntegratorElement | AlgebraicElement)[] {
  const present = new Set([...elements, ...inputs].map(({ output }) => output))
  const heard = (sum: Sum): Sum => ({ ...sum, terms: sum.terms.filter(({ output }) => present.has(output)) })
  return elements.map((element) =>
    'y' in element ? { ...element, x: heard(element.x), y: heard(element.y) } : { ...element, x: heard(element.x) },
  )
}

function inputsFrom({ carriers }: Configuration, specification: DeviceSpecification, outputs: number): InputElement[] {
  return carriers
    .flatMap(({ carrier, inputs = [] }) =>
      inputs.map((input) => ({ ...input, carrier: carrierPosition(carrier, specification) })),
    )
    .map((input, index) => ({ ...input, output: outputs + index }))
}

/** Numbers of the sampled outputs, in probe order. */
function probesOf(configuration: Configuration, specification: DeviceSpecification): number[] {
  const probes: number[] = []
  for (const carrier of configuration.carriers) {
    const position = carrierPosition(carrier.carrier, specification)
    const clusters = specification.carriers[position]?.clusters ?? []
    for (const { output, probe } of carrier.adc) {
      const cluster = clusters.findIndex(({ index }) => index === Math.floor(output / CLANES))
      probes[probe] = (firstCluster(specification, position) + cluster) * CLANES + (output % CLANES)
    }
  }
  return probes
}

function sumsOf(
  { lanes }: ClusterConfiguration,
  machine: { readonly cluster: ClusterState; readonly arrival: Arrival; readonly specification: DeviceSpecification },
): Sum[] {
  const { cluster, arrival, specification } = machine
  return Array.from({ length: CLANES }, (_, clane) => {
    const weights = new Map<number, number>()
    let constant = 0
    let driven = false
    for (const { lane, upscaled } of lanes.filter(({ sinks }) => sinks.includes(clane))) {
      const origin = arrival(lane, cluster.place)
      if (origin && 'port' in origin) {
        driven = true
        weights.set(origin.output, (upscaled ? specification.upscaling : 1) * (cluster.errors.gains[lane] ?? 1))
        continue
      }
      const made = origin?.settings?.lanes.find((one) => one.lane === lane)
      if (!origin || !made || made.source === null) continue
      driven = true
      const gain = (upscaled ? specification.upscaling : 1) * (origin.errors.gains[lane] ?? 1)
      const weight = made.coefficient * gain
      const reference = origin.settings?.constant ?? null
      if (reference !== null && isMasked(made)) constant += weight * reference
      else {
        const output = origin.base + made.source
        weights.set(output, (weights.get(output) ?? 0) + weight)
      }
    }
    if (driven) constant += cluster.errors.offsets[clane] ?? 0
    const terms = [...weights].filter(([, weight]) => weight !== 0).map(([output, weight]) => ({ output, weight }))
    return { terms, constant, driven }
  })
}

/** While a constant is set it stands in for one clane: another one on each half of the lanes. */
function isMasked(lane: Lane): boolean {
  return lane.source === (lane.lane < UPPER_LANES ? CONSTANT_CLANE.lowLanes : CONSTANT_CLANE.highLanes)
}

function elementsOf(
  { specification, base }: ClusterState,
  settings: ClusterConfiguration,
  sums: readonly Sum[],
): (IntegratorElement | AlgebraicElement)[] {
  return specification.slots.flatMap((type, slot) => {
    if (type === null) return []
    const first = slot * M_BLOCK_WIDTH
    const input = (index: number): Sum => {
      const sum = sums[first + index]
      invariant(sum, `clane ${first + index} has a sum`)
      return sum
    }
    return blockElements(type, settings.slots[slot] ?? null, input, base + first)
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
