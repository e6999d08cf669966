import { Controller } from '@nestjs/common'
import { BYTES_PER_SAMPLE, Problem, RUN_LIMITS, samplesOf, type Channel } from '@lucihub/analog'
import {
  sampleEncoding,
  store,
  type ListChannelsReply,
  type ListChannelsRequest,
  type PlotChannel,
  type ReadPlotReply,
  type ReadPlotRequest,
  type ReadSamplesReply,
  type ReadSamplesRequest,
} from '@lucihub/contracts'
import { Answer, type Call } from '@lucihub/messaging'
import { PageRepository, type SampleSlice } from './page-repository.ts'
import { Buckets, planOf } from './plot.ts'
import { ResultSources, type ResultSource } from './result-source.ts'

/** Keeps a reply of f32 samples at half a MiB. */
const SAMPLES_MAX = 131_072
const POINTS = { max: 10_000, default: 1_000 } as const
const DIGEST_BYTES = 32

@Controller()
export class MeasurementsHandler {
  constructor(
    private readonly sources: ResultSources,
    private readonly pages: PageRepository,
  ) {}

  @Answer(store.listChannels)
  async listChannels({ ownerId, runId, role }: ListChannelsRequest, _call: Call): Promise<ListChannelsReply> {
    const source = await this.sources.of({ userId: ownerId, role: role || 'user' }, runId)
    return {
      attempt: source.attempt,
      engine: source.engine,
      sampleRateHz: source.sampleRateHz,
      problemTimePerSecond: source.problemTimePerSecond,
      channels: source.channels.map((channel) => ({
        ...channel,
        encoding: sampleEncoding.toProto(source.encoding),
        samples: source.merged?.[channel.index] ?? source.samples,
        digest: source.digests.subarray(channel.index * DIGEST_BYTES, (channel.index + 1) * DIGEST_BYTES),
      })),
    }
  }

  @Answer(store.readSamples)
  async readSamples(
    { ownerId, role, runId, channel: index, firstIndex: asked, maxSamples }: ReadSamplesRequest,
    _call: Call,
  ): Promise<ReadSamplesReply> {
    const source = await this.sources.of({ userId: ownerId, role: role || 'user' }, runId)
    const channel = channelOf(source, index)
    // Behind every run; larger numbers would not fit into the statement.
    const firstIndex = Math.min(asked, RUN_LIMITS.samples.max)
    const limit = Math.min(maxSamples || SAMPLES_MAX, SAMPLES_MAX)
    const slices = await this.pages.samples({
      runId,
      attempt: source.attempt,
      channels: [index],
      from: firstIndex,
      to: firstIndex + limit,
    })
    const [head, ...rest] = consecutive(slices, source.sealed ? null : firstIndex)
    const encoding = sampleEncoding.toProto(head?.encoding ?? source.encoding)
    const samples = head ? Buffer.concat([head, ...rest].map((slice) => slice.samples)) : Buffer.alloc(0)
    return { firstIndex: head?.firstIndex ?? firstIndex, encoding, samples, gain: channel.gain, offset: channel.offset }
  }

  @Answer(store.readPlot)
  async readPlot(
    { ownerId, role, runId, channels: wanted, fromIndex, toIndex, points }: ReadPlotRequest,
    _call: Call,
  ): Promise<ReadPlotReply> {
    if (points > POINTS.max)
      throw new Problem('invalid-request', `A plot has 1 to ${POINTS.max} points per channel, not ${points}.`)
    const source = await this.sources.of({ userId: ownerId, role: role || 'user' }, runId)
    const channels =
      wanted.length === 0 ? source.channels : [...new Set(wanted)].map((index) => channelOf(source, index))
    const { end } = source
    const to = toIndex === 0 ? end : Math.min(toIndex, end)
    const plan = planOf({ from: Math.min(fromIndex, to), to, points: points || POINTS.default, end })
    const buckets = new Map(channels.map((channel) => [channel.index, new Buckets(plan)]))
    const stretch = { runId, attempt: source.attempt, channels: [...buckets.keys()], from: plan.from, to: plan.to }
    if (plan.level === 1)
      for (const slice of await this.pages.samples(stretch))
        buckets.get(slice.channel)?.addSamples(slice.firstIndex, samplesOf(slice.samples, slice.encoding))
    else
      for (const slice of await this.pages.pyramid(plan.level, stretch))
        buckets.get(slice.channel)?.addEntries(slice.firstIndex, slice.entries)
    return {
      fromIndex: plan.from,
      toIndex: plan.to,
      bucket: plan.bucket,
      pyramidLevel: plan.level,
      channels: channels.map((channel): PlotChannel => ({
        index: channel.index,
        label: channel.label,
        unit: channel.unit,
        ...(buckets.get(channel.index) ?? new Buckets(plan)).physical(channel),
      })),
    }
  }
}

function channelOf(source: ResultSource, index: number): Channel {
  const channel = source.channels[index]
  if (!channel)
    throw new Problem('not-found', `The run has ${source.channels.length} channels; there is no channel ${index}.`)
  return channel
}

/**
 * The slices up to the first hole or change of encoding. While an attempt is under way a hole at the beginning
 * (`mustStartAt`) may still be filled, so nothing behind it is shown; in a sealed one it is an accepted gap.
 */
function consecutive(slices: readonly SampleSlice[], mustStartAt: number | null): SampleSlice[] {
  const [head] = slices
  if (!head || (mustStartAt !== null && head.firstIndex !== mustStartAt)) return []
  const result: SampleSlice[] = []
  let next = head.firstIndex
  for (const slice of slices) {
    if (slice.firstIndex !== next || slice.encoding !== head.encoding) break
    result.push(slice)
    next += slice.samples.length / BYTES_PER_SAMPLE[head.encoding]
  }
  return result
}
