/** How a run went, judged by what its device reported. Pure. */
import type { AttemptOutcome } from '@lucihub/analog'

export interface Verdict {
  readonly outcome: AttemptOutcome
  /** For people; empty when all went well. */
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
}

/** What the run was to bring. */
export interface Expectation {
  /** Samples per channel: asked for, and arrived. */
  readonly samples: number
  readonly arrived: number
  readonly acceptGaps: boolean
  readonly haltOnOverload: boolean
}

/** A run that the user let an overload end is `ok`: it did what was asked, and the overload is on record. */
export function verdict(
  { error, done, gaps, overloads }: DeviceReport,
  { samples, arrived, acceptGaps, haltOnOverload }: Expectation,
): Verdict {
  if (error !== null) return { outcome: 'device_error', reason: error }
  if (!done) return { outcome: 'device_lost', reason: 'The device stopped reporting before the run was done.' }
  if (gaps > 0 && !acceptGaps)
    return { outcome: 'incomplete', reason: `${gaps} chunks of samples were lost on the way from the device.` }
  const mayBeShorter = gaps > 0 || (haltOnOverload && overloads.length > 0)
  if (arrived < samples && !mayBeShorter)
    return { outcome: 'incomplete', reason: `${arrived} of ${samples} samples per channel arrived.` }
  return { outcome: 'ok', reason: '' }
}
