/** Finds or fetches Postgres, nats-server and Redis, and runs them on loopback as children that do not outlive us. */

/** Programs on this machine, or the URL of a server that runs already. */
export type Source =
  | { readonly folder: string; readonly version: string; readonly source: string }
  | { readonly url: string; readonly source: string }

export interface Binaries {
  readonly postgres?: Source
  readonly nats?: Source
  readonly redis?: Source
}

/** `true`: the URL of the environment will do. `'own'`: programs, because the server is to be killed or restarted. */
export type Wanted = boolean | 'own'

/** Rejects with one message that names all that was tried and the ways out. */
export function provide(options: {
  postgres?: Wanted
  nats?: Wanted
  redis?: Wanted
  log?: (line: string) => void
}): Promise<Binaries>

export interface Server {
  readonly url: string
  readonly port: number
  /** 0 for a server that is not ours. */
  readonly pid: number
  /** In order: what is durable is on disk afterwards. */
  stop(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
  /** Comes up again on the same port and data, stopping first when it still runs. */
  restart(): Promise<void>
}

export interface StartOptions {
  readonly binaries: Binaries
  /** Data and log live here; made when missing. */
  readonly dir: string
  /** A free one when missing. */
  readonly port?: number
}

/** `settings`: names and values as in postgresql.conf. `durable: false` gives up safety for speed (tests). */
export function startPostgres(
  options: StartOptions & { settings?: Readonly<Record<string, string | number>>; durable?: boolean },
): Promise<Server>
/** With JetStream. `syncAlways`: every acknowledged message is on disk. */
export function startNats(options: StartOptions & { syncAlways?: boolean }): Promise<Server>
/** A cache: nothing survives a restart. */
export function startRedis(options: StartOptions): Promise<Server>

export interface Exit {
  readonly code: number | null
  readonly signal: string | null
  readonly reason: string
}

export interface Child {
  readonly pid: number
  readonly exited: Promise<Exit>
  running(): boolean
  signal(name: NodeJS.Signals): void
  /** Sends the signal, after `graceMs` SIGKILL, and waits for the end. */
  end(options: { signal: NodeJS.Signals; graceMs: number }): Promise<void>
  /** The last lines of its output. */
  logTail(lines?: number): string
}

/** Starts a program that dies with us, in whatever way we end. Its output is appended to `logFile`. */
export function launch(options: {
  command: string
  args: readonly string[]
  logFile: string
  env?: NodeJS.ProcessEnv
  cwd?: string
  user?: { uid: number; gid: number }
}): Child

/** A TCP port of the loopback interface that is free now. */
export function freePort(): Promise<number>
