/**
 * Items back to a configuration. Items apply in order, later ones over earlier ones, as a device would load
 * them; so the items of several commands may simply be strung together. Ranges of values are not judged
 * here: whoever takes the configuration does that. What a `Configuration` cannot express is refused, never
 * dropped, unless it has no effect on what is computed.
 */
import {
  Problem,
  type AdcChannel,
  type BackplaneHop,
  type CarrierConfiguration,
  type Configuration,
  type DeviceDescription,
  type Entity,
  type Hop,
  type IntegratorConfiguration,
  type IntegratorRate,
  type Lane,
  type MBlockConfiguration,
  type MdrOperation,
  type PortInput,
  M_BLOCK_TYPES,
} from '@lucihub/analog'
import { anabrid, type Item } from '../wire/messages.ts'
import { constantOf } from './configuration.ts'
import { parseEntityPath, type EntityPlace } from './entity-path.ts'
import { BACKPLANE_BLOCKS, backplaneHopOf, hopOf } from './switches.ts'

interface ClusterDraft {
  constant: ReturnType<typeof constantOf> & (number | null)
  readonly lanes: Map<number, Lane>
  readonly slots: [SlotDraft | null, SlotDraft | null]
}

type SlotDraft =
  | { readonly kind: 'MINT'; readonly integrators: Map<number, IntegratorConfiguration> }
  | { readonly kind: 'MMUL' }
  | { readonly kind: 'MDR'; operations: readonly MdrOperation[] }

interface CarrierDraft {
  readonly clusters: Map<number, ClusterDraft>
  adc: readonly AdcChannel[]
  /** Those that take a signal in. */
  ports: readonly number[]
  /** By the index of the multiplexer that makes them; on the backplane by `block/index`. */
  readonly hops: Map<number, Hop>
  readonly backplane: Map<string, BackplaneHop>
}

/** Items that calibrate or decorate: they do not change what an ideal device computes. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set<NonNullable<Item['kind']>>([
  'mulConfig',
  'shiftHoldConfig',
  'frontPanelConfig',
  'backpanelConfig',
  'dependencyInfo',
  'ipLookupTable',
  'entitySpecification',
])

const MDR_OPERATIONS: ReadonlyMap<number, MdrOperation> = new Map(
  (['MULTIPLY', 'SQUARE', 'DIVIDE', 'SQRT', 'IDENT'] as const).map((name) => [anabrid.MDRConfig.Operation[name], name]),
)

/**
 * Reads a configuration. With the device's description, carriers and clusters must exist on it, and the M
 * blocks of a touched cluster are listed by their types even when nothing sets them (a multiplier has no
 * settings to send). Probes get the labels `probe 0`, `probe 1`, …: the wire carries none.
 * Throws a Problem `validation-failed` naming the item that cannot be applied.
 */
export function decodeConfiguration(
  items: readonly Item[],
  description: DeviceDescription | null = null,
): Configuration {
  const carriers = new Map<string, CarrierDraft>()
  for (const item of items) {
    if (item.kind && WITHOUT_EFFECT.has(item.kind)) continue
    apply(item, carriers, description)
  }
  const result = [...carriers].map(([carrier, draft]) => finished(carrier, draft))
  const probes = Math.max(0, ...result.flatMap(({ adc }) => adc.map(({ probe }) => probe + 1)))
  return {
    carriers: result,
    probes: Array.from({ length: Math.min(probes, MAX_PROBES) }, (_, index) => ({ label: `probe ${index}`, unit: '' })),
    problemTimePerSecond: 0,
  }
}

/** More probes than any device has ADC channels; a larger index is refused by whoever takes the configuration. */
const MAX_PROBES = 64

function apply(item: Item, carriers: Map<string, CarrierDraft>, description: DeviceDescription | null): void {
  const path = item.entity?.path ?? ''
  const place = parseEntityPath(path)
  const carrier = description?.carriers.find(({ id }) => id === place?.carrier) ?? null
  if (!place || (description && !carrier)) throw refusal(item, 'the device has no such entity')
  const draft = entry(carriers, place.carrier, emptyCarrier)
  if (item.adcConfig && place.part === null) {
    draft.adc = item.adcConfig.channels.map(({ idx, gain, offset, probe }) => ({ output: idx, gain, offset, probe }))
    return
  }
  if (item.portConfig && place.part === null) {
    draft.ports = item.portConfig.states.flatMap((state, port) =>
      state === anabrid.PortConfig.State.EXTERNAL ? [port] : [],
    )
    return
  }
  if (isIdle(item)) return
  if (item.switchConfig || item.bplSwitchConfig) {
    if (carrier && !carrier.children.some(({ id }) => id === place.part))
      throw refusal(item, 'the device has no such entity')
    return applySwitches(item, place, draft)
  }
  const index = clusterIndex(place)
  if (index === null || place.block === null) throw refusal(item, 'it cannot be applied there')
  const entity = carrier?.children.find(({ id, class: kind }) => kind === 'CLUSTER' && id === place.part) ?? null
  if (carrier && !entity) throw refusal(item, 'the device has no such entity')
  const cluster = entry(draft.clusters, index, () => emptyCluster(entity))
  if (!applyToBlock(item, place.block, cluster)) throw refusal(item, 'it cannot be applied there')
}

function applySwitches(item: Item, { part, block }: EntityPlace, draft: CarrierDraft): void {
  const switches = BACKPLANE_BLOCKS.indexOf(part ?? '')
  if (block !== null || (item.switchConfig ? part !== 'T' : switches < 0))
    throw refusal(item, 'it cannot be applied there')
  for (const mux of item.switchConfig?.muxes ?? []) {
    const hop = hopOf(mux)
    if (hop === undefined) throw refusal(item, `there is no setting ${mux.state} of multiplexer ${mux.index}`)
    if (hop) draft.hops.set(mux.index, hop)
    else draft.hops.delete(mux.index)
  }
  for (const mux of item.bplSwitchConfig?.muxes ?? []) {
    const hop = backplaneHopOf(mux, switches)
    if (hop === undefined) throw refusal(item, `setting ${mux.state} of multiplexer ${mux.index} leaves the stack`)
    const key = `${switches}/${mux.index}`
    if (hop) draft.backplane.set(key, hop)
    else draft.backplane.delete(key)
  }
}

/** Switchable parts left in their reset state: ports inside, the generator asleep. */
function isIdle(item: Item): boolean {
  const { portConfig, signalGeneratorConfig } = item
  if (portConfig) return portConfig.states.every((state) => state === anabrid.PortConfig.State.INTERNAL)
  return signalGeneratorConfig?.sleep === true
}

/** True when the item was one for this block. */
function applyToBlock(item: Item, block: string, cluster: ClusterDraft): boolean {
  switch (block) {
    case 'U':
      return item.selectConfig ? applySelect(item, item.selectConfig, cluster) : false
    case 'C':
      for (const { idx, factor } of item.coefConfig?.elements ?? []) setLane(cluster, idx, { coefficient: factor })
      return item.kind === 'coefConfig'
    case 'I':
      for (const { inputs, output } of item.sumConfig?.connections ?? []) {
        for (const lane of inputs)
          setLane(cluster, lane, { sinks: withSink(cluster.lanes.get(lane)?.sinks ?? [], output) })
      }
      for (const { lane, enabled } of item.sumConfig?.upscales ?? []) setLane(cluster, lane, { upscaled: enabled })
      return item.kind === 'sumConfig'
    case 'M0':
      return applyToSlot(item, 0, cluster)
    case 'M1':
      return applyToSlot(item, 1, cluster)
    default:
      return false
  }
}

function applySelect(item: Item, select: NonNullable<Item['selectConfig']>, cluster: ClusterDraft): true {
  const constant = constantOf(select)
  if (constant === undefined) throw refusal(item, 'only the internal references can be its constant')
  cluster.constant = constant
  for (const { input, output } of select.connections) setLane(cluster, output, { source: input })
  return true
}

function applyToSlot(item: Item, slot: 0 | 1, cluster: ClusterDraft): boolean {
  const { itorConfig, limiterConfig, mdrConfig } = item
  const wanted = itorConfig || limiterConfig ? 'MINT' : mdrConfig ? 'MDR' : null
  const draft = (cluster.slots[slot] ??= wanted && emptySlot(wanted))
  if (!draft || draft.kind !== wanted) return false
  if (draft.kind === 'MINT') {
    for (const { idx, ic, k } of itorConfig?.elements ?? []) {
      // The rate is a number on the wire; whoever takes the configuration refuses any but the device's two.
      setIntegrator(draft.integrators, idx, { ic, k0: k as IntegratorRate })
    }
    for (const { idx, enable } of limiterConfig?.elements ?? [])
      setIntegrator(draft.integrators, idx, { limiter: enable })
  }
  if (draft.kind === 'MDR' && mdrConfig) {
    draft.operations = mdrConfig.operations.map((operation) => {
      const name = MDR_OPERATIONS.get(operation)
      if (!name) throw refusal(item, `there is no operation ${operation}`)
      return name
    })
  }
  return true
}

function setLane(cluster: ClusterDraft, lane: number, change: Partial<Lane>): void {
  const before = cluster.lanes.get(lane) ?? { lane, source: null, coefficient: 0, upscaled: false, sinks: [] }
  cluster.lanes.set(lane, { ...before, ...change })
}

function withSink(sinks: readonly number[], sink: number): readonly number[] {
  return sinks.includes(sink) ? sinks : [...sinks, sink].toSorted((a, b) => a - b)
}

function setIntegrator(
  integrators: Map<number, IntegratorConfiguration>,
  element: number,
  change: Partial<IntegratorConfiguration>,
): void {
  const before = integrators.get(element) ?? { element, ic: 0, k0: 10_000, limiter: false }
  integrators.set(element, { ...before, ...change })
}

function emptyCarrier(): CarrierDraft {
  return { clusters: new Map(), adc: [], ports: [], hops: new Map(), backplane: new Map() }
}

function emptyCluster(entity: Entity | null): ClusterDraft {
  return { constant: null, lanes: new Map(), slots: [emptySlotOf(entity, 'M0'), emptySlotOf(entity, 'M1')] }
}

function emptySlotOf(cluster: Entity | null, id: string): SlotDraft | null {
  const block = cluster?.children.find((child) => child.id === id && child.class === 'M_BLOCK')
  const type = M_BLOCK_TYPES[block?.type as keyof typeof M_BLOCK_TYPES]
  return type ? emptySlot(type) : null
}

function emptySlot(kind: SlotDraft['kind']): SlotDraft {
  switch (kind) {
    case 'MINT':
      return { kind, integrators: new Map() }
    case 'MMUL':
      return { kind }
    case 'MDR':
      return { kind, operations: [] }
  }
}

function finished(carrier: string, draft: CarrierDraft): CarrierConfiguration {
  return {
    carrier,
    clusters: [...draft.clusters]
      .toSorted(([a], [b]) => a - b)
      .map(([index, { constant, lanes, slots }]) => ({
        index,
        constant,
        lanes: [...lanes.values()].toSorted((a, b) => a.lane - b.lane),
        slots: [finishedSlot(slots[0]), finishedSlot(slots[1])],
      })),
    adc: draft.adc,
    ...(draft.ports.length > 0 && { inputs: draft.ports.map(unnamedInput) }),
    ...(draft.hops.size > 0 && { hops: [...draft.hops].toSorted(([a], [b]) => a - b).map(([, hop]) => hop) }),
    ...(draft.backplane.size > 0 && {
      backplane: [...draft.backplane.values()].toSorted((a, b) => a.lane - b.lane || a.to - b.to),
    }),
  }
}

/** The wire carries no names; a port is called by its number. */
export function unnamedInput(port: number): PortInput {
  return { port, name: `port${port}`, gain: 1 }
}

function finishedSlot(slot: SlotDraft | null): MBlockConfiguration | null {
  if (slot?.kind !== 'MINT') return slot
  return { kind: 'MINT', integrators: [...slot.integrators.values()].toSorted((a, b) => a.element - b.element) }
}

function clusterIndex({ part }: EntityPlace): number | null {
  return part !== null && /^\d{1,2}$/.test(part) ? Number(part) : null
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const present = map.get(key)
  if (present !== undefined) return present
  const made = make()
  map.set(key, made)
  return made
}

function refusal(item: Item, reason: string): Problem {
  return new Problem(
    'validation-failed',
    `${item.kind ?? 'An unknown item'} of "${item.entity?.path ?? ''}": ${reason}.`,
  )
}
