/**
 * Makes the active-device list out of what was seen where. A device is what its MAC address says, wherever
 * it answers, so the first endpoint of a MAC wins; names are unique, because people and executors use them.
 */
import {
  deviceClassOf,
  deviceIdOf,
  isMac,
  specificationOf,
  type DeviceClass,
  type DeviceDescription,
} from '@lucihub/analog'
import { mdnsNameOf, type FoundDevice } from '@lucihub/device'

/** An endpoint as its source names it (an empty name: not at all), and the device that answers there. */
export interface Sighting extends FoundDevice {
  readonly description: DeviceDescription
  readonly hash: string
}

export interface RosterEntry {
  readonly id: string
  readonly name: string
  readonly deviceClass: DeviceClass
  readonly host: string
  readonly port: number
  readonly description: DeviceDescription
  readonly hash: string
}

export interface Roster {
  readonly devices: readonly RosterEntry[]
  /** What was left out or renamed, for the log. */
  readonly warnings: readonly string[]
}

/** `sightings` in order of precedence. */
export function rosterOf(sightings: readonly Sighting[]): Roster {
  const devices = new Map<string, RosterEntry>()
  const names = new Set<string>()
  const warnings: string[] = []
  for (const { host, port, name: given, simulator, description, hash } of sightings) {
    const id = deviceIdOf(description)
    const first = devices.get(id)
    if (!isMac(id)) {
      warnings.push(`${host}:${port} calls itself "${id.slice(0, 40)}", which is no MAC address, and is left out.`)
    } else if (first) {
      warnings.push(`${id} answers at ${host}:${port} and at ${first.host}:${first.port}; the latter is used.`)
    } else {
      const wanted = given || mdnsNameOf(id)
      const name = [wanted, `${wanted}-${id.slice(-8)}`].find((candidate) => !names.has(candidate)) ?? id
      if (name !== wanted)
        warnings.push(`The name ${wanted} is taken: the device at ${host}:${port} is called ${name}.`)
      names.add(name)
      const deviceClass = simulator ? 'SIMULATOR' : deviceClassOf(specificationOf(description))
      devices.set(id, { id, name, deviceClass, host, port, description, hash })
    }
  }
  return { devices: [...devices.values()], warnings }
}
