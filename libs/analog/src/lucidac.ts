/** The standard LUCIDAC as a value: what virtual devices describe themselves as and what "any LUCIDAC" compiles for. */
import { PORTABLE_CARRIER, type DeviceDescription, type Entity, type EntityClass } from './entity.ts'
import { specificationOf, type DeviceSpecification } from './specification.ts'

/** The description of a standard LUCIDAC (integrators in slot 0, multipliers in slot 1) with this MAC address. */
export function lucidacDescription(mac: string): DeviceDescription {
  const cluster = part('0', 'CLUSTER', 0, '0.0.0', [
    part('M0', 'M_BLOCK', 1, '1.1.1'),
    part('M1', 'M_BLOCK', 2, '1.1.0'),
    part('U', 'U_BLOCK', 1, '1.2.0'),
    part('C', 'C_BLOCK', 1, '1.1.0'),
    part('I', 'I_BLOCK', 1, '1.2.0'),
    part('SH', 'SH_BLOCK', 1, '1.2.1'),
  ])
  const carrier = part(mac, 'CARRIER', 1, '1.1.0', [
    cluster,
    part('CTRL', 'CTRL_BLOCK', 1, '1.1.0'),
    part('FP', 'UNKNOWN', 0, '0.0.0'),
  ])
  return { carriers: [{ ...carrier, location: { stack: 0, carrier: 0 } }] }
}

/** What any standard LUCIDAC offers. */
export const LUCIDAC: DeviceSpecification = specificationOf(lucidacDescription(PORTABLE_CARRIER))

function part(id: string, entityClass: EntityClass, type: number, version: string, children: Entity[] = []): Entity {
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
