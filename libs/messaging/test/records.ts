import type { JournalRecord } from '@lucihub/contracts'

/** A journal record of run `run`. */
export function record(seq: number, run = 'run-1'): JournalRecord {
  return { runId: run, attempt: 1, epoch: 1, seq, atMs: 0, log: { lines: [`line ${seq}`] } }
}
