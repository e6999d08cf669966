/**
 * Halt conditions on the stream of samples. A machine watches only its overload flags itself; levels, rest and the
 * clock are watched here, between the device's frame and the journal, on typed views of the same bytes. What a look
 * costs is one comparison per sample of a watched channel, so a run without conditions pays nothing.
 */
import {
  crosses,
  samplesOf,
  type Configuration,
  type HaltCondition,
  type SampleChunk,
  type SteadyStateCondition,
  type ThresholdCondition,
} from '@lucihub/analog'

export interface HaltWatch {
  /** The condition that these samples meet first, or null. */
  samples(chunk: SampleChunk): HaltCondition | null
}

/** Index of the sample at which a condition is met first. */
interface Meeting {
  readonly index: number
  readonly condition: HaltCondition
}

type Look = (chunk: SampleChunk) => Meeting | null

/** Watches thresholds and steady state; an overload is the device's to see, the clock the caller's. */
export function haltWatch(
  conditions: readonly HaltCondition[],
  { configuration, sampleRateHz }: { readonly configuration: Configuration; readonly sampleRateHz: number },
): HaltWatch {
  const looks = conditions.flatMap((condition): Look[] => {
    switch (condition.kind) {
      case 'threshold':
        return [thresholdLook(condition, configuration)]
      case 'steadyState':
        return [steadyLook(condition, sampleRateHz)]
      case 'overload':
      case 'wallClock':
        return []
    }
  })
  return {
    samples: (chunk) =>
      looks
        .flatMap((look) => look(chunk) ?? [])
        .reduce<Meeting | null>((first, one) => (first && first.index <= one.index ? first : one), null)?.condition ??
      null,
  }
}

/** The shortest limit on the clock, ms, with its condition. */
export function wallClockOf(
  conditions: readonly HaltCondition[],
): Extract<HaltCondition, { kind: 'wallClock' }> | undefined {
  return conditions.filter((condition) => condition.kind === 'wallClock').sort((a, b) => a.limitMs - b.limitMs)[0]
}

function thresholdLook(condition: ThresholdCondition, { carriers }: Configuration): Look {
  const { channel, level, direction } = condition
  const { gain, offset } = carriers.flatMap(({ adc }) => adc).find(({ probe }) => probe === channel) ?? {
    gain: 1,
    offset: 0,
  }
  let before = NaN
  return ({ blocks, encoding, firstIndex }) => {
    const block = blocks[channel]
    if (!block) return null
    const values = samplesOf(block, encoding)
    for (let i = 0; i < values.length; i++) {
      const after = (values[i] ?? NaN) * gain + offset
      if (crosses({ before, after }, { level, direction })) return { index: firstIndex + i, condition }
      before = after
    }
    return null
  }
}

/** In the unit in which samples travel. Counts for how many intervals no channel has moved faster than allowed; a hole between chunks begins anew. */
function steadyLook(condition: SteadyStateCondition, sampleRateHz: number): Look {
  const { slopeMax, durationNs } = condition
  const stepMax = slopeMax / sampleRateHz
  const wanted = Math.max(1, Math.ceil((durationNs * sampleRateHz) / 1e9))
  let last: number[] = []
  let next = -1
  let still = 0
  return ({ blocks, encoding, firstIndex, count }) => {
    if (firstIndex !== next) {
      last = []
      still = 0
    }
    next = firstIndex + count
    const channels = blocks.map((block) => samplesOf(block, encoding))
    if (channels.length === 0) return null
    for (let i = 0; i < count; i++) {
      const isFirst = last.length === 0
      let isStill = !isFirst
      for (let c = 0; c < channels.length; c++) {
        const value = channels[c]?.[i] ?? NaN
        if (!isFirst && !(Math.abs(value - (last[c] ?? NaN)) <= stepMax)) isStill = false
        last[c] = value
      }
      still = isStill ? still + 1 : 0
      if (still >= wanted) return { index: firstIndex + i, condition }
    }
    return null
  }
}
