/** Which channels the merged result of a run on devices has: physical values, one or two per channel of its shards. */
import type { Channel } from '@lucihub/analog'
import { reductionOf, type MergePolicy, type Reduction } from '../runs/division.ts'

export interface MergedChannel extends Channel {
  /** Index of the channel of the shards. */
  readonly of: number
  readonly reduce: Exclude<Reduction, 'none' | 'mean_std'> | 'std'
}

/** Behind the name of a channel: its standard deviation over the shards. */
export const STD_SUFFIX = '.std'

export function mergedChannels(channels: readonly Channel[], merge: MergePolicy): MergedChannel[] {
  return channels
    .flatMap((channel): Omit<MergedChannel, 'index'>[] => {
      const reduce = reductionOf(merge, channel.label)
      const one = { unit: channel.unit, gain: 1, offset: 0, of: channel.index }
      if (reduce === 'none') return []
      if (reduce !== 'mean_std') return [{ ...one, label: channel.label, reduce }]
      return [
        { ...one, label: channel.label, reduce: 'mean' },
        { ...one, label: `${channel.label}${STD_SUFFIX}`, reduce: 'std' },
      ]
    })
    .map((channel, index) => ({ ...channel, index }))
}
