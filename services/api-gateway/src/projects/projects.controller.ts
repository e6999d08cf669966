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
import { ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger'
import { store, treeKind } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { From, Needs, actorOf, type Caller } from '../access/caller.ts'
import {
  DatasetCreationSchema,
  DatasetPageSchema,
  DatasetSchema,
  type DatasetCreation,
} from '../datasets/datasets.schema.ts'
import { unlessKnown } from '../http/etag.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { dataAnswer, jsonOf, type Data } from './data-answer.ts'
import { DataSchema, PageQuerySchema, type PageQuery } from './data.schema.ts'
import {
  ProjectCreationSchema,
  ProjectPageSchema,
  ProjectSchema,
  ResolveQuerySchema,
  ResolvedSchema,
  TreeQuerySchema,
  TreeSchema,
  type ProjectCreation,
  type ResolveQuery,
  type TreeQuery,
} from './projects.schema.ts'
import {
  datasetResource,
  datasetSummary,
  projectResource,
  projectSummary,
  resolvedResource,
  treeResource,
} from './tree-resource.ts'

const ProjectParam = () => ApiParam({ name: 'project', description: 'Slug or id' })
const PROJECT = treeKind.toProto('project')

@ApiTags('projects')
@Controller('api/v1/projects')
export class ProjectsController {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @Post()
  @Needs('projects:write')
  @ApiOperation({ summary: 'Create a project', description: 'An empty tree of datasets. You become its owner.' })
  @Answers(201, ProjectSchema, 'Created', { headers: ['Location'] })
  @Problems('invalid-request', 'validation-failed', 'state-conflict', 'too-large')
  async create(
    @From() caller: Caller,
    @Body({ schema: ProjectCreationSchema }) { slug, title, data }: ProjectCreation,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const request = { actor: actorOf(caller), slug, title, dataJson: jsonOf(data) }
    const resource = projectResource(await this.bus.call(store.createProject, request))
    reply.header('location', `/api/v1/projects/${resource.slug}`)
    return resource
  }

  @Get()
  @Needs('projects:read')
  @ApiOperation({ summary: 'List projects', description: 'Those that you may read, in the order they were made.' })
  @Answers(200, ProjectPageSchema, 'A page of projects')
  @Problems('invalid-request', 'validation-failed')
  async list(@From() caller: Caller, @Query({ schema: PageQuerySchema }) { cursor = '', limit }: PageQuery) {
    const { projects, nextCursor } = await this.bus.call(store.listProjects, { actor: actorOf(caller), cursor, limit })
    return { projects: projects.map(projectSummary), nextCursor: nextCursor || null }
  }

  @Get(':project')
  @Needs('projects:read')
  @ApiOperation({ summary: 'Read a project', description: 'With its data and the names of its top datasets.' })
  @ProjectParam()
  @Answers(200, ProjectSchema, 'The project', { headers: ['ETag'] })
  @Answers(304, null, 'Unchanged since the ETag in If-None-Match')
  @Problems('not-found')
  async read(
    @From() caller: Caller,
    @Param('project') project: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const found = await this.bus.call(store.getProject, { actor: actorOf(caller), project })
    return unlessKnown(request, reply, projectResource(found))
  }

  @Head(':project')
  @Needs('projects:read')
  @ApiOperation({ summary: 'Is there such a project?', description: 'As GET, without the body.' })
  @ProjectParam()
  @Answers(200, null, 'There is')
  @Problems('not-found')
  async exists(@From() caller: Caller, @Param('project') project: string): Promise<void> {
    await this.bus.call(store.getProject, { actor: actorOf(caller), project })
  }

  @Delete(':project')
  @HttpCode(204)
  @Needs('projects:write')
  @ApiOperation({
    summary: 'Delete an empty project',
    description: 'Owners only. One with datasets or runs stays (409).',
  })
  @ProjectParam()
  @Answers(204, null, 'Deleted')
  @Problems('not-found', 'state-conflict')
  async delete(@From() caller: Caller, @Param('project') project: string): Promise<void> {
    await this.bus.call(store.deleteTree, { actor: actorOf(caller), kind: PROJECT, id: project })
  }

  @Get(':project/data')
  @Needs('projects:read')
  @ApiOperation({ summary: "Read a project's data", description: 'A JSON object, empty at first.' })
  @ProjectParam()
  @Answers(200, DataSchema, 'The data', { headers: ['ETag', 'Lucihub-Data-Version'] })
  @Answers(304, null, 'Unchanged since the ETag in If-None-Match')
  @Problems('not-found')
  async data(
    @From() caller: Caller,
    @Param('project') project: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const wanted = { actor: actorOf(caller), kind: PROJECT, id: project, effective: false }
    return dataAnswer(request, reply, await this.bus.call(store.readData, wanted))
  }

  @Patch(':project/data')
  @Needs('projects:write')
  @ApiOperation({
    summary: "Add to a project's data",
    description:
      'Each key of the object replaces that key of the data; the other keys stay. Nothing is merged below that.',
  })
  @ProjectParam()
  @Answers(200, DataSchema, 'The data as it is now', { headers: ['ETag', 'Lucihub-Data-Version'] })
  @Problems('not-found', 'invalid-request', 'validation-failed', 'too-large')
  async patch(
    @From() caller: Caller,
    @Param('project') project: string,
    @Body({ schema: DataSchema }) data: Data,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const patch = { actor: actorOf(caller), kind: PROJECT, id: project, patchJson: JSON.stringify(data) }
    return dataAnswer(request, reply, await this.bus.call(store.patchData, patch))
  }

  @Get(':project/resolve')
  @Needs('projects:read')
  @ApiOperation({
    summary: 'Find what lies at a path',
    description: 'A dataset or a datapoint. A 404 names the first segment of the path that is missing.',
  })
  @ProjectParam()
  @Answers(200, ResolvedSchema, 'What lies there')
  @Problems('not-found', 'invalid-request', 'validation-failed')
  async resolve(
    @From() caller: Caller,
    @Param('project') project: string,
    @Query({ schema: ResolveQuerySchema }) { path, kind }: ResolveQuery,
  ) {
    const wanted = { actor: actorOf(caller), project, path, kind: kind ? treeKind.toProto(kind) : 0 }
    return resolvedResource(await this.bus.call(store.resolvePath, wanted))
  }

  @Get(':project/tree')
  @Needs('projects:read')
  @ApiOperation({ summary: 'Read the tree of datasets', description: 'With the number of datapoints in each.' })
  @ProjectParam()
  @Answers(200, TreeSchema, 'The tree')
  @Problems('not-found', 'invalid-request', 'validation-failed')
  async tree(
    @From() caller: Caller,
    @Param('project') project: string,
    @Query({ schema: TreeQuerySchema }) { depth }: TreeQuery,
  ) {
    return treeResource(await this.bus.call(store.readTree, { actor: actorOf(caller), project, depth }))
  }

  @Post(':project/datasets')
  @Needs('projects:write')
  @ApiOperation({ summary: 'Create a top dataset', description: 'Directly below the project.' })
  @ProjectParam()
  @Answers(201, DatasetSchema, 'Created', { headers: ['Location'] })
  @Problems('not-found', 'invalid-request', 'validation-failed', 'state-conflict', 'too-large')
  async createDataset(
    @From() caller: Caller,
    @Param('project') project: string,
    @Body({ schema: DatasetCreationSchema }) { name, data, pointSchema }: DatasetCreation,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { dataset } = await this.bus.call(store.createDataset, {
      actor: actorOf(caller),
      project,
      parentId: '',
      name,
      dataJson: jsonOf(data),
      pointSchemaJson: jsonOf(pointSchema),
    })
    const resource = datasetResource(dataset)
    reply.header('location', `/api/v1/datasets/${resource.id}`)
    return resource
  }

  @Get(':project/datasets')
  @Needs('projects:read')
  @ApiOperation({ summary: 'List the top datasets', description: 'Those directly below the project.' })
  @ProjectParam()
  @Answers(200, DatasetPageSchema, 'A page of datasets')
  @Problems('not-found', 'invalid-request', 'validation-failed')
  async datasets(
    @From() caller: Caller,
    @Param('project') project: string,
    @Query({ schema: PageQuerySchema }) { cursor = '', limit }: PageQuery,
  ) {
    const wanted = { actor: actorOf(caller), project, parentId: '', cursor, limit }
    const { datasets, nextCursor } = await this.bus.call(store.listDatasets, wanted)
    return { datasets: datasets.map(datasetSummary), nextCursor: nextCursor || null }
  }
}
