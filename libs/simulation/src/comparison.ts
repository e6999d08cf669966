/**
 * Two sampled runs of one configuration, compared channel by channel: a device with a simulation, two devices, or
 * a result with its reference. Windows of samples come in one by one and only sums are kept, so runs of any length
 * are compared in bounded memory. Run B is read at the instants of run A: directly where they coincide, else by a
 * cubic through the four nearest samples.
 */
import { invariant } from '@lucihub/analog'
import { passages, type Divergence } from './divergence.ts'

/** When a run was sampled: sample i at offset + i / rate. Both runs of a comparison use one unit of time. */
export interface SampleTimes {
  /** Samples per unit of time. */
  readonly rate: number
  /** Time of sample 0. */
  readonly offset: number
  /** Samples per channel. */
  readonly count: number
}

export interface ComparedChannel {
  readonly label: string
  /** The physical value of 1 machine unit, > 0. */
  readonly fullScale: number
}

export interface ComparisonOptions {
  readonly a: SampleTimes
  readonly b: SampleTimes
  readonly channels: readonly ComparedChannel[]
  /** Largest difference that still counts as agreement, machine units. Default {@link DEFAULT_TOLERANCE}. */
  readonly tolerance?: number
}

/** One per cent of full scale: what a well calibrated analog computer keeps. */
export const DEFAULT_TOLERANCE = 0.01

/**
 * `agrees`: within the tolerance throughout. `agrees-until-horizon`: the runs part as solutions of a chaotic system
 * do, and were within the tolerance until then. `differs`: anything else, also when nothing could be compared.
 */
export type ComparisonVerdict = 'agrees' | 'agrees-until-horizon' | 'differs'

/** A difference in both units. NaN when a sample is no number. */
export interface Difference {
  readonly machine: number
  readonly physical: number
}

export interface ChannelComparison {
  readonly label: string
  /** Samples compared. */
  readonly samples: number
  /** Root mean square. */
  readonly rms: Difference
  readonly max: Difference
  /** Time of the largest difference; null without samples. */
  readonly maxTime: number | null
  /** Time of the first difference beyond the tolerance; null when there is none. */
  readonly firstExcursion: number | null
  /** Root mean square of the differences before it. */
  readonly rmsBefore: Difference
  readonly verdict: ComparisonVerdict
}

export interface Comparison {
  /** Of the worst channel. */
  readonly verdict: ComparisonVerdict
  /** Machine units. */
  readonly tolerance: number
  /** First and last instant compared; null when the runs do not overlap. */
  readonly span: { readonly from: number; readonly until: number } | null
  /** How the runs part; null when they agree throughout or part otherwise than by chaos. */
  readonly divergence: Divergence | null
  readonly channels: readonly ChannelComparison[]
}

/** Consecutive samples of one channel, physical values. */
export interface SampleWindow {
  readonly firstIndex: number
  readonly values: ArrayLike<number>
}

/** Indices first to first + count - 1. */
export interface IndexRange {
  readonly first: number
  readonly count: number
}

/** A comparison that is being fed. */
export interface RunningComparison {
  /** The samples of A whose instants B covers. */
  readonly overlap: IndexRange
  /** The samples of B that a range of A's is compared with. */
  needs(range: IndexRange): IndexRange
  /** Compares all of a window of A, which lies in `overlap`; `b` holds what it needs. Windows of a channel come in order. */
  add(channel: number, a: SampleWindow, b: SampleWindow): void
  result(): Comparison
}

export function startComparison({
  a,
  b,
  channels,
  tolerance = DEFAULT_TOLERANCE,
}: ComparisonOptions): RunningComparison {
  invariant(a.rate > 0 && b.rate > 0 && tolerance > 0, 'rates and tolerance are positive')
  const overlap = overlapOf(a, b)
  const seen = passages(channels.length)
  const tallies = channels.map(() => newTally())
  const timeOf = (index: number): number => a.offset + index / a.rate
  const start = timeOf(overlap.first)
  return {
    overlap,
    needs({ first, count }) {
      const from = stencil(positionIn(b, timeOf(first)), b.count).first
      const last = stencil(positionIn(b, timeOf(first + count - 1)), b.count)
      return count > 0 ? { first: from, count: last.first + last.count - from } : { first: 0, count: 0 }
    },
    add(channel, windowA, windowB) {
      const { fullScale } = channels[channel]!
      const tally = tallies[channel]!
      for (let i = 0; i < windowA.values.length; i++) {
        const time = timeOf(windowA.firstIndex + i)
        const expected = valueAt(windowB, positionIn(b, time))
        const difference = Math.abs(windowA.values[i]! - expected) / fullScale
        count(tally, { time, difference, tolerance })
        seen.note(channel, time - start, difference)
      }
    },
    result() {
      const parts = tallies.some(({ firstExcursion }) => firstExcursion !== null)
      const growth = parts ? seen.divergence(tolerance) : null
      const divergence = growth && { ...growth, horizon: growth.horizon + start }
      const compared = channels.map((channel, index) => channelResult(channel, tallies[index]!, divergence))
      const last = overlap.first + overlap.count - 1
      return {
        verdict: worst(compared.map(({ verdict }) => verdict)),
        tolerance,
        span: overlap.count > 0 ? { from: timeOf(overlap.first), until: timeOf(last) } : null,
        divergence,
        channels: compared,
      }
    },
  }
}

/** Values of each channel, physical, all of the same length. */
export interface WholeRun {
  readonly rate: number
  readonly offset: number
  readonly values: readonly ArrayLike<number>[]
}

/** Compares two runs that are in memory as a whole. */
export function compareRuns(
  { a, b }: { readonly a: WholeRun; readonly b: WholeRun },
  options: Pick<ComparisonOptions, 'channels' | 'tolerance'>,
): Comparison {
  const times = ({ rate, offset, values }: WholeRun): SampleTimes => ({ rate, offset, count: values[0]?.length ?? 0 })
  const comparison = startComparison({ ...options, a: times(a), b: times(b) })
  const { first, count } = comparison.overlap
  options.channels.forEach((_, channel) => {
    const values = Array.prototype.slice.call(a.values[channel] ?? [], first, first + count) as number[]
    comparison.add(channel, { firstIndex: first, values }, { firstIndex: 0, values: b.values[channel] ?? [] })
  })
  return comparison.result()
}

interface Tally {
  samples: number
  squares: number
  max: number
  maxTime: number | null
  firstExcursion: number | null
  /** Root mean square up to the first excursion. */
  rmsBefore: number
}

function newTally(): Tally {
  return { samples: 0, squares: 0, max: 0, maxTime: null, firstExcursion: null, rmsBefore: 0 }
}

function count(
  tally: Tally,
  { time, difference, tolerance }: { time: number; difference: number; tolerance: number },
): void {
  if (!(difference <= tolerance) && tally.firstExcursion === null) {
    tally.firstExcursion = time
    tally.rmsBefore = rmsOf(tally)
  }
  tally.samples++
  tally.squares += difference * difference
  // What is no number is the largest difference of all, and stays it.
  if (tally.maxTime === null || difference > tally.max || (Number.isNaN(difference) && !Number.isNaN(tally.max))) {
    tally.max = difference
    tally.maxTime = time
  }
}

function rmsOf({ squares, samples }: Tally): number {
  return samples > 0 ? Math.sqrt(squares / samples) : 0
}

function channelResult(
  { label, fullScale }: ComparedChannel,
  tally: Tally,
  divergence: Divergence | null,
): ChannelComparison {
  const { samples, max, maxTime, firstExcursion } = tally
  const both = (machine: number): Difference => ({ machine, physical: machine * fullScale })
  return {
    label,
    samples,
    rms: both(rmsOf(tally)),
    max: both(max),
    maxTime,
    firstExcursion,
    rmsBefore: both(firstExcursion === null ? rmsOf(tally) : tally.rmsBefore),
    verdict: verdictOf(tally, divergence),
  }
}

function verdictOf({ samples, max, firstExcursion }: Tally, divergence: Divergence | null): ComparisonVerdict {
  if (samples === 0 || Number.isNaN(max)) return 'differs'
  if (firstExcursion === null) return 'agrees'
  return divergence && firstExcursion >= divergence.horizon ? 'agrees-until-horizon' : 'differs'
}

function worst(verdicts: readonly ComparisonVerdict[]): ComparisonVerdict {
  if (verdicts.length === 0 || verdicts.includes('differs')) return 'differs'
  return verdicts.includes('agrees-until-horizon') ? 'agrees-until-horizon' : 'agrees'
}

/** Instants that coincide but for rounding are taken to coincide. */
const HAIR = 1e-6

function overlapOf(a: SampleTimes, b: SampleTimes): IndexRange {
  const first = Math.max(0, Math.ceil((b.offset - a.offset) * a.rate - HAIR))
  const lastTime = b.offset + (b.count - 1) / b.rate
  const last = Math.min(a.count - 1, Math.floor((lastTime - a.offset) * a.rate + HAIR))
  return { first, count: a.count > 0 && b.count > 0 ? Math.max(0, last - first + 1) : 0 }
}

/** A fractional sample index. */
function positionIn({ rate, offset, count }: SampleTimes, time: number): number {
  const position = (time - offset) * rate
  const nearest = Math.round(position)
  const exact = Math.abs(position - nearest) < HAIR ? nearest : position
  return Math.min(count - 1, Math.max(0, exact))
}

/** The four samples around a position, or the last four at an end, or as many as there are. */
function stencil(position: number, count: number): IndexRange {
  const first = Math.max(0, Math.min(Math.floor(position) - 1, count - 4))
  return { first, count: Math.min(4, count - first) }
}

/** The sample at a position, or Lagrange's cubic through those around it. */
function valueAt({ firstIndex, values }: SampleWindow, position: number): number {
  const at = position - firstIndex
  if (Number.isInteger(at)) return values[at] ?? NaN
  const { first, count } = stencil(at, values.length)
  let sum = 0
  for (let i = first; i < first + count; i++) {
    let weight = 1
    for (let j = first; j < first + count; j++) if (j !== i) weight *= (at - j) / (i - j)
    sum += weight * values[i]!
  }
  return sum
}
