/** A configuration as circuit JSON of the JSON-lines generation, for its tools: lists indexed by lane or clane, upscaling by 10. */
import {
  ADC_CHANNELS,
  CLANES,
  FIRST_PORT_LANE,
  LANES,
  LOCAL_LANES,
  M_BLOCK_WIDTH,
  PORTS,
  Problem,
  UPSCALING,
  portablePosition,
  type CarrierConfiguration,
  type ClusterConfiguration,
  type Configuration,
  type Hop,
  type Lane,
  type MBlockConfiguration,
  type Violation,
} from '@lucihub/analog'

const SECTORS = 4

/**
 * One portable carrier becomes circuit JSON, anything else carrier JSON by MAC address. Probe labels, gains, offsets
 * and the time scale are not kept: the format has no place for them. Throws a Problem `validation-failed` for what
 * that generation cannot do: MDR elements, limiters, backplanes.
 */
export function writeCircuitJson(configuration: Configuration): Record<string, unknown> {
  const violations = configuration.carriers.flatMap(unsayable)
  if (violations.length > 0)
    throw new Problem('validation-failed', 'The JSON-lines generation cannot say this configuration.', { violations })
  const [only, ...others] = configuration.carriers
  if (only && others.length === 0 && portablePosition(only.carrier) === 0) return carrierObject(only)
  return Object.fromEntries(configuration.carriers.map((carrier) => [carrier.carrier, carrierObject(carrier)]))
}

function unsayable(carrier: CarrierConfiguration, index: number): Violation[] {
  const violations: Violation[] = []
  const add = (pointer: string, value: string, message: string): void =>
    void violations.push({ pointer, value, message, remedy: 'Write the configuration as .apb or as our JSON.' })
  carrier.clusters.forEach(({ slots }, cluster) =>
    slots.forEach((block, slot) => {
      const pointer = `/carriers/${index}/clusters/${cluster}/slots/${slot}`
      if (block?.kind === 'MDR') add(`${pointer}/kind`, 'MDR', 'Circuit JSON knows no MDR blocks.')
      if (block?.kind === 'MINT' && block.integrators.some(({ limiter }) => limiter))
        add(`${pointer}/integrators`, 'limiter', 'Circuit JSON knows no limiters.')
    }),
  )
  const external = new Set(carrier.inputs?.map(({ port }) => FIRST_PORT_LANE + port))
  if (carrier.clusters.some(({ lanes }) => lanes.some(({ lane, upscaled }) => upscaled && external.has(lane))))
    add(`/carriers/${index}/inputs`, 'upscaled', 'An external input cannot be upscaled by 8 there.')
  if (carrier.backplane?.length)
    add(`/carriers/${index}/backplane`, String(carrier.backplane.length), 'Circuit JSON knows no backplanes.')
  return violations
}

function carrierObject(carrier: CarrierConfiguration): Record<string, unknown> {
  const { clusters, adc, hops = [], inputs = [] } = carrier
  const channels = adc.toSorted((a, b) => a.probe - b.probe).map(({ output }) => output)
  return {
    ...Object.fromEntries(clusters.map((cluster) => [`/${cluster.index}`, clusterObject(cluster, carrier)])),
    ...(hops.length > 0 && { '/T': { muxes: muxesOf(hops) } }),
    ...(inputs.length > 0 && {
      acl_select: Array.from({ length: PORTS }, (_, port) =>
        inputs.some((input) => input.port === port) ? 'external' : 'internal',
      ),
    }),
    adc_channels: Array.from({ length: ADC_CHANNELS }, (_, index) => channels[index] ?? null),
  }
}

function clusterObject(cluster: ClusterConfiguration, carrier: CarrierConfiguration): Record<string, unknown> {
  const { index, constant, lanes, slots } = cluster
  const byNumber = new Map(lanes.map((lane) => [lane.lane, lane]))
  const perLane = <T>(valueOf: (lane: Lane | undefined) => T): T[] =>
    Array.from({ length: LANES }, (_, lane) => valueOf(byNumber.get(lane)))
  const weakened = (lane: Lane): number =>
    arrivesUpscaled(lane, index, carrier)
      ? (lane.coefficient * UPSCALING.protobuf) / UPSCALING.jsonLines
      : lane.coefficient
  return {
    '/U': { outputs: perLane((lane) => lane?.source ?? null), constant: constant === 1 ? true : (constant ?? false) },
    '/C': { elements: perLane((lane) => (lane ? weakened(lane) : 0)) },
    '/I': {
      outputs: Array.from({ length: CLANES }, (_, sink) =>
        lanes.filter(({ sinks }) => sinks.includes(sink)).map(({ lane }) => lane),
      ),
      upscaling: perLane((lane) => lane?.upscaled ?? false),
    },
    '/M0': mBlockObject(slots[0]),
    '/M1': mBlockObject(slots[1]),
  }
}

/** With hops the I block that upscales a lane may be another cluster's. */
function arrivesUpscaled({ lane }: Lane, from: number, { clusters, hops = [] }: CarrierConfiguration): boolean {
  return clusters.some(({ index, lanes }) => {
    const origin = hops.find((hop) => hop.lane === lane && hop.to === index)?.from ?? index
    return origin === from && lanes.some((one) => one.lane === lane && one.upscaled && one.sinks.length > 0)
  })
}

function mBlockObject(block: MBlockConfiguration | null): Record<string, unknown> {
  if (block?.kind !== 'MINT') return {}
  return {
    elements: Array.from({ length: M_BLOCK_WIDTH }, (_, index) => {
      const { ic, k0 } = block.integrators.find(({ element }) => element === index) ?? { ic: 0, k0: 10_000 }
      return { k: k0, ic }
    }),
  }
}

function muxesOf(hops: readonly Hop[]): number[] {
  const sector = (end: Hop['from']): number => (end === 'backplane' ? 0 : end + 1)
  const muxes = Array.from({ length: (LANES - LOCAL_LANES) * SECTORS }, (_, index) => index % SECTORS)
  for (const { lane, from, to } of hops) muxes[(lane - LOCAL_LANES) * SECTORS + sector(to)] = sector(from)
  return muxes
}
