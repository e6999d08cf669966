/**
 * Places where a process can be told to die, for the fault harness: between two steps that must not need each other.
 * All of them are listed here. In operation `LH_CRASH_AT` is not set, and a place does nothing.
 */

/** Named after what has just happened, by service. */
export const CRASH_POINTS = {
  'run-store': [
    'submission-committed',
    'attempt-dispatched',
    'claim-committed',
    'lease-granted',
    'cancellation-committed',
    'attempt-reaped',
    'journal-batch-inserted',
    'journal-batch-committed',
    'attempt-sealed',
    'streams-purged',
  ],
  'hardware-executor': [
    'attempt-claimed',
    'device-taken-over',
    'start-intent-synced',
    'first-samples-recorded',
    'device-done',
    'end-recorded',
    'journal-settled',
  ],
  'api-gateway': ['submission-read', 'submission-accepted', 'cancellation-accepted'],
} as const

export type CrashPoint = (typeof CRASH_POINTS)[keyof typeof CRASH_POINTS][number]

let armed = ''

/** Called once, at the start of a process. An empty or unknown name arms nothing. */
export function armCrashPoint(name: string): void {
  armed = name
}

/** Ends the process as SIGKILL would, if it was told to die here. */
export function crashPoint(point: CrashPoint): void {
  if (point === armed) process.kill(process.pid, 'SIGKILL')
}
