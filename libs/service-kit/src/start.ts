/**
 * How every service lives: connect, provision, start, serve health, work, drain, stop. The rule of the
 * end: take no more work, let what runs finish within a deadline, then go; what was not finished is
 * delivered again to another process.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Logger, Module, type DynamicModule, type INestApplication, type INestApplicationContext } from '@nestjs/common'
import { NestFactory, type AbstractHttpAdapter } from '@nestjs/core'
import { Bus, JetStreamStrategy } from '@lucihub/messaging'
import { armCrashPoint } from './crash-points.ts'
import { EnvironmentError } from './environment.ts'
import { Health, HealthModule } from './health.ts'
import { serveHealth } from './health-server.ts'
import { ServiceLogger } from './logger.ts'
import { busMetrics } from './metrics.ts'
import type { ServiceConfig } from './service-config.ts'

export interface Service {
  readonly name: string
  readonly config: ServiceConfig
  /** The service's root module; imports `MessagingModule.of(bus)`. */
  module(bus: Bus): DynamicModule
  /** Absent: a microservice whose handlers are decorated methods. Present: an HTTP application without them. */
  readonly http?: {
    readonly adapter: AbstractHttpAdapter
    /** 0 for any free one. */
    readonly port: number
    prepare?(app: INestApplication): Promise<void>
  }
}

export interface RunningService {
  readonly app: INestApplicationContext
  readonly bus: Bus
  readonly healthPort: number
  readonly httpUrl: string | null
  /** Drains and stops. Idempotent. */
  close(): Promise<void>
}

/** sysexits: the configuration is wrong, starting again does not help. */
const EXIT_CONFIG = 78
/** From the signal to the end of the process, at most, ms. */
const CLOSE_DEADLINE_MS = 10_000
const NATS_DEADLINE_MS = 60_000
const PROVISION_PAUSE_MS = 250

@Module({})
class RootModule {}

/**
 * Starts a service; resolves when it works. Given a function, a bad environment in it ends the process with
 * code 78 and one message on stderr. Rejects with a Problem `unavailable` when NATS does not answer within 60 s.
 */
export async function start(given: Service | (() => Service)): Promise<RunningService> {
  const service = typeof given === 'function' ? configured(given) : given
  const { name, config } = service
  const address = config.listenAddress ?? '127.0.0.1'
  const logger = new ServiceLogger({ name, level: config.logLevel })
  Logger.overrideLogger(logger)
  armCrashPoint(config.crashAt ?? '')
  const bus = await Bus.connect({
    url: config.natsUrl,
    name,
    connectTimeoutMs: NATS_DEADLINE_MS,
    ...(config.host !== undefined && { host: config.host }),
  })
  try {
    bus.observer = busMetrics()
    await provision(bus)
    const root: DynamicModule = { module: RootModule, imports: [HealthModule, service.module(bus)] }
    const { app, httpUrl } = service.http
      ? await startHttp(root, service.http, { address, logger })
      : { app: await startMicroservice(root, bus, logger), httpUrl: null }
    const health = app.get(Health)
    health.register('bus', () => bus.healthy())
    return await run({ app, bus, httpUrl, health, service, address })
  } catch (error) {
    await bus.drain()
    throw error
  }
}

/** A connection that breaks in the middle of it is no reason to end. */
async function provision(bus: Bus): Promise<void> {
  const deadline = performance.now() + NATS_DEADLINE_MS
  for (;;) {
    try {
      return await bus.provision()
    } catch (error) {
      if (performance.now() > deadline) throw error
      new Logger('Service').warn(`The streams cannot be made yet: ${String(error)}`)
      await sleep(PROVISION_PAUSE_MS)
    }
  }
}

function configured(make: () => Service): Service {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(EXIT_CONFIG)
  }
}

async function startMicroservice(
  root: DynamicModule,
  bus: Bus,
  logger: ServiceLogger,
): Promise<INestApplicationContext> {
  const app = await NestFactory.createMicroservice(root, {
    strategy: new JetStreamStrategy(bus),
    logger,
    abortOnError: false,
  })
  await app.listen()
  return app
}

interface HttpSurroundings {
  readonly address: string
  readonly logger: ServiceLogger
}

async function startHttp(
  root: DynamicModule,
  http: NonNullable<Service['http']>,
  { address, logger }: HttpSurroundings,
): Promise<{ app: INestApplicationContext; httpUrl: string }> {
  const app = await NestFactory.create(root, http.adapter, { logger, abortOnError: false })
  await http.prepare?.(app)
  await app.listen(http.port, address)
  return { app, httpUrl: await app.getUrl() }
}

interface Started {
  readonly app: INestApplicationContext
  readonly bus: Bus
  readonly httpUrl: string | null
  readonly health: Health
  readonly service: Service
  readonly address: string
}

async function run({ app, bus, httpUrl, health, service, address }: Started): Promise<RunningService> {
  const log = new Logger('Service')
  let closing: Promise<void> | null = null
  const healthServer = await serveHealth({
    port: service.config.healthPort,
    address,
    health,
    open: () => closing === null,
  })
  const close = async (): Promise<void> => {
    forget()
    await app.close()
    await bus.drain()
    await healthServer.close()
    log.log('stopped')
  }
  const forget = listenToProcess({
    log,
    close: () => (closing ??= close()),
  })
  log.log(
    `${service.name} works${httpUrl === null ? '' : ` at ${httpUrl}`}; health at http://${address}:${healthServer.port}/health/ready`,
  )
  return { app, bus, httpUrl, healthPort: healthServer.port, close: () => (closing ??= close()) }
}

/** Ends the process on signals and on errors that nobody caught. Returns the function that lets go of it. */
function listenToProcess({ log, close }: { readonly log: Logger; close(): Promise<void> }): () => void {
  const stop = (signal: NodeJS.Signals): void => {
    log.log(`${signal}: finishing what runs`)
    const late = setTimeout(() => {
      log.error(`not finished after ${CLOSE_DEADLINE_MS} ms`)
      process.exit(1)
    }, CLOSE_DEADLINE_MS)
    close().then(
      () => {
        clearTimeout(late)
        process.exit(0)
      },
      (error: unknown) => {
        log.error(error)
        process.exit(1)
      },
    )
  }
  const crash = (error: unknown): void => {
    log.fatal(error)
    process.exit(1)
  }
  process.on('SIGTERM', stop).on('SIGINT', stop).on('uncaughtException', crash).on('unhandledRejection', crash)
  return () => {
    process.off('SIGTERM', stop).off('SIGINT', stop).off('uncaughtException', crash).off('unhandledRejection', crash)
  }
}
