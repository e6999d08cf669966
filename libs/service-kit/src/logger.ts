import type { LoggerService } from '@nestjs/common'
import { pino, type DestinationStream, type Logger } from 'pino'

export interface LoggerOptions {
  /** Service name, on every line. */
  readonly name: string
  readonly level: string
}

/**
 * JSON lines on stdout, one per event: `{"level":"info","time":…,"service":…,"context":…,"msg":…}`. Classes
 * use Nest's `new Logger('Context')`, which ends here. Lines are written at once, so a crash loses none.
 */
export class ServiceLogger implements LoggerService {
  private readonly pino: Logger

  constructor(
    { name, level }: LoggerOptions,
    destination: DestinationStream = pino.destination({ fd: 1, sync: true }),
  ) {
    this.pino = pino(
      { level, base: { service: name }, formatters: { level: (label) => ({ level: label }) } },
      destination,
    )
  }

  log(message: unknown, ...rest: unknown[]): void {
    this.write('info', message, rest)
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest)
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest)
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest)
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest)
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest)
  }

  /** Nest passes the context last and, for errors, a stack before it. */
  private write(
    level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal',
    message: unknown,
    rest: readonly unknown[],
  ): void {
    const context = rest.at(-1)
    const more = rest.slice(0, -1).filter((extra) => extra !== undefined)
    this.pino[level](
      {
        ...(context !== undefined && { context }),
        ...(more.length > 0 && { more }),
        ...(message instanceof Error && { err: message }),
        ...(typeof message === 'object' && message !== null && !(message instanceof Error) && { details: message }),
      },
      typeof message === 'object' && message !== null && !(message instanceof Error)
        ? ''
        : String(message instanceof Error ? message.message : message),
    )
  }
}
