/**
 * The device that all connections of a server share: one computer, one loaded circuit, one run at a time.
 * Like the real machine it does not ask who commands it; it only does one thing after the other.
 */
import {
  deviceIdOf,
  Problem,
  type AnalogComputer,
  type Configuration,
  type DeviceDescription,
  type RunRequest,
} from '@lucihub/analog'
import { decodeConfiguration } from '../codec/configuration-reader.ts'
import type { Item } from '../wire/messages.ts'

/** Items that may accumulate between two resets: more than every block of the largest device has. */
const ITEMS_MAX = 4_096

/** Entries of the log; the oldest go first. */
export const LOG_ENTRIES_MAX = 256

/** A run in progress. */
export interface ActiveRun {
  readonly id: string
  readonly abort: AbortController
  /** Set when a repetitive run is to end with the repetition in progress. */
  isLast?: boolean
}

/** Totals since the server started, for the statistics that a device reports. */
export interface RunTotals {
  runs: number
  icTimeNs: number
  opTimeNs: number
}

export class Machine {
  readonly computer: AnalogComputer
  readonly totals: RunTotals = { runs: 0, icTimeNs: 0, opTimeNs: 0 }
  /** The run in progress; commands that would disturb it are answered with "busy". */
  active: ActiveRun | null = null
  /** Id of the run before the one in progress; empty before the first. */
  previousRun = ''
  #items: readonly Item[] = []
  #configuration: Configuration = { carriers: [], probes: [], problemTimePerSecond: 0 }
  #description: Promise<DeviceDescription> | null = null
  readonly #log: string[] = []
  #turn: Promise<unknown> = Promise.resolve()

  constructor(computer: AnalogComputer) {
    this.computer = computer
  }

  /** The items loaded since the last reset, as they came. */
  get items(): readonly Item[] {
    return this.#items
  }

  get configuration(): Configuration {
    return this.#configuration
  }

  describe(): Promise<DeviceDescription> {
    this.#description ??= this.computer.describe().catch((thrown: unknown) => {
      this.#description = null
      throw thrown
    })
    return this.#description
  }

  async mac(): Promise<string> {
    return deviceIdOf(await this.describe())
  }

  /** Runs a piece of work when all that came before, of any connection, is done. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => undefined)
    return result
  }

  /** What has happened, oldest first: what the device answers when asked for its log. */
  get log(): readonly string[] {
    return this.#log
  }

  /** Takes note of the end of a run and is free for the next. */
  finished({ id, icTimeNs, opTimeNs }: RunRequest): void {
    this.totals.runs += 1
    this.totals.icTimeNs += icTimeNs
    this.totals.opTimeNs += opTimeNs
    this.previousRun = id
    this.active = null
    this.#note(`run ${id} is over`)
  }

  async reset(): Promise<void> {
    await this.computer.reset()
    this.#note('reset')
    this.#items = []
    this.#configuration = { carriers: [], probes: [], problemTimePerSecond: 0 }
  }

  /** Loads items, over those already there or after a reset. A refusal leaves the loaded circuit as it was. */
  async load({ items, resetBefore }: { items: readonly Item[]; resetBefore: boolean }): Promise<void> {
    const all = resetBefore ? items : [...this.#items, ...items]
    if (all.length > ITEMS_MAX) throw new Problem('too-large', `More than ${ITEMS_MAX} items without a reset.`)
    const configuration = decodeConfiguration(all, await this.describe())
    await this.computer.configure(configuration)
    this.#items = all
    this.#configuration = configuration
    this.#note(`${items.length} items loaded`)
  }

  #note(entry: string): void {
    this.#log.push(entry)
    if (this.#log.length > LOG_ENTRIES_MAX) this.#log.shift()
  }
}
