/**
 * What becomes of a message whose handler threw: the one place that decides. Three kinds of failure:
 * the world's (a database is away: retried for ever, never the message's fault), the message's own (it
 * will never work: dead-lettered at once), and unknown ones (perhaps our mistake: tried a while, then
 * dead-lettered, so that one message cannot hold up its stream).
 */
import { Problem } from '@lucihub/analog'

export type Decision =
  { readonly kind: 'retry'; readonly afterMs: number } | { readonly kind: 'dead-letter'; readonly reason: string }

/** `transient`: the world's fault. `poison`: the message's. `unknown`: cannot be told. */
export type Cause = 'transient' | 'poison' | 'unknown'

/** Deliveries after which an unknown failure is taken for the message's own. */
export const MAX_UNKNOWN_FAILURES = 20
const RETRY_MIN_MS = 100
const RETRY_MAX_MS = 5_000

/** `deliveries` counts this one: 1 at the first failure. */
export function decide(thrown: unknown, deliveries: number): Decision {
  const cause = causeOf(thrown)
  if (cause === 'poison' || (cause === 'unknown' && deliveries >= MAX_UNKNOWN_FAILURES)) {
    return { kind: 'dead-letter', reason: reasonOf(thrown) }
  }
  return { kind: 'retry', afterMs: retryDelayMs(deliveries) }
}

/** Doubles with every delivery: 100 ms, 200 ms, ... 5 s. */
export function retryDelayMs(deliveries: number): number {
  return Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(deliveries - 1, 10))
}

/** Looks through `cause` and what drivers wrap (`driverError`), outermost first. */
export function causeOf(thrown: unknown): Cause {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; error = inner(error), depth++) {
    if (error instanceof Problem && error.type !== 'internal') return error.retryable ? 'transient' : 'poison'
    const cause = byCode(codeOf(error)) ?? (LOST_CONNECTION.test(error.message) ? 'transient' : null)
    if (cause) return cause
  }
  return 'unknown'
}

/** System errors of connections and full disks. */
const SYSTEM_ERRORS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOSPC',
  'EMFILE',
  'ENFILE',
])
/** SQLSTATE classes: connection, transaction rolled back, resources, object in use, operator intervention, system error. */
const TRANSIENT_SQL = /^(08|40|53|55|57|58)[0-9A-Z]{3}$/
/** Data exceptions and violated constraints. */
const POISON_SQL = /^(22|23)[0-9A-Z]{3}$/
/** What pg and the NATS client say without a code. */
const LOST_CONNECTION =
  /connection terminated|not queryable|timeout exceeded when trying to connect|closed connection|no responders/i

function byCode(code: string | null): Cause | null {
  if (code === null) return null
  if (SYSTEM_ERRORS.has(code) || TRANSIENT_SQL.test(code)) return 'transient'
  return POISON_SQL.test(code) ? 'poison' : null
}

function codeOf(error: Error): string | null {
  return 'code' in error && typeof error.code === 'string' ? error.code : null
}

function inner(error: Error): unknown {
  if ('driverError' in error && error.driverError !== error) return error.driverError
  return error instanceof AggregateError ? error.errors[0] : error.cause
}

function reasonOf(thrown: unknown): string {
  if (thrown instanceof Problem) return `${thrown.type}: ${thrown.message}`
  return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)
}
