import { Module, type DynamicModule } from '@nestjs/common'
import { MessagingModule, type Bus } from '@lucihub/messaging'
import type { Service } from '@lucihub/service-kit'
import { Bench } from './bench.ts'
import { EXECUTOR_CONFIG, type ExecutorConfig } from './config.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import { RunCommandsController } from './run-commands.controller.ts'

@Module({ controllers: [RunCommandsController], providers: [Bench, LeaseKeeper] })
export class HardwareExecutorModule {
  static of(bus: Bus, config: ExecutorConfig): DynamicModule {
    return {
      module: HardwareExecutorModule,
      imports: [MessagingModule.of(bus)],
      providers: [{ provide: EXECUTOR_CONFIG, useValue: config }],
    }
  }
}

export function hardwareExecutor(config: ExecutorConfig): Service {
  return { name: 'hardware-executor', config, module: (bus) => HardwareExecutorModule.of(bus, config) }
}
