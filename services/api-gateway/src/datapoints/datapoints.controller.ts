import {
  Body,
  Controller,
  Delete,
  Get,
  Head,
  HttpCode,
  Inject,
  Param,
  Patch,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common'
import { ApiOperation, ApiTags } from '@nestjs/swagger'
import { Problem } from '@lucihub/analog'
import { store, treeKind } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { From, Needs, actorOf, type Caller } from '../access/caller.ts'
import { unlessKnown } from '../http/etag.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { dataAnswer, type Data } from '../projects/data-answer.ts'
import { DataQuerySchema, DataSchema, type DataQuery } from '../projects/data.schema.ts'
import { datapointResource } from '../projects/tree-resource.ts'
import { DatapointSchema } from './datapoints.schema.ts'

const DATAPOINT = treeKind.toProto('datapoint')

@ApiTags('datapoints')
@Controller('api/v1/datapoints/:id')
export class DatapointsController {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @Get()
  @Needs('projects:read')
  @ApiOperation({ summary: 'Read a datapoint', description: 'With its data.' })
  @Answers(200, DatapointSchema, 'The datapoint', { headers: ['ETag'] })
  @Answers(304, null, 'Unchanged since the ETag in If-None-Match')
  @Problems('not-found')
  async read(
    @From() caller: Caller,
    @Param('id') datapointId: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { datapoint } = await this.bus.call(store.getDatapoint, { actor: actorOf(caller), datapointId })
    return unlessKnown(request, reply, datapointResource(datapoint))
  }

  @Head()
  @Needs('projects:read')
  @ApiOperation({ summary: 'Is there such a datapoint?', description: 'As GET, without the body.' })
  @Answers(200, null, 'There is')
  @Problems('not-found')
  async exists(@From() caller: Caller, @Param('id') datapointId: string): Promise<void> {
    await this.bus.call(store.getDatapoint, { actor: actorOf(caller), datapointId })
  }

  @Delete()
  @HttpCode(204)
  @Needs('projects:write')
  @ApiOperation({
    summary: 'Delete a datapoint',
    description: 'With its files. That of a run goes only with its run (409).',
  })
  @Answers(204, null, 'Deleted')
  @Problems('not-found', 'state-conflict')
  async delete(@From() caller: Caller, @Param('id') id: string): Promise<void> {
    await this.bus.call(store.deleteTree, { actor: actorOf(caller), kind: DATAPOINT, id })
  }

  @Get('data')
  @Needs('projects:read')
  @ApiOperation({ summary: "Read a datapoint's data", description: 'A JSON object, empty at first.' })
  @Answers(200, DataSchema, 'The data', { headers: ['ETag', 'Lucihub-Data-Version'] })
  @Answers(304, null, 'Unchanged since the ETag in If-None-Match')
  @Problems('not-found', 'invalid-request', 'validation-failed', 'too-large')
  async data(
    @From() caller: Caller,
    @Param('id') id: string,
    @Query({ schema: DataQuerySchema }) { effective }: DataQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const wanted = { actor: actorOf(caller), kind: DATAPOINT, id, effective: effective === 'true' }
    return dataAnswer(request, reply, await this.bus.call(store.readData, wanted))
  }

  @Patch('data')
  @Needs('projects:write')
  @ApiOperation({
    summary: "Add to a datapoint's data",
    description:
      'Each key of the object replaces that key of the data; the other keys stay. Nothing is merged below that. `params` and `result` of a run are its own (409).',
  })
  @Answers(200, DataSchema, 'The data as it is now', { headers: ['ETag', 'Lucihub-Data-Version'] })
  @Problems('not-found', 'state-conflict', 'invalid-request', 'validation-failed', 'too-large')
  async patch(
    @From() caller: Caller,
    @Param('id') id: string,
    @Body({ schema: DataSchema }) data: Data,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const patch = { actor: actorOf(caller), kind: DATAPOINT, id, patchJson: JSON.stringify(data) }
    return dataAnswer(request, reply, await this.bus.call(store.patchData, patch))
  }

  @Post('datasets')
  @Needs('projects:write')
  @ApiOperation({
    summary: 'Refused: a datapoint has no datasets',
    description: 'It is a leaf; the answer says so (409).',
  })
  @Problems('not-found', 'state-conflict')
  async createDataset(@From() caller: Caller, @Param('id') datapointId: string): Promise<never> {
    return this.#refuseChild(caller, datapointId)
  }

  @Post('datapoints')
  @Needs('projects:write')
  @ApiOperation({
    summary: 'Refused: a datapoint has no datapoints',
    description: 'It is a leaf; the answer says so (409).',
  })
  @Problems('not-found', 'state-conflict')
  async createDatapoint(@From() caller: Caller, @Param('id') datapointId: string): Promise<never> {
    return this.#refuseChild(caller, datapointId)
  }

  async #refuseChild(caller: Caller, datapointId: string): Promise<never> {
    await this.bus.call(store.getDatapoint, { actor: actorOf(caller), datapointId })
    throw new Problem('state-conflict', 'A datapoint is a leaf: only projects and datasets have children.')
  }
}
