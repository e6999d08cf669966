/**
 * Looks at every endpoint that a source names, and publishes the whole list of what answers: at every
 * change, and every few seconds as a sign of life. Endpoints are looked at independently, so a slow one
 * costs the others nothing.
 */
import { Inject, Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common'
import { descriptionToProto, deviceClass, feeds } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { gauge } from '@lucihub/service-kit'
import { Announced } from './announced.ts'
import { listed, type Candidate, type Source } from './candidate.ts'
import { SCANNER_CONFIG, type ScannerConfig } from './config.ts'
import { EndpointWatch } from './endpoint-watch.ts'
import { ListFile } from './list-file.ts'
import { ownAddresses } from './own-addresses.ts'
import { rosterOf, type Roster, type RosterEntry } from './roster.ts'
import { SubnetSweep } from './subnet-sweep.ts'

/** Endpoints looked at at the same time. */
const LOOKS_AT_ONCE = 32
/** Longest time between two lists, ms. */
const SIGN_OF_LIFE_MS = 5000
/** How long a new scanner listens for announcements before its first list, ms: a list without a device ends its leases. */
const MDNS_SETTLE_MS = 3000
/** Longest time for one publish, ms; the next list replaces it anyway. */
const PUBLISH_MS = 4000

const activeDevices = gauge('lucihub_scanner_active_devices', 'Devices that answer')

@Injectable()
export class Scanner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger('Scanner')
  private readonly list: ListFile
  private announced: Announced | null = null
  private sweep: SubnetSweep | null = null
  /** By `host:port`, in order of precedence. */
  private watches = new Map<string, EndpointWatch>()
  private readonly waiting = new Set<EndpointWatch>()
  private readonly looking = new Set<EndpointWatch>()
  private readonly startedAt = performance.now()
  private timer: NodeJS.Timeout | undefined
  private sequence = 0
  private published = { signature: '', at: -Infinity }
  private publishing = false
  private complete = false
  private warned = ''
  private closing = false

  constructor(
    private readonly bus: Bus,
    @Inject(SCANNER_CONFIG) private readonly config: ScannerConfig,
  ) {
    this.list = new ListFile(config.listFile)
  }

  onApplicationBootstrap(): void {
    const { mdns, mdnsInterface, publicAddresses, subnet, subnetPort, subnetRatePerS, subnetPauseMs } = this.config
    if (mdns) this.announced = new Announced({ networkInterface: mdnsInterface, publicToo: publicAddresses })
    if (subnet.length > 0)
      this.sweep = new SubnetSweep({
        addresses: subnet,
        port: subnetPort,
        ratePerS: subnetRatePerS,
        pauseMs: subnetPauseMs,
      })
    void this.turn()
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.closing = true
    clearTimeout(this.timer)
    await Promise.all([this.announced?.close(), this.sweep?.close()])
  }

  /** One turn: what is there to look at, and a look at each. */
  private async turn(): Promise<void> {
    const startedAt = performance.now()
    this.watch(await this.candidates())
    for (const watch of this.watches.values()) if (!this.looking.has(watch)) this.waiting.add(watch)
    this.pump()
    void this.publish()
    if (this.closing) return
    this.timer = setTimeout(
      () => void this.turn(),
      Math.max(0, startedAt + this.config.scanIntervalMs - performance.now()),
    )
  }

  /** Of all sources, in order of precedence. */
  private async candidates(): Promise<readonly Candidate[]> {
    const of = (source: Source) => ({ source, trusted: this.config.trust.includes(source) })
    const nowhere = { location: null }
    return [
      ...(await this.list.candidates()).map((device) => ({ ...listed(device), ...of('list') })),
      ...this.config.devices.map((device) => ({ ...listed(device), ...of('static') })),
      ...(this.announced?.candidates() ?? []).map((device) => ({ ...device, ...nowhere, ...of('mdns') })),
      ...(this.sweep?.candidates() ?? []).map((device) => ({ ...device, ...nowhere, ...of('subnet') })),
    ]
  }

  /** Keeps the watches of endpoints that are still named, begins new ones, and forgets the rest. */
  private watch(candidates: readonly Candidate[]): void {
    const watches = new Map<string, EndpointWatch>()
    for (const candidate of candidates) {
      const key = `${candidate.host}:${candidate.port}`
      if (watches.has(key)) continue
      const watch = this.watches.get(key) ?? new EndpointWatch(candidate)
      watch.candidate = candidate
      watches.set(key, watch)
    }
    this.watches = watches
    for (const watch of this.waiting) if (!this.watched(watch)) this.waiting.delete(watch)
  }

  private watched(watch: EndpointWatch): boolean {
    return this.watches.get(`${watch.candidate.host}:${watch.candidate.port}`) === watch
  }

  private pump(): void {
    for (const watch of this.waiting) {
      if (this.looking.size >= LOOKS_AT_ONCE || this.closing) return
      this.waiting.delete(watch)
      this.looking.add(watch)
      void this.look(watch)
    }
  }

  private async look(watch: EndpointWatch): Promise<void> {
    await watch.look()
    this.looking.delete(watch)
    this.pump()
    void this.publish()
  }

  /** Publishes the list if it changed or a sign of life is due; one at a time. */
  private async publish(): Promise<void> {
    if (this.publishing || this.closing || !this.knowsEnough()) return
    const devices = this.roster().devices
    const signature = JSON.stringify(devices.map(({ description: _, ...rest }) => rest))
    if (signature === this.published.signature && performance.now() < this.published.at + SIGN_OF_LIFE_MS) return
    this.publishing = true
    const sequence = ++this.sequence
    try {
      const list = { scannerBootId: this.bus.bootId, sequence, devices: devices.map(activeDevice) }
      await this.bus.publish(feeds.activeDevices, [this.config.name], list, {
        id: `active/${sequence}`,
        timeoutMs: PUBLISH_MS,
      })
      this.published = { signature, at: performance.now() }
      activeDevices.set(devices.length)
    } catch (error) {
      this.log.warn(`list ${sequence} was not published: ${String(error)}`)
    }
    this.publishing = false
  }

  /** A list replaces the one before it, so the first waits until every endpoint was looked at. */
  private knowsEnough(): boolean {
    this.complete ||=
      [...this.watches.values()].every(({ looked }) => looked) &&
      (!this.config.mdns || performance.now() > this.startedAt + MDNS_SETTLE_MS)
    return this.complete
  }

  private roster(): Roster {
    const sightings = [...this.watches.values()].flatMap(({ candidate, identity }) =>
      identity ? [{ ...candidate, ...identity }] : [],
    )
    const roster = rosterOf(sightings, ownAddresses())
    const warnings = roster.warnings.join('\n')
    if (warnings !== this.warned) roster.warnings.forEach((warning) => this.log.warn(warning))
    this.warned = warnings
    return roster
  }
}

function activeDevice({ deviceClass: word, description, hash, ...rest }: RosterEntry) {
  return {
    ...rest,
    deviceClass: deviceClass.toProto(word),
    description: descriptionToProto(description),
    descriptionHash: hash,
  }
}
