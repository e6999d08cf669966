import { Controller } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import {
  store,
  type GetLatestReply,
  type GetLatestRequest,
  type GetLineageReply,
  type GetLineageRequest,
  type ListRecordsReply,
  type ListRecordsRequest,
  type ListValidityReply,
  type ListValidityRequest,
  type PutRecordReply,
  type PutRecordRequest,
  type SetValidityReply,
  type SetValidityRequest,
} from '@lucihub/contracts'
import { Answer, type Call } from '@lucihub/messaging'
import { needActor } from '../keys/scopes.ts'
import { ProjectRepository } from '../tree/project-repository.ts'
import { askerOf } from '../tree/tree-rows.ts'
import { Findings } from './findings.ts'
import { Lineage } from './lineage.ts'
import { RecordTable } from './record-table.ts'
import { ResultRecord } from './result-record.ts'
import { SCOPES } from './recipe.ts'
import { Validity } from './validity.ts'

/** What runs left behind: tables of them, the latest of them, what they are worth and where they come from. */
@Controller()
export class RecordsHandler {
  constructor(
    private readonly table: RecordTable,
    private readonly validity: Validity,
    private readonly lineage: Lineage,
    private readonly results: ResultRecord,
  ) {}

  @Answer(store.listRecords)
  listRecords(request: ListRecordsRequest, _call: Call): Promise<ListRecordsReply> {
    return this.table.list(askerOf(request.actor), request)
  }

  @Answer(store.setValidity)
  setValidity({ actor, runId, valid, reason, cascade }: SetValidityRequest, _call: Call): Promise<SetValidityReply> {
    return this.validity.set(needActor(actor), { runId, valid, reason, cascade })
  }

  @Answer(store.listValidity)
  listValidity({ actor, runId }: ListValidityRequest, _call: Call): Promise<ListValidityReply> {
    return this.validity.history(askerOf(actor), runId)
  }

  @Answer(store.getLineage)
  getLineage({ actor, runId }: GetLineageRequest, _call: Call): Promise<GetLineageReply> {
    return this.lineage.of(askerOf(actor), runId)
  }

  @Answer(store.putRecord)
  async putRecord({ runId, resultJson }: PutRecordRequest, _call: Call): Promise<PutRecordReply> {
    return { resultJson: await this.results.put(runId, resultJson) }
  }
}

@Controller()
export class LatestHandler {
  constructor(
    private readonly projects: ProjectRepository,
    private readonly findings: Findings,
  ) {}

  @Answer(store.getLatest)
  async getLatest(request: GetLatestRequest, _call: Call): Promise<GetLatestReply> {
    const { actor, recipe, schema, param, dataset, runNo } = request
    const { id: projectId, slug } = await this.projects.find(askerOf(actor), request.project)
    const scope =
      SCOPES.find((word) => word === request.scope) ?? (dataset ? 'dataset-lineage' : runNo ? 'session' : 'project')
    const path = [slug, ...dataset.split('/').filter((name) => name !== '')].join('/')
    const datasetId = scope === 'dataset-lineage' ? await this.findings.dataset(projectId, path) : null
    const found = await this.findings.latest(
      {
        ...(recipe !== '' && { recipe }),
        ...(schema !== '' && { schema }),
        param,
        scope,
        validOnly: !request.anyValidity,
        allowPartial: request.allowPartial,
        ...(request.maxAgeS > 0 && { maxAgeS: request.maxAgeS }),
      },
      { projectId, datasetId, runNo, deviceId: '' },
    )
    if (!found) throw new Problem('not-found', `No run of ${slug} has ${param.slice(0, 80)}.`)
    const { value, runId, seq, valid, endedAt } = found
    return { valueJson: JSON.stringify(value), runId, seq, valid, path: found.path, endedAtMs: endedAt.getTime() }
  }
}
