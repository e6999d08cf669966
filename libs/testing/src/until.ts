import { setTimeout as sleep } from 'node:timers/promises'

export interface UntilOptions {
  /** How long to go on asking; 10 000 when missing. */
  readonly timeoutMs?: number
  /** What is waited for, as in "the run is COMPLETED". */
  readonly what: string
}

const POLL_MS = 20

/**
 * Asks again and again until the answer is truthy, and returns it. A condition that throws counts as not yet.
 * Rejects after `timeoutMs` with what was waited for and the last answer or error.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 10_000, what }: UntilOptions,
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    let last: string
    let cause: unknown
    try {
      const answer = await condition()
      if (answer) return answer
      last = `the last answer was ${JSON.stringify(answer) ?? 'undefined'}`
    } catch (error) {
      cause = error
      last = `the last try failed: ${String(error)}`
    }
    if (Date.now() >= deadline) throw new Error(`Waited ${timeoutMs} ms in vain until ${what}; ${last}.`, { cause })
    await sleep(POLL_MS)
  }
}
