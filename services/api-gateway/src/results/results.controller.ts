import { Controller, Get, Inject, Query, Req, Res } from '@nestjs/common'
import { ApiOperation, ApiTags } from '@nestjs/swagger'
import { store, type ListChannelsReply } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { From, Needs, type Caller } from '../access/caller.ts'
import { negotiate } from '../http/accept.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { streamOf } from '../http/stream.ts'
import { RunId } from '../runs/run-id.ts'
import { csv } from './csv.ts'
import { jsonColumns } from './json-columns.ts'
import { plotBytes, plotHeaders, plotJson } from './plot.ts'
import { raw, rawHeaders } from './raw.ts'
import {
  ChannelListSchema,
  PlotQuerySchema,
  PlotSchema,
  ResultQuerySchema,
  ResultSchema,
  type ChannelListResource,
  type PlotQuery,
  type ResultQuery,
} from './results.schema.ts'
import { select } from './selection.ts'
import { encodingOf } from './slices.ts'

const MEDIA = { json: 'application/json', csv: 'text/csv', raw: 'application/octet-stream' } as const
const RAW_HEADERS = ['Lucihub-Channels', 'Lucihub-First-Index', 'Lucihub-Samples', 'Lucihub-Sample-Rate-Hz'] as const

@ApiTags('results')
@Controller('api/v1/runs/:id')
export class ResultsController {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @Get('channels')
  @Needs('runs:read')
  @ApiOperation({
    summary: 'List the channels of a run',
    description: 'Labels, units, how many samples are stored, and their digests once the run is sealed.',
  })
  @Answers(200, ChannelListSchema, 'The channels')
  @Problems('not-found')
  async channels(@From() caller: Caller, @RunId() runId: string) {
    return channelList(await this.#channels(caller, runId))
  }

  @Get('results')
  @Needs('export:read')
  @ApiOperation({
    summary: 'Read measurements',
    description: 'As JSON columns, as CSV or as raw bytes, streamed. An answer is whole or its connection breaks off.',
  })
  @Answers(200, ResultSchema, 'The measurements', {
    headers: [...RAW_HEADERS, 'Lucihub-Encodings', 'Lucihub-Gains', 'Lucihub-Offsets'],
    media: {
      'text/csv': 'A time column `t_s` (or `t`), then one column per channel',
      'application/octet-stream': 'Channel after channel, little-endian float32, or as stored with encoding=native',
    },
  })
  @Problems('not-found', 'not-acceptable', 'invalid-request', 'validation-failed')
  async results(
    @From() caller: Caller,
    @RunId() runId: string,
    @Query({ schema: ResultQuerySchema }) query: ResultQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const type = query.format ? MEDIA[query.format] : negotiate(request.headers.accept, Object.values(MEDIA))
    const selection = select(await this.#channels(caller, runId), query)
    const options = { ownerId: caller.userId, runId, selection, time: query.time, encoding: query.encoding }
    reply.headers({
      vary: 'accept',
      'content-type': type === MEDIA.csv ? 'text/csv; charset=utf-8; header=present' : type,
    })
    if (type === MEDIA.json) return streamOf(jsonColumns(this.bus, options))
    reply.header('content-disposition', `attachment; filename="run-${runId}.${type === MEDIA.csv ? 'csv' : 'bin'}"`)
    if (type === MEDIA.csv) return streamOf(csv(this.bus, options))
    const body = await streamOf(raw(this.bus, options))
    reply.headers(rawHeaders(options))
    return body
  }

  @Get('plot')
  @Needs('runs:read')
  @ApiOperation({
    summary: 'Read a plot',
    description: 'Minimum and maximum per bucket, at a cost that does not grow with the run.',
  })
  @Answers(200, PlotSchema, 'The plot', {
    headers: ['Lucihub-Channels', 'Lucihub-First-Index', 'Lucihub-Bucket', 'Lucihub-Buckets', 'Lucihub-Sample-Rate-Hz'],
    media: { 'application/octet-stream': 'Per channel all minima, then all maxima, float32 little-endian' },
  })
  @Problems('not-found', 'not-acceptable', 'invalid-request', 'validation-failed')
  async plot(
    @From() caller: Caller,
    @RunId() runId: string,
    @Query({ schema: PlotQuerySchema }) query: PlotQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const type = negotiate(request.headers.accept, [MEDIA.json, MEDIA.raw])
    const selection = select(await this.#channels(caller, runId), query)
    const { channels, fromIndex, toIndex } = selection
    const wanted = {
      ownerId: caller.userId,
      runId,
      channels: channels.map(({ index }) => index),
      fromIndex,
      toIndex,
      points: query.points,
    }
    // An exclusive end of 0 would mean "to the end" to the store.
    const plot =
      toIndex > fromIndex
        ? await this.bus.call(store.readPlot, wanted)
        : { fromIndex, toIndex, bucket: 1, pyramidLevel: 1, channels: emptyPlot(channels) }
    reply.headers({ vary: 'accept', 'content-type': type })
    if (type === MEDIA.json) return plotJson(plot, selection)
    reply.headers(plotHeaders(plot, selection))
    return plotBytes(plot)
  }

  #channels({ userId }: Caller, runId: string): Promise<ListChannelsReply> {
    return this.bus.call(store.listChannels, { ownerId: userId, runId })
  }
}

function channelList({
  attempt,
  sampleRateHz,
  problemTimePerSecond,
  channels,
}: ListChannelsReply): ChannelListResource {
  return {
    attempt: attempt || null,
    sampleRateHz,
    problemTimePerSecond,
    channels: channels.map((channel) => ({
      index: channel.index,
      label: channel.label,
      unit: channel.unit,
      gain: channel.gain,
      offset: channel.offset,
      encoding: encodingOf(channel),
      samples: channel.samples,
      digest: channel.digest.length > 0 ? Buffer.from(channel.digest).toString('hex') : null,
    })),
  }
}

function emptyPlot(channels: readonly { index: number; label: string; unit: string }[]) {
  const none = new Uint8Array(0)
  return channels.map(({ index, label, unit }) => ({ index, label, unit, minimum: none, maximum: none }))
}
