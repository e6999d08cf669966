/**
 * Whatever nobody will say any more, the clock says: commands that nobody claimed, attempts whose executor is
 * gone, requests to cancel that nobody answered, streams that still hold records of ended runs. Every step looks
 * for candidates without a lock, locks one run and looks again before it acts; so replicas may all do it.
 *
 * Silence counts only while this process was awake and had the database all the time: after an outage executors
 * first get their chance to speak, instead of all being declared lost at once.
 */
import { Inject, Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common'
import { CONFIG, type RunStoreConfig } from '../config.ts'
import { Deadlines } from '../shards/deadlines.ts'
import { Merger } from '../shards/merger.ts'
import { HotView } from '../view/hot-view.ts'
import { AttemptReaper } from './attempt-reaper.ts'
import { Dispatcher } from './dispatcher.ts'
import { StreamSweeper } from './stream-sweeper.ts'

const TICK_MS = 1_000
/** A tick that comes this late means that the process or the machine was asleep. */
const ASLEEP_MS = 5_000

@Injectable()
export class Reconciler implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Reconciler.name)
  private timer: NodeJS.Timeout | null = null
  private working: Promise<void> | null = null
  private watchingSince = performance.now()
  private lastTick = performance.now()

  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly reaper: AttemptReaper,
    private readonly sweeper: StreamSweeper,
    private readonly view: HotView,
    private readonly deadlines: Deadlines,
    private readonly merger: Merger,
    @Inject(CONFIG) private readonly config: RunStoreConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(
      () => {
        this.working ??= this.tick().finally(() => {
          this.working = null
        })
      },
      Math.min(TICK_MS, this.config.lostAfterMs, this.config.dispatchRetryMs, this.config.workerStallMs),
    )
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.timer) clearInterval(this.timer)
    await this.working
  }

  private async tick(): Promise<void> {
    const now = performance.now()
    if (now - this.lastTick > ASLEEP_MS) this.watchingSince = now
    try {
      await this.dispatcher.repeat()
      const entered = await this.reaper.reap({ watchedMs: now - this.watchingSince })
      for (const { runId, parent, ...state } of entered) {
        this.view.entered(runId, state)
        if (parent) this.view.entered(parent.runId, { attempt: 0, ...parent })
      }
      this.dispatcher.wake()
      await this.deadlines.sweep({ watchedMs: now - this.watchingSince })
      this.merger.wake()
    } catch (error) {
      this.watchingSince = performance.now()
      this.logger.warn(`Reconciling goes on with the next tick: ${String(error)}`)
    }
    // On its own: records that cannot be purged must not keep attempts from being judged.
    await this.sweeper
      .sweep()
      .catch((error: unknown) => this.logger.warn(`Purging goes on with the next tick: ${String(error)}`))
    this.lastTick = performance.now()
  }
}
