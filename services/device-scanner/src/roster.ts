/**
 * Makes the active-device list out of what was seen where. A device is what its MAC address says, wherever
 * it answers, so the first endpoint of a MAC wins, and the others are told: two names of one address are one
 * endpoint, but one MAC at two addresses is one device too many. Names are unique, because people and executors
 * use them.
 */
import {
  deviceClassOf,
  deviceIdOf,
  isMac,
  specificationOf,
  type CarrierLocation,
  type DeviceClass,
  type DeviceDescription,
} from '@lucihub/analog'
import { mdnsNameOf, type Generation } from '@lucihub/device'
import type { Candidate, Source } from './candidate.ts'

/** Devices of one list: far more than a laboratory has, and a list stays below a message's bound. */
export const DEVICES_MAX = 512
/** Other endpoints told of one device. */
const ALSO_AT_MAX = 8
/** Of what a device says about its firmware. */
const FIRMWARE_CHARACTERS_MAX = 200

/** An endpoint as its source names it, and the device that answers there. */
export interface Sighting extends Candidate {
  readonly description: DeviceDescription
  readonly hash: string
  readonly generation: Generation
  readonly firmware: string
  /** The IP address behind the host. */
  readonly address: string
}

export interface RosterEntry {
  readonly id: string
  readonly name: string
  readonly deviceClass: DeviceClass
  readonly host: string
  readonly port: number
  readonly description: DeviceDescription
  readonly hash: string
  readonly sighting: {
    readonly source: Source
    readonly trusted: boolean
    readonly generation: Generation
    readonly firmware: string
    readonly location: CarrierLocation | null
    /** host:port of its other endpoints at other addresses. */
    readonly alsoAt: readonly string[]
  }
}

export interface Roster {
  readonly devices: readonly RosterEntry[]
  /** What was left out or renamed, for the log. */
  readonly warnings: readonly string[]
}

/** `sightings` in order of precedence; `here`: the addresses of this machine, which are one. */
export function rosterOf(sightings: readonly Sighting[], here: ReadonlySet<string> = new Set()): Roster {
  const placeOf = ({ address, port }: Sighting): string => `${isOwn(address, here) ? 'here' : address}:${port}`
  const devices = new Map<string, RosterEntry>()
  const places = new Map<string, string>()
  const names = new Set<string>()
  const warnings: string[] = []
  for (const sighting of sightings) {
    const { host, port, name: given, description, hash } = sighting
    const id = deviceIdOf(description)
    const first = devices.get(id)
    if (!isMac(id)) {
      warnings.push(`${host}:${port} calls itself "${id.slice(0, 40)}", which is no MAC address, and is left out.`)
    } else if (first) {
      if (places.get(id) === placeOf(sighting)) continue
      warnings.push(`${id} answers at ${host}:${port} and at ${first.host}:${first.port}; the latter is used.`)
      const alsoAt = [...first.sighting.alsoAt, `${host}:${port}`].slice(0, ALSO_AT_MAX)
      devices.set(id, { ...first, sighting: { ...first.sighting, alsoAt } })
    } else if (devices.size >= DEVICES_MAX) {
      warnings.push(`${host}:${port} is left out: a list has at most ${DEVICES_MAX} devices.`)
    } else {
      const wanted = given || mdnsNameOf(id)
      const name = [wanted, `${wanted}-${id.slice(-8)}`].find((candidate) => !names.has(candidate)) ?? id
      if (name !== wanted)
        warnings.push(`The name ${wanted} is taken: the device at ${host}:${port} is called ${name}.`)
      names.add(name)
      places.set(id, placeOf(sighting))
      const deviceClass = sighting.simulator ? 'SIMULATOR' : deviceClassOf(specificationOf(description))
      devices.set(id, { id, name, deviceClass, host, port, description, hash, sighting: foundOf(sighting) })
    }
  }
  return { devices: [...devices.values()], warnings }
}

function foundOf({ source, trusted, generation, firmware, location }: Sighting): RosterEntry['sighting'] {
  return { source, trusted, generation, firmware: firmware.slice(0, FIRMWARE_CHARACTERS_MAX), location, alsoAt: [] }
}

function isOwn(address: string, here: ReadonlySet<string>): boolean {
  return here.has(address) || address.startsWith('127.') || address === '::1'
}
