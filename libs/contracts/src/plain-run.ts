/** Values of everything that a simple run leaves unsaid: to be spread before what is said. */
import type { ListRunsRequest, RunMessage, RunSpec } from './messages.ts'

/** Of a specification: not divided, no place, no recipe, nothing that halts it. */
export const PLAIN_SPEC: Pick<
  RunSpec,
  | 'place'
  | 'split'
  | 'job'
  | 'recipe'
  | 'parametersJson'
  | 'timeoutS'
  | 'tags'
  | 'notes'
  | 'configJson'
  | 'execJson'
  | 'halt'
> = {
  place: null,
  split: null,
  job: null,
  recipe: '',
  parametersJson: '',
  timeoutS: 0,
  tags: [],
  notes: '',
  configJson: '',
  execJson: '',
  halt: [],
}

type PlainPart =
  | 'path'
  | 'jobType'
  | 'stateChanges'
  | 'shards'
  | 'shardsRequested'
  | 'requestedWork'
  | 'completedWork'
  | 'valid'
  | 'partial'
  | 'stale'
  | 'resultJson'
  | 'parametersJson'
  | 'paramSourcesJson'
  | 'versionsJson'
  | 'generalConfigId'
  | 'execConfigId'
  | 'projectId'
  | 'datapointId'
  | 'inputKind'
  | 'parentId'
  | 'shardsEffective'
  | 'seq'
  | 'numChannels'
  | 'engine'
  | 'shardIndex'
  | 'inputJson'

/** Of a run: not divided, without a place and a record. */
export const PLAIN_RUN: Pick<RunMessage, PlainPart> = {
  path: '',
  jobType: '',
  stateChanges: [],
  shards: [],
  shardsRequested: 1,
  requestedWork: 0,
  completedWork: 0,
  valid: false,
  partial: false,
  stale: false,
  resultJson: '',
  parametersJson: '',
  paramSourcesJson: '',
  versionsJson: '',
  generalConfigId: '',
  execConfigId: '',
  projectId: '',
  datapointId: '',
  inputKind: '',
  parentId: '',
  shardsEffective: 1,
  seq: 0,
  numChannels: 0,
  engine: 'hub',
  shardIndex: 0,
  inputJson: '',
}

/** Of a list: no filter but the owner, newest first, the first page of 50. */
export const EVERY_RUN: Omit<ListRunsRequest, 'ownerId'> = {
  states: [],
  kinds: [],
  deviceId: '',
  cursor: '',
  limit: 50,
  project: '',
  dataset: '',
  recipe: '',
  jobType: '',
  runNo: 0,
  schema: '',
  tags: [],
  pool: '',
  engine: '',
  orderBy: '',
  ascending: false,
  page: 0,
  text: '',
  sweepId: '',
  parameters: [],
}
