/** For configurations that come without a device: what they seem to be made for, and how they move to another one. */
import type { Configuration } from './configuration.ts'
import { portableCarrier, portablePosition } from './entity.ts'
import { carrierPosition } from './hops.ts'
import { LUCIDAC } from './lucidac.ts'
import { MREDAC, REDAC } from './redac.ts'
import type { DeviceSpecification } from './specification.ts'
import { violationsOf } from './validate.ts'

/**
 * The smallest standard device that can carry the configuration, with the configuration's own carrier ids. When none
 * can, the smallest one with as many carriers and clusters: what is wrong then shows in its violations.
 */
export function presumedSpecification(configuration: Configuration): DeviceSpecification {
  const candidates = [LUCIDAC, MREDAC, REDAC].map((device) => withCarriersOf(configuration, device))
  return (
    candidates.find((device) => violationsOf(configuration, device).length === 0) ??
    candidates.find((device) => hasClusters(configuration, device)) ??
    withCarriersOf(configuration, REDAC)
  )
}

/** The configuration with portable carriers, by position, when it is made for another machine with no more of them. */
export function movedTo(configuration: Configuration, specification: DeviceSpecification): Configuration {
  const { carriers } = configuration
  const known = carriers.some(({ carrier }) => carrierPosition(carrier, specification) >= 0)
  if (known || carriers.length > specification.carriers.length) return configuration
  return {
    ...configuration,
    carriers: carriers.map((carrier, position) => ({ ...carrier, carrier: portableCarrier(position) })),
  }
}

function withCarriersOf({ carriers }: Configuration, device: DeviceSpecification): DeviceSpecification {
  const named = (id: string): string => {
    const given = carriers[device.carriers.findIndex((carrier) => carrier.id === id)]?.carrier
    return given === undefined || portablePosition(given) !== null ? id : given
  }
  return {
    ...device,
    carriers: device.carriers.map((carrier) => ({ ...carrier, id: named(carrier.id) })),
    backplanes: device.backplanes.map(({ holder, places }) => ({
      holder: named(holder),
      places: places.map((id) => id && named(id)),
    })),
  }
}

function hasClusters({ carriers }: Configuration, device: DeviceSpecification): boolean {
  return carriers.every((carrier) => {
    const found = device.carriers[carrierPosition(carrier.carrier, device)]
    return (
      found !== undefined && carrier.clusters.every(({ index }) => found.clusters.some((one) => one.index === index))
    )
  })
}
