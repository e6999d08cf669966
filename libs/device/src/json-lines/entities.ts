/**
 * A device's description as the JSON-lines generation writes it: an object by MAC address, in which the keys with a
 * slash are parts. Firmwares differ in the spelling of the address and of versions; the oldest, which lucipy's
 * emulator follows, counts classes and types of blocks from one less.
 */
import { ENTITY_CLASSES, isMac, Problem, type DeviceDescription, type Entity } from '@lucihub/analog'
import { objectOf, type Fields } from './replies.ts'

/** Deeper than any device is built. */
const DEPTH_MAX = 4
/** More parts than the largest carrier has. */
const PARTS_MAX = 64

/** What the wire calls a carrier, where that is not its MAC address in our spelling. */
export type Spellings = ReadonlyMap<string, string>

export interface EntitiesRead {
  readonly description: DeviceDescription
  /** By our MAC address. */
  readonly spellings: Spellings
}

/** Reads the answer to `get_entities`. Throws a Problem `invalid-request` for what describes no carrier. */
export function decodeEntities(msg: Fields): EntitiesRead {
  const tree = objectOf(msg['entities']) ?? msg
  const spellings = new Map<string, string>()
  const carriers = Object.entries(tree).map(([key, value]): Entity => {
    const spelling = key.replace(/^\//, '')
    const mac = spelling.toUpperCase().replaceAll(':', '-')
    const fields = objectOf(value)
    if (!isMac(mac) || !fields)
      throw new Problem('invalid-request', `"${key.slice(0, 40)}" is not the MAC address of a carrier.`)
    if (spellings.has(mac)) throw new Problem('invalid-request', `The carrier ${mac} is described twice.`)
    spellings.set(mac, spelling)
    // A carrier's class is 1; counted from one less it is 0.
    const numbersFrom = fields['class'] === 0 ? 1 : 0
    return decodeEntity(mac, fields, { depth: 0, numbersFrom })
  })
  if (carriers.length === 0) throw new Problem('invalid-request', 'It described no carrier.')
  return { description: { carriers }, spellings }
}

interface Place {
  readonly depth: number
  /** Added to every class, and to every type of a block. */
  readonly numbersFrom: number
}

function decodeEntity(id: string, fields: Fields, { depth, numbersFrom }: Place): Entity {
  const parts = Object.entries(fields).filter(([key, value]) => key.startsWith('/') && objectOf(value))
  if (parts.length > PARTS_MAX || (depth === DEPTH_MAX && parts.length > 0))
    throw new Problem('invalid-request', `"${id}" has more parts than a device can have.`)
  const entityClass = ENTITY_CLASSES[number(fields['class']) + numbersFrom] ?? 'UNKNOWN'
  const isBlock = depth === 2
  return {
    id,
    class: depth === 0 ? 'CARRIER' : entityClass === 'CARRIER' ? 'UNKNOWN' : entityClass,
    type: number(fields['type']) + (isBlock ? numbersFrom : 0),
    variant: number(fields['variant']),
    version: versionOf(fields['version']),
    eui: typeof fields['eui'] === 'string' ? fields['eui'] : '',
    location: null,
    children: parts.map(([key, value]) =>
      decodeEntity(key.slice(1), objectOf(value) ?? {}, { depth: depth + 1, numbersFrom }),
    ),
  }
}

/** `[1, 2, 0]`, or the major version alone. */
function versionOf(value: unknown): Entity['version'] {
  const [major, minor, patch] = Array.isArray(value) ? value : [value]
  return typeof major === 'number' ? { major: number(major), minor: number(minor), patch: number(patch) } : null
}

function number(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : 0
}

/** How a firmware writes descriptions. */
export interface EntitySpelling {
  readonly macWithSlash: boolean
  /** `number`: the major version alone, and no EUI. */
  readonly versions: 'list' | 'number'
  /** `oldest`: classes and types of blocks are counted from one less. */
  readonly numbering: 'current' | 'oldest'
}

/** The answer to `get_entities`. */
export function encodeEntities({ carriers }: DeviceDescription, spelling: EntitySpelling): Fields {
  return {
    entities: Object.fromEntries(
      carriers.map((carrier) => [
        `${spelling.macWithSlash ? '/' : ''}${carrier.id}`,
        encodeEntity(carrier, 0, spelling),
      ]),
    ),
  }
}

function encodeEntity(entity: Entity, depth: number, spelling: EntitySpelling): Fields {
  const less = spelling.numbering === 'oldest' ? 1 : 0
  const { type, variant, version, eui } = entity
  const { major = 0, minor = 0, patch = 0 } = version ?? {}
  return {
    ...Object.fromEntries(entity.children.map((child) => [`/${child.id}`, encodeEntity(child, depth + 1, spelling)])),
    class: Math.max(0, ENTITY_CLASSES.indexOf(entity.class) - less),
    type: Math.max(0, type - (depth === 2 ? less : 0)),
    variant,
    ...(spelling.versions === 'list' ? { version: [major, minor, patch], eui } : { version: major }),
  }
}
