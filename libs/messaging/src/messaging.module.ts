import { Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common'
import { Bus } from './bus.ts'

/** Makes the bus injectable by its class, and drains it as the last act of the application. */
@Module({})
export class MessagingModule implements OnApplicationShutdown {
  constructor(private readonly bus: Bus) {}

  static of(bus: Bus): DynamicModule {
    return { module: MessagingModule, providers: [{ provide: Bus, useValue: bus }], exports: [Bus] }
  }

  onApplicationShutdown(): Promise<void> {
    return this.bus.drain()
  }
}
