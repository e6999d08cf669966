import { Controller, Logger } from '@nestjs/common'
import { isTerminal } from '@lucihub/analog'
import { feeds, type JournalBatch } from '@lucihub/contracts'
import { ConsumeBatch, type Received } from '@lucihub/messaging'
import { crashPoint } from '@lucihub/service-kit'
import { Dispatcher } from '../execution/dispatcher.ts'
import { Merger } from '../shards/merger.ts'
import { HotView } from '../view/hot-view.ts'
import { entryOf, type Entry } from './entry.ts'
import { dropped, JournalWriter } from './journal-writer.ts'

const MIB = 1_048_576
/** Nothing waits for company here: records were gathered where they were made, and under load a batch fills while the one before is stored. */
const BATCH = { maxMessages: 64, maxBytes: 8 * MIB, maxWaitMs: 0 } as const

@Controller()
export class JournalHandler {
  private readonly logger = new Logger(JournalHandler.name)

  constructor(
    private readonly writer: JournalWriter,
    private readonly dispatcher: Dispatcher,
    private readonly view: HotView,
    private readonly merger: Merger,
  ) {}

  @ConsumeBatch(feeds.journal, { durable: 'run-store', ...BATCH })
  async journal(batch: readonly Received<JournalBatch>[]): Promise<void> {
    const arrived = batch.map((received) => ({
      fresh: received.delivery.deliveries === 1,
      entries: this.entriesOf(received),
    }))
    const entries = arrived.flatMap((message) => message.entries)
    this.view.hear(arrived.flatMap((message) => (message.fresh ? message.entries : [])))
    if (entries.length === 0) return
    const sealed = await this.writer.store(entries)
    crashPoint('journal-batch-committed')
    if (sealed.length > 0) crashPoint('attempt-sealed')
    this.view.stored(batch.flatMap(({ message }) => message.records))
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

  private entriesOf({ message, delivery: { subject } }: Received<JournalBatch>): Entry[] {
    return message.records.flatMap((record) => {
      const entry = entryOf(record, subject)
      if (entry !== 'damaged') return [entry]
      dropped.inc({ reason: entry })
      this.logger.warn(
        `A damaged record on ${subject} was dropped and will be asked for again (attempt ${record.attempt}, seq ${record.seq}).`,
      )
      return []
    })
  }
}
