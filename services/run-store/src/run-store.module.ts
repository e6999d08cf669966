import { Module, type DynamicModule } from '@nestjs/common'
import { MessagingModule, type Bus } from '@lucihub/messaging'
import { CONFIG, type RunStoreConfig } from './config.ts'
import { Database } from './database/database.ts'
import { HANDLERS, PROVIDERS } from './parts.ts'
import { HotViewCache } from './view/hot-view-cache.ts'

@Module({})
export class RunStoreModule {
  static of(config: RunStoreConfig, bus: Bus): DynamicModule {
    return {
      module: RunStoreModule,
      imports: [MessagingModule.of(bus)],
      controllers: HANDLERS,
      providers: [
        ...PROVIDERS,
        { provide: CONFIG, useValue: config },
        { provide: Database, useFactory: () => Database.open(config.databaseUrl) },
        { provide: HotViewCache, useFactory: () => new HotViewCache(config.redisUrl) },
      ],
    }
  }
}
