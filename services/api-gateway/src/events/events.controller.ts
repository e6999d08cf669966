import { Controller, Get, Headers, Inject, Query, Req, Res } from '@nestjs/common'
import { ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger'
import { invariant } from '@lucihub/analog'
import { store } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { From, Needs, type Caller } from '../access/caller.ts'
import { negotiate } from '../http/accept.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { streamOf } from '../http/stream.ts'
import { RunId } from '../runs/run-id.ts'
import { EventStreams } from './event-streams.ts'
import { LogQuerySchema, LogSchema, type LogQuery } from './events.schema.ts'
import { logFiles, logJson, logText, runLog } from './logs.ts'
import { resumeFrom } from './run-events.ts'

const STREAM = 'text/event-stream'
const LOG_MEDIA = { json: 'application/json', text: 'text/plain' } as const

@ApiTags('events')
@Controller('api/v1/runs/:id')
export class EventsController {
  constructor(
    @Inject(Bus) private readonly bus: Bus,
    @Inject(EventStreams) private readonly streams: EventStreams,
  ) {}

  @Get('events')
  @Needs('runs:read')
  @ApiOperation({
    summary: 'Follow a run',
    description:
      'Server-sent events from the beginning, or from behind `Last-Event-ID` (`attempt:seq`), to the terminal state: `state`, `phase`, `log`, `gap`, `end`, and live `samples` (base64 of float32 pairs minimum, maximum per bucket). `lost` tells a slow reader that samples are missing. Samples carry no id: read them back as a plot.',
  })
  @ApiHeader({ name: 'Last-Event-ID', required: false, description: 'Continue behind this event' })
  @Answers(200, null, 'The stream', { media: { [STREAM]: 'Events until the run is over' } })
  @Problems('not-found', 'not-acceptable')
  async events(
    @From() caller: Caller,
    @RunId() runId: string,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    negotiate(request.headers.accept, [STREAM])
    await this.streams.open(
      { ownerId: caller.userId, role: caller.role, runId },
      { response: reply.raw, from: resumeFrom(lastEventId), begin: () => beginStream(reply) },
    )
  }

  @Get('logs')
  @Needs('runs:read')
  @ApiOperation({ summary: 'Read the log of a run', description: 'What was said so far, of all attempts.' })
  @Answers(200, LogSchema, 'The log', { media: { 'text/plain': 'One line each: time, attempt, text' } })
  @Problems('not-found', 'not-acceptable', 'invalid-request')
  async logs(
    @From() caller: Caller,
    @RunId() runId: string,
    @Query({ schema: LogQuerySchema }) { format }: LogQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const address = { ownerId: caller.userId, role: caller.role, runId }
    const { run } = await this.bus.call(store.getRun, address)
    invariant(run, 'the store answers with a run or a problem')
    const lines = runLog(this.bus, run, address)
    if (format === 'files') return logFiles(lines)
    const type = format ? LOG_MEDIA[format] : negotiate(request.headers.accept, Object.values(LOG_MEDIA))
    reply.headers({ vary: 'accept', 'content-type': `${type}; charset=utf-8` })
    return streamOf(type === LOG_MEDIA.json ? logJson(lines) : logText(lines))
  }
}

/** From here on the viewer writes to the socket itself. */
function beginStream(reply: FastifyReply): void {
  reply.hijack()
  reply.raw.writeHead(200, {
    ...reply.getHeaders(),
    'content-type': STREAM,
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  } as Record<string, string>)
  reply.raw.write('retry: 1000\n\n')
}
