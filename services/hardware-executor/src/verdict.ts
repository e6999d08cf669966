/** How a run went, judged by what its device reported. Pure. */
import { haltedBy, type AttemptOutcome, type HaltCondition } from '@lucihub/analog'

export interface Verdict {
  readonly outcome: AttemptOutcome
  /** For people; empty when all went well, and what halted it where something did. */
  readonly reason: string
}

/** What the device told until it was done or fell silent. */
export interface DeviceReport {
  done: boolean
  /** Reason of its ERROR phase; null without one. */
  error: string | null
  /** Chunks of samples that were lost on the way. */
  gaps: number
  /** Outputs (cluster * 16 + clane) whose overload flag was latched. */
  overloads: readonly number[]
  /** The condition for which the device was stopped; null when none was met. */
  halted: HaltCondition | null
}

/** What the run was to bring. */
export interface Expectation {
  /** Samples per channel: asked for, and arrived. */
  readonly samples: number
  readonly arrived: number
  readonly acceptGaps: boolean
  readonly haltOnOverload: boolean
}

const OVERLOAD = { kind: 'overload' } as const

/** A run that the user let a condition end is `ok`: it did what was asked, and the reason is on record. */
export function verdict(
  { error, done, gaps, overloads, halted }: DeviceReport,
  { samples, arrived, acceptGaps, haltOnOverload }: Expectation,
): Verdict {
  if (error !== null) return { outcome: 'device_error', reason: error }
  if (!done) return { outcome: 'device_lost', reason: 'The device stopped reporting before the run was done.' }
  if (gaps > 0 && !acceptGaps)
    return { outcome: 'incomplete', reason: `${gaps} chunks of samples were lost on the way from the device.` }
  const isShort = arrived < samples
  const met = halted ?? (isShort && haltOnOverload && overloads.length > 0 ? OVERLOAD : null)
  if (met) return { outcome: 'ok', reason: haltedBy(met) }
  if (isShort && gaps === 0)
    return { outcome: 'incomplete', reason: `${arrived} of ${samples} samples per channel arrived.` }
  return { outcome: 'ok', reason: '' }
}
