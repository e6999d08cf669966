/**
 * What a starting executor finds of the process before it. An analog run cannot be resumed: an attempt whose journal
 * has no end gets one, which says whether the device may have been started, and everything is published again. What
 * was measured is kept, and the run-store need not wait for a word that will not come.
 */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Logger } from '@nestjs/common'
import { journalBatchOf } from '@lucihub/contracts'
import type { Bus } from '@lucihub/messaging'
import { Attempt } from './attempt.ts'
import type { JournalBudget } from './journal-budget.ts'
import { JournalFile, type RecoveredJournal } from './journal-file.ts'
import { JournalOutbox } from './journal-outbox.ts'

const log = new Logger('JournalReplay')

export interface Replayed {
  readonly attempt: Attempt
  readonly outbox: JournalOutbox
}

/** Takes up every journal in the folder. Resolves when they are on their way. */
export async function replayJournals(
  folder: string,
  { bus, budget }: { readonly bus: Bus; readonly budget: JournalBudget },
): Promise<Replayed[]> {
  await mkdir(folder, { recursive: true })
  const replayed: Replayed[] = []
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const journal = await JournalFile.recover(path, budget)
    if (journal) replayed.push(replay(journal, bus))
    else await rm(path, { recursive: true, force: true }) // died before its first record was whole: nothing was started
  }
  return replayed
}

function replay({ file, address, seqs, started, ended }: RecoveredJournal, bus: Bus): Replayed {
  const { host, deviceId, runId, attempt: number, epoch } = address
  const attempt = new Attempt(host, { runId, attempt: number, deviceId, spec: null }, epoch)
  const end = (seq: number): void => {
    const record = endOf(address, { seq, started })
    file.append(seq, record)
    outbox.add({ seq, bytes: record.length, last: true })
  }
  const outbox = new JournalOutbox(bus, attempt, file, end)
  const last = seqs.at(-1) ?? -1
  for (const seq of seqs) outbox.add({ seq, bytes: file.bytesOf(seq), last: ended && seq === last })
  if (!ended) end(last + 1)
  log.warn(`attempt ${attempt.key} is published from the journal; it ${ended ? 'had ended' : 'ends here'}`)
  return { attempt, outbox }
}

/** Without a manifest: that proves results to be complete, and nobody calls these so. */
function endOf(
  { runId, attempt, epoch }: RecoveredJournal['address'],
  { seq, started }: { seq: number; started: boolean },
): Uint8Array {
  const end = {
    outcome: 'executor_restarted',
    reason: 'The executor was restarted.',
    started,
    channels: [],
    overloads: [],
    finalValues: [],
  }
  return journalBatchOf({ runId, attempt, epoch, seq, atMs: Date.now(), end })
}
