/**
 * Do two solutions part because the system is chaotic, or because one is wrong? Chaos multiplies a small difference
 * by the same factor in equal times, so its logarithm rises along a straight line up to the size of the attractor.
 * What is kept of the differences is the time at which each of some levels was first exceeded: a few hundred
 * numbers, however long the runs are and however soon they part.
 */

/** How two solutions part. Times in the unit of the comparison. */
export interface Divergence {
  /** The difference grows e-fold in 1 / growthRate. */
  readonly growthRate: number
  /** Before the fitted growth reaches the tolerance by an e-folding, or by as much as growth was early before: up to here the two have to agree. */
  readonly horizon: number
}

const DECADES = { lowest: -13, highest: 4 }
const LEVELS_PER_DECADE = 10
const LEVELS = (DECADES.highest - DECADES.lowest) * LEVELS_PER_DECADE
/** Below this part of the largest difference growth is free of the size of the attractor. */
const SATURATED = 0.3
/** Growth is looked at over two decades or more: over fewer, a drift in proportion to time looks much the same. */
const SHORTEST_FIT = 2 * LEVELS_PER_DECADE
/** A drift grows with a power of time, mostly the first or second: chaos beats this power in the upper half of its growth. */
const DRIFT = 2.5
/**
 * Growth comes in bursts: a solution that passes close to a saddle parts from its neighbours by some decades within a
 * few units of time, and then rests. So growth may be as early at the tolerance as it was over these parts of it, three
 * decades below.
 */
const TELLING = { above: 1e-3, below: 1 / 3 }
/** Share of the variance that a straight line explains. A drift in proportion to time reaches 0.76 over two decades. */
const STRAIGHT = 0.85

/** First times at which differences exceeded each level. */
export interface Passages {
  /** Notes a difference (machine units) at a time since the runs began; those of one channel come in the order of time. */
  note(channel: number, time: number, difference: number): void
  /** The exponential growth behind the differences, or null when they do not grow so, or began beyond the tolerance. */
  divergence(tolerance: number): Divergence | null
}

export function passages(channels: number): Passages {
  const first = new Float64Array(LEVELS).fill(Infinity)
  /** Lowest level that a channel has not reached yet, as a difference and as a number. */
  const next = new Float64Array(channels).fill(levelAt(0))
  const reached = new Int32Array(channels)
  return {
    note(channel, time, difference) {
      if (!(difference >= next[channel]!)) return
      let level = reached[channel]!
      for (; level < LEVELS && difference >= levelAt(level); level++) first[level] = Math.min(first[level]!, time)
      reached[channel] = level
      next[channel] = level < LEVELS ? levelAt(level) : Infinity
    },
    divergence(tolerance) {
      const count = Math.max(0, ...reached)
      const end = count + Math.round(Math.log10(SATURATED) * LEVELS_PER_DECADE)
      for (let begin = 0; end - begin > SHORTEST_FIT && levelAt(begin) < tolerance; begin++) {
        const line = fit(first, begin, end)
        if (!line || line.straightness < STRAIGHT || powerOfTime(first, begin, end) < DRIFT) continue
        const horizon =
          line.time(Math.log(tolerance)) - Math.max(1 / line.rate, earliness(first, line, { begin, tolerance }))
        return horizon > 0 ? { growthRate: line.rate, horizon } : null
      }
      return null
    },
  }
}

function levelAt(level: number): number {
  return 10 ** (DECADES.lowest + level / LEVELS_PER_DECADE)
}

/** The most by which levels shortly below the tolerance were passed before the line says so. */
function earliness(
  times: Float64Array,
  line: Line,
  { begin, tolerance }: { begin: number; tolerance: number },
): number {
  let earliest = 0
  for (let level = begin; levelAt(level) < TELLING.below * tolerance; level++)
    if (levelAt(level) > TELLING.above * tolerance)
      earliest = Math.max(earliest, line.time(Math.log(levelAt(level))) - times[level]!)
  return earliest
}

/** The power of time with which the upper half of the levels begin <= level < end was passed. */
function powerOfTime(times: Float64Array, begin: number, end: number): number {
  const middle = Math.floor((begin + end) / 2)
  return Math.log(levelAt(end - 1) / levelAt(middle)) / Math.log(times[end - 1]! / times[middle]!)
}

interface Line {
  /** Growth of the logarithm per time. */
  readonly rate: number
  readonly straightness: number
  /** Standard deviation of the times. */
  readonly deviation: number
  /** When the difference reaches e^logarithm. */
  time(logarithm: number): number
}

/** Least squares of the times over the logarithms of the levels begin <= level < end. */
function fit(times: Float64Array, begin: number, end: number): Line | null {
  const n = end - begin
  let meanX = 0
  let meanY = 0
  for (let level = begin; level < end; level++) {
    meanX += Math.log(levelAt(level)) / n
    meanY += times[level]! / n
  }
  let xx = 0
  let xy = 0
  let yy = 0
  for (let level = begin; level < end; level++) {
    const x = Math.log(levelAt(level)) - meanX
    const y = times[level]! - meanY
    xx += x * x
    xy += x * y
    yy += y * y
  }
  if (!(xy > 0)) return null
  const slope = xy / xx
  return {
    rate: 1 / slope,
    straightness: (xy * xy) / (xx * yy),
    deviation: Math.sqrt(Math.max(0, yy - xy * slope) / n),
    time: (logarithm) => meanY + slope * (logarithm - meanX),
  }
}
