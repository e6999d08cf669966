import type { Binaries, Exit, Server } from './servers/index.d.mts'

export interface VirtualDevice {
  /** As the hub lists it. */
  readonly name: string
  readonly pace: 'real-time' | 'fast'
  readonly class: 'lucidac' | 'simulator'
}

export interface HubOptions {
  /** Data, logs, the API key; made when missing. A hub started again on it continues. */
  readonly dir: string
  /** A free one when missing. */
  readonly httpPort?: number
  /** 127.0.0.1 when missing. */
  readonly httpHost?: string
  /** {@link VIRTUAL_DEVICES} when missing. */
  readonly devices?: readonly VirtualDevice[]
  /** `false` gives up safety of the servers for speed. */
  readonly durable?: boolean
  /** Servers of its own when missing, found by `provide`. */
  readonly binaries?: Binaries
  /** Folder of the bundles; dist/ when missing. */
  readonly bundles?: string
  /** More environment variables, by process name; a function when they depend on where the servers are. */
  readonly environment?: Environments | ((servers: Hub['servers']) => Promise<Environments>)
  /** How many processes of a service; the second is called `<service>-2`. One when missing. */
  readonly replicas?: Readonly<Record<string, number>>
  /** As in postgresql.conf. */
  readonly postgresSettings?: Readonly<Record<string, string | number>>
}

export type Environments = Readonly<Record<string, Readonly<Record<string, string>>>>

export interface HubProcess {
  readonly pid: number
  readonly logFile: string
  /** GET /health/ready of a service; null for a virtual device. /metrics is beside it. */
  readonly healthUrl: string | null
  /** Of the process that runs now. */
  exited(): Promise<Exit>
  running(): boolean
  logTail(lines?: number): string
  /** SIGTERM, which drains, then SIGKILL. */
  stop(): Promise<void>
  kill(): Promise<void>
  signal(signal: NodeJS.Signals): void
  /** Starts it again, unless it runs, without waiting for it; `more` are environment variables of this one life. */
  begin(more?: Readonly<Record<string, string>>): void
  /** Whether it says now that it is ready. */
  isReady(): Promise<boolean>
  /** Starts it again with the same ports and waits until it is ready; stops it first when it runs. */
  restart(): Promise<void>
}

export interface Hub {
  /** Base of the HTTP API, as in http://127.0.0.1:8080. */
  readonly url: string
  readonly apiKey: string
  /** Where the key lies, readable by its owner alone. */
  readonly keyFile: string
  readonly dir: string
  readonly servers: { readonly postgres: Server; readonly nats: Server; readonly redis: Server }
  /** By name: run-store, compiler, device-scanner, hardware-executor, api-gateway, and one per virtual device. */
  readonly processes: Readonly<Record<string, HubProcess>>
  stop(): Promise<void>
}

export const VIRTUAL_DEVICES: readonly VirtualDevice[]

/** Rejects with the log of the process that did not come up. Everything dies with the caller. */
export function startHub(options: HubOptions): Promise<Hub>
