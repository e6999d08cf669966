import { Module, type DynamicModule } from '@nestjs/common'
import { MessagingModule, type Bus } from '@lucihub/messaging'
import type { Service } from '@lucihub/service-kit'
import { CompilePool } from './compile-pool.ts'
import { CompilerController } from './compiler.controller.ts'
import { COMPILER_CONFIG, type CompilerConfig } from './config.ts'

@Module({ controllers: [CompilerController], providers: [CompilePool] })
export class CompilerModule {
  static of(bus: Bus, config: CompilerConfig): DynamicModule {
    return {
      module: CompilerModule,
      imports: [MessagingModule.of(bus)],
      providers: [{ provide: COMPILER_CONFIG, useValue: config }],
    }
  }
}

export function compilerService(config: CompilerConfig): Service {
  return { name: 'compiler', config, module: (bus) => CompilerModule.of(bus, config) }
}
