/** The log of the devices: one JSON line per fact, written before the fact has any effect, so that SIGKILL loses none. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'

interface Moment {
  /** Monotonic, ms: the same clock in every process of a machine. */
  readonly at: number
  /** Milliseconds since 1970, to compare with Postgres on the same machine. */
  readonly wallMs: number
  /** MAC address. */
  readonly device: string
}

export interface CommandLine extends Moment {
  readonly kind: 'command'
  /** Unique over all devices and lives of the process. */
  readonly connection: string
  readonly command: string
  /** Of a start command; empty for others. */
  readonly runId: string
}

/** A run is over for its device. */
export interface RunLine extends Moment {
  readonly kind: 'run'
  readonly runId: string
  readonly channels: number
  /** Per channel: sent, and left out on purpose. */
  readonly sent: number
  readonly skipped: number
  /** False: stopped, broken off or failed. */
  readonly done: boolean
}

/** The process that hosts the devices has started. */
export interface BootLine {
  readonly kind: 'boot'
  readonly at: number
  readonly wallMs: number
}

export type DeviceLine = CommandLine | RunLine | BootLine

export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

export function write(file: string, line: DeviceLine): void {
  appendFileSync(file, `${JSON.stringify(line)}\n`)
}

/** A line that a kill cut off is no fact. */
export function readDeviceLog(file: string): readonly DeviceLine[] {
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((text) => {
      try {
        return [JSON.parse(text) as DeviceLine]
      } catch {
        return []
      }
    })
}
