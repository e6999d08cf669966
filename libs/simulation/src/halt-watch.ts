/**
 * Halt conditions on a solution, located by its continuous extension: a crossing between two looks is bisected, and
 * steady state is a stretch of steps in which no derivative exceeds its bound. The clock is the caller's.
 */
import { crosses, type HaltCondition, type SteadyStateCondition, type ThresholdCondition } from '@lucihub/analog'
import type { CircuitModel } from './circuit.ts'
import type { DormandPrince } from './dormand-prince.ts'

/** Looks per step: an excursion beyond a level and back is seen unless it is shorter than their distance. */
const LOOKS_PER_STEP = 4
/** Halvings when a crossing is located: a step over 2^40 is below the resolution of a sample's time. */
const BISECTIONS = 40

/** A condition that was met, and when, in s of op time. */
export interface Halt {
  readonly t: number
  readonly condition: HaltCondition
}

export interface HaltWatch {
  /** What the last step met first, or null. */
  afterStep(): Halt | null
}

/** Physical = machine * gain + offset, by channel. */
export interface Calibration {
  readonly gain: number
  readonly offset: number
}

/** Watches thresholds and steady state; other conditions are others' to watch. Null when there is nothing to watch. */
export function haltWatch(
  conditions: readonly HaltCondition[],
  {
    model,
    solution,
    channels,
  }: { readonly model: CircuitModel; readonly solution: DormandPrince; readonly channels: readonly Calibration[] },
): HaltWatch | null {
  const watches = conditions.flatMap((condition): HaltWatch[] => {
    switch (condition.kind) {
      case 'threshold':
        return [thresholdWatch(condition, { model, solution, channels })]
      case 'steadyState':
        return [steadyWatch(condition, { model, solution })]
      case 'overload':
      case 'wallClock':
        return []
      default: {
        const unknown: never = condition
        throw new Error(`no such halt condition: ${JSON.stringify(unknown)}`)
      }
    }
  })
  if (watches.length === 0) return null
  return {
    afterStep: () =>
      watches
        .flatMap((watch) => watch.afterStep() ?? [])
        .reduce<Halt | null>((first, halt) => (first && first.t <= halt.t ? first : halt), null),
  }
}

function thresholdWatch(
  condition: ThresholdCondition,
  { model, solution, channels }: { model: CircuitModel; solution: DormandPrince; channels: readonly Calibration[] },
): HaltWatch {
  const { channel } = condition
  const { gain, offset } = channels[channel] ?? { gain: 1, offset: 0 }
  const state = new Float64Array(model.dimension)
  const sampled = new Float64Array(model.probes.length)
  const valueAt = (t: number): number => {
    solution.interpolate(t, state)
    model.sampled(state, sampled, t)
    return (sampled[channel] ?? NaN) * gain + offset
  }
  let before = valueAt(0)
  return {
    afterStep() {
      const { tStart, t } = solution
      const span = (t - tStart) / LOOKS_PER_STEP
      for (let look = 1; look <= LOOKS_PER_STEP; look++) {
        const at = look === LOOKS_PER_STEP ? t : tStart + look * span
        const after = valueAt(at)
        if (crosses({ before, after }, condition)) {
          let [low, high] = [tStart + (look - 1) * span, at]
          for (let i = 0; i < BISECTIONS; i++) {
            const middle = (low + high) / 2
            if (crosses({ before, after: valueAt(middle) }, condition)) high = middle
            else low = middle
          }
          return { t: high, condition }
        }
        before = after
      }
      return null
    },
  }
}

/** Looks at the derivatives of all integrators in use at both ends and within each step. */
function steadyWatch(
  condition: SteadyStateCondition,
  { model, solution }: { model: CircuitModel; solution: DormandPrince },
): HaltWatch {
  const { slopeMax, durationNs } = condition
  const duration = durationNs / 1e9
  const state = new Float64Array(model.dimension)
  const slope = new Float64Array(model.dimension)
  const isSteady = (t: number): boolean => {
    solution.interpolate(t, state)
    model.rhs(t, state, slope)
    for (let i = 0; i < slope.length; i++) if (!(Math.abs(slope[i] ?? NaN) <= slopeMax)) return false
    return true
  }
  /** The instant between a moving and a steady one from which on nothing moves. */
  const settled = (moving: number, steady: number): number => {
    let [low, high] = [moving, steady]
    for (let i = 0; i < BISECTIONS; i++) {
      const middle = (low + high) / 2
      if (isSteady(middle)) high = middle
      else low = middle
    }
    return high
  }
  let since = isSteady(0) ? 0 : null
  return {
    afterStep() {
      const { tStart, t } = solution
      const span = (t - tStart) / LOOKS_PER_STEP
      for (let look = 1; look <= LOOKS_PER_STEP; look++) {
        const at = look === LOOKS_PER_STEP ? t : tStart + look * span
        if (!isSteady(at)) since = null
        else since ??= settled(tStart + (look - 1) * span, at)
        if (since !== null && at - since >= duration) return { t: Math.max(tStart, since + duration), condition }
      }
      return null
    },
  }
}
