/**
 * How much journal an executor keeps on its disk, over all its attempts. Whoever is near the limit begins
 * nothing new, and stops what runs before the limit is reached: samples are never dropped.
 */

/** Share of the quota above which no new attempt is claimed. */
const CROWDED = 0.7
/** Share of the quota at which a run is stopped; the rest is for what its device still says. */
const FULL = 0.95

export class JournalBudget {
  private used = 0

  /** `quota`: bytes on disk. */
  constructor(private readonly quota: number) {}

  get usedBytes(): number {
    return this.used
  }

  /** True when so much is unsettled that nothing new should be begun. */
  get crowded(): boolean {
    return this.used > CROWDED * this.quota
  }

  /** True when what runs has to stop. */
  get full(): boolean {
    return this.used > FULL * this.quota
  }

  take(bytes: number): void {
    this.used += bytes
  }

  give(bytes: number): void {
    this.used -= bytes
  }
}
