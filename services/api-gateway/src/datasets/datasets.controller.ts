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
  Put,
  Query,
  Req,
  Res,
} from '@nestjs/common'
import { ApiOperation, ApiTags } from '@nestjs/swagger'
import { store, treeKind } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { From, Needs, actorOf, type Caller } from '../access/caller.ts'
import {
  DatapointCreationSchema,
  DatapointPageSchema,
  DatapointQuerySchema,
  DatapointSchema,
  type DatapointCreation,
  type DatapointQuery,
} from '../datapoints/datapoints.schema.ts'
import { unlessKnown } from '../http/etag.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { dataAnswer, jsonOf, type Data } from '../projects/data-answer.ts'
import {
  DataQuerySchema,
  DataSchema,
  JsonSchemaSchema,
  PageQuerySchema,
  type DataQuery,
  type PageQuery,
} from '../projects/data.schema.ts'
import { datapointResource, datasetResource, datasetSummary, listedDatapoint } from '../projects/tree-resource.ts'
import { DatasetCreationSchema, DatasetPageSchema, DatasetSchema, type DatasetCreation } from './datasets.schema.ts'

const DATASET = treeKind.toProto('dataset')

@ApiTags('datasets')
@Controller('api/v1/datasets/:id')
export class DatasetsController {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @Get()
  @Needs('projects:read')
  @ApiOperation({ summary: 'Read a dataset', description: 'With its data.' })
  @Answers(200, DatasetSchema, 'The dataset', { headers: ['ETag'] })
  @Answers(304, null, 'Unchanged since the ETag in If-None-Match')
  @Problems('not-found', 'state-conflict')
  async read(
    @From() caller: Caller,
    @Param('id') datasetId: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { dataset } = await this.bus.call(store.getDataset, { actor: actorOf(caller), datasetId })
    return unlessKnown(request, reply, datasetResource(dataset))
  }

  @Head()
  @Needs('projects:read')
  @ApiOperation({ summary: 'Is there such a dataset?', description: 'As GET, without the body.' })
  @Answers(200, null, 'There is')
  @Problems('not-found', 'state-conflict')
  async exists(@From() caller: Caller, @Param('id') datasetId: string): Promise<void> {
    await this.bus.call(store.getDataset, { actor: actorOf(caller), datasetId })
  }

  @Delete()
  @HttpCode(204)
  @Needs('projects:write')
  @ApiOperation({
    summary: 'Delete an empty dataset',
    description: 'With its files. One with datasets or datapoints stays (409).',
  })
  @Answers(204, null, 'Deleted')
  @Problems('not-found', 'state-conflict')
  async delete(@From() caller: Caller, @Param('id') id: string): Promise<void> {
    await this.bus.call(store.deleteTree, { actor: actorOf(caller), kind: DATASET, id })
  }

  @Get('data')
  @Needs('projects:read')
  @ApiOperation({ summary: "Read a dataset's data", description: 'A JSON object, empty at first.' })
  @Answers(200, DataSchema, 'The data', { headers: ['ETag', 'Lucihub-Data-Version'] })
  @Answers(304, null, 'Unchanged since the ETag in If-None-Match')
  @Problems('not-found', 'state-conflict', 'invalid-request', 'validation-failed', 'too-large')
  async data(
    @From() caller: Caller,
    @Param('id') id: string,
    @Query({ schema: DataQuerySchema }) { effective }: DataQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const wanted = { actor: actorOf(caller), kind: DATASET, id, effective: effective === 'true' }
    return dataAnswer(request, reply, await this.bus.call(store.readData, wanted))
  }

  @Patch('data')
  @Needs('projects:write')
  @ApiOperation({
    summary: "Add to a dataset's data",
    description:
      'Each key of the object replaces that key of the data; the other keys stay. Nothing is merged below that.',
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
    const patch = { actor: actorOf(caller), kind: DATASET, id, patchJson: JSON.stringify(data) }
    return dataAnswer(request, reply, await this.bus.call(store.patchData, patch))
  }

  @Put('point-schema')
  @Needs('projects:write')
  @ApiOperation({
    summary: "Say what the datapoints' data must be like",
    description: 'From now on: what is there already stays. An empty schema allows everything.',
  })
  @Answers(200, DatasetSchema, 'The dataset now')
  @Problems('not-found', 'state-conflict', 'invalid-request', 'validation-failed', 'too-large')
  async setPointSchema(
    @From() caller: Caller,
    @Param('id') datasetId: string,
    @Body({ schema: JsonSchemaSchema }) schema: Data,
  ) {
    const pointSchemaJson = Object.keys(schema).length === 0 ? '' : JSON.stringify(schema)
    const request = { actor: actorOf(caller), datasetId, pointSchemaJson }
    return datasetResource((await this.bus.call(store.setPointSchema, request)).dataset)
  }

  @Post('datasets')
  @Needs('projects:write')
  @ApiOperation({
    summary: 'Create a dataset in a dataset',
    description: 'To any depth; a path has at most 1024 characters.',
  })
  @Answers(201, DatasetSchema, 'Created', { headers: ['Location'] })
  @Problems('not-found', 'invalid-request', 'validation-failed', 'state-conflict', 'too-large')
  async createDataset(
    @From() caller: Caller,
    @Param('id') parentId: string,
    @Body({ schema: DatasetCreationSchema }) { name, data, pointSchema }: DatasetCreation,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { dataset } = await this.bus.call(store.createDataset, {
      actor: actorOf(caller),
      project: '',
      parentId,
      name,
      dataJson: jsonOf(data),
      pointSchemaJson: jsonOf(pointSchema),
    })
    const resource = datasetResource(dataset)
    reply.header('location', `/api/v1/datasets/${resource.id}`)
    return resource
  }

  @Get('datasets')
  @Needs('projects:read')
  @ApiOperation({
    summary: 'List the datasets in a dataset',
    description: 'Those directly below, in the order they were made.',
  })
  @Answers(200, DatasetPageSchema, 'A page of datasets')
  @Problems('not-found', 'state-conflict', 'invalid-request', 'validation-failed')
  async datasets(
    @From() caller: Caller,
    @Param('id') parentId: string,
    @Query({ schema: PageQuerySchema }) { cursor = '', limit }: PageQuery,
  ) {
    const wanted = { actor: actorOf(caller), project: '', parentId, cursor, limit }
    const { datasets, nextCursor } = await this.bus.call(store.listDatasets, wanted)
    return { datasets: datasets.map(datasetSummary), nextCursor: nextCursor || null }
  }

  @Post('datapoints')
  @Needs('projects:write')
  @ApiOperation({
    summary: 'Create a datapoint',
    description: 'Of those who create the same name at once, one succeeds.',
  })
  @Answers(201, DatapointSchema, 'Created', { headers: ['Location'] })
  @Problems('not-found', 'invalid-request', 'validation-failed', 'state-conflict', 'too-large')
  async createDatapoint(
    @From() caller: Caller,
    @Param('id') datasetId: string,
    @Body({ schema: DatapointCreationSchema }) { name, data }: DatapointCreation,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const request = { actor: actorOf(caller), datasetId, name, dataJson: jsonOf(data) }
    const resource = datapointResource((await this.bus.call(store.createDatapoint, request)).datapoint)
    reply.header('location', `/api/v1/datapoints/${resource.id}`)
    return resource
  }

  @Get('datapoints')
  @Needs('projects:read')
  @ApiOperation({
    summary: 'List datapoints',
    description: 'Data flows down: its own datapoints come first, then those of its ancestors, the nearest first.',
  })
  @Answers(200, DatapointPageSchema, 'A page of datapoints')
  @Problems('not-found', 'state-conflict', 'invalid-request', 'validation-failed')
  async datapoints(
    @From() caller: Caller,
    @Param('id') datasetId: string,
    @Query({ schema: DatapointQuerySchema }) { inherit, data, cursor = '', limit }: DatapointQuery,
  ) {
    const flags = { inherit: inherit === 'true', withData: data === 'true' }
    const wanted = { actor: actorOf(caller), datasetId, ...flags, cursor, limit }
    const { datapoints, nextCursor } = await this.bus.call(store.listDatapoints, wanted)
    return { datapoints: datapoints.map(listedDatapoint), nextCursor: nextCursor || null }
  }
}
