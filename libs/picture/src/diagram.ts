/** What there is to draw: the elements in use, the lanes that lead to each of their inputs, and where probes sit. */
import {
  CLANES,
  CONSTANT_CLANE,
  FIRST_PORT_LANE,
  M_BLOCK_WIDTH,
  UPPER_LANES,
  carrierPosition,
  laneOrigins,
  type ClusterConfiguration,
  type Configuration,
  type DeviceSpecification,
  type MBlockType,
  type MdrOperation,
  type PortInput,
} from '@lucihub/analog'

export type Symbol = 'integrator' | 'identity' | 'product' | 'square' | 'quotient' | 'root'

/** One lane, as it arrives at an input. `source` is the number of an output, the constant's value, or the name of what comes in at a port. */
export interface Arrival {
  readonly source: { readonly output: number } | { readonly constant: number } | { readonly input: string }
  readonly coefficient: number
  readonly upscaled: boolean
}

export interface Element {
  /** Over the whole device: position of the cluster * 16 + clane. */
  readonly output: number
  readonly symbol: Symbol
  /** Where it is: `M0.3`, with carrier and cluster before it where there are several. */
  readonly place: string
  /** One list of lanes per input. */
  readonly inputs: readonly (readonly Arrival[])[]
  /** Integrators: where they start and how fast they are. */
  readonly start: number
  readonly k0: number
  readonly probes: readonly string[]
}

/** The elements that integrate or that something reads, in the order of their outputs. */
export function diagramOf(configuration: Configuration, specification: DeviceSpecification): Element[] {
  const all = new Map(candidates(configuration, specification).map((element) => [element.output, element]))
  const isRoot = ({ symbol, inputs, start, probes }: Element): boolean =>
    probes.length > 0 || (symbol === 'integrator' && (start !== 0 || inputs.some((lanes) => lanes.length > 0)))
  const drawn = new Set<number>()
  const waiting = [...all.values()].filter(isRoot).map(({ output }) => output)
  for (let output = waiting.pop(); output !== undefined; output = waiting.pop()) {
    if (drawn.has(output)) continue
    drawn.add(output)
    for (const { source } of all.get(output)?.inputs.flat() ?? []) if ('output' in source) waiting.push(source.output)
  }
  return [...all.values()].filter(({ output }) => drawn.has(output))
}

function candidates(configuration: Configuration, specification: DeviceSpecification): Element[] {
  const places = specification.carriers.flatMap(({ clusters }, carrier) =>
    clusters.map((cluster) => ({ carrier, cluster })),
  )
  const settingsOf = (carrier: number, cluster: number): ClusterConfiguration | undefined =>
    configuration.carriers
      .find((one) => carrierPosition(one.carrier, specification) === carrier)
      ?.clusters.find(({ index }) => index === cluster)
  const ports = (carrier: number): readonly PortInput[] =>
    configuration.carriers.find((one) => carrierPosition(one.carrier, specification) === carrier)?.inputs ?? []
  const origins = laneOrigins(configuration, specification)
  const probes = probesOf(configuration, specification, places)

  return places.flatMap(({ carrier, cluster }, position) => {
    const settings = settingsOf(carrier, cluster.index)
    const arrivals = (clane: number): Arrival[] =>
      (settings?.lanes ?? [])
        .filter(({ sinks }) => sinks.includes(clane))
        .flatMap(({ lane, upscaled }): Arrival[] => {
          const port = ports(carrier).find((one) => FIRST_PORT_LANE + one.port === lane)
          if (port) return [{ source: { input: port.name }, coefficient: 1, upscaled }]
          const origin = origins(lane, { carrier, cluster: cluster.index })
          const home = origin && settingsOf(origin.carrier, origin.cluster)
          const route = home?.lanes.find((one) => one.lane === lane)
          if (!home || !route || route.source === null) return []
          const masked = lane < UPPER_LANES ? CONSTANT_CLANE.lowLanes : CONSTANT_CLANE.highLanes
          const { coefficient } = route
          if (home.constant !== null && route.source === masked)
            return [{ source: { constant: home.constant }, coefficient, upscaled }]
          const from = places.findIndex((one) => one.carrier === origin.carrier && one.cluster.index === origin.cluster)
          return [{ source: { output: from * CLANES + route.source }, coefficient, upscaled }]
        })
    const prefix = [
      ...(specification.carriers.length > 1 ? [String(carrier)] : []),
      ...(places.length > 1 ? [String(cluster.index)] : []),
      '',
    ].join('/')
    return cluster.slots.flatMap((type, slot) =>
      type === null
        ? []
        : blockElements(type, settings, slot).map(({ element, symbol, inputs }): Element => {
            const integrator = integratorOf(settings, { slot, element })
            const output = position * CLANES + slot * M_BLOCK_WIDTH + element
            return {
              output,
              symbol,
              place: `${prefix}M${slot}.${element}`,
              inputs: inputs.map((input) => arrivals(slot * M_BLOCK_WIDTH + input)),
              start: integrator.ic === 0 ? 0 : -integrator.ic,
              k0: integrator.k0,
              probes: probes.get(output) ?? [],
            }
          }),
    )
  })
}

interface BlockElement {
  readonly element: number
  readonly symbol: Symbol
  readonly inputs: readonly number[]
}

const MDR_SYMBOLS: Readonly<Record<MdrOperation, Symbol>> = {
  MULTIPLY: 'product',
  SQUARE: 'square',
  DIVIDE: 'quotient',
  SQRT: 'root',
  IDENT: 'identity',
}

/** The elements of a block: output, symbol, inputs, all counted within the block. */
function blockElements(type: MBlockType, settings: ClusterConfiguration | undefined, slot: number): BlockElement[] {
  const four = [0, 1, 2, 3]
  switch (type) {
    case 'MINT':
      return Array.from({ length: M_BLOCK_WIDTH }, (_, element) => ({
        element,
        symbol: 'integrator',
        inputs: [element],
      }))
    case 'MMUL':
      return [
        ...four.map((m): BlockElement => ({ element: m, symbol: 'product', inputs: [2 * m, 2 * m + 1] })),
        ...four.map((n): BlockElement => ({ element: 4 + n, symbol: 'identity', inputs: [n] })),
      ]
    case 'MDR': {
      const block = settings?.slots[slot]
      const operations = block?.kind === 'MDR' ? block.operations : []
      return [
        ...four.map((m): BlockElement => {
          const symbol = MDR_SYMBOLS[operations[m] ?? 'MULTIPLY']
          const both = symbol === 'product' || symbol === 'quotient'
          return { element: m, symbol, inputs: both ? [2 * m, 2 * m + 1] : [2 * m] }
        }),
        ...four.map((m): BlockElement => ({ element: 4 + m, symbol: 'identity', inputs: [2 * m + 1] })),
      ]
    }
  }
}

function integratorOf(
  settings: ClusterConfiguration | undefined,
  { slot, element }: { slot: number; element: number },
): { readonly ic: number; readonly k0: number } {
  const block = settings?.slots[slot]
  const found = block?.kind === 'MINT' ? block.integrators.find((one) => one.element === element) : undefined
  return found ?? { ic: 0, k0: 10_000 }
}

function probesOf(
  { carriers, probes }: Configuration,
  specification: DeviceSpecification,
  places: readonly { readonly carrier: number; readonly cluster: { readonly index: number } }[],
): Map<number, string[]> {
  const labels = new Map<number, string[]>()
  for (const { carrier: id, adc } of carriers) {
    const carrier = carrierPosition(id, specification)
    for (const { output, probe } of adc.toSorted((a, b) => a.probe - b.probe)) {
      const position = places.findIndex(
        (place) => place.carrier === carrier && place.cluster.index === Math.floor(output / CLANES),
      )
      const at = position * CLANES + (output % CLANES)
      labels.set(at, [...(labels.get(at) ?? []), probes[probe]?.label ?? `probe ${probe}`])
    }
  }
  return labels
}
