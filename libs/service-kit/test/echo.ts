/** A small service to start in specs: answers `compiler.compile`, slowly when asked to. */
import { Controller, Module, type DynamicModule } from '@nestjs/common'
import { compiler, type CompileReply, type CompileRequest } from '@lucihub/contracts'
import { Answer, MessagingModule, type Bus } from '@lucihub/messaging'
import { Health, type Service, type ServiceConfig } from '@lucihub/service-kit'

/** Set to false to make the service not ready. */
export const world = { fine: true }

@Controller()
class EchoController {
  constructor(health: Health) {
    health.register('world', () => Promise.resolve(world.fine))
  }

  @Answer(compiler.compile)
  async compile({ source, k0 }: CompileRequest): Promise<CompileReply> {
    await new Promise((resolve) => setTimeout(resolve, k0))
    return { diagnostics: [{ code: 'ECHO', severity: 3, message: source, hint: '' }] }
  }
}

@Module({})
class EchoModule {
  static of(bus: Bus): DynamicModule {
    return { module: EchoModule, imports: [MessagingModule.of(bus)], controllers: [EchoController] }
  }
}

export function echo(config: ServiceConfig): Service {
  return { name: 'echo', config, module: (bus) => EchoModule.of(bus) }
}
