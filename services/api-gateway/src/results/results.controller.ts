import { Controller, Get, Inject, Query, Req, Res } from '@nestjs/common'
import { ApiOperation, ApiTags } from '@nestjs/swagger'
import { Problem } from '@lucihub/analog'
import { store, type ListChannelsReply } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { From, Needs, type Caller } from '../access/caller.ts'
import { negotiate } from '../http/accept.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { streamOf } from '../http/stream.ts'
import { RunId } from '../runs/run-id.ts'
import { channelList, channelText } from './pages.ts'
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
  ShardQuerySchema,
  type PlotQuery,
  type ResultQuery,
  type ShardQuery,
} from './results.schema.ts'
import { select } from './selection.ts'

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
    description:
      'Labels, units, how many samples are stored, which pages there are, and their digests once the run is sealed. No data.',
  })
  @Answers(200, ChannelListSchema, 'The channels')
  @Problems('not-found', 'invalid-request', 'validation-failed')
  async channels(
    @From() caller: Caller,
    @RunId() runId: string,
    @Query({ schema: ShardQuerySchema }) { shard }: ShardQuery,
  ) {
    return channelList(this.bus, { runId, caller, shard: shard ?? null })
  }

  @Get('results')
  @Needs('export:read')
  @ApiOperation({
    summary: 'Read measurements',
    description:
      'As JSON columns, as CSV or as raw bytes, streamed. An answer is whole or its connection breaks off. Of a job: its channels with their pages, as JSON.',
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
    const list = await this.#channels(caller, runId)
    if (list.engine === 'worker') {
      reply.header('content-type', MEDIA.json)
      return streamOf(await this.#handedIn(caller, runId))
    }
    const selection = select(list, query)
    const options = {
      ownerId: caller.userId,
      role: caller.role,
      runId,
      selection,
      time: query.time,
      encoding: query.encoding,
    }
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
      role: caller.role,
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

  #channels({ userId, role }: Caller, runId: string): Promise<ListChannelsReply> {
    return this.bus.call(store.listChannels, { ownerId: userId, role, runId })
  }

  /** What workers handed in. Problem `not-found` while there is nothing. */
  async #handedIn(caller: Caller, runId: string): Promise<AsyncGenerator<Buffer>> {
    const { bus } = this
    const results = { runId, caller, shard: null }
    const { channels } = await channelList(bus, results)
    if (channels.every(({ pages }) => pages.length === 0))
      throw new Problem('not-found', `Run ${runId} has no results yet.`)
    return (async function* () {
      for (const [at, channel] of channels.entries()) {
        yield Buffer.from(at === 0 ? '{"channels":[' : ',')
        yield* channelText(bus, results, channel)
      }
      yield Buffer.from(']}')
    })()
  }
}

function emptyPlot(channels: readonly { index: number; label: string; unit: string }[]) {
  const none = new Uint8Array(0)
  return channels.map(({ index, label, unit }) => ({ index, label, unit, minimum: none, maximum: none }))
}
