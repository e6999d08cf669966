/**
 * Configurations on the wire: the domain goes lane by lane, a device block by block. One item per block,
 * named by its entity path without a leading slash; only what differs from the state after a reset is sent.
 */
import {
  PORTS,
  portablePosition,
  Problem,
  type CarrierConfiguration,
  type ClusterConfiguration,
  type Configuration,
  type ConstantValue,
  type DeviceDescription,
  type MBlockConfiguration,
} from '@lucihub/analog'
import { anabrid } from '../wire/messages.ts'
import { BACKPLANE_BLOCKS, backplaneMuxes, inBlock, tBlockMuxes } from './switches.ts'

type Item = anabrid.Item.$Properties
type ConstantSetting = Pick<anabrid.SelectConfig.$Properties, 'constant' | 'magnitude'>

const { POS_REF, NEG_REF } = anabrid.SelectConfig.Constant
const { ONE_TENTH } = anabrid.SelectConfig.Magnitude

/** How a constant is set; what is 0 on the wire is left out. */
const CONSTANT_SETTINGS: readonly (readonly [ConstantValue, ConstantSetting])[] = [
  [1, { constant: POS_REF }],
  [-1, { constant: NEG_REF }],
  [0.1, { constant: POS_REF, magnitude: ONE_TENTH }],
  [-0.1, { constant: NEG_REF, magnitude: ONE_TENTH }],
]

/**
 * The items of a configuration. With a target, portable carriers get the target's MAC addresses, by
 * position; without one they stay portable. Throws a Problem `validation-failed` when the target has too few.
 */
export function encodeConfiguration(
  configuration: Configuration,
  target: DeviceDescription | null = null,
): anabrid.Module.$Properties {
  const items = configuration.carriers.flatMap((configured) => {
    const { carrier, clusters, adc } = configured
    const mac = target ? macOf(carrier, target) : carrier
    const channels = adc.map(({ output, gain, offset, probe }) => ({ idx: output, gain, offset, probe }))
    return [
      ...clusters.flatMap((cluster) => clusterItems(cluster, `${mac}/${cluster.index}`)),
      ...switchItems(configured, mac),
      ...portItems(configured, mac),
      ...(channels.length > 0 ? [{ entity: { path: mac }, adcConfig: { channels } }] : []),
    ]
  })
  return { items }
}

/** The MAC address of a configuration's carrier on this device, as {@link encodeConfiguration} names it. */
export function macOf(carrier: string, target: DeviceDescription): string {
  const position = portablePosition(carrier)
  if (position === null || target.carriers.some(({ id }) => id === carrier)) return carrier
  const found = target.carriers[position]
  if (!found) {
    throw new Problem(
      'validation-failed',
      `The configuration needs ${position + 1} carriers, the device has ${target.carriers.length}.`,
    )
  }
  return found.id
}

/** T block and backplane, each only where a lane leaves its place. */
function switchItems({ hops = [], backplane = [] }: CarrierConfiguration, mac: string): Item[] {
  const blocks = BACKPLANE_BLOCKS.flatMap((name, block): Item[] =>
    backplane.some(({ lane }) => inBlock(lane, block))
      ? [{ entity: { path: `${mac}/${name}` }, bplSwitchConfig: { muxes: backplaneMuxes(backplane, block) } }]
      : [],
  )
  const tBlock: Item = { entity: { path: `${mac}/T` }, switchConfig: { muxes: tBlockMuxes(hops) } }
  return hops.length > 0 ? [tBlock, ...blocks] : blocks
}

/** All ports of the front panel, where any takes a signal in. */
function portItems({ inputs = [] }: CarrierConfiguration, mac: string): Item[] {
  if (inputs.length === 0) return []
  const { INTERNAL, EXTERNAL } = anabrid.PortConfig.State
  const states = Array.from({ length: PORTS }, (_, port) =>
    inputs.some((input) => input.port === port) ? EXTERNAL : INTERNAL,
  )
  return [{ entity: { path: mac }, portConfig: { states } }]
}

function clusterItems(cluster: ClusterConfiguration, path: string): Item[] {
  const { lanes, constant } = cluster
  const connections = lanes.flatMap(({ lane, source }) => (source === null ? [] : [{ input: source, output: lane }]))
  const sinks = [...new Set(lanes.flatMap((lane) => lane.sinks))].toSorted((a, b) => a - b)
  const items: Item[] = []
  if (connections.length > 0 || constant !== null) {
    const setting = CONSTANT_SETTINGS.find(([value]) => value === constant)?.[1]
    items.push({ entity: { path: `${path}/U` }, selectConfig: { connections, ...setting } })
  }
  if (lanes.length > 0) {
    const elements = lanes.map(({ lane, coefficient }) => ({ idx: lane, factor: coefficient }))
    items.push({ entity: { path: `${path}/C` }, coefConfig: { elements } })
    items.push({
      entity: { path: `${path}/I` },
      sumConfig: {
        connections: sinks.map((sink) => ({
          inputs: lanes.filter((lane) => lane.sinks.includes(sink)).map(({ lane }) => lane),
          output: sink,
        })),
        upscales: lanes.filter(({ upscaled }) => upscaled).map(({ lane }) => ({ lane, enabled: true })),
      },
    })
  }
  cluster.slots.forEach((slot, index) => items.push(...mBlockItems(slot, `${path}/M${index}`)))
  return items
}

function mBlockItems(slot: MBlockConfiguration | null, path: string): Item[] {
  switch (slot?.kind) {
    case 'MINT': {
      const elements = slot.integrators.map(({ element, ic, k0 }) => ({ idx: element, ic, k: k0 }))
      const limiters = slot.integrators
        .filter(({ limiter }) => limiter)
        .map(({ element }) => ({ idx: element, enable: true }))
      return [
        { entity: { path }, itorConfig: { elements } },
        ...(limiters.length > 0 ? [{ entity: { path }, limiterConfig: { elements: limiters } }] : []),
      ]
    }
    case 'MDR': {
      const operations = slot.operations.map((operation) => anabrid.MDRConfig.Operation[operation])
      return [{ entity: { path }, mdrConfig: { operations } }]
    }
    case 'MMUL':
    case undefined:
      // A multiplier has nothing to set.
      return []
  }
}

/** The constant that a select item sets; null for ground, undefined for what a configuration cannot say. */
export function constantOf({
  constant,
  magnitude,
}: {
  constant: number
  magnitude: number
}): ConstantValue | null | undefined {
  if (constant === anabrid.SelectConfig.Constant.GROUND) return null
  return CONSTANT_SETTINGS.find(
    ([, setting]) => setting.constant === constant && (setting.magnitude ?? 0) === magnitude,
  )?.[0]
}
