import { Controller, Logger } from '@nestjs/common'
import { isTerminal } from '@lucihub/analog'
import { feeds, type JournalRecord } from '@lucihub/contracts'
import { ConsumeBatch, type Received } from '@lucihub/messaging'
import { Dispatcher } from '../execution/dispatcher.ts'
import { Merger } from '../shards/merger.ts'
import { HotView } from '../view/hot-view.ts'
import { entryOf, type Entry } from './entry.ts'
import { dropped, JournalWriter } from './journal-writer.ts'

const MIB = 1_048_576
/** A batch that waits longer than this makes small runs slow; under load it fills while the one before is stored. */
const BATCH = { maxMessages: 64, maxBytes: 8 * MIB, maxWaitMs: 2 } as const

/** Both streams carry records of one sequence; a run's row lock makes them take turns. */
@Controller()
export class JournalHandler {
  private readonly logger = new Logger(JournalHandler.name)

  constructor(
    private readonly writer: JournalWriter,
    private readonly dispatcher: Dispatcher,
    private readonly view: HotView,
    private readonly merger: Merger,
  ) {}

  @ConsumeBatch(feeds.journalEvent, { durable: 'run-store-events', ...BATCH })
  events(batch: readonly Received<JournalRecord>[]): Promise<void> {
    return this.store(batch)
  }

  @ConsumeBatch(feeds.journalData, { durable: 'run-store-data', ...BATCH })
  data(batch: readonly Received<JournalRecord>[]): Promise<void> {
    return this.store(batch)
  }

  private async store(batch: readonly Received<JournalRecord>[]): Promise<void> {
    const entries = batch.flatMap(({ message, delivery: { subject } }): Entry[] => {
      const entry = entryOf(message, subject)
      if (entry !== 'damaged') return [entry]
      dropped.inc({ reason: entry })
      this.logger.warn(
        `A damaged record on ${subject} was dropped and will be asked for again (attempt ${message.attempt}, seq ${message.seq}).`,
      )
      return []
    })
    if (entries.length === 0) return
    const sealed = await this.writer.store(entries)
    this.view.stored(batch.map(({ message }) => message))
    for (const attempt of sealed) {
      this.view.sealed(attempt.runId, attempt)
      if (attempt.parent) this.view.entered(attempt.parent.runId, { attempt: 0, ...attempt.parent })
      if (attempt.parent?.state === 'MERGE_QUEUED') this.merger.wake()
      this.logger.log(
        `Run ${attempt.runId} attempt ${attempt.attempt} sealed: ${attempt.end.outcome}; the run ${isTerminal(attempt.state) ? 'is' : 'goes back to'} ${attempt.state}.`,
      )
    }
    if (sealed.length > 0) this.dispatcher.wake()
  }
}
