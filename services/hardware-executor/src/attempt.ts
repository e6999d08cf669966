/** One attempt on one device, from the command to its end, and the one way to stop it. */
import type { AttemptOutcome } from '@lucihub/analog'
import type { AttemptId, RunCommand } from '@lucihub/contracts'

/** Why an attempt was told to stop. */
export interface Stop {
  readonly outcome: Extract<AttemptOutcome, 'canceled' | 'lease_lost' | 'executor_restarted' | 'journal_full'>
  readonly reason: string
}

export const CANCELED: Stop = { outcome: 'canceled', reason: 'Canceled on request.' }

export class Attempt {
  readonly key: string
  private readonly controller = new AbortController()
  private stopped: Stop | null = null

  constructor(
    readonly host: string,
    readonly command: RunCommand,
    /** Lease epoch under which it is claimed; all its records carry it. */
    readonly epoch: number,
  ) {
    this.key = attemptKey(command)
  }

  /** Aborts when the attempt is to stop. */
  get signal(): AbortSignal {
    return this.controller.signal
  }

  /** Null while nobody asked to stop. */
  get stop(): Stop | null {
    return this.stopped
  }

  /** Asks to stop; the first reason counts. */
  halt(stop: Stop): void {
    if (this.stopped) return
    this.stopped = stop
    this.controller.abort()
  }
}

export function attemptKey({ runId, attempt }: Pick<AttemptId, 'runId' | 'attempt'>): string {
  return `${runId}/${attempt}`
}
