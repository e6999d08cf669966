import { Body, Controller, Get, HttpCode, Inject, Param, Post, Put, Query } from '@nestjs/common'
import { ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger'
import { invariant, Problem, type RunState } from '@lucihub/analog'
import { runState, store, type LineageEntry } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { actorOf, From, Needs, type Caller } from '../access/caller.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { RunId } from '../runs/run-id.ts'
import { instant, jsonObject } from '../runs/run-resource.ts'
import {
  ExecConfigSchema,
  GeneralConfigSchema,
  LatestQuerySchema,
  LatestSchema,
  LineageSchema,
  RecordedSchema,
  RejectedPageSchema,
  RejectedQuerySchema,
  RunRecordSchema,
  ValidityChangedSchema,
  ValidityChangeSchema,
  ValiditySchema,
  WorkerRecordSchema,
  type LatestQuery,
  type RejectedQuery,
  type ValidityChange,
  type WorkerRecord,
} from './records.schema.ts'

@ApiTags('records')
@Controller('api/v1')
export class RecordsController {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @Get('configs/:config')
  @Needs('runs:read')
  @ApiOperation({ summary: 'Read a general configuration', description: 'Shared by all runs that say the same.' })
  @ApiParam({ name: 'config', description: 'Id' })
  @Answers(200, GeneralConfigSchema, 'The configuration')
  @Problems('not-found')
  async config(@From() caller: Caller, @Param('config') id: string) {
    const config = await this.bus.call(store.getGeneralConfig, { actor: actorOf(caller), id })
    const { title, project, runNo, date, softwareVersion, timeoutS, createdAtMs } = config
    const createdAt = instant(createdAtMs)
    return {
      id: config.id,
      title,
      project,
      runNo: runNo || null,
      date,
      softwareVersion,
      timeoutS: timeoutS || null,
      createdAt,
    }
  }

  @Get('exec-configs/:config')
  @Needs('runs:read')
  @ApiOperation({ summary: 'Read an execution configuration', description: 'Shared by all runs that say the same.' })
  @ApiParam({ name: 'config', description: 'Id' })
  @Answers(200, ExecConfigSchema, 'The configuration')
  @Problems('not-found')
  async execConfig(@From() caller: Caller, @Param('config') configId: string) {
    const wanted = { actor: actorOf(caller), id: configId }
    const { id, envJson, pollIntervalS, transports, createdAtMs } = await this.bus.call(store.getExecConfig, wanted)
    const env = jsonObject(envJson) as Record<string, string>
    return { id, env, pollIntervalS, transports: [...transports], createdAt: instant(createdAtMs) }
  }

  @Get('projects/:project/latest')
  @Needs('projects:read')
  @ApiOperation({
    summary: 'Find the latest value',
    description:
      'Of a parameter or a result, from the newest valid run of a recipe or with a schema. The newest is the one with the greatest number.',
  })
  @ApiParam({ name: 'project', description: 'Slug or id' })
  @Answers(200, LatestSchema, 'The value, and the run it is from')
  @Problems('not-found', 'invalid-request', 'validation-failed')
  async latest(
    @From() caller: Caller,
    @Param('project') project: string,
    @Query({ schema: LatestQuerySchema }) query: LatestQuery,
  ) {
    const { valueJson, endedAtMs, runId, seq, valid, path } = await this.bus.call(store.getLatest, {
      actor: actorOf(caller),
      project,
      recipe: query.task ?? '',
      schema: query.schema ?? '',
      param: query.param,
      scope: query.scope ?? '',
      dataset: query.dataset ?? '',
      runNo: query.run_no ?? 0,
      anyValidity: query.valid_only === 'false',
      allowPartial: query.allow_partial === 'true',
      maxAgeS: query.max_age_s ?? 0,
    })
    return { value: JSON.parse(valueJson) as unknown, runId, seq, valid, path, endedAt: instant(endedAtMs) }
  }

  @Get('runs/:id/record')
  @Needs('runs:read')
  @ApiOperation({
    summary: 'Read the record of a run',
    description: 'Its parameters with where each came from, its result, its validity. There from the submission on.',
  })
  @Answers(200, RunRecordSchema, 'The record')
  @Problems('not-found')
  async record(@From() { userId, role }: Caller, @RunId() runId: string) {
    const { run } = await this.bus.call(store.getRun, { ownerId: userId, role, runId })
    invariant(run, 'the store answers with a run or a problem')
    return {
      runId,
      recipe: run.spec?.recipe ?? '',
      status: runState.fromProto(run.state),
      valid: run.valid,
      stale: run.stale,
      parameters: jsonObject(run.parametersJson),
      paramSources: jsonObject(run.paramSourcesJson),
      result: jsonObject(run.resultJson),
      versions: jsonObject(run.versionsJson),
      generalConfigId: run.generalConfigId || null,
      execConfigId: run.execConfigId || null,
    }
  }

  @Post('runs/:id/validity')
  @HttpCode(200)
  @Needs('runs:write')
  @ApiOperation({
    summary: 'Judge a run',
    description:
      'Takes back that it is valid, or gives it again, with a reason. What is not valid is not found as the latest. Audited.',
  })
  @Answers(200, ValidityChangedSchema, 'Judged')
  @Problems('not-found', 'invalid-request', 'validation-failed', 'state-conflict')
  async judge(
    @From() caller: Caller,
    @RunId() runId: string,
    @Body({ schema: ValidityChangeSchema }) change: ValidityChange,
  ) {
    const { valid, changed } = await this.bus.call(store.setValidity, { actor: actorOf(caller), runId, ...change })
    return { valid, changed: [...changed] }
  }

  @Get('runs/:id/validity')
  @Needs('runs:read')
  @ApiOperation({ summary: 'Read the judgements on a run', description: 'In the order they were made.' })
  @Answers(200, ValiditySchema, 'Whether it is valid, and why')
  @Problems('not-found')
  async validity(@From() caller: Caller, @RunId() runId: string) {
    const { valid, stale, events } = await this.bus.call(store.listValidity, { actor: actorOf(caller), runId })
    return {
      valid,
      stale,
      events: events.map(({ seq, valid: given, reason, actor, atMs }) => ({
        seq,
        valid: given,
        reason,
        actor,
        at: instant(atMs),
      })),
    }
  }

  @Get('runs/:id/lineage')
  @Needs('runs:read')
  @ApiOperation({
    summary: 'Read the lineage of a run',
    description: 'Runs that its parameters came from, and runs that were made from it; only those that you may read.',
  })
  @Answers(200, LineageSchema, 'The lineage')
  @Problems('not-found')
  async lineage(@From() caller: Caller, @RunId() runId: string) {
    const found = await this.bus.call(store.getLineage, { actor: actorOf(caller), runId })
    invariant(found.run, 'a lineage is that of a run')
    return {
      run: lineageEntry(found.run),
      ancestors: found.ancestors.map(lineageEntry),
      descendants: found.descendants.map(lineageEntry),
      truncated: found.truncated,
    }
  }

  @Put('worker/runs/:id/record')
  @Needs('worker')
  @ApiOperation({
    summary: 'Hand in the outcome of a run',
    description: 'Summary, payload, schemas. As often as wanted while the run goes on; once more when it is over.',
  })
  @Answers(200, RecordedSchema, 'Recorded')
  @Problems('not-found', 'invalid-request', 'validation-failed', 'state-conflict', 'too-large')
  async handIn(
    @From() caller: Caller,
    @RunId() runId: string,
    @Body({ schema: WorkerRecordSchema }) record: WorkerRecord,
  ) {
    if (caller.runId !== runId) throw new Problem('forbidden', 'This key is for another run.')
    const { resultJson } = await this.bus.call(store.putRecord, { runId, resultJson: JSON.stringify(record) })
    return { result: jsonObject(resultJson) }
  }

  @Get('rejected-submissions')
  @Needs('runs:read')
  @ApiOperation({
    summary: 'List submissions that were refused',
    description: 'With what was wrong, newest first. Nothing else was stored of them. Administrators see everybody’s.',
  })
  @Answers(200, RejectedPageSchema, 'A page of submissions')
  @Problems('invalid-request', 'validation-failed')
  async rejected(
    @From() caller: Caller,
    @Query({ schema: RejectedQuerySchema }) { recipe = '', cursor = '', limit }: RejectedQuery,
  ) {
    const wanted = { actor: actorOf(caller), recipe, cursor, limit }
    const { submissions, nextCursor } = await this.bus.call(store.listRejected, wanted)
    return {
      submissions: submissions.map(({ id, ownerId, recipe: named, atMs, bodyJson, violationsJson }) => ({
        id,
        ownerId,
        recipe: named,
        at: instant(atMs),
        body: jsonObject(bodyJson),
        violations: JSON.parse(violationsJson) as Record<string, unknown>[],
      })),
      nextCursor: nextCursor || null,
    }
  }
}

function lineageEntry({ runId, seq, path, recipe, state, valid, stale, distance, via }: LineageEntry) {
  return { runId, seq, path, recipe, state: state as RunState, valid, stale, distance, via: [...via] }
}
