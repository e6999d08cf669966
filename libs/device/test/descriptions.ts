/** Descriptions to test against, made up after the shapes that real devices have. */
import { lucidacDescription, type DeviceDescription, type Entity, type EntityClass } from '@lucihub/analog'

export const MAC = '04-E9-E5-0A-0B-0C'

/** A LUCIDAC whose parts have chips. */
export const lucidac: DeviceDescription = {
  carriers: lucidacDescription(MAC).carriers.map((carrier) => ({ ...carrier, eui: '00-04-A3-0B-00-01-02-03' })),
}

/** An mREDAC: three clusters with MDR blocks, a T block. */
export function mredacCarrier(mac: string, location = { stack: 0, carrier: 0 }): Entity {
  const cluster = (index: number) =>
    part(String(index), 'CLUSTER', 0, '0.0.0', [
      part('M0', 'M_BLOCK', 1, '1.1.1'),
      part('M1', 'M_BLOCK', 3, '1.0.0'),
      part('U', 'U_BLOCK', 1, '1.2.0'),
      part('C', 'C_BLOCK', 1, '1.2.0'),
      part('I', 'I_BLOCK', 1, '1.3.0'),
      part('SH', 'SH_BLOCK', 1, '1.2.1'),
    ])
  const carrier = part(mac, 'CARRIER', 2, '1.1.5', [
    cluster(0),
    cluster(1),
    cluster(2),
    part('CTRL', 'CTRL_BLOCK', 0, '0.0.0'),
    part('T', 'T_BLOCK', 1, '1.0.2'),
  ])
  return { ...carrier, location }
}

/** A stack of two mREDACs. */
export const redac: DeviceDescription = {
  carriers: [
    mredacCarrier('04-E9-E5-00-00-01', { stack: 0, carrier: 0 }),
    mredacCarrier('04-E9-E5-00-00-02', { stack: 0, carrier: 1 }),
  ],
}

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
