/**
 * A run in parts. Work is divided so that nothing is lost: 50 000 over three is 16 667, 16 667 and 16 666. There are
 * never more parts than work, and never less than one.
 */
import { RUN_LIMITS, type Violation } from '@lucihub/analog'
import type { RunSpec } from '@lucihub/contracts'

export const MERGE_MODES = ['any', 'all', 'min_fraction'] as const
export type MergeMode = (typeof MERGE_MODES)[number]
export const REDUCTIONS = ['mean', 'mean_std', 'concat', 'none'] as const
export type Reduction = (typeof REDUCTIONS)[number]

/** As it is stored with the run. */
export interface MergePolicy {
  readonly mode: MergeMode
  /** With `min_fraction`: of the shards, 0 to 1. */
  readonly minFraction: number
  /** For channels that `byChannel` does not name. */
  readonly reduce: Reduction
  readonly byChannel: Readonly<Record<string, Reduction>>
}

export interface Share {
  readonly index: number
  /** In the unit of the run; 0 when unknown. */
  readonly requested: number
  readonly seed: number
}

export interface Division {
  /** As asked for. */
  readonly shardsRequested: number
  readonly shares: readonly Share[]
  readonly requestedWork: number
  readonly workUnit: string
  readonly merge: MergePolicy
}

export const DEFAULT_MERGE: MergePolicy = { mode: 'any', minFraction: 1, reduce: 'mean', byChannel: {} }

/** Shares of `total` (0: unknown) in the order of their indices; the first ones take what does not divide. */
export function sharesOf({ shards, total, seed }: { shards: number; total: number; seed: number }): Share[] {
  const wanted = Math.max(1, shards)
  const count = total > 0 ? Math.min(wanted, total) : wanted
  const least = Math.floor(total / count)
  const more = total % count
  return Array.from({ length: count }, (_, index) => ({
    index,
    requested: least + (index < more ? 1 : 0),
    seed: seed + index,
  }))
}

/**
 * How a run is divided. On a device every shard is the whole run once more, so without a total each has
 * `expectedSamples`; a worker's total may stay unknown.
 */
export function divide(
  { split }: RunSpec,
  { expectedSamples, onDevice }: { expectedSamples: number; onDevice: boolean },
): Division {
  const shards = split?.shards ?? 1
  const given = split?.requestedWork ?? 0
  const total = given > 0 || !onDevice ? given : expectedSamples * Math.max(1, shards)
  return {
    shardsRequested: split ? shards : 1,
    shares: sharesOf({ shards, total, seed: split?.seed ?? 0 }),
    requestedWork: total,
    workUnit: split?.workUnit || 'samples',
    merge: mergeOf(split),
  }
}

/** What is wrong with a division; every breach at once. */
export function divisionViolations({ split }: RunSpec, { onDevice }: { onDevice: boolean }): Violation[] {
  if (!split) return []
  const violations: Violation[] = []
  const report = (pointer: string, value: unknown, remedy: string): void => {
    violations.push({ pointer, value: String(value).slice(0, 80), message: 'The value is out of bounds.', remedy })
  }
  const { max } = onDevice ? RUN_LIMITS.deviceShards : RUN_LIMITS.shards
  if (split.shards > max) report('/shards', split.shards, `Use at most ${max} shards.`)
  if (!Number.isSafeInteger(split.requestedWork) || split.requestedWork > RUN_LIMITS.requestedWork.max)
    report('/requestedWork', split.requestedWork, `Use a whole number up to ${RUN_LIMITS.requestedWork.max}.`)
  if (!Number.isSafeInteger(split.seed + RUN_LIMITS.shards.max)) report('/seed', split.seed, 'Use a smaller seed.')
  if (split.workUnit.length > 64 || split.workUnit.includes('\0'))
    report('/workUnit', split.workUnit, 'Use at most 64 characters.')
  const merge = split.merge
  if (!merge) return violations
  if (merge.mode !== '' && !MERGE_MODES.some((word) => word === merge.mode))
    report('/merge/mode', merge.mode, `Use ${MERGE_MODES.join(', ')}.`)
  if (merge.mode === 'min_fraction' && !(merge.minFraction >= 0 && merge.minFraction <= 1))
    report('/merge/minFraction', merge.minFraction, 'Use a number from 0 to 1.')
  for (const [channel, word] of [['', merge.reduce], ...Object.entries(merge.byChannel)] as const)
    if (word !== '' && !REDUCTIONS.some((known) => known === word))
      report(channel === '' ? '/merge/reduce' : `/merge/byChannel/${channel}`, word, `Use ${REDUCTIONS.join(', ')}.`)
  return violations
}

/** Which reduction a channel gets. */
export function reductionOf({ reduce, byChannel }: MergePolicy, channel: string): Reduction {
  return Object.hasOwn(byChannel, channel) ? (byChannel[channel] ?? reduce) : reduce
}

function mergeOf(split: RunSpec['split']): MergePolicy {
  const merge = split?.merge
  if (!merge) return DEFAULT_MERGE
  const reduction = (word: string): Reduction => REDUCTIONS.find((known) => known === word) ?? DEFAULT_MERGE.reduce
  return {
    mode: MERGE_MODES.find((word) => word === merge.mode) ?? DEFAULT_MERGE.mode,
    minFraction: merge.mode === 'min_fraction' ? merge.minFraction : 1,
    reduce: reduction(merge.reduce),
    byChannel: Object.fromEntries(Object.entries(merge.byChannel).map(([name, word]) => [name, reduction(word)])),
  }
}
