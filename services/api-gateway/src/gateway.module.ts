import { Module, type DynamicModule } from '@nestjs/common'
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core'
import { MessagingModule, type Bus } from '@lucihub/messaging'
import { AccessGuard } from './access/access.guard.ts'
import { CredentialCheck } from './access/credential-check.ts'
import { RateLimits } from './access/rate-limits.ts'
import { ComparisonsController } from './comparisons/comparisons.controller.ts'
import { CircuitsController } from './circuits/circuits.controller.ts'
import { CONFIG } from './config-token.ts'
import type { GatewayConfig } from './config.ts'
import { DatapointsController } from './datapoints/datapoints.controller.ts'
import { DatasetsController } from './datasets/datasets.controller.ts'
import { DevicesController } from './devices/devices.controller.ts'
import { EventStreams } from './events/event-streams.ts'
import { EventsController } from './events/events.controller.ts'
import { FILES_CONTROLLERS } from './files/files.controller.ts'
import { ProblemFilter } from './http/problem.filter.ts'
import { SchemaPipe } from './http/schema.pipe.ts'
import { AuditController } from './people/audit.controller.ts'
import { AuthController } from './people/auth.controller.ts'
import { KeysController } from './people/keys.controller.ts'
import { PoolsController } from './people/pools.controller.ts'
import { UsersController } from './people/users.controller.ts'
import { MembersController } from './projects/members.controller.ts'
import { ProjectsController } from './projects/projects.controller.ts'
import { PagesController } from './results/pages.controller.ts'
import { ResultsController } from './results/results.controller.ts'
import { CompileController } from './runs/compile.controller.ts'
import { RunsController } from './runs/runs.controller.ts'
import { SystemController } from './system/system.controller.ts'
import { ShardBatches } from './worker/shard-batches.ts'
import { WorkerController } from './worker/worker.controller.ts'

@Module({
  controllers: [
    RunsController,
    CompileController,
    CircuitsController,
    EventsController,
    ResultsController,
    PagesController,
    WorkerController,
    ComparisonsController,
    DevicesController,
    SystemController,
    ProjectsController,
    MembersController,
    DatasetsController,
    DatapointsController,
    ...FILES_CONTROLLERS,
    AuthController,
    UsersController,
    KeysController,
    PoolsController,
    AuditController,
  ],
  providers: [
    CredentialCheck,
    RateLimits,
    EventStreams,
    ShardBatches,
    { provide: APP_GUARD, useClass: AccessGuard },
    { provide: APP_PIPE, useClass: SchemaPipe },
    { provide: APP_FILTER, useClass: ProblemFilter },
  ],
})
export class GatewayModule {
  static of(bus: Bus, config: GatewayConfig): DynamicModule {
    return {
      module: GatewayModule,
      imports: [MessagingModule.of(bus)],
      providers: [{ provide: CONFIG, useValue: config }],
    }
  }
}
