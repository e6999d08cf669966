/** Everything the module is made of: what hears the bus, and what that stands on. */
import { CampaignsHandler } from './campaigns/campaigns.handler.ts'
import { SweepRepository } from './campaigns/sweep-repository.ts'
import { WorkflowRepository } from './campaigns/workflow-repository.ts'
import { WorkflowRunner } from './campaigns/workflow-runner.ts'
import { LifecycleHandler } from './lifecycle/lifecycle.handler.ts'
import { Overview } from './lifecycle/overview.ts'
import { Removal } from './lifecycle/removal.ts'
import { Retention } from './lifecycle/retention.ts'
import { RunChanges } from './lifecycle/run-changes.ts'
import { DeviceApprovals } from './devices/approvals.ts'
import { DeviceRepository } from './devices/device-repository.ts'
import { DevicesHandler } from './devices/devices.handler.ts'
import { AttemptReaper } from './execution/attempt-reaper.ts'
import { Dispatcher } from './execution/dispatcher.ts'
import { LeasesHandler } from './execution/leases.handler.ts'
import { Reconciler } from './execution/reconciler.ts'
import { StreamSweeper } from './execution/stream-sweeper.ts'
import { DatabaseHealth } from './database/database-health.ts'
import { EventReader } from './journal/event-reader.ts'
import { EventsHandler } from './journal/events.handler.ts'
import { JournalHandler } from './journal/journal.handler.ts'
import { JournalWriter } from './journal/journal-writer.ts'
import { KeyRepository } from './keys/key-repository.ts'
import { KeysHandler } from './keys/keys.handler.ts'
import { Pepper } from './keys/pepper.ts'
import { MeasurementsHandler } from './measurements/measurements.handler.ts'
import { PageRepository } from './measurements/page-repository.ts'
import { ResultSources } from './measurements/result-source.ts'
import { AuditHandler } from './people/audit.handler.ts'
import { PoolRepository } from './people/pool-repository.ts'
import { PoolsHandler } from './people/pools.handler.ts'
import { RunKeys } from './people/run-keys.ts'
import { RunKeysHandler } from './people/run-keys.handler.ts'
import { Sessions } from './people/sessions.ts'
import { SessionsHandler } from './people/sessions.handler.ts'
import { TokenSigner } from './people/token-signer.ts'
import { UserRepository } from './people/user-repository.ts'
import { UsersHandler } from './people/users.handler.ts'
import { Configurations } from './records/configurations.ts'
import { Findings } from './records/findings.ts'
import { Lineage } from './records/lineage.ts'
import { Preparation } from './records/preparation.ts'
import { RecipeRepository } from './records/recipe-repository.ts'
import { RecipesHandler } from './records/recipes.handler.ts'
import { RecordTable } from './records/record-table.ts'
import { LatestHandler, RecordsHandler } from './records/records.handler.ts'
import { Rejections } from './records/rejections.ts'
import { ResultRecord } from './records/result-record.ts'
import { Validity } from './records/validity.ts'
import { RunRepository } from './runs/run-repository.ts'
import { RunsHandler, SubmitHandler } from './runs/runs.handler.ts'
import { BlobSweeper } from './files/blob-sweeper.ts'
import { FileOwners } from './files/file-owner.ts'
import { FileRepository } from './files/file-repository.ts'
import { FilesHandler } from './files/files.handler.ts'
import { Uploads } from './files/uploads.ts'
import { DatapointRepository } from './tree/datapoint-repository.ts'
import { DatasetRepository } from './tree/dataset-repository.ts'
import { Deletion } from './tree/deletion.ts'
import { NodeData } from './tree/node-data.ts'
import { NodesHandler } from './tree/nodes.handler.ts'
import { Paths } from './tree/paths.ts'
import { Deadlines } from './shards/deadlines.ts'
import { DeviceMerge } from './shards/device-merge.ts'
import { HotProgress } from './shards/hot-progress.ts'
import { Merger } from './shards/merger.ts'
import { ResultRepository } from './shards/result-repository.ts'
import { ResultsHandler } from './shards/results.handler.ts'
import { ShardUpdates } from './shards/shard-updates.ts'
import { HandInHandler, WorkersHandler } from './shards/workers.handler.ts'
import { Places } from './tree/places.ts'
import { ProjectRepository } from './tree/project-repository.ts'
import { TreeHandler } from './tree/tree.handler.ts'
import { HotView } from './view/hot-view.ts'

export const HANDLERS = [
  CampaignsHandler,
  LifecycleHandler,
  SubmitHandler,
  RunsHandler,
  LeasesHandler,
  JournalHandler,
  EventsHandler,
  MeasurementsHandler,
  WorkersHandler,
  HandInHandler,
  ResultsHandler,
  DevicesHandler,
  KeysHandler,
  UsersHandler,
  SessionsHandler,
  RunKeysHandler,
  PoolsHandler,
  AuditHandler,
  TreeHandler,
  NodesHandler,
  FilesHandler,
  RecipesHandler,
  RecordsHandler,
  LatestHandler,
]

export const PROVIDERS = [
  SweepRepository,
  WorkflowRepository,
  WorkflowRunner,
  Removal,
  Retention,
  RunChanges,
  Overview,
  HotProgress,
  ShardUpdates,
  ResultRepository,
  DeviceMerge,
  Merger,
  Deadlines,
  RunRepository,
  Places,
  ProjectRepository,
  DatasetRepository,
  DatapointRepository,
  NodeData,
  Paths,
  Deletion,
  FileOwners,
  Uploads,
  FileRepository,
  BlobSweeper,
  DeviceRepository,
  DeviceApprovals,
  Pepper,
  KeyRepository,
  UserRepository,
  TokenSigner,
  Sessions,
  RunKeys,
  PoolRepository,
  ResultSources,
  PageRepository,
  EventReader,
  JournalWriter,
  Dispatcher,
  AttemptReaper,
  StreamSweeper,
  Reconciler,
  HotView,
  DatabaseHealth,
  Configurations,
  RecipeRepository,
  Findings,
  Preparation,
  Lineage,
  Validity,
  RecordTable,
  ResultRecord,
  Rejections,
]
