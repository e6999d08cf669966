/** Two stored runs, compared window by window: the memory that it takes does not grow with the runs. */
import { Problem } from '@lucihub/analog'
import { store, type ChannelInfo, type ConfigurationMessage, type ListChannelsReply } from '@lucihub/contracts'
import type { Bus } from '@lucihub/messaging'
import { startComparison, type Difference, type SampleTimes } from '@lucihub/simulation'
import { window } from '../results/slices.ts'
import type { ComparisonResource } from './comparisons.schema.ts'

/** Samples per channel and window: two windows at most are held, some hundred KiB each. */
const WINDOW = 65_536

interface Wanted {
  readonly ownerId: string
  /** Of whoever asks. */
  readonly role?: string
  readonly runId: string
  readonly otherId: string
  /** Machine units. */
  readonly tolerance: number
}

/** Throws `not-found` for a run that is not there and `validation-failed` for runs with different channels. */
export async function compareStoredRuns(
  bus: Bus,
  { ownerId, role = 'user', runId, otherId, tolerance }: Wanted,
): Promise<ComparisonResource> {
  const channelsOf = (id: string): Promise<ListChannelsReply> =>
    bus.call(store.listChannels, { ownerId, role, runId: id })
  const [a, b, { run }] = await Promise.all([
    channelsOf(runId),
    channelsOf(otherId),
    bus.call(store.getRun, { ownerId, role, runId }),
  ])
  const pairs = pairsOf(a, b)
  const time = timeAxis(a, b)
  const channels = pairs.map(([{ index, label, unit }]) => ({
    index,
    label,
    unit,
    fullScale: fullScaleOf(run?.spec?.configuration ?? null, index),
  }))
  const comparison = startComparison({ a: timesOf(a, time), b: timesOf(b, time), channels, tolerance })
  const { first, count } = comparison.overlap
  for (let from = first; from < first + count; from += WINDOW) {
    const range = { first: from, count: Math.min(WINDOW, first + count - from) }
    const needed = comparison.needs(range)
    for (const [channel, [mine, other]] of pairs.entries()) {
      const [values, reference] = await Promise.all([
        window(bus, {
          ownerId,
          runId,
          channel: mine.index,
          fromIndex: range.first,
          toIndex: range.first + range.count,
        }),
        window(bus, {
          ownerId,
          runId: otherId,
          channel: other.index,
          fromIndex: needed.first,
          toIndex: needed.first + needed.count,
        }),
      ])
      comparison.add(channel, { firstIndex: range.first, values }, { firstIndex: needed.first, values: reference })
    }
  }
  const { verdict, span, divergence, channels: compared } = comparison.result()
  return {
    run: runId,
    with: otherId,
    verdict,
    tolerance,
    time,
    span,
    divergence,
    channels: compared.map(({ rms, max, rmsBefore, ...channel }, place) => ({
      ...(channels[place] ?? { index: place, unit: '', fullScale: 1 }),
      ...channel,
      rms: sayable(rms),
      max: sayable(max),
      rmsBefore: sayable(rmsBefore),
    })),
  }
}

/** Channels with the same label; the same index where labels are used twice. */
function pairsOf(a: ListChannelsReply, b: ListChannelsReply): (readonly [ChannelInfo, ChannelInfo])[] {
  const labels = ({ channels }: ListChannelsReply): string =>
    channels
      .map(({ label }) => label)
      .sort()
      .join(', ')
  if (labels(a) !== labels(b))
    throw new Problem('validation-failed', 'The runs do not measure the same channels.', {
      violations: [
        {
          pointer: '/with',
          value: labels(b).slice(0, 80),
          message: 'The other run measures these channels.',
          remedy: `Name a run that measures ${labels(a).slice(0, 200) || 'nothing'}.`,
        },
      ],
    })
  return a.channels.flatMap((channel) => {
    const same = b.channels.filter(({ label }) => label === channel.label)
    const other = same.find(({ index }) => index === channel.index) ?? same[0]
    return other ? [[channel, other] as const] : []
  })
}

/** Where problem time passes at different paces, equal op times are different moments. */
function timeAxis(a: ListChannelsReply, b: ListChannelsReply): 'op' | 'problem' {
  const paces = [a.problemTimePerSecond, b.problemTimePerSecond]
  return paces[0] !== paces[1] && paces.every((pace) => pace > 0) ? 'problem' : 'op'
}

function timesOf(
  { sampleRateHz, problemTimePerSecond, channels }: ListChannelsReply,
  time: 'op' | 'problem',
): SampleTimes {
  const count = channels.length > 0 ? Math.min(...channels.map(({ samples }) => samples)) : 0
  return { rate: time === 'op' ? sampleRateHz : sampleRateHz / problemTimePerSecond, offset: 0, count }
}

/** The physical value of a probe at 1 machine unit. */
function fullScaleOf(configuration: ConfigurationMessage | null, probe: number): number {
  const channel = configuration?.carriers.flatMap(({ adc }) => adc).find((candidate) => candidate.probe === probe)
  return Math.abs(channel?.gain ?? 1) || 1
}

/** JSON has no word for what is no number. */
function sayable({ machine, physical }: Difference): { machine: number | null; physical: number | null } {
  const said = (value: number): number | null => (Number.isFinite(value) ? value : null)
  return { machine: said(machine), physical: said(physical) }
}
