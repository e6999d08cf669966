import type { DeviceDescription, Entity } from '@lucihub/analog'
import { entityClass } from '../enums.ts'
import type { DeviceDescriptionMessage, EntityMessage } from '../messages.ts'

export function descriptionToProto(description: DeviceDescription): DeviceDescriptionMessage {
  return { carriers: description.carriers.map(entityToProto) }
}

export function descriptionFromProto(message: DeviceDescriptionMessage): DeviceDescription {
  return { carriers: message.carriers.map(entityFromProto) }
}

function entityToProto(entity: Entity): EntityMessage {
  return { ...entity, class: entityClass.toProto(entity.class), children: entity.children.map(entityToProto) }
}

function entityFromProto(message: EntityMessage): Entity {
  const { id, type, variant, version, eui, location } = message
  return {
    id,
    type,
    variant,
    eui,
    class: entityClass.fromProto(message.class),
    version: version ? { major: version.major, minor: version.minor, patch: version.patch } : null,
    location: location ? { stack: location.stack, carrier: location.carrier } : null,
    children: message.children.map(entityFromProto),
  }
}
