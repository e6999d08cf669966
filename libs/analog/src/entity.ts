/**
 * Entities: the parts a device is made of, as the device describes itself.
 * A carrier holds clusters, a cluster holds blocks. A path such as `04-E9-E5-15-87-A0/0/M0`
 * names one of them; the first segment is the carrier's MAC address, which is also the device's id.
 * Source: the entity specification of the LUCIDAC protocol, and descriptions read from real devices.
 */

export const ENTITY_CLASSES = [
  'UNKNOWN',
  'CARRIER',
  'CLUSTER',
  'M_BLOCK',
  'U_BLOCK',
  'C_BLOCK',
  'I_BLOCK',
  'SH_BLOCK',
  'FRONT_PANEL',
  'CTRL_BLOCK',
  'T_BLOCK',
  'BACK_PANEL',
  'BACK_PANEL_T_BLOCK',
  'DEVICE',
] as const
export type EntityClass = (typeof ENTITY_CLASSES)[number]

/** Semantic version of an entity's hardware. */
export interface EntityVersion {
  readonly major: number
  readonly minor: number
  readonly patch: number
}

/** Where a carrier sits: set by the operator, never discovered. */
export interface CarrierLocation {
  readonly stack: number
  readonly carrier: number
}

/** One part of a device and the parts inside it. */
export interface Entity {
  /** Name within the parent, without the leading slash of the wire: `0`, `M0`, `04-E9-E5-15-87-A0`. */
  readonly id: string
  readonly class: EntityClass
  /** Meaning depends on the class; for an M block see {@link M_BLOCK_TYPES}. */
  readonly type: number
  readonly variant: number
  readonly version: EntityVersion | null
  /** EUI-64 of the part's memory chip, empty when the device sent none. */
  readonly eui: string
  readonly location: CarrierLocation | null
  readonly children: readonly Entity[]
}

/** What a device says it is: its carriers, sorted by location. Never empty. */
export interface DeviceDescription {
  readonly carriers: readonly Entity[]
}

/** What `type` means on an entity of class M_BLOCK. */
export const M_BLOCK_TYPES = { 1: 'MINT', 2: 'MMUL', 3: 'MDR' } as const
/** MINT: 8 integrators. MMUL: 4 multipliers and 4 identities. MDR: 4 multiply/divide/root elements and 4 identities. */
export type MBlockType = (typeof M_BLOCK_TYPES)[keyof typeof M_BLOCK_TYPES]

/** The carrier id in a configuration that fits any device of its kind. */
export const PORTABLE_CARRIER = '00-00-00-00-00-00'

const MAC = /^[0-9A-F]{2}(-[0-9A-F]{2}){5}$/

/** True for a MAC address in the devices' spelling, `XX-XX-XX-XX-XX-XX` in upper case. */
export function isMac(text: string): boolean {
  return MAC.test(text)
}

/** The device's id: the MAC address of its first carrier. */
export function deviceIdOf(description: DeviceDescription): string {
  const first = description.carriers[0]
  if (!first) throw new RangeError('a device description has at least one carrier')
  return first.id
}

/** The child of this name, or null. */
export function childOf(entity: Entity, id: string): Entity | null {
  return entity.children.find((child) => child.id === id) ?? null
}
