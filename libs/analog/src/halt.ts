/**
 * What ends OP before its time. Who evaluates a condition sees either the circuit itself (the simulation, between
 * any two instants) or the stream of samples (whoever reads a machine, from sample to sample); both mean the same.
 */
import type { Violation } from './problem.ts'

export const CROSSING_DIRECTIONS = ['rising', 'falling', 'either'] as const
export type CrossingDirection = (typeof CROSSING_DIRECTIONS)[number]

/** A channel passes a level. Standing beyond it at the start of OP is no crossing. */
export interface ThresholdCondition {
  readonly kind: 'threshold'
  /** Index of the probe. */
  readonly channel: number
  /** Physical value: machine value * gain + offset of the channel. */
  readonly level: number
  readonly direction: CrossingDirection
}

/**
 * Nothing moves any more: no derivative is larger than `slopeMax` for `durationNs` on end. The simulation looks at all
 * integrators, a reader of samples at all channels.
 */
export interface SteadyStateCondition {
  readonly kind: 'steadyState'
  /** Machine units per second of op time. */
  readonly slopeMax: number
  readonly durationNs: number
}

export type HaltCondition =
  | { readonly kind: 'overload' }
  | ThresholdCondition
  | SteadyStateCondition
  /** So much time has passed since OP began, on the clock of whoever watches: a simulation may take longer than what it computes. */
  | { readonly kind: 'wallClock'; readonly limitMs: number }

/** Conditions of one run. */
export const HALT_CONDITIONS_MAX = 16

/** Whether a value that went from `before` to `after` has passed the level; arriving at it counts. */
export function crosses(
  { before, after }: { readonly before: number; readonly after: number },
  { level, direction }: Pick<ThresholdCondition, 'level' | 'direction'>,
): boolean {
  return (
    (direction !== 'falling' && before < level && after >= level) ||
    (direction !== 'rising' && before > level && after <= level)
  )
}

/** What the phases OP_END and DONE give as their reason; at most 128 characters. */
export function haltReason(condition: HaltCondition): string {
  switch (condition.kind) {
    case 'overload':
      return 'overload'
    case 'threshold': {
      const { channel, level, direction } = condition
      const verb = direction === 'either' ? 'crossed' : direction === 'rising' ? 'rose to' : 'fell to'
      return `threshold: channel ${channel} ${verb} ${level}`
    }
    case 'steadyState':
      return `steady state: no slope above ${condition.slopeMax} 1/s for ${condition.durationNs} ns`
    case 'wallClock':
      return `wall clock: ${condition.limitMs} ms have passed`
    default: {
      const unknown: never = condition
      throw new Error(`no such halt condition: ${JSON.stringify(unknown)}`)
    }
  }
}

/** The reason of a run that a condition ended. */
export function haltedBy(condition: HaltCondition): string {
  return `halted: ${haltReason(condition)}`
}

/** Every condition that could never be met, or that asks for what the run does not have. Pointers begin at `at`. */
export function haltViolations(
  conditions: readonly HaltCondition[],
  channels: number,
  at = '/haltConditions',
): Violation[] {
  const violations: Violation[] = []
  const expect = (valid: boolean, pointer: string, value: number, remedy: string): void => {
    if (!valid) violations.push({ pointer, value: String(value), message: 'is out of range', remedy })
  }
  expect(conditions.length <= HALT_CONDITIONS_MAX, at, conditions.length, `use at most ${HALT_CONDITIONS_MAX}`)
  conditions.forEach((condition, index) => {
    switch (condition.kind) {
      case 'overload':
        return
      case 'threshold': {
        const { channel, level } = condition
        const known = Number.isInteger(channel) && channel >= 0 && channel < channels
        const remedy = channels > 0 ? `use 0..${channels - 1}` : 'probe a signal'
        expect(known, `${at}/${index}/channel`, channel, remedy)
        return expect(Number.isFinite(level), `${at}/${index}/level`, level, 'use a finite number')
      }
      case 'steadyState':
        expect(isPositive(condition.slopeMax), `${at}/${index}/slopeMax`, condition.slopeMax, 'use a number above 0')
        return expect(
          Number.isFinite(condition.durationNs) && condition.durationNs >= 0,
          `${at}/${index}/durationNs`,
          condition.durationNs,
          'use a number from 0 on',
        )
      case 'wallClock':
        return expect(
          isPositive(condition.limitMs),
          `${at}/${index}/limitMs`,
          condition.limitMs,
          'use a number above 0',
        )
      default: {
        const unknown: never = condition
        throw new Error(`no such halt condition: ${JSON.stringify(unknown)}`)
      }
    }
  })
  return violations
}

function isPositive(value: number): boolean {
  return Number.isFinite(value) && value > 0
}
