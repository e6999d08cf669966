/** What a scanner can be told from outside. The only file of this service that reads the environment. */
import { readEnvironment, serviceConfig, type ServiceConfig } from '@lucihub/service-kit'

/** Injects the {@link ScannerConfig}. */
export const SCANNER_CONFIG = Symbol('ScannerConfig')

export interface ScannerConfig extends ServiceConfig {
  /** Names this scanner's list on the bus: letters, digits, "-" and "_". */
  readonly name: string
  /** The device list; empty for none. Read again when it changes. */
  readonly listFile: string
  /** Browse the network for devices that announce themselves. */
  readonly mdns: boolean
  /** IPv4 address of the only network interface to browse on; empty for all. */
  readonly mdnsInterface: string
  /** Time between two probes of an endpoint, ms. */
  readonly scanIntervalMs: number
}

export function loadConfig(env: NodeJS.ProcessEnv): ScannerConfig {
  return readEnvironment(env, (read) => ({
    ...serviceConfig(read),
    name: read.text('SCANNER_NAME', 'scanner'),
    // Not by way of `text('DEVICE_LIST')`, whose _FILE convention would put the list itself in its place.
    listFile: read.text('DEVICE_LIST_FILE', ''),
    mdns: read.choice('DEVICE_MDNS', ['on', 'off'], 'off') === 'on',
    mdnsInterface: read.text('DEVICE_MDNS_INTERFACE', ''),
    scanIntervalMs: read.integer('SCAN_INTERVAL_MS', { default: 2000, min: 50, max: 60_000 }),
  }))
}
