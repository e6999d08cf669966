import { JournalRecord, type Feed } from '@lucihub/contracts'

/** A journal record of run `run`. */
export function record(seq: number, run = 'run-1'): JournalRecord {
  return { runId: run, attempt: 1, epoch: 1, seq, atMs: 0, log: { lines: [`line ${seq}`] } }
}

type RunAddress = [host: string, deviceId: string, runId: string]

/** Two feeds of single records, in streams of their own: what a consumer does must not depend on the hub's feeds. */
export const singles: Feed<JournalRecord, RunAddress> = feed('command', 'lh.v1.cmd.single')
export const blocks: Feed<JournalRecord, RunAddress> = feed('journal', 'lh.v1.jrn')

function feed(stream: 'command' | 'journal', base: string): Feed<JournalRecord, RunAddress> {
  return {
    kind: 'feed',
    stream,
    message: JournalRecord,
    filter: (...leading) => [base, ...leading, '>'].join('.'),
    subject: (...address) => [base, ...address].join('.'),
  }
}
