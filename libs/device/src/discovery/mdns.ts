/**
 * Devices find each other by mDNS: service `_lucijsonl._tcp`, the same for both protocol generations, and an
 * instance name that ends in the last three bytes of the MAC address. Where multicast is not possible,
 * nothing is found and `onProblem` says why; nothing here throws for the network's sake.
 */
import { Problem } from '@lucihub/analog'
import bonjour, { type Service, type ServiceConfig } from 'bonjour-service'
import type { EventEmitter } from 'node:events'
import { DEVICE_PORT } from '../client/session.ts'

const SERVICE = { type: 'lucijsonl', protocol: 'tcp' } as const

/** The name a device goes by: `lucidac-XX-YY-ZZ`, of the last three bytes of its MAC address. */
export function mdnsNameOf(mac: string): string {
  return `lucidac-${mac.split('-').slice(-3).join('-')}`
}

interface NetworkOptions {
  /** IPv4 address of the only network interface to use; default all of them. */
  readonly networkInterface?: string
  /** Hears why nothing can be announced or found. */
  readonly onProblem?: (problem: Problem) => void
}

export interface AdvertiseOptions extends NetworkOptions {
  /** Instance name, `lucidac-XX-YY-ZZ`. */
  readonly name: string
  readonly port: number
  /** Entries of the TXT record, e.g. `{ class: 'SIMULATOR' }`. */
  readonly txt?: Readonly<Record<string, string>>
}

/** A device that announced itself. */
export interface FoundDevice {
  readonly name: string
  /** Its first IPv4 address, else whatever the announcement came from. */
  readonly host: string
  readonly port: number
  /** From the TXT record `class=SIMULATOR`. */
  readonly simulator: boolean
}

export interface BrowseOptions extends NetworkOptions {
  readonly onUp: (device: FoundDevice) => void
  readonly onDown?: (device: FoundDevice) => void
}

/** Something that goes on in the background until it is closed. */
export interface Closable {
  close(): Promise<void>
}

/** Announces a device until closed. */
export function advertise({ name, port, txt, ...network }: AdvertiseOptions): Closable {
  return withBonjour(network, (instance) => {
    // No probing: it fails on a name in use, and two devices never share a MAC address.
    instance.publish({ name, port, ...SERVICE, probe: false, disableIPv6: true, ...(txt && { txt: { ...txt } }) })
  })
}

/** Listens for devices until closed. */
export function browse({ onUp, onDown, ...network }: BrowseOptions): Closable {
  return withBonjour(network, (instance) => {
    const browser = instance.find(SERVICE)
    browser.on('up', (service) => report(service, onUp))
    browser.on('down', (service) => report(service, onDown))
  })
}

function report(service: Service, hear: ((device: FoundDevice) => void) | undefined): void {
  const { name, addresses = [], referer, port = DEVICE_PORT } = service
  const host = addresses.find((address) => /^\d+(\.\d+){3}$/.test(address)) ?? referer?.address
  const txt = (service.txt ?? {}) as Record<string, unknown>
  if (host) hear?.({ name, host, port, simulator: txt['class'] === 'SIMULATOR' })
}

type Bonjour = InstanceType<typeof bonjour>

function withBonjour({ networkInterface, onProblem }: NetworkOptions, start: (instance: Bonjour) => void): Closable {
  const fail = (cause: unknown) => {
    const detail = cause instanceof Error ? cause.message : String(cause)
    onProblem?.(new Problem('unavailable', `mDNS is not possible here: ${detail}`, { cause }))
  }
  try {
    const multicast: Partial<ServiceConfig> = {}
    // What multicast-dns takes and bonjour's types do not list. By itself it would bind to the interface's own
    // address, where Linux delivers no multicast.
    if (networkInterface) Object.assign(multicast, { interface: networkInterface, bind: '0.0.0.0' })
    const instance = new bonjour(multicast, fail)
    // The multicast socket reports a port in use as an event that nobody else listens to.
    const { mdns } = (instance as unknown as { server: { mdns: EventEmitter } }).server
    mdns.on('error', fail)
    mdns.on('warning', fail)
    start(instance)
    return { close: () => closed(instance) }
  } catch (thrown) {
    fail(thrown)
    return { close: async () => {} }
  }
}

/** Says goodbye, then frees the socket. A goodbye that cannot be sent is not waited for longer than this, ms. */
const GOODBYE_MS = 500

async function closed(instance: Bonjour): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, GOODBYE_MS)
    instance.unpublishAll(() => {
      clearTimeout(timer)
      resolve()
    })
  })
  await new Promise<void>((resolve) => instance.destroy(resolve))
}
