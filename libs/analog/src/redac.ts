/** The larger machines as values: an mREDAC is one carrier with three clusters, a REDAC up to seven of them on a backplane. */
import { portableCarrier, type DeviceDescription, type Entity } from './entity.ts'
import { BACKPLANE_PLACES } from './limits.ts'
import { part } from './part.ts'
import { specificationOf, type DeviceSpecification } from './specification.ts'

const CLUSTERS = 3

/** The description of an mREDAC: in each cluster integrators in slot 0 and MDR elements in slot 1. */
export function mredacDescription(mac: string): DeviceDescription {
  return { carriers: [carrierAt(0, mac)] }
}

/** The description of a REDAC of one stack: carriers in the order of their places, at most seven; the first holds the backplane's switches. */
export function redacDescription(macs: readonly string[]): DeviceDescription {
  return {
    carriers: macs.slice(0, BACKPLANE_PLACES).map((mac, place) => {
      const carrier = carrierAt(place, mac)
      return place > 0 ? carrier : { ...carrier, children: [...carrier.children, ...backplane()] }
    }),
  }
}

/** What any mREDAC offers. */
export const MREDAC: DeviceSpecification = specificationOf(mredacDescription(portableCarrier(0)))

/** What any full REDAC offers: seven carriers. */
export const REDAC: DeviceSpecification = specificationOf(
  redacDescription(Array.from({ length: BACKPLANE_PLACES }, (_, place) => portableCarrier(place))),
)

function carrierAt(place: number, mac: string): Entity {
  const carrier = part(mac, 'CARRIER', 2, '1.1.5', [
    ...Array.from({ length: CLUSTERS }, (_, index) =>
      part(String(index), 'CLUSTER', 0, '0.0.0', [
        part('M0', 'M_BLOCK', 1, '1.1.1'),
        part('M1', 'M_BLOCK', 3, '1.0.0'),
        part('U', 'U_BLOCK', 1, '1.2.0'),
        part('C', 'C_BLOCK', 1, '1.1.0'),
        part('I', 'I_BLOCK', 1, '1.3.0'),
        part('SH', 'SH_BLOCK', 1, '1.2.1'),
      ]),
    ),
    part('CTRL', 'CTRL_BLOCK', 1, '1.1.0'),
    part('T', 'T_BLOCK', 1, '1.0.2'),
  ])
  return { ...carrier, location: { stack: 0, carrier: place } }
}

function backplane(): Entity[] {
  return [
    part('BP', 'BACK_PANEL', 1, '2.0.0'),
    ...['ST0', 'ST1', 'ST2'].map((id) => part(id, 'BACK_PANEL_T_BLOCK', 1, '1.0.0')),
  ]
}
