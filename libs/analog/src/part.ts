/** A part of a described device in few words, for the devices that are values here. */
import type { Entity, EntityClass } from './entity.ts'

/** The version is `major.minor.patch`. */
export function part(
  id: string,
  entityClass: EntityClass,
  type: number,
  version: string,
  children: Entity[] = [],
): Entity {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  return {
    id,
    class: entityClass,
    type,
    variant: 1,
    version: { major, minor, patch },
    eui: '',
    location: null,
    children,
  }
}
