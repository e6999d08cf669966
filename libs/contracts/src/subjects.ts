/**
 * Every subject of the bus, once. Three kinds: an `Rpc` is asked and answered, a `Feed` is kept in a
 * stream until a durable consumer has handled it, a `Broadcast` is core NATS, where loss is tolerated.
 * Tokens that come from data (hosts, devices, runs) pass through `token`, which refuses what NATS would
 * read as structure.
 */
import { Problem } from '@lucihub/analog'
import type { MessageType } from './message.ts'
import * as m from './messages.ts'
import type { StreamKey } from './streams.ts'

export interface Rpc<Request, Reply> {
  readonly kind: 'rpc'
  /** Base subject; a per-host rpc appends the caller's host as last token, so that permissions can bind it. */
  readonly subject: string
  readonly perHost: boolean
  readonly request: MessageType<Request>
  readonly reply: MessageType<Reply>
}

export interface Feed<M, Address extends readonly string[]> {
  readonly kind: 'feed'
  readonly stream: StreamKey
  /** Subject for a consumer's filter; give leading address tokens to narrow it. */
  filter(...leading: string[]): string
  subject(...address: Address): string
  readonly message: MessageType<M>
}

export interface Broadcast<M, Address extends readonly string[]> {
  readonly kind: 'broadcast'
  readonly pattern: string
  subject(...address: Address): string
  readonly message: MessageType<M>
}

const ROOT = 'lh.v1'

/** Asked of the run-store. */
export const store = {
  submitRun: rpc('store.submit-run', m.SubmitRunRequest, m.SubmitRunReply),
  getRun: rpc('store.get-run', m.GetRunRequest, m.GetRunReply),
  listRuns: rpc('store.list-runs', m.ListRunsRequest, m.ListRunsReply),
  cancelRun: rpc('store.cancel-run', m.CancelRunRequest, m.CancelRunReply),
  readEvents: rpc('store.read-events', m.ReadEventsRequest, m.ReadEventsReply),
  listChannels: rpc('store.list-channels', m.ListChannelsRequest, m.ListChannelsReply),
  readSamples: rpc('store.read-samples', m.ReadSamplesRequest, m.ReadSamplesReply),
  readPlot: rpc('store.read-plot', m.ReadPlotRequest, m.ReadPlotReply),
  listDevices: rpc('store.list-devices', m.ListDevicesRequest, m.ListDevicesReply),
  getDevice: rpc('store.get-device', m.GetDeviceRequest, m.GetDeviceReply),
  judgeDevice: rpc('store.judge-device', m.JudgeDeviceRequest, m.GetDeviceReply),
  offerDevice: rpc('store.offer-device', m.OfferDeviceRequest, m.GetDeviceReply),
  listDeviceChanges: rpc('store.list-device-changes', m.ListDeviceChangesRequest, m.ListDeviceChangesReply),
  authenticate: rpc('store.authenticate', m.AuthenticateRequest, m.AuthenticateReply),
  registerUser: rpc('store.register-user', m.RegisterUserRequest, m.UserReply),
  logIn: rpc('store.log-in', m.LogInRequest, m.SessionReply),
  logInOidc: rpc('store.log-in-oidc', m.LogInOidcRequest, m.SessionReply),
  refreshSession: rpc('store.refresh-session', m.RefreshSessionRequest, m.SessionReply),
  logOut: rpc('store.log-out', m.LogOutRequest, m.LogOutReply),
  authenticateToken: rpc('store.authenticate-token', m.AuthenticateTokenRequest, m.AuthenticateTokenReply),
  issueRunKey: rpc('store.issue-run-key', m.IssueRunKeyRequest, m.IssueRunKeyReply),
  revokeRunKey: rpc('store.revoke-run-key', m.RevokeRunKeyRequest, m.RevokeRunKeyReply),
  getUser: rpc('store.get-user', m.GetUserRequest, m.UserReply),
  listUsers: rpc('store.list-users', m.ListUsersRequest, m.ListUsersReply),
  changeUser: rpc('store.change-user', m.ChangeUserRequest, m.UserReply),
  removeUser: rpc('store.remove-user', m.RemoveUserRequest, m.RemoveUserReply),
  createKey: rpc('store.create-key', m.CreateKeyRequest, m.CreateKeyReply),
  listKeys: rpc('store.list-keys', m.ListKeysRequest, m.ListKeysReply),
  revokeKey: rpc('store.revoke-key', m.RevokeKeyRequest, m.RevokeKeyReply),
  addPool: rpc('store.add-pool', m.AddPoolRequest, m.PoolReply),
  listPools: rpc('store.list-pools', m.ListPoolsRequest, m.ListPoolsReply),
  createSweep: rpc('store.create-sweep', m.CreateSweepRequest, m.SweepReply),
  getSweep: rpc('store.get-sweep', m.GetSweepRequest, m.SweepReply),
  listSweeps: rpc('store.list-sweeps', m.ListSweepsRequest, m.ListSweepsReply),
  deleteSweep: rpc('store.delete-sweep', m.DeleteSweepRequest, m.DeleteSweepReply),
  createWorkflow: rpc('store.create-workflow', m.CreateWorkflowRequest, m.WorkflowReply),
  getWorkflow: rpc('store.get-workflow', m.GetWorkflowRequest, m.WorkflowReply),
  listWorkflows: rpc('store.list-workflows', m.ListWorkflowsRequest, m.ListWorkflowsReply),
  deleteRun: rpc('store.delete-run', m.DeleteRunRequest, m.DeleteRunReply),
  changeRun: rpc('store.change-run', m.ChangeRunRequest, m.GetRunReply),
  setRetention: rpc('store.set-retention', m.SetRetentionRequest, m.RetentionReply),
  getRetention: rpc('store.get-retention', m.GetRetentionRequest, m.RetentionReply),
  listAllRuns: rpc('store.list-all-runs', m.ListAllRunsRequest, m.ListAllRunsReply),
  listAllShards: rpc('store.list-all-shards', m.ListAllShardsRequest, m.ListAllShardsReply),
  removeShard: rpc('store.remove-shard', m.RemoveShardRequest, m.RemoveShardReply),
  listAudit: rpc('store.list-audit', m.ListAuditRequest, m.ListAuditReply),
  verifyAudit: rpc('store.verify-audit', m.VerifyAuditRequest, m.VerifyAuditReply),
  claimShard: rpc('store.claim-shard', m.ClaimShardRequest, m.ClaimShardReply),
  updateShards: rpc('store.update-shards', m.UpdateShardsRequest, m.UpdateShardsReply),
  enterState: rpc('store.enter-state', m.EnterStateRequest, m.EnterStateReply),
  putResults: rpc('store.put-results', m.PutResultsRequest, m.PutResultsReply),
  appendLog: rpc('store.append-log', m.AppendLogRequest, m.AppendLogReply),
  readLogs: rpc('store.read-logs', m.ReadLogsRequest, m.ReadLogsReply),
  listPages: rpc('store.list-pages', m.ListPagesRequest, m.ListPagesReply),
  readPage: rpc('store.read-page', m.ReadPageRequest, m.ReadPageReply),
  createProject: rpc('store.create-project', m.CreateProjectRequest, m.ProjectReply),
  listProjects: rpc('store.list-projects', m.ListProjectsRequest, m.ListProjectsReply),
  getProject: rpc('store.get-project', m.GetProjectRequest, m.ProjectReply),
  listMembers: rpc('store.list-members', m.ListMembersRequest, m.ListMembersReply),
  setMember: rpc('store.set-member', m.SetMemberRequest, m.ListMembersReply),
  createDataset: rpc('store.create-dataset', m.CreateDatasetRequest, m.DatasetReply),
  listDatasets: rpc('store.list-datasets', m.ListDatasetsRequest, m.ListDatasetsReply),
  getDataset: rpc('store.get-dataset', m.GetDatasetRequest, m.DatasetReply),
  setPointSchema: rpc('store.set-point-schema', m.SetPointSchemaRequest, m.DatasetReply),
  createDatapoint: rpc('store.create-datapoint', m.CreateDatapointRequest, m.DatapointReply),
  listDatapoints: rpc('store.list-datapoints', m.ListDatapointsRequest, m.ListDatapointsReply),
  getDatapoint: rpc('store.get-datapoint', m.GetDatapointRequest, m.DatapointReply),
  readData: rpc('store.read-data', m.ReadDataRequest, m.DataReply),
  patchData: rpc('store.patch-data', m.PatchDataRequest, m.DataReply),
  deleteTree: rpc('store.delete-tree', m.DeleteTreeRequest, m.DeleteTreeReply),
  resolvePath: rpc('store.resolve-path', m.ResolvePathRequest, m.ResolvePathReply),
  readTree: rpc('store.read-tree', m.ReadTreeRequest, m.ReadTreeReply),
  beginUpload: rpc('store.begin-upload', m.BeginUploadRequest, m.BeginUploadReply),
  appendUpload: rpc('store.append-upload', m.AppendUploadRequest, m.AppendUploadReply),
  commitUpload: rpc('store.commit-upload', m.CommitUploadRequest, m.CommitUploadReply),
  listFiles: rpc('store.list-files', m.ListFilesRequest, m.ListFilesReply),
  findFile: rpc('store.find-file', m.FindFileRequest, m.FindFileReply),
  readFilePart: rpc('store.read-file-part', m.ReadFilePartRequest, m.ReadFilePartReply),
  putRecipe: rpc('store.put-recipe', m.PutRecipeRequest, m.RecipeReply),
  getRecipe: rpc('store.get-recipe', m.GetRecipeRequest, m.RecipeReply),
  listRecipes: rpc('store.list-recipes', m.ListRecipesRequest, m.ListRecipesReply),
  getGeneralConfig: rpc('store.get-general-config', m.GetConfigRequest, m.GeneralConfig),
  getExecConfig: rpc('store.get-exec-config', m.GetConfigRequest, m.ExecConfig),
  listRecords: rpc('store.list-records', m.ListRecordsRequest, m.ListRecordsReply),
  getLatest: rpc('store.get-latest', m.GetLatestRequest, m.GetLatestReply),
  setValidity: rpc('store.set-validity', m.SetValidityRequest, m.SetValidityReply),
  listValidity: rpc('store.list-validity', m.ListValidityRequest, m.ListValidityReply),
  getLineage: rpc('store.get-lineage', m.GetLineageRequest, m.GetLineageReply),
  putRecord: rpc('store.put-record', m.PutRecordRequest, m.PutRecordReply),
  listRejected: rpc('store.list-rejected', m.ListRejectedRequest, m.ListRejectedReply),
  setDeviceSchema: rpc('store.set-device-schema', m.SetDeviceSchemaRequest, m.SetDeviceSchemaReply),
  lease: hostRpc('store.lease', m.LeaseRequest, m.LeaseReply),
  claim: hostRpc('store.claim', m.ClaimRequest, m.ClaimReply),
  watermark: hostRpc('store.watermark', m.WatermarkRequest, m.WatermarkReply),
} as const

/** Asked of the compiler. */
export const compiler = {
  compile: rpc('compiler.compile', m.CompileRequest, m.CompileReply),
} as const

/** Kept in streams. */
export const feeds = {
  /** run-store -> the executor of a host. */
  runCommand: feed<m.RunCommand, [host: string, deviceId: string]>('command', 'cmd', m.RunCommand),
  /** executor -> run-store: everything about an attempt, under one sequence. */
  journal: feed<m.JournalBatch, [host: string, deviceId: string, runId: string]>('journal', 'jrn', m.JournalBatch),
  /** scanner -> run-store. */
  activeDevices: feed<m.ActiveDeviceList, [scanner: string]>('device', 'dev', m.ActiveDeviceList),
} as const

/** Not kept. */
export const broadcasts = {
  /** run-store -> gateways: what is new in a run, for live viewers. */
  view: broadcast<m.ViewFrame, [runId: string]>('view', m.ViewFrame),
  /** run-store -> executor: stop an attempt now. */
  cancelNudge: broadcast<m.CancelNudge, [host: string]>('ctl', m.CancelNudge),
} as const

/** Where a message goes that no handler can use. */
export function deadLetterSubject(subject: string): string {
  return `${ROOT}.dlq.${subject}`
}

/** Where a service probes whether streams take messages. */
export function healthSubject(service: string): string {
  return `${ROOT}.health.${token(service)}`
}

/** Checks that a text can be one token of a subject. */
export function token(text: string): string {
  if (!/^[A-Za-z0-9_:-]{1,64}$/.test(text)) {
    throw new Problem(
      'invalid-request',
      `"${text.slice(0, 80)}" cannot be part of a subject: use 1 to 64 letters, digits, "-", "_" or ":".`,
    )
  }
  return text
}

function rpc<Request, Reply>(
  name: string,
  request: MessageType<Request>,
  reply: MessageType<Reply>,
): Rpc<Request, Reply> {
  return { kind: 'rpc', subject: `${ROOT}.rpc.${name}`, perHost: false, request, reply }
}

function hostRpc<Request, Reply>(
  name: string,
  request: MessageType<Request>,
  reply: MessageType<Reply>,
): Rpc<Request, Reply> {
  return { ...rpc(name, request, reply), perHost: true }
}

function feed<M, Address extends readonly string[]>(
  stream: StreamKey,
  prefix: string,
  message: MessageType<M>,
): Feed<M, Address> {
  const base = `${ROOT}.${prefix}`
  return {
    kind: 'feed',
    stream,
    message,
    filter: (...leading) => [base, ...leading.map(token), '>'].join('.'),
    subject: (...address) => [base, ...address.map(token)].join('.'),
  }
}

function broadcast<M, Address extends readonly string[]>(
  prefix: string,
  message: MessageType<M>,
): Broadcast<M, Address> {
  const base = `${ROOT}.${prefix}`
  return {
    kind: 'broadcast',
    message,
    pattern: `${base}.>`,
    subject: (...address) => [base, ...address.map(token)].join('.'),
  }
}
