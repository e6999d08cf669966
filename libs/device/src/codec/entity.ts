/**
 * Descriptions on the wire: one `entity_specification` item per carrier. Ids carry a leading slash there
 * and none here; a class number that we do not know (and the 0 that `/FP` has) is UNKNOWN.
 */
import { ENTITY_CLASSES, Problem, isMac, type DeviceDescription, type Entity, type EntityClass } from '@lucihub/analog'
import { anabrid, type Module, type Received } from '../wire/messages.ts'

type WireEntity = Received<anabrid.Entity.$Properties>

const CLASS_OF: ReadonlyMap<number, EntityClass> = new Map(
  ENTITY_CLASSES.map((entityClass) => [anabrid.Entity.Class[entityClass], entityClass]),
)

/** The module that a device answers an extract command with. */
export function encodeDescription(description: DeviceDescription): anabrid.Module.$Properties {
  return { items: description.carriers.map((carrier) => ({ entitySpecification: { entity: encodeEntity(carrier) } })) }
}

/** One part and, where asked for, what is in it. Proto3 defaults stay off the wire, as devices do it. */
export function encodeEntity(entity: Entity): anabrid.Entity.$Properties {
  const { version, location } = entity
  return {
    id: `/${entity.id}`,
    class_: anabrid.Entity.Class[entity.class] || null,
    type: entity.type || null,
    variant: entity.variant || null,
    version: version && { major: version.major || null, minor: version.minor || null, patch: version.patch || null },
    eui: entity.eui || null,
    children: entity.children.map(encodeEntity),
    locationV0: location && { stack: location.stack || null, carrier: location.carrier || null },
  }
}

/**
 * Reads the description out of a module; items of other kinds are passed over. Null when it holds no
 * carrier. Throws a Problem `invalid-request` when a carrier's id is not a MAC address or comes twice.
 */
export function decodeDescription(module: Module): DeviceDescription | null {
  const roots = module.items.flatMap(({ entitySpecification }) =>
    entitySpecification?.entity ? [decodeEntity(entitySpecification.entity)] : [],
  )
  const carriers = roots.flatMap((root) => (root.class === 'DEVICE' ? root.children : [root]))
  const seen = new Set<string>()
  for (const { id } of carriers) {
    if (!isMac(id)) throw new Problem('invalid-request', `"${id}" is not the MAC address of a carrier.`)
    if (seen.has(id)) throw new Problem('invalid-request', `The carrier ${id} is described twice.`)
    seen.add(id)
  }
  return carriers.length === 0 ? null : { carriers: carriers.toSorted(byLocation) }
}

function decodeEntity(entity: WireEntity): Entity {
  const { version, locationV0 } = entity
  return {
    id: entity.id.replace(/^\//, ''),
    class: CLASS_OF.get(entity.class_) ?? 'UNKNOWN',
    type: entity.type,
    variant: entity.variant,
    version: version ? { major: version.major, minor: version.minor, patch: version.patch } : null,
    eui: entity.eui,
    location: locationV0 ? { stack: locationV0.stack, carrier: locationV0.carrier } : null,
    children: entity.children.map(decodeEntity),
  }
}

function byLocation(a: Entity, b: Entity): number {
  return (a.location?.stack ?? 0) - (b.location?.stack ?? 0) || (a.location?.carrier ?? 0) - (b.location?.carrier ?? 0)
}
