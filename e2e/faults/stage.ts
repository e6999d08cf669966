/**
 * A whole hub on which faults can be staged: every service a process of its own (two run-stores, a spare executor),
 * a relay on every leg between them, servers that can be killed, devices in a process of ours. A supervisor starts
 * what ended, as an orchestrator would, unless a fault holds it down.
 */
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, launch, type Binaries, type Child } from '@lucihub/servers'
import { startHub, type Environments, type Hub } from '../../tools/hub.mjs'
import type { DeviceHost } from './device-main.ts'
import type { Misbehaviour } from './formula-computer.ts'
import { monotonicMs } from './device-log.ts'
import { Relay } from './relay.ts'

/** Short, so that takeovers fit into a schedule. */
export const TIMES = { leaseTtlMs: 3_000, leaseGraceMs: 500, lostAfterMs: 15_000, dispatchRetryMs: 1_000 } as const

export const SERVERS = ['nats', 'postgres', 'redis'] as const
export type ServerName = (typeof SERVERS)[number]
export const STORES = ['run-store', 'run-store-2'] as const
export const EXECUTOR = 'hardware-executor'
export const SPARE = 'hardware-executor-2'
export const SERVICES = [...STORES, EXECUTOR, 'device-scanner', 'compiler', 'api-gateway'] as const
export const DEVICES = 'devices'

export interface StagedDevice {
  readonly mac: string
  readonly name: string
  readonly simulator: boolean
  /** Relay in front of it. */
  readonly leg: string
}

/** Something that happened to a process, for the checker. */
export interface Incident {
  readonly at: number
  readonly wallMs: number
  readonly process: string
  readonly what: 'killed' | 'frozen' | 'thawed' | 'started' | 'ended'
  readonly detail: string
}

export interface StageOptions {
  readonly dir: string
  readonly binaries: Binaries
  /** Folder of the bundles, mutated or not. */
  readonly bundles: string
  /** Bundle of the device process. */
  readonly deviceBundle: string
  /** Module that services load first, to shift their wall clock. */
  readonly clockShim: string
}

export class Stage {
  readonly incidents: Incident[] = []
  readonly #held = new Set<string>()
  readonly #expected = new Set<string>()
  #supervising = true
  #supervisor: Promise<void> = Promise.resolve()

  readonly #deviceHost: { child: Child; begin(): Child }
  /** Message ids that a fault spoiled on their way. */
  readonly spoiled = new Set<string>()

  private constructor(
    readonly hub: Hub,
    readonly devices: readonly StagedDevice[],
    readonly relays: Readonly<Record<string, Relay>>,
    readonly files: { readonly deviceLog: string; readonly misbehaviour: string; readonly clock: string },
    deviceHost: { child: Child; begin(): Child },
  ) {
    this.#deviceHost = deviceHost
  }

  static async open(options: StageOptions): Promise<Stage> {
    const { dir, binaries, bundles, deviceBundle, clockShim } = options
    mkdirSync(dir, { recursive: true })
    const files = {
      deviceLog: join(dir, 'devices.jsonl'),
      misbehaviour: join(dir, 'misbehaviour.json'),
      clock: join(dir, 'clock-offset-ms'),
    }
    const relays: Record<string, Relay> = {}
    const placed = await Promise.all(
      ['alpha', 'beta', 'gamma'].map(async (name, index) => {
        const port = await freePort()
        const relay = await Relay.open({ to: { host: '127.0.0.1', port } })
        relays[`executor-${name}`] = relay
        return { mac: randomMac(), name, simulator: index === 2, leg: `executor-${name}`, port }
      }),
    )
    const host: DeviceHost = { devices: placed, logFile: files.deviceLog, misbehaviourFile: files.misbehaviour }
    const begin = () =>
      launch({
        command: process.execPath,
        args: [deviceBundle, JSON.stringify(host)],
        logFile: join(dir, 'logs/devices.log'),
      })
    const deviceHost = { child: begin(), begin }
    const environment = async (servers: Hub['servers']): Promise<Environments> => {
      const open = async (name: string, url: string, nats = false): Promise<string> => {
        const { hostname, port } = new URL(url)
        const relay = await Relay.open({ to: { host: hostname, port: Number(port) }, nats })
        relays[name] = relay
        return url.replace(`:${port}`, `:${relay.port}`)
      }
      const nats = (name: string) => open(`${name}-nats`, servers.nats.url, true)
      const shifted = { NODE_OPTIONS: `--import=${clockShim}`, FAULTS_CLOCK_FILE: files.clock }
      const store = async (name: string) => ({
        ...shifted,
        NATS_URL: await nats(name),
        DATABASE_URL: await open(`${name}-postgres`, servers.postgres.url),
        REDIS_URL: await open(`${name}-redis`, servers.redis.url),
        LEASE_TTL_MS: String(TIMES.leaseTtlMs),
        LEASE_GRACE_MS: String(TIMES.leaseGraceMs),
        LOST_AFTER_MS: String(TIMES.lostAfterMs),
        DISPATCH_RETRY_MS: String(TIMES.dispatchRetryMs),
      })
      const executor = { ...shifted, NATS_URL: await nats(EXECUTOR), EXECUTOR_HOST: 'local' }
      return {
        'run-store': await store('run-store'),
        'run-store-2': await store('run-store-2'),
        [EXECUTOR]: { ...executor, JOURNAL_DIR: join(dir, 'journal') },
        [SPARE]: { ...executor, JOURNAL_DIR: join(dir, 'journal-2') },
        'api-gateway': { ...shifted, NATS_URL: await nats('api-gateway'), STREAM_HEARTBEAT_MS: '2000' },
      }
    }
    try {
      const hub = await startHub({
        dir,
        binaries,
        bundles,
        environment,
        devices: [],
        durable: false,
        replicas: { 'run-store': 2, [EXECUTOR]: 2 },
        // A killed server must keep what it committed; only the machine's own death may be ignored here.
        postgresSettings: { synchronous_commit: 'on', full_page_writes: 'on' },
      })
      await hub.processes[SPARE]?.kill()
      const stage = new Stage(hub, placed, relays, files, deviceHost)
      for (const { name, leg, simulator } of placed)
        appendFileSync(
          join(dir, 'devices.txt'),
          `127.0.0.1:${relays[leg]?.port} name=${name}${simulator ? ' simulator' : ''}\n`,
        )
      stage.#held.add(SPARE)
      stage.#supervisor = stage.#supervise()
      return stage
    } catch (error) {
      await deviceHost.child.end({ signal: 'SIGKILL', graceMs: 0 })
      throw error
    }
  }

  /** Processes that a fault can be staged on, with the devices' and without the spare. */
  get processes(): readonly string[] {
    return [...SERVICES, DEVICES]
  }

  pidOf(name: string): number {
    if (name === DEVICES) return this.#deviceHost.child.pid
    return (SERVERS as readonly string[]).includes(name)
      ? this.hub.servers[name as ServerName].pid
      : (this.hub.processes[name]?.pid ?? 0)
  }

  running(name: string): boolean {
    return name === DEVICES ? this.#deviceHost.child.running() : (this.hub.processes[name]?.running() ?? false)
  }

  /** SIGKILL; the process stays down until `release`. */
  async kill(name: string): Promise<void> {
    this.#held.add(name)
    this.note(name, 'killed')
    this.#expected.add(`${name}/${this.pidOf(name)}`)
    if (name === DEVICES) await this.#deviceHost.child.end({ signal: 'SIGKILL', graceMs: 0 })
    else await this.hub.processes[name]?.kill()
  }

  /** The supervisor may start it again, or starts it now with variables of one life. */
  release(name: string, more: Readonly<Record<string, string>> = {}): void {
    this.#begin(name, more)
    this.#held.delete(name)
  }

  signal(name: string, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.note(name, signal === 'SIGSTOP' ? 'frozen' : 'thawed')
    try {
      process.kill(this.pidOf(name), signal)
    } catch {
      // It ended in the meantime.
    }
  }

  /** A crash that a fault asked for is no incident of its own. */
  expectEnd(name: string): void {
    this.#expected.add(`${name}/${this.pidOf(name)}`)
  }

  misbehave(how: Readonly<Record<string, Misbehaviour>>): void {
    writeFileSync(this.files.misbehaviour, JSON.stringify(how))
  }

  shiftClocks(offsetMs: number): void {
    writeFileSync(this.files.clock, String(offsetMs))
  }

  note(name: string, what: Incident['what'], detail = ''): void {
    this.incidents.push({ at: monotonicMs(), wallMs: Date.now(), process: name, what, detail })
  }

  /** Ends every fault that is not over by itself. */
  async heal(): Promise<void> {
    this.misbehave({})
    this.shiftClocks(0)
    for (const relay of Object.values(this.relays)) relay.heal()
    for (const name of [...SERVERS, ...this.processes, SPARE])
      if (this.pidOf(name) > 0 && (name in this.hub.servers || this.running(name))) thaw(this.pidOf(name))
    if (this.running(SPARE)) await this.kill(SPARE)
    for (const name of this.processes) this.release(name)
  }

  /** Until every service says that it is ready. */
  async ready(timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs
    while (performance.now() < deadline) {
      const answers = await Promise.all(SERVICES.map(async (name) => this.hub.processes[name]?.isReady()))
      if (answers.every(Boolean)) return true
      await sleep(100)
    }
    return false
  }

  async close(): Promise<void> {
    this.#supervising = false
    await this.#supervisor
    await this.heal().catch(() => undefined)
    await this.hub.stop()
    await this.#deviceHost.child.end({ signal: 'SIGKILL', graceMs: 0 })
    await Promise.all(Object.values(this.relays).map((relay) => relay.close()))
  }

  remove(): void {
    rmSync(this.hub.dir, { recursive: true, force: true })
  }

  #begin(name: string, more: Readonly<Record<string, string>> = {}): void {
    if (this.running(name)) return
    if (name === DEVICES) this.#deviceHost.child = this.#deviceHost.begin()
    else this.hub.processes[name]?.begin(more)
    this.note(name, 'started')
  }

  async #supervise(): Promise<void> {
    while (this.#supervising) {
      for (const name of [...this.processes, SPARE]) {
        if (this.running(name)) continue
        const life = `${name}/${this.pidOf(name)}`
        if (!this.#expected.has(life)) {
          this.#expected.add(life)
          this.note(name, 'ended', this.hub.processes[name]?.logTail(5) ?? '')
        }
        if (!this.#held.has(name)) this.#begin(name)
      }
      await sleep(200)
    }
  }
}

function thaw(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT')
  } catch {
    // It ended in the meantime.
  }
}

/** Another one for every stage: the executors' lock on a device is one per machine. */
function randomMac(): string {
  const bytes = Array.from({ length: 5 }, () => Math.floor(Math.random() * 256))
  return ['02', ...bytes.map((byte) => byte.toString(16).padStart(2, '0'))].join('-').toUpperCase()
}
