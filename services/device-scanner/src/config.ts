/** What a scanner can be told from outside. The only file of this service that reads the environment. */
import { DEVICE_PORT, parseDeviceList, type ListedDevice } from '@lucihub/device'
import { readEnvironment, serviceConfig, type ServiceConfig } from '@lucihub/service-kit'
import { SOURCES, type Source } from './candidate.ts'
import { addressesOf } from './subnet.ts'

/** Injects the {@link ScannerConfig}. */
export const SCANNER_CONFIG = Symbol('ScannerConfig')

export interface ScannerConfig extends ServiceConfig {
  /** Names this scanner's list on the bus: letters, digits, "-" and "_". */
  readonly name: string
  /** The device list; empty for none. Read again when it changes. */
  readonly listFile: string
  /** Devices that are part of the configuration. */
  readonly devices: readonly ListedDevice[]
  /** Browse the network for devices that announce themselves. */
  readonly mdns: boolean
  /** IPv4 address of the only network interface to browse on; empty for all. */
  readonly mdnsInterface: string
  /** Addresses to knock at; empty for none. */
  readonly subnet: readonly string[]
  /** TCP port of those. */
  readonly subnetPort: number
  /** Knocks a second. */
  readonly subnetRatePerS: number
  /** From the end of one sweep to the next, ms. */
  readonly subnetPauseMs: number
  /** Follow announcements, and sweep subnets, that lead out of the site. */
  readonly publicAddresses: boolean
  /** Sources whose devices need no operator's approval. */
  readonly trust: readonly Source[]
  /** Time between two probes of an endpoint, ms. */
  readonly scanIntervalMs: number
}

export function loadConfig(env: NodeJS.ProcessEnv): ScannerConfig {
  return readEnvironment(env, (read) => {
    const publicAddresses = read.choice('DEVICE_PUBLIC_ADDRESSES', ['on', 'off'], 'off') === 'on'
    return {
      ...serviceConfig(read),
      name: read.text('SCANNER_NAME', 'scanner'),
      // Not by way of `text('DEVICE_LIST')`, whose _FILE convention would put the list itself in its place.
      listFile: read.text('DEVICE_LIST_FILE', ''),
      devices: read.parsed('DEVICES', '', staticDevices),
      mdns: read.choice('DEVICE_MDNS', ['on', 'off'], 'off') === 'on',
      mdnsInterface: read.text('DEVICE_MDNS_INTERFACE', ''),
      subnet: read.parsed('DEVICE_SUBNETS', '', (text) => addressesOf(text, { publicToo: publicAddresses })),
      subnetPort: read.integer('DEVICE_SUBNET_PORT', { default: DEVICE_PORT, min: 1, max: 65_535 }),
      subnetRatePerS: read.integer('DEVICE_SUBNET_RATE', { default: 50, min: 1, max: 500 }),
      subnetPauseMs: read.integer('DEVICE_SUBNET_PAUSE_MS', { default: 60_000, min: 50, max: 86_400_000 }),
      publicAddresses,
      trust: read.parsed('DEVICE_TRUST', 'list,static', sources),
      scanIntervalMs: read.integer('SCAN_INTERVAL_MS', { default: 2000, min: 50, max: 60_000 }),
    }
  })
}

function staticDevices(text: string): readonly ListedDevice[] {
  const { devices, errors } = parseDeviceList(text)
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join(' '))
  return devices
}

function sources(text: string): readonly Source[] {
  const words = text.split(',').map((word) => word.trim())
  const known = SOURCES.filter((source) => words.includes(source))
  if (text !== 'none' && known.length !== new Set(words).size)
    throw new Error(`use some of ${SOURCES.join(', ')} between commas, or none.`)
  return known
}
