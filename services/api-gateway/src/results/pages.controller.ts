import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common'
import { ApiOperation, ApiTags } from '@nestjs/swagger'
import { Problem } from '@lucihub/analog'
import { Bus } from '@lucihub/messaging'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { From, Needs, type Caller } from '../access/caller.ts'
import { negotiate } from '../http/accept.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { streamOf } from '../http/stream.ts'
import { RunId } from '../runs/run-id.ts'
import { pageNumbers } from './page-numbers.ts'
import { channelList, channelNamed, channelText, pageBytes, pageNumbered, pagesText, pageText } from './pages.ts'
import {
  ChannelSchema,
  PageListSchema,
  PageSchema,
  PagesQuerySchema,
  ShardQuerySchema,
  type PagesQuery,
  type ShardQuery,
} from './results.schema.ts'

const MEDIA = { json: 'application/json', raw: 'application/octet-stream' } as const
const JSON_TYPE = `${MEDIA.json}; charset=utf-8`

/** Results channel by channel and page by page. */
@ApiTags('results')
@Controller('api/v1/runs/:id/channels/:name')
export class PagesController {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @Get()
  @Needs('runs:read')
  @ApiOperation({
    summary: 'Read a channel',
    description: 'With all its pages, as far as there are some already. The same as its part of the whole result.',
  })
  @Answers(200, ChannelSchema, 'The channel')
  @Problems('not-found', 'invalid-request', 'validation-failed')
  async channel(
    @From() caller: Caller,
    @RunId() runId: string,
    @Param('name') name: string,
    @Query({ schema: ShardQuerySchema }) { shard }: ShardQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const results = { runId, caller, shard: shard ?? null }
    const channel = channelNamed(await channelList(this.bus, results), name)
    reply.header('content-type', JSON_TYPE)
    return streamOf(channelText(this.bus, results, channel))
  }

  @Get('pages')
  @Needs('runs:read')
  @ApiOperation({ summary: 'Read pages', description: 'Ascending by number, whatever the order asked for.' })
  @Answers(200, PageListSchema, 'The pages')
  @Problems('not-found', 'invalid-request', 'validation-failed')
  async pages(
    @From() caller: Caller,
    @RunId() runId: string,
    @Param('name') name: string,
    @Query({ schema: PagesQuerySchema }) { shard, numbers }: PagesQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const wanted = numbers === undefined ? () => true : pageNumbers(numbers)
    const results = { runId, caller, shard: shard ?? null }
    const channel = channelNamed(await channelList(this.bus, results), name)
    const pages = channel.pages.filter(({ number }) => wanted(number))
    if (pages.length === 0 && numbers !== undefined)
      throw new Problem('not-found', `The channel "${channel.name}" has no pages ${numbers}.`)
    const { bus } = this
    async function* text(): AsyncGenerator<Buffer> {
      yield Buffer.from('{"pages":[')
      yield* pagesText(bus, results, channel, pages)
      yield Buffer.from(']}')
    }
    reply.header('content-type', JSON_TYPE)
    return streamOf(text())
  }

  @Get('pages/:number')
  @Needs('runs:read')
  @ApiOperation({ summary: 'Read a page', description: 'As JSON, or its values alone as little-endian floats.' })
  @Answers(200, PageSchema, 'The page', {
    media: { [MEDIA.raw]: 'Values, little-endian: float32 of a device, float64 of a worker' },
  })
  @Problems('not-found', 'not-acceptable', 'invalid-request', 'validation-failed')
  async page(
    @From() caller: Caller,
    @RunId() runId: string,
    @Param('name') name: string,
    @Param('number') number: string,
    @Query({ schema: ShardQuerySchema }) { shard }: ShardQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const type = negotiate(request.headers.accept, Object.values(MEDIA))
    const results = { runId, caller, shard: shard ?? null }
    const channel = channelNamed(await channelList(this.bus, results), name)
    const page = pageNumbered(channel, number)
    reply.headers({ vary: 'accept', 'content-type': type === MEDIA.raw ? type : JSON_TYPE })
    return type === MEDIA.raw
      ? Buffer.from(await pageBytes(this.bus, results, { channel, page }))
      : pageText(this.bus, results, { channel, page })
  }
}
