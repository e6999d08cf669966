import { Body, Controller, Get, Inject, Param, Put, Query, Res } from '@nestjs/common'
import { ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger'
import { store } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import type { FastifyReply } from 'fastify'
import { actorOf, From, Needs, type Caller } from '../access/caller.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { JsonSchemaSchema, PageQuerySchema, type PageQuery } from '../projects/data.schema.ts'
import { recipeResource } from './recipe-resource.ts'
import { recordResource, recordsCsv } from './record-rows.ts'
import {
  RecipeDefinitionSchema,
  RecipePageSchema,
  RecipeQuerySchema,
  RecipeSchema,
  RecipeVersionsSchema,
  RecordPageSchema,
  RecordQuerySchema,
  SchemaQuerySchema,
  type RecipeDefinition,
  type RecipeQuery,
  type RecordQuery,
  type SchemaQuery,
} from './recipes.schema.ts'

const RecipeParam = () => ApiParam({ name: 'recipe', description: 'Name' })

@ApiTags('recipes')
@Controller('api/v1/recipes')
export class RecipesController {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @Get()
  @Needs('runs:read')
  @ApiOperation({ summary: 'List recipes', description: 'By name, the latest version of each.' })
  @Answers(200, RecipePageSchema, 'A page of recipes')
  @Problems('invalid-request', 'validation-failed')
  async list(@From() caller: Caller, @Query({ schema: PageQuerySchema }) { cursor = '', limit }: PageQuery) {
    const wanted = { actor: actorOf(caller), name: '', cursor, limit }
    const { recipes, nextCursor } = await this.bus.call(store.listRecipes, wanted)
    return { recipes: recipes.map(recipeResource), nextCursor: nextCursor || null }
  }

  @Put(':recipe')
  @Needs('recipes:write')
  @ApiOperation({
    summary: 'Put a recipe',
    description:
      'Makes a version when it says something new; versions never change. Its job type is known from then on.',
  })
  @RecipeParam()
  @Answers(200, RecipeSchema, 'The latest version says the same')
  @Answers(201, RecipeSchema, 'A new version', { headers: ['Location'] })
  @Problems('invalid-request', 'validation-failed', 'too-large')
  async put(
    @From() caller: Caller,
    @Param('recipe') name: string,
    @Body({ schema: RecipeDefinitionSchema }) definition: RecipeDefinition,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { recipe, made } = await this.bus.call(store.putRecipe, {
      actor: actorOf(caller),
      recipe: {
        name,
        version: 0,
        jobType: definition.jobType,
        description: definition.description,
        schemaJson: JSON.stringify(definition.parameterSchema),
        schemaHash: new Uint8Array(0),
        defaultsJson: JSON.stringify(definition.defaults),
        bindingsJson: JSON.stringify(definition.bindings),
        resultJson: JSON.stringify(definition.result),
        hooksJson: JSON.stringify(definition.hooks),
        createdBy: '',
        createdAtMs: 0,
      },
    })
    const resource = recipeResource(recipe)
    reply.code(made ? 201 : 200).header('location', `/api/v1/recipes/${resource.name}?version=${resource.version}`)
    return resource
  }

  @Get(':recipe')
  @Needs('runs:read')
  @ApiOperation({ summary: 'Read a recipe', description: 'The latest version, or the one asked for.' })
  @RecipeParam()
  @Answers(200, RecipeSchema, 'The recipe')
  @Problems('not-found', 'invalid-request', 'validation-failed')
  async read(
    @From() caller: Caller,
    @Param('recipe') name: string,
    @Query({ schema: RecipeQuerySchema }) { version = 0 }: RecipeQuery,
  ) {
    const wanted = { actor: actorOf(caller), name, version, runId: '' }
    return recipeResource((await this.bus.call(store.getRecipe, wanted)).recipe)
  }

  @Get(':recipe/versions')
  @Needs('runs:read')
  @ApiOperation({ summary: 'List the versions of a recipe', description: 'Newest first, the last 200.' })
  @RecipeParam()
  @Answers(200, RecipeVersionsSchema, 'The versions')
  @Problems('not-found')
  async versions(@From() caller: Caller, @Param('recipe') name: string) {
    const wanted = { actor: actorOf(caller), name, cursor: '', limit: 0 }
    return { versions: (await this.bus.call(store.listRecipes, wanted)).recipes.map(recipeResource) }
  }

  @Get(':recipe/schema')
  @Needs('runs:read')
  @ApiOperation({
    summary: 'Read the schema of the parameters',
    description: 'Of the latest version, of another, or exactly the one that a run was checked with.',
  })
  @RecipeParam()
  @Answers(200, JsonSchemaSchema, 'The schema')
  @Problems('not-found', 'invalid-request', 'validation-failed')
  async schema(
    @From() caller: Caller,
    @Param('recipe') name: string,
    @Query({ schema: SchemaQuerySchema }) { version = 0, record = '' }: SchemaQuery,
  ) {
    const wanted = { actor: actorOf(caller), name, version, runId: record }
    return recipeResource((await this.bus.call(store.getRecipe, wanted)).recipe).parameterSchema
  }

  @Get(':recipe/records')
  @Needs('runs:read')
  @ApiOperation({
    summary: 'Read the records of a recipe as a table',
    description:
      'A row per run, also of failed and unfinished ones; a column per parameter that any of them has. Filter by parameter with `param.<path>=<value>`. As CSV: `format=csv`.',
  })
  @RecipeParam()
  @Answers(200, RecordPageSchema, 'The table', { media: { 'text/csv': 'The same as CSV, the whole page' } })
  @Problems('invalid-request', 'validation-failed')
  async records(
    @From() caller: Caller,
    @Param('recipe') recipe: string,
    @Query({ schema: RecordQuerySchema }) query: RecordQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { cursor = '', limit, format, project = '', run_no: runNo = 0, valid, summary = '' } = query
    const filters = Object.entries(query).flatMap(([name, value]) =>
      name.startsWith('param.') ? [[name.slice('param.'.length), value] as const] : [],
    )
    const { records, columns, nextCursor } = await this.bus.call(store.listRecords, {
      actor: actorOf(caller),
      recipe,
      project,
      runNo,
      ...(valid !== undefined && { valid: valid === 'true' }),
      summary,
      valuesJson: JSON.stringify(Object.fromEntries(filters)),
      cursor,
      limit,
    })
    const page = { columns: [...columns], records: records.map((record) => recordResource(record, columns)) }
    if (format === 'json') return { ...page, nextCursor: nextCursor || null }
    reply.type('text/csv; charset=utf-8')
    return recordsCsv(page)
  }
}
