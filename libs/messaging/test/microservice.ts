/** A real Nest microservice on a real bus: what a spec's handlers run in. */
import { Logger, Module, type INestMicroservice, type Type } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { connect } from '@nats-io/transport-node'
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import { Bus, JetStreamStrategy, MessagingModule } from '@lucihub/messaging'

if (!process.env['SPEC_LOG']) Logger.overrideLogger(false)

export interface Microservice {
  readonly app: INestMicroservice
  readonly bus: Bus
}

/** Connects, provisions, starts these controllers. `app.close()` ends it, bus and all. */
export async function microservice(url: string, controllers: readonly Type[], host?: string): Promise<Microservice> {
  const bus = await Bus.connect({ url, name: 'spec', ...(host !== undefined && { host }) })
  await bus.provision()
  class SpecModule {}
  Module({ imports: [MessagingModule.of(bus)], controllers: [...controllers] })(SpecModule)
  const app = await NestFactory.createMicroservice(SpecModule, {
    strategy: new JetStreamStrategy(bus),
    abortOnError: false,
    logger: false,
  })
  await app.listen()
  return { app, bus }
}

/** Calls with the JetStream API of a server, from outside. */
export async function administer<T>(url: string, work: (manager: JetStreamManager) => Promise<T>): Promise<T> {
  const connection = await connect({ servers: new URL(url).host })
  try {
    return await work(await jetstreamManager(connection))
  } finally {
    await connection.close()
  }
}
