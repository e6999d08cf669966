/**
 * Subnets as a source. A sweep only knocks: it connects to the device port of one address after the other and hangs
 * up, at a bounded rate and with few connections at a time, so that no network notices. Who opens is a candidate,
 * and is asked by the same looks as all others what it is; who has not opened in three sweeps is one no more.
 */
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Closable, FoundDevice } from '@lucihub/device'

/** Connections under way at the same time. */
const DIALS_AT_ONCE = 16
/** How long a dial may take, ms: devices of a laboratory answer within a few. */
const DIAL_MS = 500
const SWEEPS_MISSED_MAX = 3

export interface SweepOptions {
  readonly addresses: readonly string[]
  readonly port: number
  /** Dials a second. */
  readonly ratePerS: number
  /** From the end of one sweep to the next, ms. */
  readonly pauseMs: number
}

export class SubnetSweep implements Closable {
  /** By address: sweeps in a row that missed it. */
  private readonly missed = new Map<string, number>()
  private readonly stop = new AbortController()
  private readonly dials = new Set<Promise<void>>()
  private readonly running: Promise<void>

  constructor(private readonly options: SweepOptions) {
    this.running = this.run()
  }

  candidates(): readonly FoundDevice[] {
    return [...this.missed.keys()].map((host) => ({ name: '', host, port: this.options.port, simulator: false }))
  }

  async close(): Promise<void> {
    this.stop.abort()
    await this.running
    await Promise.all(this.dials)
  }

  private async run(): Promise<void> {
    const { signal } = this.stop
    try {
      while (!signal.aborted) {
        for (const address of this.options.addresses) {
          while (this.dials.size >= DIALS_AT_ONCE) await Promise.race(this.dials)
          const dial = this.dial(address).finally(() => this.dials.delete(dial))
          this.dials.add(dial)
          await pause(1000 / this.options.ratePerS, undefined, { signal })
        }
        await pause(this.options.pauseMs, undefined, { signal })
      }
    } catch (error) {
      // A pause that was aborted: the sweep is to end.
      if (!signal.aborted) throw error
    }
  }

  private async dial(address: string): Promise<void> {
    const missed = this.missed.get(address)
    if (await opens(address, this.options.port)) this.missed.set(address, 0)
    else if (missed !== undefined && missed + 1 >= SWEEPS_MISSED_MAX) this.missed.delete(address)
    else if (missed !== undefined) this.missed.set(address, missed + 1)
  }
}

/** Whether somebody takes a connection there. */
function opens(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const settle = (open: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(open)
    }
    const timer = setTimeout(() => settle(false), DIAL_MS)
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
  })
}
