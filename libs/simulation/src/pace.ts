/** How simulated time passes for whoever listens: as fast as it is computed, or as on a machine. */

export interface Pace {
  /**
   * Resolves when `untilNs` of run time have passed. `wait(0)` comes first in every run and starts its clock. Must
   * let the event loop turn: a simulation computes between two waits.
   */
  wait(untilNs: number): Promise<void>
}

/** Where a real-time pace gets its time from. */
export interface Clock {
  /** A rising clock, ms. */
  nowMs(): number
  /** Resolves after about this many ms. */
  sleep(ms: number): Promise<void>
}

/** As fast as it is computed; `turn` lets the event loop turn once, for instance by `setImmediate`. */
export function fastPace(turn: () => Promise<void>): Pace {
  return { wait: () => turn() }
}

/** As on a machine: one second of op time takes one second. Falls behind rather than skips when computing is slower. */
export function realTimePace(clock: Clock): Pace {
  let startMs = clock.nowMs()
  return {
    async wait(untilNs) {
      if (untilNs === 0) startMs = clock.nowMs()
      await clock.sleep(Math.max(0, startMs + untilNs / 1e6 - clock.nowMs()))
    },
  }
}
