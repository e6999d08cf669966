/**
 * How much unsettled journal an executor keeps in memory, over all its attempts. Whoever brings new
 * samples waits here for room, which holds back the device's connection; samples are never dropped.
 */

/** Bytes of encoded records. */
export const JOURNAL_BYTES = 512 * 1024 * 1024
/** Share of it above which no new attempt is claimed. */
const CROWDED = 0.7
/** How long an attempt waits for room before it is stopped, ms; less than the silence it allows its device. */
export const ROOM_WAIT_MS = 8_000

export class JournalBudget {
  private used = 0
  private readonly waiting = new Set<() => void>()

  constructor(private readonly limit = JOURNAL_BYTES) {}

  get usedBytes(): number {
    return this.used
  }

  /** True when so much is unsettled that nothing new should be begun. */
  get crowded(): boolean {
    return this.used > CROWDED * this.limit
  }

  take(bytes: number): void {
    this.used += bytes
  }

  give(bytes: number): void {
    this.used -= bytes
    if (this.used >= this.limit) return
    for (const wake of [...this.waiting]) wake()
  }

  /** Resolves true as soon as there is room, false when there was none for `waitMs` or the signal came first. */
  async room(signal: AbortSignal, waitMs = ROOM_WAIT_MS): Promise<boolean> {
    if (this.used < this.limit) return true
    const gaveUp = AbortSignal.any([signal, AbortSignal.timeout(waitMs)])
    if (gaveUp.aborted) return false
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.waiting.delete(wake)
        gaveUp.removeEventListener('abort', wake)
        resolve()
      }
      this.waiting.add(wake)
      gaveUp.addEventListener('abort', wake)
    })
    return this.used < this.limit
  }
}
